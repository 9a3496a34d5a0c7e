"""The member's letter: what it tells, in words that most people read, in the language that they prefer, and never as a refusal."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape
from textstat import textstat

from shared.letters.compose import compose
from shared.letters.from_case import Sender, draft_letter
from shared.letters.model import Contact, Language, LetterKind
from shared.letters.render import render_html, render_text
from shared.letters.words import LANGUAGES, words_of
from tests.unit.determination_cases import Case
from tests.unit.letter_cases import CONTACTS, LETTERS, examples, letter

EXAMPLES = list(examples())
HIGHEST_GRADE = 8
"""Of Flesch and Kincaid: what an eighth-grader reads."""
LEAST_EASE = 60
"""Of Fernández Huerta, from 0 to 100: 60 and more is what most adults read."""
DENIAL = re.compile(
    r"\b(den(y|ied|ial)|refus\w*|reject\w*|turn(ed)? down|not approved|deneg\w*|deni\w*|rechaz\w*|niega\w*)\b", re.I
)
DEMO = Path(__file__).parents[2] / "services" / "cli" / "demo_cases" / "1-l2-corpectomy.json"


def member(document: Mapping[str, Any], kind: LetterKind, language: Language, **changes: Any) -> dict[str, Any]:
    return compose(document, letter(kind, audience="member", language=language, **changes))


def passages(content: Mapping[str, Any]) -> Iterator[list[str]]:
    """The running text, section by section, in the letter's own language."""
    yield [content["lead"], content["closing"]]
    for section in content["sections"]:
        yield [entry["text"] for entry in (*section["paragraphs"], *section["points"]) if not entry["lang"]]


def sentences(texts: list[str]) -> str:
    return "\n".join(text if text[-1] in ".?!" else f"{text.rstrip(':')}." for text in texts)


def scale(language: str) -> Any:
    measure = type(textstat)()
    measure.set_lang(language)
    return measure


@pytest.mark.parametrize(("kind", "case"), [e[1:] for e in EXAMPLES], ids=[e[0] for e in EXAMPLES])
def test_every_outcome_of_every_set_is_told_at_grade_eight_or_below(kind: LetterKind, case: Case) -> None:
    english, spanish = (list(passages(member(case.document, kind, language))) for language in ("en", "es"))
    for texts in english:
        assert scale("en_US").flesch_kincaid_grade(sentences(texts)) <= HIGHEST_GRADE, texts
    for texts in spanish:
        assert scale("es").fernandez_huerta(sentences(texts)) >= LEAST_EASE, texts


def test_the_scales_tell_plain_words_from_hard_ones() -> None:
    hard = words_of("en")("provider.fixed.automated")
    assert scale("en_US").flesch_kincaid_grade(hard) > HIGHEST_GRADE
    assert scale("es").fernandez_huerta(words_of("es")("provider.fixed.automated")) < LEAST_EASE


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("kind", "case"), LETTERS)
def test_it_says_what_was_asked_and_decided_what_comes_next_and_whom_to_call(
    kind: LetterKind, case: Callable[[], Case], language: Language
) -> None:
    words, content = words_of(language), member(case().document, kind, language)
    sections = {section["id"]: section for section in content["sections"]}
    assert [s for s in sections if s != "needed"] == ["asked", "decided", "why", "next", "rights", "help"]
    asked = " ".join(entry["text"] for entry in sections["asked"]["points"])
    for item in case().document["items"]:
        assert str(words.service(item["code"])) in asked and item["code"] in asked
    assert "Harbor Spine Clinic" in sections["asked"]["paragraphs"][0]["text"]
    day = words.date(letter(kind).due_on if kind != "approval" else letter(kind).valid_until)
    assert any(day in entry["text"] for entry in sections["next"]["points"])
    assert {contact["value"] for contact in content["contacts"]} == {"555-0100", "Appeals, PO Box 7"}
    assert any("555-0100" in entry["text"] for entry in sections["help"]["paragraphs"])


def test_only_what_is_missing_is_asked_for_in_plain_words() -> None:
    needed = {s["id"]: s for s in member(LETTERS[1][1]().document, "information_request", "en")["sections"]}["needed"]
    assert [entry["text"] for entry in needed["points"]] == ["What does your cancer team expect for the months ahead?"]
    assert "needed" not in {s["id"] for s in member(LETTERS[0][1]().document, "approval", "en")["sections"]}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("kind", "case"), LETTERS)
def test_nothing_in_it_sounds_like_a_denial_or_quotes_the_chart(
    kind: LetterKind, case: Callable[[], Case], language: Language
) -> None:
    text = render_text(case().document, letter(kind, audience="member", language=language))
    assert not DENIAL.search(text)
    assert "“" not in text and "neoplas" not in text.lower()


def test_the_rule_on_tone_sees_a_denial() -> None:
    assert DENIAL.search("Your request was denied.") and DENIAL.search("Su solicitud fue rechazada.")


def test_a_clinicians_decision_is_told_as_a_persons() -> None:
    text = render_text(LETTERS[2][1]().document, letter("approval", audience="member", reviewer="a clinician"))
    assert words_of("en")("member.fixed.clinician") in text
    assert words_of("en")("member.fixed.automated") not in text
    assert text.count("We approved this.") == 3


def test_lines_that_stand_differently_are_told_apart() -> None:
    document = LETTERS[2][1]().document
    document["items"][0]["outcome"] = "approved"
    asked = member(document, "referral", "en")["sections"][0]["points"]
    assert [entry["text"].rpartition("). ")[2] for entry in asked] == [
        "We approved this.",
        "A health expert will decide on this.",
        "A health expert will decide on this.",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_service_without_plain_words_keeps_the_requests_own(language: Language) -> None:
    document = LETTERS[2][1]().document
    document["items"] = [{**document["items"][0], "code": "27447", "description": "Total knee arthroplasty"}]
    document["criteria_set"] = None
    (asked,) = member(document, "referral", language)["sections"][0]["points"]
    assert "27447" in asked["text"]
    assert asked["details"] == [
        {"label": "", "text": "Total knee arthroplasty", "lang": "" if language == "en" else "en"}
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_number_of_the_payers_the_card_has_it_in_every_language(language: Language) -> None:
    contacts = tuple(Contact(contact.purpose, "") for contact in CONTACTS)
    context = letter("approval", audience="member", language=language, contacts=contacts)
    text = render_text(LETTERS[0][1]().document, context)
    assert words_of(language)("member.unnamed.card") in text
    assert "Xin gọi số điện thoại trên thẻ" in text and "{phone}" not in text


@pytest.mark.parametrize(
    ("spoken", "audience", "chosen"),
    [
        ([("es-MX", True)], "member", "es"),
        ([("en", False), ("es", True)], "member", "es"),
        ([("es", False)], "member", "en"),
        ([("fr", True)], "member", "en"),
        ([], "member", "en"),
        ([("es", True)], "provider", "en"),
    ],
)
def test_the_patients_preferred_language_is_that_of_the_members_letter(
    spoken: list[tuple[str, bool]], audience: Any, chosen: str
) -> None:
    bundle = json.loads(DEMO.read_text())
    patient = next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient")
    patient["communication"] = [
        {"language": {"coding": [{"code": code}]}, **({"preferred": True} if preferred else {})}
        for code, preferred in spoken
    ]
    document = LETTERS[0][1]().document
    sender = Sender("", CONTACTS)
    made = draft_letter(document, json.dumps(bundle).encode(), letter("approval").issued_on, sender, audience)
    assert made.language == chosen
    assert made.member_name
    asked = draft_letter(document, json.dumps(bundle).encode(), letter("approval").issued_on, sender, audience, "es")
    assert asked.language == "es"


@pytest.mark.parametrize("audience", ["provider", "member"])
@pytest.mark.parametrize(("kind", "case"), LETTERS)
def test_what_stays_in_english_is_marked_so_in_a_spanish_letter(
    kind: LetterKind, case: Callable[[], Case], audience: Any
) -> None:
    document = case().document
    html = render_html(document, letter(kind, language="es", audience=audience))
    assert '<html lang="es">' in html
    if audience == "provider":
        for said in (document["summary"], *document["reasons"]):
            assert f'<span lang="en">{escape(said)}</span>' in html
    english = render_html(document, letter(kind, audience=audience))
    assert '<span lang="en">' not in english
