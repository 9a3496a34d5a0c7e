"""A chart that says of something in it that it does not hold is approved by nobody but a person, unless it was put right."""

import datetime as dt
from typing import Final

import pytest

from services.criteria_evaluation.domain.extract import read_chart
from services.criteria_evaluation.domain.lexicon import Lexicon
from services.criteria_evaluation.handlers import evaluate_request
from services.criteria_evaluation.policy import Policy, load_policy
from services.intake.domain.pas_request import read_request
from services.intake.handlers import submission
from shared.clinical.model import Document, Evaluation
from shared.events.model import CaseSubmitted
from shared.journal.documents import StoredDocument
from tests.support.requests import Note, as_body
from tests.support.spine import spine_facts, spine_note, spine_request

RESERVED: Final = [
    "The interval line was carried over in error.",
    "The grade on the form is a typo.",
    "The report was scanned into the wrong chart.",
    "The saturation was incorrectly transcribed by the clerk.",
    "The level was misread at the outside hospital.",
    "The score sheet belongs to a neighbor in the waiting room.",
    "That is another patient's tracing.",
    "The value is from a different patient on my schedule.",
    "Her husband, also our patient, was 86% on room air.",
    "These readings were not his.",
    "The walk from June is hers, not his.",
    "Please don't mix the two slips up again.",
    "He laughed and said his wife did that one about her own naps.",
    "Case 5 next: Mr. K., CT showed an open cochlea.",
    "Disregard the figures above.",
    "The index should not be used for treatment.",
    "The recording cannot be scored.",
    "The printed index is not reliable.",
    "The dips are likely artifact.",
    "The oximeter slid off twice.",
    "Waveform weak throughout.",
    "The sentence above is hereby replaced.",
    "The preliminary report is retracted.",
    "The entry about the cane is outdated.",
    "The specimen drawn with the morning labs was venous.",
    "The two readings do not match.",
    "There is a discrepancy between the form and the note.",
    "The fractured vertebra is T7; the level stated above should be amended accordingly.",
]
UNRESERVED: Final = [
    "There was no artifact and the oximeter stayed on.",
    "The waveform was good, the probe warm.",
    "He cannot use the phone and does not use a cane.",
    "Her right leg is shorter; a leg length discrepancy of 8 mm is noted.",
    "She has no discrepancy between the ears.",
    "The patient is not his usual self.",
    "Retract the bladder if needed. He voided twice.",
    "She does not agree to a transfusion.",
    "The cannula was taken off for ten minutes and the saturation fell to 86%.",
    "Venous stasis changes of both shins.",
    "The next visit is in June; the next case of pneumonia would be her third.",
]


def _reserved(text: str, lexicon: Lexicon) -> list[str]:
    places = read_chart([Document("sha256:0", text)], [], lexicon).reservations
    assert all(place.quote == text[place.start : place.end] for place in places)
    return [place.quote or "" for place in places]


@pytest.mark.parametrize("text", RESERVED)
def test_what_does_not_hold_is_noticed(text: str, lexicon: Lexicon) -> None:
    assert _reserved(f"COPD, seen today.\n\n{text}", lexicon)
    assert _reserved(f"COPD, seen today.\n\n{text.upper()}", lexicon)
    assert _reserved("COPD, seen today.\n\n" + text.replace(" ", "\n "), lexicon)


@pytest.mark.parametrize("text", UNRESERVED)
def test_ordinary_words_are_no_reservation(text: str, lexicon: Lexicon) -> None:
    assert _reserved(f"COPD, seen today.\n\n{text}", lexicon) == []


def test_what_is_put_right_in_the_same_paragraph_is_none(lexicon: Lexicon) -> None:
    note = "Weight loss clinic. BMI 29.8.\n\nADDENDUM: the BMI above was entered in error{}"
    assert _reserved(note.format("."), lexicon)
    assert _reserved(note.format("; the correct BMI is 41.8."), lexicon) == []


def test_levels_add_up_so_that_no_other_level_puts_one_right(lexicon: Lexicon) -> None:
    note = "MRI: pathologic fracture of T9.\n\nADDENDUM: the fractured vertebra is T7. The level above was misread."
    assert _reserved(note, lexicon) == ["misread"]


def test_a_document_that_is_not_read_has_none(lexicon: Lexicon) -> None:
    flagged = Document("sha256:0", "Disregard the figures above.", flags=("language",))
    assert read_chart([flagged], [], lexicon).reservations == ()


POLICY: Final[Policy] = load_policy()


def _evaluate(chart: str) -> Evaluation:
    request = read_request(
        as_body(spine_request(3, facts={}, notes=[Note(chart)])), dt.datetime(2026, 9, 15, tzinfo=dt.UTC)
    )
    data = submission(request).data
    assert isinstance(data, CaseSubmitted)
    stored = {d.id: StoredDocument(d.id, d.content_type, d.data) for d in request.documents}
    return evaluate_request(data, [], POLICY, stored)


def test_a_request_that_would_be_approved_is_for_a_clinician() -> None:
    chart = str(spine_note(spine_facts(3), 3).data)
    alone, beside = _evaluate(chart), _evaluate(chart + "\n\nA page of this note belongs to another patient.\n")
    assert (alone.outcome, beside.outcome) == ("approved", "clinical_review")
    assert {item.outcome for item in beside.items} == {"clinical_review"}
    assert beside.criteria == alone.criteria
    assert "“belongs to”" in beside.reasons[0] and "all criteria are met" in beside.reasons[0]
    assert [flag.rpartition(":")[2] for flag in beside.flags] == ["reservation"]
    assert alone.flags == ()


def test_a_request_that_lacks_something_is_asked_for_it_as_before() -> None:
    evaluation = _evaluate("Lung metastasis. No paralysis. A page of this note belongs to another patient.\n")
    assert evaluation.outcome == "information_requested"
    assert not any("may not hold" in reason for reason in evaluation.reasons)
