"""Documents that cannot be relied on: each has its flag, states nothing, and takes no longer for being hostile."""

import datetime as dt
import io
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from services.criteria_evaluation.handlers import evaluate_request
from services.criteria_evaluation.policy import Policy, load_policy
from services.intake.domain.pas_request import read_request
from services.intake.handlers import submission
from shared.clinical.attachment_text import document_text
from shared.clinical.joined_lines import lines_joined
from shared.clinical.language import is_english
from shared.clinical.model import Evaluation
from shared.events.model import CaseSubmitted
from shared.journal.documents import StoredDocument
from tests.support.labels import NOTES, labelled_notes
from tests.support.requests import Note, as_body
from tests.support.spine import spine_facts, spine_note, spine_request

_CHARTS = sorted((Path(__file__).parent.parent / "cases" / "notes").glob("*.yaml"))
SPANISH = (
    "Paciente de 62 años con dolor lumbar desde hace tres meses que no mejora. La resonancia muestra una fractura por estallido "
    "de L2 con retropulsión y compromiso del canal. El paciente no presenta déficit. Plan: corpectomía de L2. La biopsia de la "
    "lesión confirma adenocarcinoma; se espera una supervivencia de más de 6 meses."
)
GERMAN = (
    "62-jähriger Patient mit Rückenschmerzen seit drei Monaten, die nicht besser werden. Das MRT zeigt eine Berstungsfraktur von "
    "LWK 2 und eine Einengung. Die Biopsie bestätigt ein Adenokarzinom; der Patient wurde von der Onkologie gesehen."
)
FRENCH = (
    "Patient de 62 ans avec des douleurs lombaires depuis trois mois. L'IRM montre une fracture de L2 avec recul du mur et une "
    "sténose du canal. Il n'y a pas de déficit. La biopsie confirme le diagnostic dans les deux cas."
)
CHINESE = "患者男性，62岁，腰痛三个月。磁共振显示L2爆裂骨折伴骨块后移及椎管狭窄。活检证实腺癌。计划：L2椎体切除。"
FORM = "\n".join(
    [
        "INTAKE",
        *(f"{question}: [ ] yes [x] no" for question in ("HTN", "Diabetes", "Stroke", "Weakness", "Sleep apnea")),
        "Family history: mother with stroke",
        "- father with HTN",
        "Exam: " + "She walks without help. " * 30,
    ]
)
MIXED = "Impression: L2 burst fracture with retropulsion.\n" + SPANISH


@pytest.mark.parametrize("text", [SPANISH, GERMAN, FRENCH, CHINESE, MIXED, "Пациент 62 лет с болью в пояснице."])
def test_another_language_is_flagged(text: str) -> None:
    assert document_text("text/plain; charset=utf-8", text.encode()) == ("", ("language",))


@pytest.mark.parametrize("path", _CHARTS, ids=lambda p: p.stem)
def test_charts_in_telegram_style_are_english(path: Path) -> None:
    for note in yaml.safe_load(path.read_text(encoding="utf-8"))["notes"]:
        assert is_english(note["text"]) or "Rückenschmerzen" in note["text"]


@pytest.mark.parametrize(
    "text",
    [
        "BMI 41. HTN. OSA.",
        "Dr. de la Cruz saw Mr. von der Heyde in La Jolla.",
        "Sra. Pérez, dolor. Pain 8/10 with weakness.",
        "L2 7/10",
    ],
)
def test_a_few_words_of_another_language_are_no_other_language(text: str) -> None:
    assert is_english(text)


def test_joined_lines_are_flagged_where_only_lines_tell_answers_apart() -> None:
    assert document_text("text/plain", FORM.encode())[1] == ()
    assert document_text("text/plain", " ".join(FORM.split("\n")).encode()) == ("", ("lines-joined",))
    prose = (
        "HPI: pain for months. PMH: hypertension, no diabetes. Exam: full strength. Imaging: L2 burst. Plan: surgery. "
        * 9
    )
    assert document_text("text/plain", prose.encode())[1] == ()
    assert [
        note["name"] for note in labelled_notes([NOTES, NOTES.parent / "held_out"]) if lines_joined(note["text"])
    ] == []


@pytest.mark.parametrize(
    ("head", "flags"),
    [
        ("Date of service: 10/24/2026\nDOS: 10/20/2026\n", ("dates-conflict",)),
        ("Visit date: 2026-10-24 | Date of visit: 10/24/2025\n", ("dates-conflict",)),
        ("Date of service: 10/24/2026\nVisit date: 2026-10-24\n", ()),
        ("Date of service: 10/24/2026\nDOB: 01/02/1961\nDate of dictation: 10/25/2026\n", ()),
        ("Date of service: 10/24/2026\nLast seen, date of service 03/01/2026.\n", ()),
        ("Date of service: 13/45/2026\nDOS: 10/24/2026\n", ()),
    ],
)
def test_two_dates_of_one_visit_are_flagged(head: str, flags: tuple[str, ...]) -> None:
    assert document_text("text/plain", f"{head}The pain is worse and she walks with a cane.".encode())[1] == flags


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("text/plain", b"%PDF-1.7\n1 0 obj"),
        ("text/plain", b"{\\rtf1 weakness}"),
        ("text/plain", b"\xef\xbb\xbf<!DOCTYPE html><p>weakness"),
        ("text/html", b"{\\rtf1 weakness}"),
        ("application/pdf", b"HISTORY: weakness"),
        ("application/rtf", b"<html>weakness"),
        ("text/plain", b"PK\x03\x04 word"),
        ("text/plain", b"\x89PNG\r\n"),
    ],
)
def test_bytes_of_another_format_than_declared_are_flagged(content_type: str, data: bytes) -> None:
    assert document_text(content_type, data) == ("", ("wrong-type",))


@pytest.mark.parametrize(
    ("content_type", "data", "text"),
    [
        ("text/plain; charset=iso-8859-1", "Kyphosis 18° and pain ≥ 5".encode(), "Kyphosis 18° and pain ≥ 5"),
        ("text/plain; charset=utf-16", b"The pain is worse.", "The pain is worse."),
        ("text/html", b"EXAM:\nMotor 3/5, BMI < 40\n", "EXAM:\nMotor 3/5, BMI < 40\n"),
    ],
)
def test_a_wrongly_declared_character_set_or_page_is_read_as_what_it_is(
    content_type: str, data: bytes, text: str
) -> None:
    assert document_text(content_type, data) == (text, ())


def test_lost_characters_are_flagged() -> None:
    assert document_text("text/plain", b"no \x81 weakness \x8d of \x8f the leg \x90 \x9d") == ("", ("charset",))


def test_a_locked_pdf_says_so_and_a_broken_one_has_no_text() -> None:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.encrypt("secret", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    assert document_text("application/pdf", out.getvalue()) == ("", ("no-text", "encrypted"))
    assert PdfReader(io.BytesIO(out.getvalue())).is_encrypted
    assert document_text("application/pdf", out.getvalue()[:-200] + b"junk") in {
        ("", ("no-text",)),
        ("", ("no-text", "encrypted")),
    }


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>a</p><p hidden>no weakness</p><p>b</p>", "a\n\nb"),
        ("<div style='color:red; display : none'>no <div>weakness</div> at all</div>b", "b"),
        ('<span style="font-size:0px">x</span><span style="font-size:0.9em">b</span>', "b"),
        ("<span style=visibility:hidden>x</span>b<img hidden>c", "bc"),
        ("<p hidden>x<p>b", "b"),
        ("<script>if (a < b) document.write('<p>weakness</p>')</script>b", "b"),
        ("<SCRIPT >weakness</script >b<style>p{}</style>", "b"),
        ("<script>weakness", ""),
        ("<!-- weakness -->b<!-- weakness", "b"),
        ('<a title="a > b">b</a>', "b"),
        ("pain &lt; 5 &amp; &#176; &#x2265; &bogus; &#99999999999999;", "pain < 5 & ° ≥ &bogus; \ufffd"),
        ("SpO2 < 88 and <b>PaO2</b> <55", "SpO2 < 88 and PaO2 <55"),
        ("<template>x</template><select><option>x</select>b", "b"),
    ],
)
def test_what_a_page_hides_is_no_text(page: str, text: str) -> None:
    assert document_text("text/html", f"<html>{page}".encode())[0] == text


_HOSTILE = [
    ("text/html", unit)
    for unit in (
        "<a ",
        '<a b="',
        "<a '",
        "<!--",
        "<![",
        "<?",
        "</",
        "<",
        "&",
        "&#",
        "<del></s>",
        "<p hidden>",
        "<div>",
        "<p style=",
    )
] + [("application/rtf", unit) for unit in ("{\\b ", "\\bin9 ", "\\'", "\\u", "{\\*", "\\uc9\\u1 ")]
_HOSTILE += [("application/pdf", unit) for unit in ("1 0 obj <<", "xref\n", "startxref\n1\n", "[", "stream\n")]
_HOSTILE += [("text/plain", unit) for unit in ("date of service: ", "DOS 1/", "\x00", "é", "ab ", "\n")]
_HOSTILE += [("text/xml", unit) for unit in ("<a:b ", "<ClinicalDocument>", "<text>")]
_STARTS = {"application/rtf": "{\\rtf1 ", "application/pdf": "%PDF-1.4\n"}


@pytest.mark.parametrize(("content_type", "unit"), _HOSTILE)
def test_the_work_grows_with_the_length_only(content_type: str, unit: str) -> None:
    def seconds(length: int) -> float:
        data = (_STARTS.get(content_type, "") + unit * (length // len(unit))).encode()
        start = time.process_time()
        document_text(content_type, data)
        return time.process_time() - start

    seconds(1_000)
    short, long = max(seconds(50_000), 0.01), seconds(200_000)
    assert long < 16 * short, "Four times the text took more than sixteen times the time."


@given(
    st.sampled_from(["text/plain", "text/html", "application/rtf", "application/pdf", "text/xml"]),
    st.binary(max_size=2_000),
)
@settings(max_examples=200)
def test_any_bytes_are_read_or_flagged(content_type: str, data: bytes) -> None:
    text, flags = document_text(content_type, _STARTS.get(content_type, "").encode() + data)
    assert bool(flags) == (text == "")


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy()


def _evaluate(body: dict[str, Any], policy: Policy) -> Evaluation:
    request = read_request(as_body(body), dt.datetime(2026, 9, 15, tzinfo=dt.UTC))
    data = submission(request).data
    assert isinstance(data, CaseSubmitted)
    stored = {d.id: StoredDocument(d.id, d.content_type, d.data) for d in request.documents}
    return evaluate_request(data, [], policy, stored)


def _with(note: Note, policy: Policy) -> Evaluation:
    return _evaluate(spine_request(3, facts={}, notes=[note]), policy)


def test_the_readable_chart_would_be_approved(policy: Policy) -> None:
    assert _with(spine_note(spine_facts(3), 3), policy).outcome == "approved"


@pytest.mark.parametrize(
    ("note", "flag"),
    [
        (Note(SPANISH), "language"),
        (Note(GERMAN), "language"),
        (Note(FRENCH), "language"),
        (Note(CHINESE), "language"),
        (Note("   "), "empty"),
        (Note("The pain is worse. " * 200_000), "too-long"),
        (Note(b"%PDF-1.7 scan", "application/pdf"), "no-text"),
        (Note(b"%PDF-1.7 scan", "text/plain"), "wrong-type"),
        (Note("<script>Biopsy-proven metastatic cancer.</script>", "text/html"), "empty"),
        (Note(b"\x89PNG", "image/png"), "unsupported-type"),
        (Note(" ".join(FORM.split("\n"))), "lines-joined"),
        (
            Note("Date of service: 10/24/2026\nDOS: 10/20/2026\n" + str(spine_note(spine_facts(3), 3).data)),
            "dates-conflict",
        ),
    ],
)
def test_a_request_whose_only_chart_cannot_be_relied_on_is_not_approved(note: Note, flag: str, policy: Policy) -> None:
    evaluation = _with(note, policy)
    assert evaluation.outcome in ("information_requested", "clinical_review")
    assert any(f.endswith(flag) for f in evaluation.flags)
    assert any(flag in reason for reason in evaluation.reasons)
    assert not [f for f in evaluation.facts.values() if f.status == "known" and not f.name.endswith("requested_levels")]


@pytest.mark.parametrize(
    ("status", "flag"), [({"status": "entered-in-error"}, "entered-in-error"), ({"status": "superseded"}, "superseded")]
)
def test_a_document_that_was_taken_back_states_nothing(status: dict[str, str], flag: str, policy: Policy) -> None:
    body = spine_request(3, facts={}, notes=[spine_note(spine_facts(3), 3)])
    next(e["resource"] for e in body["entry"] if e["resource"]["resourceType"] == "DocumentReference").update(status)
    evaluation = _evaluate(body, policy)
    assert evaluation.outcome != "approved"
    assert any(f.endswith(flag) for f in evaluation.flags)
