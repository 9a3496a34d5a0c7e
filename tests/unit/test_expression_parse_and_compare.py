"""Expressions as policy authors write them, and how intervals compare."""

import pytest

from shared.clinical.expression import expand_levels, parse_expression
from shared.clinical.model import Fact, Outcome3
from shared.policy import PolicyError
from tests.unit.spine_case import VOCABULARY, known, quantity

SURVIVAL = "oncology.expected_survival"


@pytest.mark.parametrize(
    ("low", "high", "low_open", "high_open", "operator", "bound", "expected"),
    [
        (2, None, True, False, ">=", 3, "unknown"),
        (3, None, True, False, ">=", 3, "met"),
        (3, None, True, False, ">", 3, "met"),
        (3, None, False, False, ">", 3, "unknown"),
        (None, 3, False, True, ">=", 3, "not_met"),
        (None, 3, False, False, ">=", 3, "unknown"),
        (None, 3, False, False, ">", 3, "not_met"),
        (None, 3, False, True, "<", 3, "met"),
        (None, 3, False, False, "<", 3, "unknown"),
        (None, 3, False, False, "<=", 3, "met"),
        (1, 2, False, False, "=", 3, "not_met"),
        (3, 3, False, False, "=", 3, "met"),
        (3, None, True, False, "=", 3, "not_met"),
        (2, 4, False, False, "=", 3, "unknown"),
        (None, None, False, False, ">=", 3, "unknown"),
    ],
)
def test_an_interval_compares_in_three_values(
    low: float | None,
    high: float | None,
    low_open: bool,
    high_open: bool,
    operator: str,
    bound: float,
    expected: Outcome3,
) -> None:
    expression = parse_expression({"fact": SURVIVAL, operator: bound}, "here", VOCABULARY)
    fact = quantity(SURVIVAL, low, high, low_open=low_open, high_open=high_open)
    assert expression.evaluate({SURVIVAL: fact}) == expected


def test_units_convert_as_ucum_does() -> None:
    at_least_13_weeks = parse_expression({"fact": SURVIVAL, ">=": 13, "unit": "wk"}, "here", VOCABULARY)
    assert at_least_13_weeks.evaluate({SURVIVAL: quantity(SURVIVAL, 3, 3)}) == "met"  # 91.3125 days against 91
    assert at_least_13_weeks.evaluate({SURVIVAL: quantity(SURVIVAL, 2.9, 2.9)}) == "not_met"
    without_vocabulary = parse_expression({"fact": SURVIVAL, ">=": 13, "unit": "wk"}, "here")
    assert without_vocabulary.evaluate({SURVIVAL: quantity(SURVIVAL, 3, 3)}) == "met"
    incommensurable = parse_expression({"fact": SURVIVAL, ">=": 13, "unit": "kg"}, "here")
    assert incommensurable.evaluate({SURVIVAL: quantity(SURVIVAL, 3, 3)}) == "unknown"


def test_a_bound_that_was_converted_still_meets_its_equal() -> None:
    expression = parse_expression({"fact": SURVIVAL, ">=": 91.3125, "unit": "d"}, "here", VOCABULARY)
    assert expression.evaluate({SURVIVAL: quantity(SURVIVAL, 3, 3)}) == "met"


def test_conflicting_and_wrongly_typed_facts_are_unknown() -> None:
    expression = parse_expression({"fact": "spine.instability", "is": True}, "here", VOCABULARY)
    assert expression.evaluate({}) == "unknown"
    assert expression.evaluate({"spine.instability": Fact("spine.instability", "conflicting", True)}) == "unknown"
    assert expression.evaluate({"spine.instability": known("spine.instability", "yes")}) == "unknown"


def test_levels_overlap_each_other_and_lists() -> None:
    both = parse_expression({"fact": "spine.lesion_levels", "overlaps": "spine.requested_levels"}, "here", VOCABULARY)
    lesion, requested = known("spine.lesion_levels", ("T12",)), known("spine.requested_levels", ("T11", "T12", "L1"))
    assert both.evaluate({lesion.name: lesion, requested.name: requested}) == "met"
    assert both.evaluate({lesion.name: lesion}) == "unknown"
    listed = parse_expression({"fact": "spine.lesion_levels", "overlaps": ["L1-L3", "S1"]}, "here", VOCABULARY)
    assert listed.evaluate({lesion.name: lesion}) == "not_met"
    assert expand_levels("T11-L2") == ("T11", "T12", "L1", "L2")


def test_a_code_that_yaml_reads_as_a_number() -> None:
    expression = parse_expression({"fact": "spine.escc_grade", "in": [2, 3]}, "here", VOCABULARY)
    assert expression.evaluate({"spine.escc_grade": known("spine.escc_grade", "3")}) == "met"


def test_names_and_description() -> None:
    data = {"any_of": [{"fact": "spine.sins_total", ">=": 13}, {"not": {"fact": "neuro.motor_deficit", "is": False}}]}
    expression = parse_expression(data, "here", VOCABULARY)
    assert expression.fact_names == ("neuro.motor_deficit", "spine.sins_total")
    assert expression.describe() == "(spine.sins_total >= 13 {score} or not neuro.motor_deficit is false)"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "must be a mapping"),
        ({}, "must be a mapping"),
        ({"all_of": []}, "at least one"),
        ({"all_of": [], "any_of": []}, "exactly one"),
        ({"none_of": []}, "none_of"),
        ({"at_least": {"n": 3, "of": [{"fact": "neuro.motor_deficit", "is": True}]}}, "asks for 3 of 1"),
        ({"at_least": {"n": 1}}, "exactly n and of"),
        ({"fact": "neuro.motor_deficit"}, "exactly one"),
        ({"fact": "neuro.motor_deficit", "is": True, "in": ["a"]}, "exactly one"),
        ({"fact": "neuro.weakness", "is": True}, "not a fact"),
        ({"fact": "neuro.motor_deficit", ">=": 1}, "type boolean"),
        ({"fact": "neuro.motor_deficit", "is": "true"}, "type boolean"),
        ({"fact": "spine.sins_total", ">=": "13"}, "needs a number"),
        ({"fact": "spine.sins_total", ">=": True}, "needs a number"),
        ({"fact": "spine.sins_total", ">=": float("nan")}, "needs a number"),
        ({"fact": SURVIVAL, ">=": 3, "unit": "kg"}, "cannot be converted"),
        ({"fact": "neuro.motor_deficit", "is": True, "unit": "mo"}, "unit goes with"),
        ({"fact": "spine.fracture_pattern", "is": "wedge"}, "wedge is not a code"),
        ({"fact": "spine.fracture_pattern", "in": []}, "list of codes"),
        ({"fact": "spine.lesion_levels", "overlaps": ["L3-L1"]}, "not a vertebra"),
        ({"fact": "spine.lesion_levels", "overlaps": "spine.sins_total"}, "type quantity"),
        ({"fact": "spine.instability", "known": False}, "can only be true"),
    ],
)
def test_a_wrong_expression_says_where_and_why(data: object, reason: str) -> None:
    with pytest.raises(PolicyError, match=reason) as caught:
        parse_expression({"any_of": [{"fact": "spine.instability", "is": True}, data]}, "set.yaml: when", VOCABULARY)
    assert str(caught.value).startswith("set.yaml: when.any_of[1]")
