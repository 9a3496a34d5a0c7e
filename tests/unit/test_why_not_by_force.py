"""What an outcome turns on, held to exhaustive search: over small worlds, and over the criteria sets that come with it."""

from itertools import combinations
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.criteria_evaluation.domain.judge import judge
from services.criteria_evaluation.domain.trace import Unless
from services.criteria_evaluation.domain.why_not import LEFT_OPEN, Condition, passes, sole_change, why_not
from services.criteria_evaluation.policy import load_policy
from shared.clinical.criteria_model import CriteriaSet
from shared.clinical.exceeds import Exceeds
from shared.clinical.expression import Expression, Not
from shared.clinical.kleene import MET, NOT_MET, UNKNOWN
from shared.clinical.leaves import Compare, IsKnown
from shared.clinical.model import Fact, Facts
from tests.support.by_force import PROBLEMS, RULES, World

POLICY: Final = load_policy()


def told(needs: str, condition: Condition, chart: Facts) -> bool:
    """Whether the comparisons that the words name come out as the words say."""
    outcomes = {leaf.describe(): leaf.value(chart) for leaf in condition.expression.leaves}

    def as_said(words: str) -> bool:
        if words.endswith(LEFT_OPEN):
            return outcomes[words.removesuffix(LEFT_OPEN)] == UNKNOWN
        if words.startswith("not "):
            return outcomes[words.removeprefix("not ")] == NOT_MET
        return outcomes[words] == MET

    return all(as_said(words) for words in needs.split(" and "))


def check(condition: Condition, world: World, chart: Facts) -> None:
    """Exactly the facts of which some value is enough are named, and every value that the words allow is enough."""
    for name in condition.expression.fact_names:
        changed = [{**chart, name: value} for value in world[name]]
        needs = sole_change(condition, name, chart)
        assert (needs is not None) == any(condition.passes(after) for after in changed)
        if needs is not None:
            assert any(told(needs, condition, after) for after in changed)
            assert all(condition.passes(after) for after in changed if told(needs, condition, after))


@given(PROBLEMS)
def test_a_failed_criterion_turns_on_exactly_the_facts_that_could_meet_it(
    problem: tuple[World, Expression, Facts],
) -> None:
    world, e, chart = problem
    for criterion in (e, Not(e)):
        if criterion.value(chart) == NOT_MET:
            check(Condition("it", criterion, (MET,)), world, chart)


def test_a_comparison_that_has_to_be_left_open_is_said_to_be() -> None:
    """Any other end of an interval leaves the comparison not met, and so does not lift the rule."""
    chart = {"q.a": Fact("q.a", "known", high=0.0), "q.b": Fact("q.b", "known", low=0.0, high=0.0)}
    compared = Exceeds("q.a", "q.b", 0.0)
    rule = Condition("it", Unless(Not(compared), IsKnown("b.one")), (NOT_MET, UNKNOWN))
    assert sole_change(rule, "q.b", chart) == f"{compared.describe()}{LEFT_OPEN}"
    assert sole_change(rule, "q.a", chart) == compared.describe()


@given(RULES)
def test_a_refer_rule_turns_on_exactly_the_facts_that_could_lift_it(
    problem: tuple[World, Expression, Expression, Facts],
) -> None:
    """A rule that becomes unknown stands against nothing either, so a fact is named that would only cast doubt on it."""
    world, when, unless, chart = problem
    for rule in (Unless(when, unless), Unless(Not(when), unless)):
        if rule.value(chart) == MET:
            check(Condition("it", rule, (NOT_MET, UNKNOWN)), world, chart)


def worlds(criteria_set: CriteriaSet) -> World:
    """Values of every fact of a set: halves around all of its bounds, all codes and pairs of them."""
    shifts = [leaf.by for leaf in criteria_set.leaves if isinstance(leaf, Exceeds)]
    reach = 2 * max(shifts, default=1)
    world = World()
    for name in criteria_set.fact_names:
        term = POLICY.lexicon.vocabulary[name]
        if term.kind == "boolean":
            world[name] = tuple(Fact(name, "known", value) for value in (True, False))
        elif term.kind == "code":
            world[name] = tuple(Fact(name, "known", code) for code in (*term.values, ""))
        elif term.kind == "quantity":
            own = [leaf for leaf in criteria_set.leaves if isinstance(leaf, Compare) and leaf.fact == name]
            bounds = [leaf.bound for leaf in own]
            ends = range(2 * int(min(bounds, default=50) - reach), 2 * int(max(bounds, default=90) + reach) + 1)
            world[name] = tuple(Fact(name, "known", low=n / 2, high=n / 2, unit=term.unit) for n in ends)
        else:
            members = term.values or (
                "C2",
                "C7",
                "T1",
                "T2",
                "T7",
                "T11",
                "T12",
                "L1",
                "L2",
                "L3",
                "L4",
                "L5",
                "S1",
                "S5",
            )
            some = [*combinations(members, 1), *combinations(members, 2), ()]
            world[name] = tuple(Fact(name, "known", value) for value in some)
    return world


WORLDS: Final = {criteria_set.id: worlds(criteria_set) for criteria_set in POLICY.criteria_sets}


@pytest.mark.parametrize("number", range(len(POLICY.criteria_sets)), ids=[s.id for s in POLICY.criteria_sets])
@given(st.data())
@settings(max_examples=25)
def test_what_a_set_turns_on_is_named_exactly(number: int, data: st.DataObject) -> None:
    """From an example of the set with a few facts changed: no fact that turns a part is left out, and none is named in vain."""
    criteria_set = POLICY.criteria_sets[number]
    world = WORLDS[criteria_set.id]
    facts = dict(criteria_set.examples[data.draw(st.integers(0, len(criteria_set.examples) - 1))].facts)
    for name in data.draw(st.lists(st.sampled_from(sorted(world)), max_size=3, unique=True)):
        facts[name] = data.draw(st.sampled_from(world[name]))
    judged = judge(criteria_set, facts)
    turns = why_not(criteria_set, judged, facts)
    named = {(part, turn.fact) for turn in turns for part in turn.decides}
    failed = [
        Condition(node.id, node.expression, (MET,))
        for node in criteria_set.criteria
        if node.expression.value(facts) == NOT_MET
    ]
    for rule in criteria_set.refer:
        refers = rule.when if rule.unless is None else Unless(rule.when, rule.unless)
        if refers.value(facts) == MET:
            failed.append(Condition(rule.id, refers, (NOT_MET, UNKNOWN)))
    turning = {
        (part.id, name)
        for part in failed
        for name in part.expression.fact_names
        if name in facts and any(part.passes({**facts, name: value}) for value in world[name])
    }
    assert named == turning
    for turn in turns:
        settles = any(passes(criteria_set, {**facts, turn.fact: value}) for value in world[turn.fact])
        assert turn.alone == settles
