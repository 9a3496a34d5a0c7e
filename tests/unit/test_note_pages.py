"""Days of a document's pages and of the images that it tells of, and headings of images."""

import datetime as dt

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.extract.heads import is_of_an_image, is_stopped, tells_a_place
from services.criteria_evaluation.domain.extract.pages import last_day
from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.clinical.model import Document
from tests.support.labels import as_label

_PACKET = (
    "LUMBAR SPINE, 2 VIEWS            03/13/2026\n77F, slipped on ice 03/10.\nMild wedging of L1.\n\n"
    "SPINE CLINIC      04/14/2026     Dr. Smith\nA: Osteoporotic L1 fracture.\nFollow-up      05/20/2026\n"
)


def test_a_packet_ends_on_the_day_of_its_last_page() -> None:
    assert last_day(_PACKET, dt.date(2026, 3, 13)) == dt.date(2026, 4, 14)


@pytest.mark.parametrize(
    ("line", "day"),
    [
        ("OFFICE NOTE 07/10/2026, Pain Medicine", dt.date(2026, 7, 10)),
        ("Hospital Medicine, progress entry 2026-07-10, HD 6", dt.date(2026, 7, 10)),
        ("INTERVENTIONAL CLINIC ADDENDUM                    10 July 2026   J. Wu, MD", dt.date(2026, 7, 10)),
        ("Surgery scheduled      07/10/2026", dt.date(2026, 7, 8)),
        ("The visit of 07/10/2026 was missed.", dt.date(2026, 7, 8)),
        ("Return visit 07/10/2026", dt.date(2026, 7, 8)),
    ],
)
def test_a_line_that_heads_a_page(line: str, day: dt.date) -> None:
    assert last_day(f"MRI SPINE     07/08/2026\n{line}\n", dt.date(2026, 7, 8)) == day


def test_a_document_without_a_day_has_no_last_one() -> None:
    assert last_day(_PACKET, None) is None


def test_a_fracture_is_as_old_as_on_the_last_page(lexicon: Lexicon) -> None:
    facts = extract([Document("packet", _PACKET)], [], lexicon)
    assert as_label(facts.get("spine.fracture_age")) == [35, 35]


def test_the_latest_image_tells_the_grade(lexicon: Lexicon) -> None:
    text = "4/2/2026 MRI: T12 metastasis, ESCC 1a.\n5/18/2026 MRI: ESCC 2.\n"
    facts = extract([Document("images", text, date=dt.date(2026, 5, 20))], [], lexicon)
    assert as_label(facts.get("spine.escc_grade")) == "2"


def test_headings_by_their_signs() -> None:
    assert is_stopped("IMPRESSION.")
    assert not is_stopped("Impression of a fracture.")
    assert is_of_an_image("MRI T/L-spine 5/5/2026")
    assert not is_of_an_image("MRI 5/5/2026 shows a fracture")
    assert tells_a_place("MRI T10")
    assert not tells_a_place("CT L1-S1")
