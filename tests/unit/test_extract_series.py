"""Series of values of which the lowest counts, flags of a laboratory, and columns set apart by spaces."""

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.extract.aligned import aligned_rows
from services.criteria_evaluation.policy import load_policy
from shared.clinical.model import Document, Fact


def _read(text: str, fact: str) -> Fact | None:
    return extract([Document("d", text)], (), load_policy().lexicon).get(fact)


@pytest.mark.parametrize(
    ("text", "lowest"),
    [
        ("Walk test on room air. Minute 1: 93%, minute 2: 86%, minute 3: 90%.", 86.0),
        (
            "Walk test on room air.\n min    SpO2    HR\n 1      93      84\n 2      89      96\n 3      91      99",
            89.0,
        ),
    ],
)
def test_a_walk_is_as_low_as_its_lowest_minute(text: str, lowest: float) -> None:
    fact = _read(text, "oxygen.sao2_exercise")
    assert fact is not None
    assert (fact.status, fact.low, fact.high) == ("known", lowest, lowest)
    assert len(fact.sources) == 1


def test_the_minutes_of_a_walk_and_another_value_of_it_disagree() -> None:
    text = "Walk test on room air. Minute 1: 93%, minute 2: 91%. Walking on room air the saturation fell to 85%."
    fact = _read(text, "oxygen.sao2_exercise")
    assert fact is not None
    assert fact.status == "conflicting"


def test_the_letter_behind_a_laboratory_value_is_no_unit() -> None:
    fact = _read("CBC: Hgb 19.0 H   Hct 57.4 H", "lab.hematocrit")
    assert fact is not None
    assert fact.low == 57.4


def test_a_flow_stays_a_flow() -> None:
    assert _read("Home oxygen. SpO2 2 L 86%.", "oxygen.sao2_rest") is None


def test_a_column_of_results_makes_a_table_of_rows_without_flags() -> None:
    lines = ["GAS            RESULT   FLAG   REF", "pH             7.40", "pO2            58       L      80-100"]
    assert aligned_rows(lines) == [True, True, True]
    assert aligned_rows(["GAS            SAMPLE   SIDE   ARM", *lines[1:]]) != [True, True, True]
