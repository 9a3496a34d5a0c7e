"""A document that nobody has read beside a chart that would be approved: a clinician reads it first."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.criteria_evaluation.handlers import evaluate_request
from services.criteria_evaluation.policy import Policy, load_policy
from services.intake.domain.pas_request import read_request
from services.intake.handlers import submission
from shared.clinical.model import GRAVITY, Evaluation
from shared.events.model import CaseSubmitted
from shared.journal.documents import StoredDocument
from tests.support.requests import Note, as_body
from tests.support.spine import spine_facts, spine_note, spine_request

POLICY: Policy = load_policy()
SCAN = Note(b"%PDF-1.7 scan", "application/pdf", title="Outside records", date="2026-09-01")
SPANISH = Note(
    "Paciente de 62 años con dolor lumbar desde hace tres meses que no mejora. La resonancia muestra una fractura por estallido "
    "de L2 con retropulsión y compromiso del canal. El paciente no presenta déficit."
)
UNREAD = [
    (SCAN, "no-text"),
    (SPANISH, "language"),
    (Note("   "), "empty"),
    (Note(b"\x89PNG", "image/png"), "unsupported-type"),
    (Note(b"%PDF-1.7 scan", "text/plain"), "wrong-type"),
    (
        Note("Date of service: 10/24/2026\nDOS: 10/20/2026\nThe pain is worse and she walks with a cane."),
        "dates-conflict",
    ),
    (Note(b"no \x81 weakness \x8d of \x8f the leg \x90 \x9d"), "charset"),
]

Change = Callable[[list[dict[str, Any]]], None]


def chart() -> Note:
    return spine_note(spine_facts(3), 3)


def evaluate(notes: list[Note], change: Change | None = None) -> Evaluation:
    """The request with these notes; ``change`` is done to its DocumentReferences, which are in the order of the notes."""
    body = spine_request(3, facts={}, notes=notes)
    if change is not None:
        change([e["resource"] for e in body["entry"] if e["resource"]["resourceType"] == "DocumentReference"])
    request = read_request(as_body(body), dt.datetime(2026, 9, 15, tzinfo=dt.UTC))
    data = submission(request).data
    assert isinstance(data, CaseSubmitted)
    stored = {d.id: StoredDocument(d.id, d.content_type, d.data) for d in request.documents}
    return evaluate_request(data, [], POLICY, stored)


@pytest.mark.parametrize(("note", "flag"), UNREAD, ids=[flag for _, flag in UNREAD])
def test_a_clinician_reads_it_and_is_told_what_else_there_is(note: Note, flag: str) -> None:
    alone, beside = evaluate([chart()]), evaluate([chart(), note])
    assert (alone.outcome, beside.outcome) == ("approved", "clinical_review")
    assert {item.outcome for item in beside.items} == {"clinical_review"}
    assert {c.outcome for c in beside.criteria} == {"met"}
    assert beside.criteria == alone.criteria and beside.missing == ()
    reason = beside.reasons[0]
    assert note.title in reason and note.date in reason and flag in reason
    assert "all criteria are met" in reason


def set_status(**status: str) -> Change:
    return lambda references: references[1].update(status)


def same_document(references: list[dict[str, Any]]) -> None:
    """The second reference's content becomes another format of the first one's document."""
    references[0]["content"] += references[1]["content"]
    del references[1]["content"][:]


def related(code: str) -> Change:
    def change(references: list[dict[str, Any]]) -> None:
        target = {"reference": f"DocumentReference/{references[1]['id']}"}
        references[0]["relatesTo"] = [{"code": code, "target": target}]

    return change


def elsewhere(**status: str) -> Change:
    def change(references: list[dict[str, Any]]) -> None:
        attachment = references[1]["content"][0]["attachment"]
        del attachment["data"]
        attachment["url"] = "https://ehr.clinic.test/documents/7"
        references[1].update(status)

    return change


def reported(references: list[dict[str, Any]]) -> None:
    """Both notes become forms of one DiagnosticReport, which FHIR defines as equal in meaning."""
    forms = [content["attachment"] for reference in references for content in reference["content"]]
    references[0].clear()
    references[0].update({"resourceType": "DiagnosticReport", "id": "r1", "status": "final", "presentedForm": forms})
    references[0]["code"] = {"text": "MRI"}
    references[1]["content"] = []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(set_status(status="superseded"), id="superseded"),
        pytest.param(set_status(status="entered-in-error"), id="entered in error"),
        pytest.param(set_status(docStatus="entered-in-error"), id="its text entered in error"),
        pytest.param(same_document, id="another format of the readable document"),
        pytest.param(reported, id="another form of the readable report"),
        pytest.param(related("replaces"), id="replaced by the readable document"),
        pytest.param(related("transforms"), id="transformed into the readable document"),
        pytest.param(elsewhere(status="superseded"), id="a link to a superseded document"),
    ],
)
def test_what_was_taken_back_or_is_there_in_readable_form_stands_in_nobodys_way(change: Change) -> None:
    assert evaluate([chart(), SCAN], change).outcome == "approved"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(set_status(status="current"), id="current"),
        pytest.param(related("appends"), id="appended to"),
        pytest.param(elsewhere(), id="a link to a document that was not sent"),
    ],
)
def test_what_may_say_something_else_does(change: Change) -> None:
    evaluation = evaluate([chart(), SCAN], change)
    assert evaluation.outcome == "clinical_review"
    assert "all criteria are met" in evaluation.reasons[0]


def test_attachments_of_one_type_may_be_pages_rather_than_formats() -> None:
    assert evaluate([chart(), SPANISH], same_document).outcome == "clinical_review"


def test_a_scan_that_another_record_holds_alone_is_no_duplicate() -> None:
    def change(references: list[dict[str, Any]]) -> None:
        references[0]["content"] += references[1]["content"]

    assert evaluate([chart(), SCAN], change).outcome == "clinical_review"


def test_an_unreadable_document_replaces_nothing() -> None:
    def change(references: list[dict[str, Any]]) -> None:
        target = {"reference": f"DocumentReference/{references[1]['id']}"}
        references[2]["relatesTo"] = [{"code": "replaces", "target": target}]

    reason = evaluate([chart(), SCAN, SPANISH], change).reasons[0]
    assert "no-text" in reason and "language" in reason


def test_the_same_bytes_twice_are_one_document_and_many_are_not_all_named() -> None:
    twice = evaluate([chart(), SCAN, SCAN])
    assert twice.reasons[0].count("could not be read") == 1
    many = evaluate([chart(), *(Note(b"\x89PNG" + bytes([n]), "image/png", title=f"Slice {n}") for n in range(9))])
    assert "Slice 4" in many.reasons[0] and "Slice 5" not in many.reasons[0]
    assert "4 more could not be read either" in many.reasons[0]


def test_a_scan_alone_is_asked_for_as_text() -> None:
    evaluation = evaluate([SCAN])
    assert evaluation.outcome == "information_requested"
    assert evaluation.missing
    assert "Outside records" in evaluation.reasons[0] and "please send it as text" in evaluation.reasons[0]


def test_beside_a_chart_that_lacks_a_fact_the_fact_is_asked_for() -> None:
    text = str(chart().data)
    lacking = text.replace("survival", "outlook").replace("prognosis", "outlook")
    evaluation = evaluate([Note(lacking), SCAN])
    assert evaluation.outcome == evaluate([Note(lacking)]).outcome == "information_requested"


_SENTENCES = st.lists(st.sampled_from(str(chart().data).split("\n")), unique=True).map("\n".join)


@given(_SENTENCES, st.sampled_from([note for note, _ in UNREAD]))
def test_an_unread_document_never_lightens_an_outcome(text: str, note: Note) -> None:
    """Whatever lines of the chart there are: what is found stays the same, and nothing is approved."""
    alone, beside = evaluate([Note(text)]), evaluate([Note(text), note])
    assert beside.facts == alone.facts and beside.missing == alone.missing
    assert GRAVITY[beside.outcome] >= GRAVITY[alone.outcome]
    assert beside.outcome == (alone.outcome if alone.outcome != "approved" else "clinical_review")


def test_a_title_is_cut_and_put_on_one_line() -> None:
    reason = evaluate([chart(), Note(b"%PDF-1.7 scan", "application/pdf", title="Old\n" + "x" * 500)]).reasons[0]
    assert "“Old xxx" in reason and "x" * 81 not in reason
