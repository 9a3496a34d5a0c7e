"""The letters: contents, forms, and what they refuse."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec import structs

from shared.clinical.model import Source
from shared.letters.compose import compose
from shared.letters.model import LetterIncompleteError, LetterKind
from shared.letters.notices import notices
from shared.letters.render import render_html, render_pdf, render_text
from shared.letters.words import words_of
from tests.unit.determination_cases import (
    THORACIC_CODES,
    Case,
    conclude,
    evaluation_of,
    incomplete_case,
    referred_case,
    thoracic_case,
    thoracic_unstable,
)
from tests.unit.letter_cases import CONTACTS, LETTERS, letter


@pytest.mark.parametrize(("kind", "case"), LETTERS)
def test_a_pdf_is_the_same_bytes_every_time_and_declares_itself_accessible(
    kind: LetterKind, case: Callable[[], Case]
) -> None:
    first, second = render_pdf(case().document, letter(kind)), render_pdf(case().document, letter(kind))
    assert first == second
    assert first.startswith(b"%PDF-")
    assert b"pdfuaid" in first and b"/StructTreeRoot" in first


def test_a_pdf_follows_its_contents() -> None:
    document = thoracic_case().document
    assert render_pdf(document, letter("approval")) != render_pdf(document, letter("approval", case_id="c-2f62"))


def test_an_approval_says_what_is_approved_until_when_and_why() -> None:
    text = render_text(thoracic_case().document, letter("approval"))
    for expected in (
        "AUTH-5",
        "March 3, 2026 to September 3, 2026",
        "63085",
        "“grossly unstable” (IMAGING)",
        "42 of 50 (84%)",
    ):
        assert expected in text


def test_a_request_for_information_asks_only_what_is_missing_and_says_what_it_decides() -> None:
    document = incomplete_case().document
    text = render_text(document, letter("information_request"))
    questions = text.partition("WHAT WE NEED TO KNOW\n")[2].partition("\n\n")[0].splitlines()
    assert [line.removeprefix("- ") for line in questions if line.startswith("- ")] == [
        m["question"] for m in document["missing"]
    ]
    assert "    Decides: Expected survival is at least 3 months" in questions
    assert "Information needed by: March 6, 2026" in text


def test_a_referral_says_that_a_clinician_decides_and_by_when() -> None:
    text = render_text(referred_case().document, letter("referral"))
    assert "neither approved nor refused" in text
    assert "Decision due by: March 6, 2026" in text
    assert "555-0102" in text


@pytest.mark.parametrize(("kind", "case"), LETTERS)
@pytest.mark.parametrize("form", [render_html, render_pdf, render_text])
def test_every_form_refuses_an_incomplete_letter(
    kind: LetterKind, case: Callable[[], Case], form: Callable[..., object]
) -> None:
    with pytest.raises(LetterIncompleteError, match=r"the member reference; .*a contact for questions") as refused:
        form(case().document, letter(kind, member_reference=" ", contacts=CONTACTS[1:]))
    assert "M-0093" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "case", "changes", "missing"),
    [
        ("approval", thoracic_case, {"authorization_number": None}, "the authorization number"),
        ("approval", thoracic_case, {"valid_until": None}, "from when until when the approval is valid"),
        ("approval", referred_case, {}, "a determination that approves"),
        ("information_request", incomplete_case, {"due_on": None}, "the day by which the information is needed"),
        ("information_request", thoracic_case, {}, "at least one question"),
        ("referral", thoracic_case, {}, "a determination that refers to a clinician"),
        ("referral", referred_case, {"contacts": CONTACTS[:2]}, "how to reach a physician reviewer"),
    ],
)
def test_each_required_content_is_missed_by_name(
    kind: LetterKind, case: Callable[[], Case], changes: dict[str, Any], missing: str
) -> None:
    with pytest.raises(LetterIncompleteError, match=missing):
        render_text(case().document, letter(kind, **changes))


def test_a_question_without_its_criterion_is_refused() -> None:
    document = incomplete_case().document
    document["missing"][0]["decides"] = []
    with pytest.raises(LetterIncompleteError, match="the criterion that each question decides"):
        render_text(document, letter("information_request"))


def test_a_clinician_may_approve_what_the_machine_referred() -> None:
    text = render_text(referred_case().document, letter("approval", reviewer="Dr. R. Osei"))
    assert "Decided by Dr. R. Osei." in text
    assert "Decision: Approved" in text and "Referred to a clinician" not in text


HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(2)> {{ 7*7 }} {% raw %} "
    '#panic("x") #read("/etc/hostname") *bold* $x^2$ `raw` = heading @label \\u{41} // gone /* gone */'
)


def hostile_case() -> Case:
    source = Source("note", document="sha256:00", section=HOSTILE, start=0, end=len(HOSTILE), quote=HOSTILE)
    facts = {name: structs.replace(fact, sources=(source,)) for name, fact in thoracic_unstable().items()}
    return conclude(evaluation_of(facts, *THORACIC_CODES))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_markup_from_a_chart_is_inert_in_html() -> None:
    page = _Tags()
    page.feed(render_html(hostile_case().document, letter("approval", provider=HOSTILE)))
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "iframe", "object", "link"}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert HOSTILE in page.text


def test_markup_from_a_chart_is_inert_in_pdf() -> None:
    # A value that Typst evaluated would stop the compilation at #panic, or read the file.
    assert render_pdf(hostile_case().document, letter("approval", provider=HOSTILE)).startswith(b"%PDF-")


@pytest.mark.parametrize(
    "odd", ["患者", "😀", "bell\x07", "\ud800", "\u202egnp.exe", "\ue000", "a\u0301", "≥ 3 µg – ½"]
)
def test_any_character_of_a_note_can_be_printed(odd: str) -> None:
    document = thoracic_case().document
    context = letter("approval", provider=f"Clinic {odd}")
    assert render_pdf(document, context) == render_pdf(document, context)
    assert render_html(document, context).encode()
    assert render_text(document, context).encode()


@pytest.mark.parametrize(("kind", "case"), LETTERS)
def test_a_page_is_accessible_and_asks_nothing_of_the_network(kind: LetterKind, case: Callable[[], Case]) -> None:
    html = render_html(case().document, letter(kind))
    page = _Tags()
    page.feed(html)
    assert ("html", {"lang": "en"}) in page.tags
    assert [tag for tag, _ in page.tags if tag in ("h1", "main")] == ["main", "h1"]
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert all(link is not None and link.startswith("#") and link[1:] in ids for link in links)
    assert all(attributes.get("scope") == "col" for tag, attributes in page.tags if tag == "th")
    labelled = [attributes["aria-labelledby"] for _, attributes in page.tags if "aria-labelledby" in attributes]
    assert set(labelled) <= ids
    assert not re.search(r"https?://|url\(|@import", html)
    assert "prefers-color-scheme: dark" in html and "@media print" in html


@pytest.mark.parametrize(("kind", "case"), LETTERS)
def test_every_number_that_a_letter_cites_is_among_its_sources(kind: LetterKind, case: Callable[[], Case]) -> None:
    body, _, sources = render_text(case().document, letter(kind)).partition("\nSOURCES\n")
    numbers = {n for mark in re.findall(r"\[([\d, unverified]+)\]", body) for n in re.findall(r"\d+", mark)}
    assert all(re.search(rf"^{n}\. ", sources, re.M) for n in numbers)


def test_no_letter_denies() -> None:
    for audience, kind in notices():
        for name in ("title", "lead", "closing"):
            assert not re.search(r"\bden(y|ied|ial)\b", words_of("en")(f"{audience}.{kind}.{name}"))


def test_a_section_that_the_determination_says_in_points_needs_its_name_alone() -> None:
    document = thoracic_case().document
    cited = document["standard_of_care"][0]["evidence"]
    document["cautions"] = [{"text": "Mind the dura.", "evidence": cited}]
    section = {s["id"]: s for s in compose(document, letter("approval"))["sections"]}["cautions"]
    assert [point["text"] for point in section["points"]] == ["Mind the dura."]
    assert section["points"][0]["cites"]
    del document["cautions"]
    assert "cautions" not in {s["id"] for s in compose(document, letter("approval"))["sections"]}
