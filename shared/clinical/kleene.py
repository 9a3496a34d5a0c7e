"""Kleene's strong three-valued logic, ordered as numbers so that combining is arithmetic.

``NOT_MET < UNKNOWN < MET``: a conjunction is the minimum, a disjunction the maximum, a negation the mirror image.
Source: S. C. Kleene, Introduction to Metamathematics (1952), section 64; the same tables as HL7 CQL's logical operators.
"""

from collections.abc import Iterable
from typing import Final, Literal

from shared.clinical.model import Outcome3

Value = Literal[0, 1, 2]
NOT_MET: Final = 0
UNKNOWN: Final = 1
MET: Final = 2

NAMES: Final[tuple[Outcome3, Outcome3, Outcome3]] = ("not_met", "unknown", "met")
VALUES: Final[dict[Outcome3, Value]] = {"not_met": 0, "unknown": 1, "met": 2}
_MIRROR: Final[tuple[Value, Value, Value]] = (2, 1, 0)


def negate(value: Value) -> Value:
    """Met becomes not met and the reverse; unknown stays unknown."""
    return _MIRROR[value]


def all_of(values: Iterable[Value]) -> Value:
    """Met when every value is met (also when there is none), not met when any is not met."""
    return min(values, default=MET)


def any_of(values: Iterable[Value]) -> Value:
    """Met when any value is met, not met when none could be (also when there is none)."""
    return max(values, default=NOT_MET)


def at_least(n: int, values: Iterable[Value]) -> Value:
    """Met when ``n`` or more are met, not met when fewer than ``n`` are or could become met, else unknown.

    ``at_least(1, ...)`` is ``any_of``; ``at_least(len, ...)`` is ``all_of``.
    """
    met = possible = 0
    for value in values:
        if value:
            possible += 1
            met += value == MET
    if met >= n:
        return MET
    return UNKNOWN if possible >= n else NOT_MET
