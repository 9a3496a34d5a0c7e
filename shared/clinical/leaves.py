"""The leaves of an expression: each compares one clinical fact (or two sets of vertebrae) and answers in three values.

A fact that is absent, unknown, conflicting, or of another type than the leaf compares is unknown, never not met.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, Literal

from shared.clinical.kleene import MET, NAMES, NOT_MET, UNKNOWN, Value, negate
from shared.clinical.model import Fact, Facts, Outcome3
from shared.clinical.units import factor

Operator = Literal[">=", ">", "<=", "<", "="]
OPERATORS: Final[tuple[Operator, ...]] = (">=", ">", "<=", "<", "=")


class Expression(ABC):
    """A compiled three-valued expression over facts. Equal expressions compare equal; evaluation has no side effect."""

    __slots__ = ()

    @abstractmethod
    def value(self, facts: Facts) -> Value:
        """The outcome as a number (see ``shared.clinical.kleene``), for code that combines outcomes."""

    @abstractmethod
    def because(self, facts: Facts) -> tuple[str, ...]:
        """The facts that carry the outcome: those of the met children of a disjunction that is met, and so on. Sorted."""

    @property
    @abstractmethod
    def leaves(self) -> "tuple[Leaf, ...]":
        """All leaves in the order in which they were written, each once."""

    @abstractmethod
    def describe(self) -> str:
        """One readable line."""

    @property
    def fact_names(self) -> tuple[str, ...]:
        """The names of all facts that the expression looks at, sorted, each once."""
        return tuple(sorted({name for leaf in self.leaves for name in leaf.compared}))

    def evaluate(self, facts: Facts) -> Outcome3:
        """``met``, ``not_met`` or ``unknown``."""
        return NAMES[self.value(facts)]


class Leaf(Expression):
    """A comparison. ``compared`` are the names of the facts it looks at."""

    __slots__ = ()

    @property
    @abstractmethod
    def compared(self) -> tuple[str, ...]: ...

    @property
    def leaves(self) -> "tuple[Leaf, ...]":
        return (self,)

    def because(self, facts: Facts) -> tuple[str, ...]:
        return tuple(sorted(self.compared))


@dataclass(frozen=True, slots=True)
class Compare(Leaf):
    """A quantity against a bound. An interval that reaches over the bound is unknown; open ends are respected.

    ``unit`` is that of ``bound``; a fact in another commensurable unit is converted, in an incommensurable one unknown.
    """

    fact: str
    operator: Operator
    bound: float
    unit: str | None = None

    @property
    def compared(self) -> tuple[str, ...]:
        return (self.fact,)

    def value(self, facts: Facts) -> Value:
        fact = facts.get(self.fact)
        if fact is None or fact.status != "known" or (fact.low is None and fact.high is None):
            return UNKNOWN
        bound = self.bound
        if fact.unit != self.unit and fact.unit is not None and self.unit is not None:
            scale = factor(self.unit, fact.unit)
            if scale is None:
                return UNKNOWN
            bound *= scale
        return _compare(self.operator, fact, bound)

    def describe(self) -> str:
        return f"{self.fact} {self.operator} {self.bound:g}" + (f" {self.unit}" if self.unit else "")


def _at_least(fact: Fact, bound: float) -> Value:
    # A bound in weeks and a fact in months meet only up to floating-point rounding.
    slack = 1e-9 * max(1.0, abs(bound))
    low, high = fact.low, fact.high
    if low is not None and low >= bound - slack:
        return MET
    if high is not None and (high < bound - slack or (fact.high_open and high <= bound + slack)):
        return NOT_MET
    return UNKNOWN


def above(fact: Fact, bound: float) -> Value:
    """Whether a quantity is greater than a bound in its own unit, up to floating-point rounding."""
    slack = 1e-9 * max(1.0, abs(bound))
    low, high = fact.low, fact.high
    if low is not None and (low > bound + slack or (fact.low_open and low >= bound - slack)):
        return MET
    if high is not None and high <= bound + slack:
        return NOT_MET
    return UNKNOWN


def _equal(fact: Fact, bound: float) -> Value:
    if _at_least(fact, bound) == NOT_MET or above(fact, bound) == MET:
        return NOT_MET
    return MET if fact.low == fact.high and not (fact.low_open or fact.high_open) else UNKNOWN


def _compare(operator: Operator, fact: Fact, bound: float) -> Value:
    if operator == ">=":
        return _at_least(fact, bound)
    if operator == ">":
        return above(fact, bound)
    if operator == "<":
        return negate(_at_least(fact, bound))
    if operator == "<=":
        return negate(above(fact, bound))
    return _equal(fact, bound)


@dataclass(frozen=True, slots=True)
class IsTrue(Leaf):
    """A boolean fact against true or false."""

    fact: str
    expected: bool = True

    @property
    def compared(self) -> tuple[str, ...]:
        return (self.fact,)

    def value(self, facts: Facts) -> Value:
        fact = facts.get(self.fact)
        if fact is None or fact.status != "known" or not isinstance(fact.value, bool):
            return UNKNOWN
        return MET if fact.value is self.expected else NOT_MET

    def describe(self) -> str:
        return f"{self.fact} is {'true' if self.expected else 'false'}"


@dataclass(frozen=True, slots=True)
class OneOf(Leaf):
    """A code fact against the codes that satisfy it."""

    fact: str
    codes: frozenset[str]

    @property
    def compared(self) -> tuple[str, ...]:
        return (self.fact,)

    def value(self, facts: Facts) -> Value:
        fact = facts.get(self.fact)
        if fact is None or fact.status != "known" or not isinstance(fact.value, str):
            return UNKNOWN
        return MET if fact.value in self.codes else NOT_MET

    def describe(self) -> str:
        return f"{self.fact} is {' or '.join(sorted(self.codes))}"


@dataclass(frozen=True, slots=True)
class IncludesAny(Leaf):
    """A set fact (codes or levels) against a list: met when they share a member."""

    fact: str
    codes: frozenset[str]

    @property
    def compared(self) -> tuple[str, ...]:
        return (self.fact,)

    def value(self, facts: Facts) -> Value:
        fact = facts.get(self.fact)
        if fact is None or fact.status != "known" or not isinstance(fact.value, tuple):
            return UNKNOWN
        return NOT_MET if self.codes.isdisjoint(fact.value) else MET

    def describe(self) -> str:
        # T9 before T10, and thoracic codes among themselves, as a reader would list them.
        codes = sorted(self.codes, key=lambda code: (code.rstrip("0123456789"), len(code), code))
        return f"{self.fact} includes any of {', '.join(codes)}"


@dataclass(frozen=True, slots=True)
class Overlaps(Leaf):
    """Two set facts (levels) against each other: met when they share a member."""

    fact: str
    other: str

    @property
    def compared(self) -> tuple[str, ...]:
        return (self.fact, self.other)

    def value(self, facts: Facts) -> Value:
        ours, theirs = facts.get(self.fact), facts.get(self.other)
        if ours is None or theirs is None or ours.status != "known" or theirs.status != "known":
            return UNKNOWN
        if not isinstance(ours.value, tuple) or not isinstance(theirs.value, tuple):
            return UNKNOWN
        return NOT_MET if set(ours.value).isdisjoint(theirs.value) else MET

    def describe(self) -> str:
        return f"{self.fact} overlaps {self.other}"


@dataclass(frozen=True, slots=True)
class IsKnown(Leaf):
    """Met when the fact is known. Not knowing it is unknown rather than not met, so learning a fact never undoes it."""

    fact: str

    @property
    def compared(self) -> tuple[str, ...]:
        return (self.fact,)

    def value(self, facts: Facts) -> Value:
        fact = facts.get(self.fact)
        return MET if fact is not None and fact.status == "known" else UNKNOWN

    def describe(self) -> str:
        return f"{self.fact} is known"
