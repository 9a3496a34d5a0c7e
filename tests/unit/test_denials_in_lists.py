"""What a denial is of, in lists with signs, brackets, numbers and answers."""

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.extract.assertion import scopes
from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.clinical.model import Document

DISEASES = {
    "HTN": "condition.hypertension",
    "DM": "condition.diabetes",
    "CVA": "condition.stroke",
    "OSA": "condition.osa",
}


@pytest.mark.parametrize(
    ("text", "present", "denied"),
    [
        ("-HTN, -DM, +OSA on CPAP", "OSA", "HTN DM"),
        ("DM -, HTN +, CVA -", "HTN", "DM CVA"),
        ("DM: -, HTN: +", "HTN", "DM"),
        ("DM(+) HTN(+) CVA(-)", "DM HTN", "CVA"),
        ("DM Y HTN Y CVA N OSA Y", "DM HTN OSA", "CVA"),
        ("DM - N, HTN - Y, CVA - N", "HTN", "DM CVA"),
        ("1) HTN 2) DM without insulin 3) OSA", "HTN DM OSA", ""),
        ("Thin bones (never treated), HTN, DM.", "HTN DM", ""),
        ("Denies HTN (no drugs), DM, CVA.", "", "HTN DM CVA"),
        ("No HTN, DM (A1c 5.3), CVA.", "", "HTN DM CVA"),
        ("HTN | DM: denies | CVA: denies", "HTN", "DM CVA"),
        ("Has the patient DM? No. HTN? Yes", "HTN", "DM"),
        ("No DM and HTN has been treated for years.", "HTN", "DM"),
        ("-HTN", "HTN", ""),
        ("HTN: -", "", ""),
    ],
)
def test_a_denial_is_of_its_own_entries(text: str, present: str, denied: str, lexicon: Lexicon) -> None:
    facts = extract([Document("sha256:0", text)], [], lexicon)
    said = {short: facts[name].value for short, name in DISEASES.items() if name in facts}
    assert said == dict.fromkeys(present.split(), True) | dict.fromkeys(denied.split(), False)


def test_an_answer_to_nothing_denies_nothing() -> None:
    assert [(scope.start, scope.end) for scope in scopes([",", ":", "none"], [])] == [(0, 1), (0, 1)]


def test_a_side_behind_a_grade_is_no_flow(lexicon: Lexicon) -> None:
    facts = extract([Document("sha256:0", "Diabetic foot ulcer, Wagner 3 L hallux.")], [], lexicon)
    assert facts["wound.wagner_grade"].low == 3
