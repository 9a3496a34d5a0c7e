"""Text of a chart document, for the formats that charts come in.

What cannot be read is flagged and left to a person; it is never guessed at, and nothing here raises on any input.
"""

import re
from typing import Final

from shared.clinical.joined_lines import lines_joined
from shared.clinical.language import is_english
from shared.clinical.markup_text import cda_text, has_markup, html_text
from shared.clinical.note_head import dates_conflict
from shared.clinical.pdf_text import ENCRYPTED, is_locked, pdf_text
from shared.clinical.rtf_text import rtf_text

MAX_TEXT: Final = 3 * 1024 * 1024
"""Characters. The longest charts of a stay in hospital have a third of that, and so many are read in a few seconds."""
MAX_BYTES: Final = 50 * 1024 * 1024

EMPTY: Final = "empty"
NO_TEXT: Final = "no-text"
TOO_LARGE: Final = "too-large"
TOO_LONG: Final = "too-long"
UNSUPPORTED: Final = "unsupported-type"
WRONG_TYPE: Final = "wrong-type"
CHARSET: Final = "charset"
LANGUAGE: Final = "language"
DATES: Final = "dates-conflict"
JOINED: Final = "lines-joined"

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
_LOST_SHARE = 0.002
_MAGIC: Final = (
    (b"%PDF-", _PDF),
    (b"{\\rtf", _RTF),
    (b"<!doctype html", _HTML),
    (b"<html", _HTML),
    (b"PK\x03\x04", frozenset[str]()),
    (b"\xd0\xcf\x11\xe0", frozenset[str]()),
    (b"\x89PNG", frozenset[str]()),
    (b"\xff\xd8\xff", frozenset[str]()),
    (b"II*\x00", frozenset[str]()),
    (b"MM\x00*", frozenset[str]()),
)
"""How files of a format begin, and the types under which they may be sent. Office files and pictures are under none."""


def is_readable(content_type: str) -> bool:
    """Whether ``document_text`` can read documents of this media type."""
    return _media_type(content_type) in _READABLE


def document_text(content_type: str, data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of a document and the flags that say why there is none.

    Flags: ``unsupported-type``; ``wrong-type`` (the bytes are of another format than declared); ``empty`` (no bytes, or
    blanks only); ``no-text`` (a PDF of images, or one that cannot be opened; ``encrypted`` beside it where it is locked);
    ``too-large`` (in bytes) and ``too-long`` (in characters); ``charset`` (characters are lost); ``language`` (not English);
    ``lines-joined`` (the ends of its lines were lost); ``dates-conflict`` (the head states two dates of the visit). A document with a flag has the text ``""``: nothing is
    concluded from it. Plain text keeps the offsets of its characters: a control character becomes one space.
    """
    kind = _media_type(content_type)
    if kind not in _READABLE:
        return "", (UNSUPPORTED,)
    if not data.strip():
        return "", (EMPTY,)
    if len(data) > MAX_BYTES:
        return "", (TOO_LARGE,)
    if not _is_what_it_says(kind, data):
        return "", (WRONG_TYPE,)
    if kind in _PDF:
        text: str | None = pdf_text(data, MAX_TEXT)
        nothing: tuple[str, ...] = (NO_TEXT,)
        if not text and is_locked(data):
            nothing = (NO_TEXT, ENCRYPTED)
    else:
        text = _text(kind, content_type, data)
        nothing = (EMPTY,)
    if text is None:
        return "", (UNSUPPORTED,)
    if len(text) > MAX_TEXT:
        return "", (TOO_LONG,)
    text = text.translate(_CONTROLS)
    if not text.strip():
        return "", nothing
    doubts = _doubts(text)
    return ("", doubts) if doubts else (text, ())


def _is_what_it_says(kind: str, data: bytes) -> bool:
    """Whether the bytes begin as those of the declared type do, and not as those of another."""
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if kind in _PDF:
        return b"%PDF-" in data[:2048]
    if kind in _RTF:
        return head.startswith(b"{\\rtf")
    lowered = head[:20].lower()
    return not any(lowered.startswith(magic.lower()) and kind not in types for magic, types in _MAGIC)


def _doubts(text: str) -> tuple[str, ...]:
    """Flags of a text that can be read, but not relied on."""
    if (lost := text.count("\ufffd")) > 2 and lost > _LOST_SHARE * len(text):
        return (CHARSET,)
    if not is_english(text):
        return (LANGUAGE,)
    if lines_joined(text):
        return (JOINED,)
    return (DATES,) if dates_conflict(text) else ()


def _text(kind: str, content_type: str, data: bytes) -> str | None:
    if kind in _RTF:
        return rtf_text(data)
    head = data[:1024] if kind in _HTML | _CDA else b""
    text = _decoded(data, _charset(content_type, head))
    if kind in _HTML and has_markup(text):
        return html_text(text)
    if kind in _CDA:
        return cda_text(text)
    controls = sum(map(text.count, map(chr, range(9)))) + text.count("\ufffd")
    # What is called text and is full of control characters is a binary file under a wrong name.
    return None if controls > max(8, _CONTROL_SHARE * len(text)) else text


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _charset(content_type: str, head: bytes) -> str | None:
    for source in (content_type.partition(";")[2].encode(errors="replace"), head):
        found = _DECLARED.search(source)
        if found is not None and (codec := _CHARSETS.get(found[1].decode().lower())) is not None:
            return codec
    return None


def _decoded(data: bytes, charset: str | None) -> str:
    """By byte order mark, else as declared, else UTF-8, else Windows-1252, which has a character for nearly any byte.

    Text of several bytes a character is hardly ever valid UTF-8 by chance, so UTF-8 stands before a declared set of single
    bytes; and text in UTF-16 without any zero byte is none that English is written in.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        charset = "utf-16"
    elif charset is None or not charset.startswith("utf-16") or b"\0" not in data:
        charset = None if charset is None or charset.startswith("utf-16") else charset
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            pass
    for codec in (charset, "utf-8-sig"):
        if codec is not None:
            try:
                return data.decode(codec)
            except UnicodeDecodeError:
                continue
    return data.decode("cp1252", errors="replace")
