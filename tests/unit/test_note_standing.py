"""Sections, forms, copied text, addenda, dated entries and earlier values: what a line of a note weighs."""

import datetime as dt

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.clinical.model import Document
from tests.support.labels import as_label


@pytest.mark.parametrize(
    ("text", "fact", "label"),
    [
        ("MRI lumbar spine shows retropulsion", "spine.retropulsion", True),
        (
            "[copied from note of 7/1/2026]\nRetropulsion is present.\n\nADDENDUM\nThere is no retropulsion.",
            "spine.retropulsion",
            False,
        ),
        ("Retropulsion is present.\n\nCORRECTION: There is no retropulsion.", "spine.retropulsion", False),
        ("There is retropulsion. There is no retropulsion.", "spine.retropulsion", "conflicting"),
        (
            "Pathology of L2: renal cell carcinoma metastasis.\n\nOncology: metastatic plasmacytoma of L2.",
            "oncology.radiosensitive",
            "conflicting",
        ),
        ("07/10/2026: pain 9/10\n07/12/2026: pain 4/10", "pain.score", [4, 4]),
        (
            "3/1/2026: dynamic films show no instability at L4-5.\n6/1/2026: L4-5 is now unstable.",
            "spine.instability",
            True,
        ),
        ("Pain 9/10 on admission, now 4/10.", "pain.score", [4, 4]),
        ("Pain 9/10 -> 4/10", "pain.score", [4, 4]),
        ("Pain 8/10 today; was 5/10 at the first visit.", "pain.score", [8, 8]),
        ("Pain Score (0-10): 5", "pain.score", [5, 5]),
        ("Pain goal 3/10, current 8/10.", "pain.score", [8, 8]),
        ("Roland-Morris: 13/24 at evaluation -> 14/24 at discharge", "function.roland_morris", [14, 14]),
        ("SINS 7-12 is potentially unstable.", "spine.sins_total", None),
        ("ECOG PS 2", "performance.ecog", [2, 2]),
        ("PAIN SCORE: 7/10", "pain.score", [7, 7]),
        ("| Item | Finding |\n|---|---|\n| Retropulsion | none |\n| SINS | 8 |", "spine.retropulsion", False),
        ("Retropulsion: Yes ___ No _X_", "spine.retropulsion", False),
        ("Retropulsion: [x] yes [ ] no", "spine.retropulsion", True),
        ("Retropulsion (-)", "spine.retropulsion", False),
        ("Retropulsion cannot be excluded.", "spine.retropulsion", None),
        ("No retropulsion, canal patent.", "spine.canal_compromise", False),
        ("The sac is not effaced and the canal is patent.", "spine.canal_compromise", False),
        ("Correlate clinically for myelopathy.", "neuro.motor_deficit", None),
        ("Plan is T4 corp-\nectomy.", "spine.requested_levels", ["T4"]),
        ("Lives with his wife, who has multiple sclerosis and uses a wheelchair.", "neuro.ambulatory", None),
        ("Published series report a median survival of 10 months.", "oncology.expected_survival", None),
        ("Indication: back pain\nStrength: 5/5 in all groups", "neuro.motor_deficit", False),
        ("64M h/o RCC p/w LBP x 3 wks, VAS 7/10.", "pain.score", [7, 7]),
    ],
)
def test_what_a_line_states(lexicon: Lexicon, text: str, fact: str, label: object) -> None:
    facts = extract([Document("note", text, date=dt.date(2026, 7, 20))], [], lexicon)
    assert as_label(facts.get(fact)) == label


_STAY = "Hospital course (imported 07/02): ABG on room air pO2 49.\n\n"


@pytest.mark.parametrize(
    ("text", "pressure"),
    [
        # What was copied from a hospital stay is outlived by the saturation of today, and stands where there is none.
        (_STAY + "Today: SpO2 at rest on room air 95%.", None),
        (_STAY + "Today: recovered.", [49, 49]),
        # Two measures of one day stand beside each other.
        ("ABG on room air pO2 54. SpO2 at rest on room air 90%.", [54, 54]),
    ],
)
def test_copied_text_yields_to_another_measure_of_the_same_state(
    lexicon: Lexicon, text: str, pressure: list[int] | None
) -> None:
    facts = extract([Document("note", text, date=dt.date(2026, 7, 20))], [], lexicon)
    assert as_label(facts.get("oxygen.pao2_rest")) == pressure


@pytest.mark.parametrize(
    ("text", "label"),
    [("No heart disease.", False), ("Heart disease.", None), ("CAD. No heart disease now.", True)],
)
def test_a_statement_may_count_only_where_it_is_denied(lexicon: Lexicon, text: str, label: object) -> None:
    facts = extract([Document("note", text)], [], lexicon)
    assert as_label(facts.get("condition.ischemic_heart_disease")) == label
