"""The smallest request and the deciding facts, held to exhaustive search over small worlds of every kind of comparison."""

import datetime as dt
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from services.criteria_evaluation.domain.evaluate import evaluate_case
from services.criteria_evaluation.domain.missing import attainable, deciding_facts, smallest_request
from services.criteria_evaluation.policy import load_policy
from shared.clinical.expression import Expression
from shared.clinical.kleene import MET, NOT_MET, UNKNOWN
from shared.clinical.model import Fact, Facts, RequestedItem
from tests.support.by_force import PROBLEMS, World, answered, open_names, reachable


@given(PROBLEMS)
def test_a_request_is_enough_and_no_smaller_one_is(problem: tuple[World, Expression, Facts]) -> None:
    """Of all sets of facts whose answers could meet the expression, it is a smallest, and the first by name of these."""
    world, e, chart = problem
    found = smallest_request([e], chart, {})
    if e.value(chart) != UNKNOWN:
        assert found == ()
        return
    names = open_names(world, chart)
    target = MET if reachable(e, target=MET, world=world, chart=chart, names=names) else NOT_MET
    assert set(found) <= set(names)
    # More answers never undo a conclusion, so where no set of one size is enough no smaller one is.
    assert not any(reachable(e, target, world, chart, some) for some in combinations(names, len(found) - 1))
    assert found == next(some for some in combinations(names, len(found)) if reachable(e, target, world, chart, some))


@given(PROBLEMS, st.data())
def test_what_is_asked_for_anyway_costs_nothing(problem: tuple[World, Expression, Facts], data: st.DataObject) -> None:
    world, e, chart = problem
    names = open_names(world, chart)
    asked = frozenset(data.draw(st.lists(st.sampled_from(names), unique=True))) if names else frozenset[str]()
    found = smallest_request([e], chart, {}, asked)
    assert asked.isdisjoint(found)
    if e.value(chart) != UNKNOWN:
        return
    target = MET if reachable(e, MET, world, chart, names) else NOT_MET
    assert reachable(e, target, world, chart, tuple(sorted({*found, *asked})))
    others = [name for name in names if name not in asked]
    for some in combinations(others, max(len(found) - 1, 0)):
        assert not found or not reachable(e, target, world, chart, tuple(sorted({*some, *asked})))


@given(PROBLEMS)
def test_a_fact_that_is_not_called_deciding_decides_nothing(problem: tuple[World, Expression, Facts]) -> None:
    world, e, chart = problem
    deciding = deciding_facts(e, chart)
    names = open_names(world, chart)
    assert (e.value(chart) == UNKNOWN) == bool(deciding)
    assert deciding <= set(names)
    assert set(smallest_request([e], chart, {})) <= deciding
    if deciding:
        # Once all of them are answered nothing else changes the outcome.
        assert all(e.value(after) != UNKNOWN for after in answered(world, chart, sorted(deciding)))


@given(PROBLEMS)
def test_an_outcome_is_called_attainable_exactly_where_some_chart_has_it(
    problem: tuple[World, Expression, Facts],
) -> None:
    world, e, _ = problem
    for target in (MET, NOT_MET):
        assert attainable(e, target) == reachable(e, target, world, {}, sorted(world))


def saturation(when: str, low: float, high: float) -> Fact:
    return Fact(f"oxygen.sao2_{when}", "known", low=low, high=high, unit="%")


def test_nothing_is_remembered_of_another_chart() -> None:
    """Comparisons of two charts can come out alike and the charts still lack different facts, where two are compared.

    A fall of more than 5 % in sleep is possible in both: from 92-98 to 89-91 the value at rest may settle it, while from 92-96
    it takes both.
    """
    others = {
        name: Fact(name, "known", low=value, high=value, unit=unit)
        for name, value, unit in (
            ("oxygen.pao2_rest", 70, "mm[Hg]"),
            ("oxygen.pao2_asleep", 65, "mm[Hg]"),
            ("oxygen.pao2_exercise", 70, "mm[Hg]"),
            ("oxygen.sao2_exercise", 95, "%"),
        )
    }
    others["symptom.insomnia"] = Fact("symptom.insomnia", "known", True)
    policy = load_policy()
    found = []
    for highest in (96, 98):
        facts = {f.name: f for f in (saturation("rest", 92, highest), saturation("asleep", 89, 91))} | others
        items = [RequestedItem(1, "E0431")]
        evaluation = evaluate_case(policy.criteria_sets, items, ["J44.9"], None, dt.date(2026, 9, 15), facts)
        found.append([name for missing in evaluation.missing for name in missing.facts])
    assert found == [["oxygen.sao2_rest", "oxygen.sao2_asleep"], ["oxygen.sao2_rest"]]
