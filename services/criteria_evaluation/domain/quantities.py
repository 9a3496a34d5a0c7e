"""Intervals and the UCUM units that the vocabulary's quantities use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_ANNOTATION: Final = re.compile(r"\{[^{}]*\}")
_TIME_H: Final = {"s": 1 / 3600, "min": 1 / 60, "h": 1.0, "d": 24.0, "wk": 168.0, "mo": 730.5, "a": 8766.0}
_DIMENSIONS: Final[tuple[Mapping[str, float], ...]] = (
    _TIME_H,
    {"": 1.0, "1": 1.0},
    {"%": 1.0},
    {"deg": 1.0, "rad": 57.29577951308232},
    {"mm[Hg]": 1.0, "kPa": 7.500616827041697, "[psi]": 51.71493257},
    {"kg/m2": 1.0},
    {"/h": 1.0, "/min": 60.0, "1/h": 1.0},
    {"m": 1.0, "cm": 0.01, "mm": 0.001, "[in_i]": 0.0254, "[ft_i]": 0.3048},
    {"kg": 1.0, "g": 0.001, "[lb_av]": 0.45359237, "[oz_av]": 0.028349523125},
)
_FACTORS: Final = {unit: (n, factor) for n, units in enumerate(_DIMENSIONS) for unit, factor in units.items()}
_HUMAN: Final[Mapping[str, str]] = {
    "percent": "%", "pct": "%", "hour": "h", "hours": "h", "hr": "h", "hrs": "h", "day": "d", "days": "d",
    "week": "wk", "weeks": "wk", "wks": "wk", "month": "mo", "months": "mo", "mos": "mo", "year": "a",
    "years": "a", "yr": "a", "degree": "deg", "degrees": "deg", "°": "deg", "mmHg": "mm[Hg]", "mm Hg": "mm[Hg]",
    "kg/m^2": "kg/m2", "kg/m²": "kg/m2", "score": "1", "points": "1", "point": "1", "count": "1",
    "events/hour": "/h", "events/h": "/h", "per hour": "/h", "in": "[in_i]", "lb": "[lb_av]", "lbs": "[lb_av]",
}  # fmt: skip
"""Units as people write them in ``Quantity.unit`` where no UCUM code stands beside it."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``low`` to ``high``; None is an open end; the ``_open`` flags leave the bound itself out."""

    low: float | None
    high: float | None
    low_open: bool = False
    high_open: bool = False

    @staticmethod
    def at(number: float) -> "Interval":
        """A single number."""
        return Interval(number, number)

    def intersect(self, other: "Interval") -> "Interval | None":
        """What both allow, or None where they exclude each other."""
        low, low_open = _tighter(self.low, self.low_open, other.low, other.low_open, up=True)
        high, high_open = _tighter(self.high, self.high_open, other.high, other.high_open, up=False)
        if low is not None and high is not None and (low > high or (low == high and (low_open or high_open))):
            return None
        return Interval(low, high, low_open, high_open)


def _tighter(a: float | None, a_open: bool, b: float | None, b_open: bool, *, up: bool) -> tuple[float | None, bool]:
    if a is None or b is None:
        return (b, b_open) if a is None else (a, a_open)
    if a == b:
        return a, a_open or b_open
    return (a, a_open) if (a > b) is up else (b, b_open)


def known_unit(unit: str) -> bool:
    """Whether values in this unit can be converted and compared."""
    return _ANNOTATION.sub("", unit) in _FACTORS


def convert(interval: Interval, unit: str | None, to: str) -> Interval | None:
    """The interval in unit ``to``; a value without a unit is in it already. None: the units do not compare.

    Months and years are UCUM's (30.4375 d and 365.25 d).
    """
    if unit is None or unit == to:
        return interval
    source = _FACTORS.get(_plain(unit))
    target = _FACTORS[_plain(to)]
    if source is None or source[0] != target[0]:
        return None
    if source[1] == target[1]:
        return interval
    ratio = source[1] / target[1]
    low, high = interval.low, interval.high
    return Interval(
        None if low is None else _tidy(low * ratio),
        None if high is None else _tidy(high * ratio),
        interval.low_open,
        interval.high_open,
    )


def _plain(unit: str) -> str:
    bare = _ANNOTATION.sub("", unit) if "{" in unit else unit
    return _HUMAN.get(bare, bare)


def _tidy(number: float) -> float:
    """Without the last bits of a product, so that 42 d and 6 wk are the same number."""
    return float(f"{number:.10g}")
