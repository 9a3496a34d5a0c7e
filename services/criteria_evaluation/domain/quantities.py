"""Intervals: what a chart says of a quantity, such as "greater than 6 months"."""

from dataclasses import dataclass

from shared.clinical.units import factor


@dataclass(slots=True, init=False, unsafe_hash=True)
class Interval:
    """From ``low`` to ``high``; None is an open end; the ``_open`` flags leave the bound itself out."""

    low: float | None
    high: float | None
    low_open: bool
    high_open: bool

    # Written out, as for all of which many are made: what a data class makes at run time is slow where all else is compiled.
    def __init__(self, low: float | None, high: float | None, low_open: bool = False, high_open: bool = False) -> None:
        self.low = low
        self.high = high
        self.low_open = low_open
        self.high_open = high_open

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


def convert(interval: Interval, unit: str | None, to: str) -> Interval | None:
    """The interval in unit ``to``; a value without a unit is in it already. None: the units do not compare."""
    if unit is None or unit == to:
        return interval
    ratio = factor(unit, to)
    if ratio is None or ratio == 1.0:
        return None if ratio is None else interval
    low, high = interval.low, interval.high
    return Interval(
        None if low is None else _tidy(low * ratio),
        None if high is None else _tidy(high * ratio),
        interval.low_open,
        interval.high_open,
    )


def _tidy(number: float) -> float:
    """Without the last bits of a product, so that 42 d and 6 wk are the same number."""
    return float(f"{number:.10g}")
