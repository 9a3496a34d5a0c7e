"""Rules that can never be met, or always are: found by the same exact search that finds the smallest request."""

from collections.abc import Iterable

from services.criteria_evaluation.domain.check import Problem
from services.criteria_evaluation.domain.missing import attainable
from shared.clinical.criteria_model import CriteriaSet, Node
from shared.clinical.expression import Expression
from shared.clinical.kleene import MET, NOT_MET
from shared.clinical.leaves import IsKnown


def unreachable(criteria_set: CriteriaSet) -> Iterable[Problem]:
    """Criteria, refer rules, purposes and statements whose condition contradicts itself or can never fail."""
    for node in _nodes(criteria_set.criteria):
        if not attainable(node.expression, MET):
            yield Problem(node.id, "No values of its facts can meet this criterion; its parts contradict each other.")
        elif not _asks_knowledge(node.expression) and not attainable(node.expression, NOT_MET):
            yield Problem(node.id, "This criterion can never fail, so it decides nothing.")
    for place, condition in _conditions(criteria_set):
        if not attainable(condition, MET):
            yield Problem(place, "No values of its facts can meet this condition, so the rule is never used.")
    for rule in criteria_set.refer:
        if not _asks_knowledge(rule.when) and not attainable(rule.when, NOT_MET):
            yield Problem(rule.id, "This refer rule can never fail, so every known case would be referred.")


def _nodes(nodes: Iterable[Node]) -> Iterable[Node]:
    for node in nodes:
        yield node
        yield from _nodes(node.children)


def _conditions(criteria_set: CriteriaSet) -> Iterable[tuple[str, Expression]]:
    for rule in criteria_set.refer:
        yield rule.id, rule.when
        if rule.unless is not None:
            yield rule.id, rule.unless
    for purpose in criteria_set.purposes.rules if criteria_set.purposes else ():
        yield purpose.id, purpose.when
    for statement in criteria_set.statements:
        if statement.when is not None:
            yield statement.id, statement.when
    for alternative in criteria_set.alternatives:
        yield from ((alternative.id, ruling.when) for ruling in alternative.rulings)


def _asks_knowledge(expression: Expression) -> bool:
    """Whether a part asks only if a fact is known, which is never not met by design."""
    return any(isinstance(leaf, IsKnown) for leaf in expression.leaves)
