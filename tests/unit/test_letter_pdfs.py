"""Every letter as PDF/UA-1 (ISO 14289-1): what a screen reader needs of the file, read back from the file itself.

A validator such as veraPDF is no Python package, so what it would look at in a file of ours is checked here: typst refuses
to write a file that breaks the standard in other ways.
"""

import io
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import pypdf
import pytest
from pypdf.generic import ArrayObject, ContentStream, DictionaryObject, IndirectObject

from shared.letters.compose import compose
from shared.letters.model import Audience, Language, LetterKind
from shared.letters.render import render_pdf
from tests.unit.determination_cases import Case
from tests.unit.letter_cases import LETTER_FORMS, letter

pytestmark = pytest.mark.parametrize(("kind", "case", "audience", "language"), LETTER_FORMS)
Make = Callable[[], Case]


@cache
def rendered(kind: LetterKind, case: Make, audience: Audience, language: Language) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(render_pdf(case().document, letter(kind, audience=audience, language=language))))


def root_of(reader: pypdf.PdfReader) -> Any:
    """The catalog; PDF objects are typed by what they turn out to be."""
    return reader.trailer["/Root"]


def elements(reader: pypdf.PdfReader) -> Iterator[tuple[str, DictionaryObject]]:
    """The structure tree in reading order: each element with the path of types that leads to it."""

    def walk(node: Any, path: str) -> Iterator[tuple[str, DictionaryObject]]:
        node = node.get_object() if isinstance(node, IndirectObject) else node
        if isinstance(node, ArrayObject):
            for child in node:
                yield from walk(child, path)
        elif isinstance(node, DictionaryObject) and "/S" in node:
            path = f"{path}{node['/S']}"
            yield path, node
            if "/K" in node:
                yield from walk(node["/K"], path)

    yield from walk(root_of(reader)["/StructTreeRoot"]["/K"], "")


def attribute(element: DictionaryObject, name: str) -> Any:
    attributes = element.get("/A", [])
    each = attributes if isinstance(attributes, ArrayObject) else [attributes]
    return next((a[name] for a in each if name in a), None)


def test_it_says_that_it_is_accessible_in_which_language_and_under_which_title(
    kind: LetterKind, case: Make, audience: Audience, language: Language
) -> None:
    reader = rendered(kind, case, audience, language)
    root = root_of(reader)
    assert root["/MarkInfo"]["/Marked"].value is True
    assert root["/Lang"] == language
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value is True
    title = compose(case().document, letter(kind, audience=audience, language=language))["title"]
    assert reader.metadata is not None and reader.metadata.title == f"{title} – Lakeside Health Plan"
    assert re.search(rb"<pdfuaid:part>1</pdfuaid:part>", root["/Metadata"].get_object().get_data())
    assert not root.keys() & {"/OpenAction", "/AA", "/AcroForm", "/Names"}


def test_every_font_is_embedded_and_says_what_its_glyphs_mean(
    kind: LetterKind, case: Make, audience: Audience, language: Language
) -> None:
    found = 0
    pages: list[Any] = list(rendered(kind, case, audience, language).pages)
    for page in pages:
        for reference in page["/Resources"]["/Font"].values():
            font = reference.get_object()
            descendant = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
            descriptor = descendant["/FontDescriptor"].get_object()
            assert descriptor.keys() & {"/FontFile", "/FontFile2", "/FontFile3"}, font["/BaseFont"]
            assert "/ToUnicode" in font
            found += 1
    assert found


def test_everything_on_a_page_is_tagged_or_marked_as_decoration(
    kind: LetterKind, case: Make, audience: Audience, language: Language
) -> None:
    reader = rendered(kind, case, audience, language)
    for page in reader.pages:
        assert str(page["/Tabs"]) == "/S"
        depth = 0
        for _, operator in ContentStream(page.get_contents(), reader).operations:
            depth += {b"BDC": 1, b"BMC": 1, b"EMC": -1}.get(operator, 0)
            if operator in (b"Tj", b"TJ", b"'", b'"', b"S", b"f", b"Do"):
                assert depth > 0, operator


def test_headings_descend_one_level_at_a_time_from_a_single_title(
    kind: LetterKind, case: Make, audience: Audience, language: Language
) -> None:
    types = [path.rpartition("/")[2] for path, _ in elements(rendered(kind, case, audience, language))]
    levels = [int(t[1:]) for t in types if re.fullmatch(r"H\d", t)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    sections = compose(case().document, letter(kind, audience=audience, language=language))["sections"]
    assert levels.count(2) == len(sections)


def test_every_cell_of_a_table_names_its_header(
    kind: LetterKind, case: Make, audience: Audience, language: Language
) -> None:
    found = list(elements(rendered(kind, case, audience, language)))
    heads = {e["/ID"]: e for path, e in found if path.endswith("/THead/TR/TH")}
    cells = [e for path, e in found if path.endswith("/TBody/TR/TD")]
    assert bool(heads) == bool(cells) == (audience == "provider")
    assert all(attribute(head, "/Scope") == "/Column" for head in heads.values())
    for cell in cells:
        named = attribute(cell, "/Headers")
        assert named and set(named) <= heads.keys()


def test_what_is_in_another_language_says_so(
    kind: LetterKind, case: Make, audience: Audience, language: Language
) -> None:
    spoken = {str(e["/Lang"]) for _, e in elements(rendered(kind, case, audience, language)) if "/Lang" in e}
    content = compose(case().document, letter(kind, audience=audience, language=language))
    assert spoken >= {entry["lang"] for part in content["sections"] for entry in part["points"] if entry["lang"]}
    assert bool(spoken) == (audience == "member" or language != "en")


def test_two_renderings_are_the_same_bytes_and_no_clock_is_in_them(
    kind: LetterKind, case: Make, audience: Audience, language: Language
) -> None:
    context = letter(kind, audience=audience, language=language)
    pdf = render_pdf(case().document, context)
    assert pdf == render_pdf(case().document, context)
    stated = set(re.findall(rb"D:(\d{8})", pdf))
    assert stated == {b"20260303"}
