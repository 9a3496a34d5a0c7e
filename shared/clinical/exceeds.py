"""A leaf that compares two quantities with each other, such as a fall of the oxygen saturation from rest to sleep."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.clinical.kleene import UNKNOWN, Value
from shared.clinical.leaves import Leaf, above
from shared.clinical.model import Fact, Facts
from shared.clinical.policy_yaml import finite
from shared.policy import PolicyError


@dataclass(frozen=True, slots=True)
class Exceeds(Leaf):
    """Whether ``fact`` is greater than ``other`` by more than ``by``, all in one unit.

    The difference of two intervals is an interval, and compares with ``by`` as any does: an end that belongs to neither
    side is not reached.
    """

    fact: str
    other: str
    by: float

    @property
    def compared(self) -> tuple[str, ...]:
        return (self.fact, self.other)

    def value(self, facts: Facts) -> Value:
        greater, lesser = facts.get(self.fact), facts.get(self.other)
        if not _comparable(greater, lesser) or greater is None or lesser is None:
            return UNKNOWN
        difference = Fact(
            self.fact,
            "known",
            low=None if greater.low is None or lesser.high is None else greater.low - lesser.high,
            high=None if greater.high is None or lesser.low is None else greater.high - lesser.low,
            low_open=greater.low_open or lesser.high_open,
            high_open=greater.high_open or lesser.low_open,
        )
        return above(difference, self.by)

    def describe(self) -> str:
        return f"{self.fact} exceeds {self.other} by more than {self.by:g}"


def _comparable(greater: Fact | None, lesser: Fact | None) -> bool:
    if greater is None or lesser is None or greater.status != "known" or lesser.status != "known":
        return False
    return greater.unit == lesser.unit or greater.unit is None or lesser.unit is None


def parse_exceeds(
    name: str,
    data: Mapping[object, object],
    where: str,
    vocabulary: Mapping[str, tuple[str, str | None, tuple[str, ...]]] | None,
) -> Exceeds:
    """``{fact: A, exceeds: B, by: 5}``.

    Raises:
        PolicyError: B is no quantity of A's unit, or ``by`` is no number.
    """
    other, by = data["exceeds"], data.get("by", 0)
    if not isinstance(other, str):
        raise PolicyError(f"{where}.exceeds: must be a fact's name.")
    margin = finite(by)
    if margin is None:
        raise PolicyError(f"{where}.by: must be a number.")
    if vocabulary is not None:
        kinds = {vocabulary[fact][:2] if fact in vocabulary else None for fact in (name, other)}
        if len(kinds) != 1 or any(kind is None or kind[0] != "quantity" for kind in kinds):
            raise PolicyError(f"{where}: {name} and {other} must be quantities of one unit.")
    return Exceeds(name, other, margin)
