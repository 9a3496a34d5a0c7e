"""Why not: single facts on which a failed criterion or a referral turns, checked by evaluating again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.criteria_evaluation.domain.judge import judge
from services.criteria_evaluation.domain.why_not import Condition, passes, sole_change, why_not
from services.criteria_evaluation.policy import load_policy
from shared.clinical.expression import parse_expression
from shared.clinical.kleene import MET
from shared.clinical.model import Fact, Facts

SETS = {s.id: s for s in load_policy().criteria_sets}
FAILED = [(s.id, e.name, e.facts) for s in SETS.values() for e in s.examples if e.outcome == "clinical_review"]


def turns(set_id: str, facts: Facts) -> dict[str, tuple[str, tuple[str, ...], bool]]:
    criteria_set = SETS[set_id]
    found = why_not(criteria_set, judge(criteria_set, facts), facts)
    return {turn.fact: (turn.needs, turn.decides, turn.alone) for turn in found}


def number(name: str, value: float) -> Fact:
    return Fact(name, "known", low=value, high=value)


def test_an_index_just_below_the_line_is_what_the_outcome_turns_on() -> None:
    facts = {
        "body.bmi": number("body.bmi", 34.9),
        "obesity.comorbidity": Fact("obesity.comorbidity", "known", True),
        "obesity.medical_treatment_failed": Fact("obesity.medical_treatment_failed", "known", True),
    }
    assert turns("bariatric-surgery", facts) == {"body.bmi": ("body.bmi >= 35 kg/m2", ("body-mass-index",), True)}


def test_two_failed_criteria_each_turn_on_their_own_fact_and_neither_is_enough() -> None:
    facts = {
        "body.bmi": number("body.bmi", 30),
        "obesity.comorbidity": Fact("obesity.comorbidity", "known", False),
        "obesity.medical_treatment_failed": Fact("obesity.medical_treatment_failed", "known", True),
    }
    found = turns("bariatric-surgery", facts)
    assert set(found) == {"body.bmi", "obesity.comorbidity"}
    assert not any(alone for _, _, alone in found.values())


def test_nothing_turns_on_anything_where_nothing_failed() -> None:
    for criteria_set in SETS.values():
        for example in criteria_set.examples:
            if example.outcome == "approved":
                assert turns(criteria_set.id, example.facts) == {}


@pytest.mark.parametrize(("set_id", "name", "facts"), FAILED, ids=[f"{s}: {n}" for s, n, _ in FAILED])
def test_what_is_said_to_be_enough_is_enough(set_id: str, name: str, facts: Facts) -> None:
    """Some value of the fact, tried by brute force, makes everything pass that passed but for it."""
    criteria_set = SETS[set_id]
    assert not passes(criteria_set, facts) or name  # A refused purpose fails an item, not the set.
    for fact, (_, _, alone) in turns(set_id, facts).items():
        tried = [
            *(Fact(fact, "known", value) for value in (True, False, "psg", "home_type_3", "burst", "compression")),
            *(Fact(fact, "known", (value,)) for value in ("instability", "deformity", "L2", "L4")),
            *(number(fact, value) for value in (0, 1, 2, 5, 10, 13, 15, 29, 30, 35, 60, 84, 88, 95, 1000)),
        ]
        enough = any(passes(criteria_set, {**facts, fact: value}) for value in tried)
        assert not alone or enough, fact


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=3), st.booleans(), st.booleans(), st.booleans())
def test_a_sole_change_is_found_exactly_where_one_exists(names: list[str], a: bool, b: bool, c: bool) -> None:
    expression = parse_expression({"all_of": [{"fact": f"x.{n}", "is": True} for n in names]}, "here")
    facts: Facts = {f"x.{n}": Fact(f"x.{n}", "known", v) for n, v in zip("abc", (a, b, c), strict=True)}
    for name in facts:
        flipped = {**facts, name: Fact(name, "known", not facts[name].value)}
        possible = expression.value(facts) != MET and expression.value(flipped) == MET
        assert (sole_change(Condition("it", expression, (MET,)), name, facts) is not None) == (
            possible or (expression.value(facts) == MET and name in expression.fact_names)
        )
