"""How the values of a note are told: in the next sentence, across a wrapped line, beside their day, behind "NONE"."""

import datetime as dt

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.extract.asides import goes_on
from services.criteria_evaluation.domain.extract.forms import signed_lists
from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.clinical.model import Document
from tests.support.labels import as_label


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Done without amplification", True),
        ("This was measured on 2 L", True),
        ("She was tested under headphones", True),
        ("aids were not worn", True),
        ("The test was done with a plugged earmold", True),
        ("That result is not valid", True),
        ("The test was normal", False),
        ("Measured on: 03/02/2026", False),
        ("She was taken off oxygen", False),
        ("Performed by Dr. Lee", False),
        ("No change", False),
    ],
)
def test_a_sentence_without_a_subject_belongs_to_the_value_before(text: str, expected: bool) -> None:
    assert goes_on(text, 0, len(text)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Risks\n + HTN\n - DM\n - CAD", "Risks\n + HTN\n − DM\n − CAD"),
        ("- HTN\n- DM", "- HTN\n- DM"),
        ("+ HTN\n\n- DM", "+ HTN\n\n- DM"),
    ],
)
def test_hyphens_of_a_list_that_has_plus_signs_are_minus_signs(text: str, expected: str) -> None:
    assert signed_lists(text) == expected


@pytest.mark.parametrize(
    ("text", "fact", "label"),
    [
        # How a value was got may follow it in a sentence of its own.
        ("COPD. SpO2 86% at rest. Measured on 2 L.", "oxygen.sao2_rest", None),
        ("COPD. SpO2 86% at rest. Measured on room air.", "oxygen.sao2_rest", [86, 86]),
        # "With" shortened is no week.
        ("Diabetic foot ulcer, Wagner 3 w/ abscess.", "wound.wagner_grade", [3, 3]),
        ("Diabetic foot ulcer. Standard wound care x 6 w.", "wound.standard_care_duration", [42, 42]),
        # The number of a week that goes on is how long it has been.
        ("Diabetic foot ulcer. Week 6 of standard wound care.", "wound.standard_care_duration", [42, 42]),
        # A list wraps with an indent.
        ("Assessment: 1. Diabetic foot ulcer, 8 weeks of standard\n      wound care.", "wound.standard_care_duration", [56, 56]),
        # A measurement is of the day that stands before it, in whatever order they come.
        ("Diabetic foot ulcer. 5/6 1.7 x 1.3, 4/15 2.0 x 1.5, 3/11 2.6 x 1.9", "wound.healing_measurable", True),
        ("Diabetic foot ulcer. 3/11 1.7 x 1.3, 4/15 2.0 x 1.5, 5/6 2.6 x 1.9", "wound.healing_measurable", False),
        # ... and it is the day of nothing else that follows.
        ("Diabetic ulcer. 3/11 1.8 x 1.4. The toe is Wagner 2.\nImpression: history of Wagner 3.", "wound.wagner_grade", [2, 2]),
        # What was before stands in brackets.
        ("Hearing. Best aided AzBio in quiet 34% (2022: 61%).", "hearing.aided_sentence_score", None),
        # A side that is told in words is no total of a list of points.
        ("T8. SINS\n Collapse (<50%)  2\n Posterolateral (one side)  1\n TOTAL   9", "spine.sins_total", [9, 9]),
        # What is found today is no part of a past history that stands in a line above.
        ("PMH: COPD, gout.\nECOG 1.   Wt 58 kg.   SpO2 87% RA at rest.", "oxygen.sao2_rest", [87, 87]),
        ("PMH: COPD, gout.\nECOG 1.   Wt 58 kg.   SpO2 87% RA at rest.", "performance.ecog", [1, 1]),
        # Whoever speaks of the patient much is no reader of images, and the impression is where the operation is planned.
        (
            "He limps. He has tried therapy. She saw it too.\nImpression: stenosis. I have advised fusion at L4-5.",
            "spine.requested_levels",
            ["L4", "L5"],
        ),
        # What is abbreviated is the word, in the text and in patterns.
        ("Lumbar MRI: no fx, tumor or infxn.", "spine.lesion_on_imaging", False),
        ("Past hx none. T12 fracture.", "condition.diabetes", False),
        # A number that is to be disregarded is none, and a framed heading ends what was carried forward.
        ("Bariatric. Intake shows a BMI of 51.8.\nThe correct BMI is 43.2. Please disregard the 51.8.", "body.bmi", [43.2, 43.2]),
        ("Bariatric. BMI 51.8. Please disregard the 51.8.", "body.bmi", [51.8, 51.8]),
        (
            "T6 metastasis.\n\n--- Carried forward from 02/19/2026 ---\nBack pain 3/10.\n\n--- Examination ---\nBack pain 6/10.",
            "pain.score",
            [6, 6],
        ),
        ('L2 fracture.\n[Copied from 09/22/2025: "Pain 9/10, declined."]\nToday she has an ache, 4/10.', "pain.score", [4, 4]),
        # A palsy that is named is seen; being weak is a complaint, which full strength settles.
        ("L1 fracture. Has a right foot drop. Exam: strength 5/5 in both legs.", "neuro.motor_deficit", "conflicting"),
        ("L1 fracture. Feels weak in the legs. Exam: strength 5/5 in both legs.", "neuro.motor_deficit", False),
        # A form's "none" names the test that shows it.
        ("Hearing loss.\nLesion of acoustic nerve    NONE on MRI 1/20", "hearing.retrocochlear_lesion", False),
    ],
)  # fmt: skip
def test_where_a_value_stands(lexicon: Lexicon, text: str, fact: str, label: object) -> None:
    document = Document("sha256:0", text, date=dt.date(2026, 5, 20))
    assert as_label(extract([document], [], lexicon).get(fact)) == label
