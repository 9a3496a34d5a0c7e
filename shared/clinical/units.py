"""Conversion between the UCUM units that criteria and charts use for one and the same kind of quantity.

UCUM's month is the mean Julian month of 30.4375 days and its year (``a``) 365.25 days (UCUM specification, table 5).
"""

from typing import Final

_SCALES: Final[tuple[dict[str, float], ...]] = (
    {"s": 1 / 86400, "min": 1 / 1440, "h": 1 / 24, "d": 1.0, "wk": 7.0, "mo": 30.4375, "a": 365.25},
    {"mm": 0.1, "cm": 1.0, "m": 100.0, "[in_i]": 2.54, "[ft_i]": 30.48},
    {"g": 0.001, "kg": 1.0, "[lb_av]": 0.45359237},
    {"mm[Hg]": 1.0, "kPa": 1000 / 133.322387415},
    {"%": 0.01, "1": 1.0},
)
_FACTORS: Final[dict[tuple[str, str], float]] = {
    (a, b): scale[a] / scale[b] for scale in _SCALES for a in scale for b in scale
}


def factor(unit: str, to: str) -> float | None:
    """What a value in ``unit`` is multiplied with to be in ``to``; None where the two do not measure the same thing."""
    return 1.0 if unit == to else _FACTORS.get((unit, to))
