"""Why not: the single facts that would have to differ for a failed criterion, and for the case, to come out otherwise.

It is the reverse of the smallest request. A fact that the chart decides is taken as open, and the same exact search says
whether it alone could make the condition pass, and by which value. This is for a reviewer who weighs a finding; it says
what the policy turns on, and never what a chart should say.
"""

from collections.abc import Iterable, Mapping

from services.criteria_evaluation.domain.judge import Judged
from services.criteria_evaluation.domain.missing import sole_change
from shared.clinical.criteria_model import CriteriaSet, ReferRule
from shared.clinical.expression import AllOf, AnyOf, Expression, Not
from shared.clinical.kleene import MET, UNKNOWN
from shared.clinical.model import Facts, WhyNot


def why_not(
    criteria_set: CriteriaSet, judged: Judged, facts: Facts, preference: Mapping[str, int]
) -> tuple[WhyNot, ...]:
    """Changes of one known fact that would make a failed criterion or a met refer rule come out otherwise.

    ``alone`` says that it would settle every criterion and rule of the set. Empty where nothing failed.
    """
    failed = list(_failed(criteria_set, judged))
    if not failed:
        return ()
    found: dict[tuple[str, str], list[str]] = {}
    for place, condition in failed:
        for name in condition.fact_names:
            if (needs := _needs(condition, name, facts, preference)) is not None:
                found.setdefault((name, needs), []).append(place)
    whole = AllOf(tuple(_conditions(criteria_set, facts)))
    alone = {name: _needs(whole, name, facts, preference) is not None for name, _ in found}
    return tuple(WhyNot(name, needs, tuple(decides), alone[name]) for (name, needs), decides in found.items())


def _needs(condition: Expression, name: str, facts: Facts, preference: Mapping[str, int]) -> str | None:
    fact = facts.get(name)
    if fact is None or fact.status == "unknown":
        return None
    return sole_change(condition, name, facts, preference)


def _failed(criteria_set: CriteriaSet, judged: Judged) -> Iterable[tuple[str, Expression]]:
    for node, traced in zip(criteria_set.criteria, judged.criteria, strict=True):
        if traced.outcome == "not_met":
            yield node.id, node.expression
    met = {rule.id for rule in judged.referrals}
    for rule in criteria_set.refer:
        if rule.id in met:
            yield rule.id, _not_referred(rule)


def _conditions(criteria_set: CriteriaSet, facts: Facts) -> Iterable[Expression]:
    """All that must be met for nothing to stand against approval. A refer rule that is unknown stands against nothing."""
    yield from (node.expression for node in criteria_set.criteria)
    yield from (_not_referred(rule) for rule in criteria_set.refer if rule.when.value(facts) != UNKNOWN)


def _not_referred(rule: ReferRule) -> Expression:
    refused: Expression = Not(rule.when)
    return refused if rule.unless is None else AnyOf((refused, rule.unless))


def passes(criteria_set: CriteriaSet, facts: Facts) -> bool:
    """Whether every criterion is met and no refer rule stands against the facts."""
    return all(node.expression.value(facts) == MET for node in criteria_set.criteria) and not any(
        rule.when.value(facts) == MET and (rule.unless is None or rule.unless.value(facts) != MET)
        for rule in criteria_set.refer
    )
