"""Content is compressed before it is encrypted: evaluations shrink to a quarter, and with them the write-ahead log.

Zstandard frames (RFC 8878) of level 1 with the content's size in the header. Compression before encryption tells an
observer nothing here, since nobody can mix chosen text into another's chart and see the length.
"""

import threading

import zstandard

_MOST_BYTES = 256 * 1024 * 1024


class _Contexts(threading.local):
    """A context of each kind for each thread: two threads in one would damage each other's bytes."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=1)
        self.decompressor = zstandard.ZstdDecompressor()


_contexts = _Contexts()


def pack(content: bytes) -> bytes:
    """Compresses."""
    return _contexts.compressor.compress(content)


def unpack(packed: bytes) -> bytes:
    """Decompresses.

    Raises:
        zstandard.ZstdError: the bytes are no frame, or one of more than 256 MB.
    """
    if zstandard.frame_content_size(packed) > _MOST_BYTES:
        raise zstandard.ZstdError("The frame is larger than any content that was stored.")
    return _contexts.decompressor.decompress(packed)
