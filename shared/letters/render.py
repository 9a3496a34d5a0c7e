"""Letters as HTML, PDF and text. What a chart says stands in them as text and is never read as markup."""

import datetime as dt
import json
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final

import jinja2
import typst

from shared.letters.compose import compose
from shared.letters.model import LetterContext

PDF_STANDARD: Final = "ua-1"
"""ISO 14289-1: tagged, with a title and a language, so that a screen reader can read the letter."""
_TEMPLATES: Final = "templates"
_compiling = threading.Lock()


def render_html(document: Mapping[str, Any], letter: LetterContext) -> str:
    """A page that needs nothing from elsewhere: for the screen, light or dark, and for paper.

    Raises:
        LetterIncompleteError: the letter misses something that its notice must contain.
    """
    return _html().render(letter=compose(document, letter))


def render_pdf(document: Mapping[str, Any], letter: LetterContext) -> bytes:
    """A PDF/UA-1 file; the same letter gives the same bytes.

    A character that none of the fonts has is printed as its code point, so that nothing disappears silently.

    Raises:
        LetterIncompleteError: the letter misses something that its notice must contain.
    """
    content = _displayable(compose(document, letter))
    at_midnight = dt.datetime.combine(letter.issued_on, dt.time(), dt.UTC)
    with _compiling:
        return _pdf(_source(), json.dumps(content), int(at_midnight.timestamp()))


def render_pages(document: Mapping[str, Any], letter: LetterContext, pixels_per_inch: float = 110) -> list[bytes]:
    """The pages of the PDF as PNG pictures.

    Raises:
        LetterIncompleteError: the letter misses something that its notice must contain.
    """
    content = json.dumps(_displayable(compose(document, letter)))
    with _compiling:
        pages = _compiler().compile(_source(), format="png", ppi=pixels_per_inch, sys_inputs={"letter": content})
    return [page for page in (pages if isinstance(pages, list) else [pages]) if page is not None]


def render_text(document: Mapping[str, Any], letter: LetterContext) -> str:
    """Plain text, one paragraph or point a line.

    Raises:
        LetterIncompleteError: the letter misses something that its notice must contain.
    """
    return "\n".join(_lines(compose(document, letter))) + "\n"


@cache
def _html() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = resources.files(__package__).joinpath(_TEMPLATES, "letter.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text)


@cache
def _source() -> bytes:
    return resources.files(__package__).joinpath(_TEMPLATES, "letter.typ").read_bytes()


@cache
def _compiler() -> typst.Compiler:
    # Fonts of the machine would make the bytes depend on where the letter is made.
    return typst.Compiler(ignore_system_fonts=True)


def _pdf(source: bytes, data: str, timestamp: int) -> bytes:
    pdf = _compiler().compile(
        source, format="pdf", sys_inputs={"letter": data}, pdf_standards=[PDF_STANDARD], timestamp=timestamp
    )
    if not isinstance(pdf, bytes):
        raise TypeError("A letter is one PDF file.")
    return pdf


def _displayable(value: Any) -> Any:
    if isinstance(value, str):
        text = unicodedata.normalize("NFC", value)
        if text.isascii():
            return text
        return "".join(c if c.isascii() or _has_glyph(c) else f"[U+{ord(c):04X}]" for c in text)
    if isinstance(value, list):
        return [_displayable(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _displayable(entry) for key, entry in value.items()}
    return value


@lru_cache(maxsize=8192)
def _has_glyph(character: str) -> bool:
    """Whether the fonts can print a character: PDF/UA-1 refuses a file with one that they cannot."""
    if unicodedata.category(character) in ("Cn", "Co", "Cs", "Cc"):
        return False
    probe = b'#set document(title: "-")\n#set text(lang: "en")\n#sys.inputs.letter'
    try:
        with _compiling:
            _pdf(probe, character, 0)
    except typst.TypstError:
        return False
    return True


def _lines(letter: Mapping[str, Any]) -> Iterator[str]:
    yield from (letter["payer"], letter["title"], "")
    for detail in letter["details"]:
        yield f"{detail['label']}: {detail['value']}"
    yield from ("", letter["lead"])
    for section in letter["sections"]:
        yield from ("", section["heading"].upper(), *(paragraph["text"] for paragraph in section["paragraphs"]))
        for point in section["points"]:
            yield f"- {point['text']}{_marks(point['cites'], letter['marks']['unverified'])}"
            yield from (f"    {_labelled(detail)}" for detail in point["details"])
        if section["table"]:
            yield f"{section['table']['caption']}:"
            for row in section["table"]["rows"]:
                cells = zip(section["table"]["head"], row, strict=True)
                yield "- " + "; ".join(f"{head}: {cell['text']}" for head, cell in cells if cell["text"])
        for entry in section["entries"]:
            yield f"{entry['number']}. {entry['text']}"
    yield from ("", letter["closing"], "")
    for contact in letter["contacts"]:
        yield f"{contact['label']}: {contact['value']}"


def _labelled(detail: Mapping[str, str]) -> str:
    return f"{detail['label']}: {detail['text']}" if detail["label"] else detail["text"]


def _marks(cites: list[Mapping[str, Any]], unverified: str) -> str:
    shown = ", ".join(f"{c['number']}" + ("" if c["verified"] else f" {unverified}") for c in cites)
    return f" [{shown}]" if shown else ""
