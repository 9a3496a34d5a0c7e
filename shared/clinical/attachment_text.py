"""Text of a chart document, for the formats that charts come in.

What cannot be read is flagged and left to a person; it is never guessed at, and nothing here raises on any input.
"""

import re
from typing import Final

from shared.clinical.markup_text import cda_text, html_text
from shared.clinical.pdf_text import pdf_text
from shared.clinical.rtf_text import rtf_text

MAX_TEXT: Final = 5 * 1024 * 1024
"""Characters. No chart note is that long, and what is cannot be read within the flow."""
MAX_BYTES: Final = 50 * 1024 * 1024

EMPTY: Final = "empty"
NO_TEXT: Final = "no-text"
TOO_LARGE: Final = "too-large"
UNSUPPORTED: Final = "unsupported-type"

_PLAIN = frozenset({"text/plain", "text/markdown", "text/csv", "text/tab-separated-values"})
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_CDA = frozenset({"text/xml", "application/xml", "application/hl7-cda+xml", "application/hl7-sda+xml"})
_RTF = frozenset({"application/rtf", "text/rtf"})
_PDF = frozenset({"application/pdf"})
_READABLE = _PLAIN | _HTML | _CDA | _RTF | _PDF

# Only these: Python knows codecs that are no character sets, and some that are slow by design.
_CHARSETS = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "us-ascii": "utf-8-sig",
    "ascii": "utf-8-sig",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "iso-8859-15": "iso8859-15",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "macintosh": "mac-roman",
}
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?([A-Za-z0-9_-]{1,20})""", re.IGNORECASE)
_CONTROLS = {c: " " for c in (*range(0x20), *range(0x7F, 0xA0)) if chr(c) not in "\t\n\r"}
_CONTROL_SHARE = 0.05


def is_readable(content_type: str) -> bool:
    """Whether ``document_text`` can read documents of this media type."""
    return _media_type(content_type) in _READABLE


def document_text(content_type: str, data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of a document and the flags that say why there is none.

    Flags: ``unsupported-type``, ``empty`` (no bytes, or blanks only), ``no-text`` (a PDF of images, or one that cannot
    be opened), ``too-large``. A document with a flag has the text ``""``. Plain text keeps the offsets of its characters:
    a control character becomes one space.
    """
    kind = _media_type(content_type)
    if kind not in _READABLE:
        return "", (UNSUPPORTED,)
    if not data.strip():
        return "", (EMPTY,)
    if len(data) > MAX_BYTES:
        return "", (TOO_LARGE,)
    if kind in _PDF:
        text: str | None = pdf_text(data, MAX_TEXT)
        nothing = NO_TEXT
    else:
        text = _text(kind, content_type, data)
        nothing = EMPTY
    if text is None:
        return "", (UNSUPPORTED,)
    if len(text) > MAX_TEXT:
        return "", (TOO_LARGE,)
    text = text.translate(_CONTROLS)
    return (text, ()) if text.strip() else ("", (nothing,))


def _text(kind: str, content_type: str, data: bytes) -> str | None:
    if kind in _RTF:
        return rtf_text(data)
    head = data[:1024] if kind in _HTML | _CDA else b""
    text = _decoded(data, _charset(content_type, head))
    if kind in _HTML:
        return html_text(text)
    if kind in _CDA:
        return cda_text(text)
    controls = sum(map(text.count, map(chr, range(9)))) + text.count("\ufffd")
    # What is called text and is full of control characters is a binary file under a wrong name.
    return None if controls > max(8, _CONTROL_SHARE * len(text)) or data.startswith((b"%PDF-", b"PK\x03\x04")) else text


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _charset(content_type: str, head: bytes) -> str | None:
    for source in (content_type.partition(";")[2].encode(errors="replace"), head):
        found = _DECLARED.search(source)
        if found is not None and (codec := _CHARSETS.get(found[1].decode().lower())) is not None:
            return codec
    return None


def _decoded(data: bytes, charset: str | None) -> str:
    """By byte order mark, else as declared, else UTF-8, else Windows-1252, which has a character for nearly any byte."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        charset = "utf-16"
    for codec in (charset, "utf-8-sig"):
        if codec is not None:
            try:
                return data.decode(codec)
            except UnicodeDecodeError:
                continue
    return data.decode("cp1252", errors="replace")
