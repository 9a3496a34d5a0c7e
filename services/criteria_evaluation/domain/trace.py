"""The evaluated tree: every node and every comparison with its outcome, so that a reader can follow the conclusion.

What does not depend on the facts (ids, titles, texts) is laid out once as a skeleton; a case only fills in the outcomes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.clinical.criteria_model import Node, Purposes, ReferRule
from shared.clinical.expression import AllOf, AnyOf, AtLeast, Expression, Leaf, Not
from shared.clinical.kleene import MET, NAMES, NOT_MET, VALUES, Value, all_of
from shared.clinical.model import Criterion, Facts


@dataclass(frozen=True, slots=True)
class Unless(Expression):
    """A condition with an exception that counts only where it is known to hold.

    The one place where silence counts: it stays outside ``shared.clinical.expression``, whose laws it would break.
    """

    when: Expression
    exception: Expression

    def value(self, facts: Facts) -> Value:
        when = self.when.value(facts)
        return NOT_MET if when != NOT_MET and self.exception.value(facts) == MET else when

    def because(self, facts: Facts) -> tuple[str, ...]:
        return tuple(sorted({*self.when.because(facts), *self.exception.because(facts)}))

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return tuple(dict.fromkeys((*self.when.leaves, *self.exception.leaves)))

    def describe(self) -> str:
        return f"{self.when.describe()} unless {self.exception.describe()}"


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A node of the trace without its outcome."""

    id: str
    title: str
    expression: Expression
    facts: tuple[str, ...]
    evidence: tuple[str, ...]
    text: str | None
    children: "tuple[Skeleton, ...]"


def trace(skeleton: Skeleton, facts: Facts) -> Criterion:
    """The node and all of its children with their outcomes."""
    return Criterion(
        skeleton.id,
        skeleton.title,
        NAMES[skeleton.expression.value(facts)],
        skeleton.facts,
        skeleton.evidence,
        tuple([trace(child, facts) for child in skeleton.children]),
        skeleton.text,
    )


def node_skeleton(node: Node) -> Skeleton:
    """A criterion; comparisons inside an unnamed expression get the ids ``<id>.1``, ``<id>.2``, ..."""
    expression = node.expression
    children = tuple(node_skeleton(child) for child in node.children)
    text = None if children else expression.describe()
    children = children or _parts(node.id, expression)
    return Skeleton(node.id, node.title, expression, expression.fact_names, node.evidence, text, children)


def rule_skeleton(rule: ReferRule) -> Skeleton:
    """A refer rule; it is met when its condition is met and its exception is not known to hold."""
    expression = rule.when if rule.unless is None else Unless(rule.when, rule.unless)
    parts = _parts(rule.id, expression)
    return Skeleton(rule.id, rule.title, expression, expression.fact_names, rule.evidence, expression.describe(), parts)


def fit_skeleton(purposes: Purposes, sequence: int, code: str, fit: Expression) -> Skeleton:
    """Whether a requested item fits the level and a purpose."""
    node_id, title = _fit_name(purposes, sequence, code)
    return Skeleton(node_id, title, fit, fit.fact_names, (), fit.describe(), _parts(node_id, fit))


def trace_unfit(purposes: Purposes, sequence: int, code: str) -> Criterion:
    """An item whose code no rule of the set names."""
    return Criterion(*_fit_name(purposes, sequence, code), "not_met")


def trace_fits(purposes: Purposes, fits: tuple[Criterion, ...]) -> Criterion:
    """The criterion over all items of the set."""
    outcome = NAMES[all_of(VALUES[fit.outcome] for fit in fits)]
    names = tuple(sorted({name for fit in fits for name in fit.facts}))
    return Criterion(purposes.id, purposes.title, outcome, names, children=fits)


def _fit_name(purposes: Purposes, sequence: int, code: str) -> tuple[str, str]:
    # Only a set whose purposes look at levels has a level to fit.
    levels = any("spine.requested_levels" in rule.when.fact_names for rule in purposes.rules if rule.when is not None)
    fits = "fits the level and a purpose" if levels else "serves a documented purpose"
    return f"{purposes.id}.{sequence}", f"Item {sequence} ({code}) {fits}"


def _parts(parent: str, expression: Expression) -> tuple[Skeleton, ...]:
    parts: Sequence[Expression] = ()
    if isinstance(expression, Not):
        parts = (expression.child,)
    elif isinstance(expression, Unless):
        parts = (expression.when, expression.exception)
    elif isinstance(expression, AllOf | AnyOf | AtLeast):
        parts = expression.children
    return tuple(_part(f"{parent}.{i}", part) for i, part in enumerate(parts, start=1))


def _part(part_id: str, part: Expression) -> Skeleton:
    text = part.describe()
    return Skeleton(part_id, text, part, part.fact_names, (), text, _parts(part_id, part))
