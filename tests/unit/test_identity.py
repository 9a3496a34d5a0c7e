"""Whose page it is: by birth date and record number, and by the person's sex."""

import pytest

from services.criteria_evaluation.domain.extract.identity import foreign
from services.criteria_evaluation.domain.extract.relatives import Relatives


def test_a_page_with_another_birth_date_is_of_another_patient_up_to_the_next_own_one() -> None:
    own, other = "DOB 02/14/1958\nOwn words.\n", "Patient: E. M. DOB: 07/30/1991\nTheir words.\n"
    text = own + other + own
    assert foreign(text) == [(len(own), len(own + other))]
    assert foreign(own + other) == [(len(own), len(own + other))]
    assert foreign(own + own) == []
    assert foreign("No dates here.") == []
    assert foreign("DOB 02/04/1958\nOwn.\nD.O.B. 2/4/58\nOwn too.") == []


def test_a_record_number_tells_pages_apart_too() -> None:
    text = "MRN 440817\nOwn words.\nMRN 404871\nTheir words."
    assert foreign(text) == [(text.index("MRN 404871"), len(text))]


def test_a_report_that_a_notice_takes_back_is_of_nobody() -> None:
    report = "PATHOLOGY S26-11804\nMetastatic adenocarcinoma.\n"
    text = f"SINS 15.\n{report}\nNOTICE: S26-11804 was scanned to this record in error.\nS26-11840: nondiagnostic.\n"
    begin = text.index("PATHOLOGY")
    assert foreign(text) == [(begin, begin + len(report) - 1)]
    assert foreign(f"{report}\nS26-11804 was read twice.\n") == []


def test_a_printed_example_of_a_form_is_of_nobody() -> None:
    form = "Program    What happened\n  Example: Weight\n  Watchers   gained it all back\n  1. ________\n"
    (start, end), *others = foreign(form)
    assert form[start:end].split() == ["Example:", "Weight", "Watchers", "gained", "it", "all", "back"]
    assert others == []
    assert foreign("Sample: core of L2.\nFor example, he cannot climb stairs.\n") == []


@pytest.mark.parametrize(
    ("note", "about_another"),
    [
        ("Mr. Prior is 49. He sleeps well and his mood is good. She had a stroke.", True),
        ("Mr. Prior is 49. He sleeps well and his mood is good. She hears him snore.", False),
        ("Mrs. Prior is 49. She sleeps well. She had a stroke.", False),
        ("Dear Ms. Lund, I write for Alan, a man of 49. He sleeps well. He had a stroke.", False),
        ("Mr. and Mrs. Prior came. She had a stroke.", False),
    ],
)
def test_what_she_has_in_a_mans_note_is_not_his(note: str, about_another: bool) -> None:
    start = note.rindex(". ", 0, -1) + 2
    assert Relatives(note).meant(start, len(note), begins=False) is about_another
