"""Why not: the single facts that would have to differ for a failed criterion, and for the case, to come out otherwise.

It is the reverse of the smallest request. A fact that the chart decides is given every value that a comparison could tell
from another, all other facts staying as they are, and the criterion is evaluated again. This is for a reviewer who weighs
a finding; it says what the policy turns on, and never what a chart should say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from services.criteria_evaluation.domain.answers import values
from services.criteria_evaluation.domain.judge import Judged
from services.criteria_evaluation.domain.trace import Unless
from shared.clinical.criteria_model import CriteriaSet, ReferRule
from shared.clinical.expression import Expression
from shared.clinical.kleene import MET, NOT_MET, UNKNOWN, Value
from shared.clinical.leaves import Leaf
from shared.clinical.model import Fact, Facts, WhyNot

LEFT_OPEN: Final = " left open"


@dataclass(frozen=True, slots=True)
class Condition:
    """What must come out for a part of the set not to stand against approval, and which outcomes will do.

    A criterion must be met. A refer rule must not be met: one that is unknown stands against nothing.
    """

    id: str
    expression: Expression
    accepted: tuple[Value, ...]

    def passes(self, facts: Facts) -> bool:
        return self.expression.value(facts) in self.accepted


def why_not(criteria_set: CriteriaSet, judged: Judged, facts: Facts) -> tuple[WhyNot, ...]:
    """Changes of one known fact that would make a failed criterion or a met refer rule pass.

    ``alone`` says that some value of the fact would settle every criterion and rule of the set. Empty where nothing failed.
    """
    failed = list(_failed(criteria_set, judged))
    if not failed:
        return ()
    found: dict[tuple[str, str], list[str]] = {}
    for condition in failed:
        for name in condition.expression.fact_names:
            if (needs := _needs(condition, name, facts)) is not None:
                found.setdefault((name, needs), []).append(condition.id)
    alone = {name: _settles(criteria_set, name, facts) for name in {name for name, _ in found}}
    return tuple(WhyNot(name, needs, tuple(decides), alone[name]) for (name, needs), decides in found.items())


def sole_change(condition: Condition, name: str, facts: Facts) -> str | None:
    """What the fact ``name`` would have to be for the condition to pass, all other facts staying as they are.

    In words of the fewest comparisons whose outcomes make sure of it; None where no value of the fact is enough.
    """
    leaves = [leaf for leaf in condition.expression.leaves if name in leaf.compared]
    tried = [_with(facts, value) for value in values(name, leaves, facts)]
    outcomes = [tuple(leaf.value(chart) for leaf in leaves) for chart in tried]
    passing = [condition.passes(chart) for chart in tried]
    if not any(passing):
        return None
    for size in range(1, len(leaves) + 1):
        enough = [
            (sum(outcome[i] != MET for i in some), sum(outcome[i] == UNKNOWN for i in some), some, outcome)
            for some in combinations(range(len(leaves)), size)
            for outcome, passed in zip(outcomes, passing, strict=True)
            if passed and _suffices(some, outcome, outcomes, passing)
        ]
        if enough:
            *_, some, outcome = min(enough)
            return " and ".join(sorted(_in_words(leaves[i], outcome[i]) for i in some))
    return None


def _suffices(
    some: Sequence[int], outcome: Sequence[Value], outcomes: Sequence[Sequence[Value]], passing: Sequence[bool]
) -> bool:
    """Whether the condition passes wherever these leaves come out like this."""
    return all(
        passed for other, passed in zip(outcomes, passing, strict=True) if all(other[i] == outcome[i] for i in some)
    )


def _in_words(leaf: Leaf, outcome: Value) -> str:
    """A comparison with a fact that is open itself may come out as neither, and then that is what has to be said."""
    if outcome == UNKNOWN:
        return f"{leaf.describe()}{LEFT_OPEN}"
    return leaf.describe() if outcome == MET else f"not {leaf.describe()}"


def _needs(condition: Condition, name: str, facts: Facts) -> str | None:
    fact = facts.get(name)
    if fact is None or fact.status == "unknown":
        return None
    return sole_change(condition, name, facts)


def _with(facts: Facts, fact: Fact) -> Facts:
    return {**facts, fact.name: fact}


def _settles(criteria_set: CriteriaSet, name: str, facts: Facts) -> bool:
    parts: list[Expression] = [node.expression for node in criteria_set.criteria]
    parts += [_refers(rule) for rule in criteria_set.refer]
    leaves = dict.fromkeys(leaf for part in parts for leaf in part.leaves)
    return any(passes(criteria_set, _with(facts, value)) for value in values(name, leaves, facts))


def _failed(criteria_set: CriteriaSet, judged: Judged) -> Iterable[Condition]:
    for node, traced in zip(criteria_set.criteria, judged.criteria, strict=True):
        if traced.outcome == "not_met":
            yield Condition(node.id, node.expression, (MET,))
    met = {rule.id for rule in judged.referrals}
    for rule in criteria_set.refer:
        if rule.id in met:
            yield Condition(rule.id, _refers(rule), (NOT_MET, UNKNOWN))


def _refers(rule: ReferRule) -> Expression:
    return rule.when if rule.unless is None else Unless(rule.when, rule.unless)


def passes(criteria_set: CriteriaSet, facts: Facts) -> bool:
    """Whether every criterion is met and no refer rule stands against the facts."""
    return all(node.expression.value(facts) == MET for node in criteria_set.criteria) and not any(
        _refers(rule).value(facts) == MET for rule in criteria_set.refer
    )
