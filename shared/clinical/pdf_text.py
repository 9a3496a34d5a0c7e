"""Text of PDF documents that have a text layer. A scan has none, and reading images is not for this module."""

import io
import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pypdf import PdfReader

MAX_PAGES: Final = 300
ENCRYPTED: Final = "encrypted"

# The library's warnings may quote the document, and nothing of a chart belongs into a log.
logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)


def pdf_text(data: bytes, limit: int) -> str:
    """The text layer, pages parted by a form feed made newline; ``""`` where there is none or the file cannot be opened.

    Reading stops once there are more than ``limit`` characters, which the caller then finds too long. A document of
    more than 300 pages is left to a person.
    """
    try:
        reader = _reader(data)
        if reader.is_encrypted and not reader.decrypt(""):
            return ""
        if len(reader.pages) > MAX_PAGES:
            return ""
        pages: list[str] = []
        length = 0
        for page in reader.pages:
            pages.append(page.extract_text())
            length += len(pages[-1])
            if length > limit:
                break
        return "\n\n".join(pages)
    except Exception:  # PDFs of the world make the parser raise nearly any built-in error, and all mean the same.
        return ""


def _reader(data: bytes) -> "PdfReader":
    """The library takes a tenth of a second to load, so it is loaded with the first PDF."""
    from pypdf import PdfReader

    return PdfReader(io.BytesIO(data))


def is_locked(data: bytes) -> bool:
    """Whether the file opens with a password only."""
    try:
        reader = _reader(data)
        return bool(reader.is_encrypted and not reader.decrypt(""))
    except Exception:  # As above; a file that does not open at all is broken and not locked.
        return False
