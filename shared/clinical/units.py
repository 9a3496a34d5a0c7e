"""Conversion between UCUM units, by the UCUM definitions that ``ucumvert`` lays over ``pint``.

UCUM's month is the mean Julian month of 30.4375 days and its year (``a``) 365.25 days (UCUM specification, table 5).
The library takes a quarter of a second to load, so it is loaded at the first unit that is not a usual one; every pair of
units is worked out once, and is a look-up from then on.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

_LONGEST: Final = 40
_LONG_NUMBER: Final = re.compile(r"[0-9]{3}")
_ANNOTATION: Final = re.compile(r"\{[^{}]*\}")

_SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "s": ("sec", "secs", "second", "seconds"),
    "min": ("mins", "minute", "minutes"),
    "h": ("hr", "hrs", "hour", "hours"),
    "d": ("day", "days"),
    "wk": ("wks", "week", "weeks"),
    "mo": ("mos", "month", "months"),
    "a": ("y", "yr", "yrs", "year", "years"),
    "%": ("percent", "per cent", "pct"),
    "1": ("{l/l}", "{ratio}", "{fraction}", "ratio", "fraction"),
    "{score}": ("score", "point", "points"),
    "{count}": ("count", "events", "event", "levels", "segments", "channels"),
    "deg": ("degree", "degrees", "°"),
    "mm[Hg]": ("mmhg", "mm hg", "torr"),
    "kPa": ("kpa",),
    "kg/m2": ("kg/m^2", "kg/m²", "kg/m**2", "kg/sqm", "kg per square meter", "bmi"),
    "/h": ("/hr", "/hour", "per hour", "events/h", "events/hr", "events/hour", "events per hour", "n/h"),
    "cm": ("centimeter", "centimeters"),
    "m": ("meter", "meters"),
    "[in_i]": ("in", "in.", "inch", "inches"),
    "[ft_i]": ("ft", "ft.", "foot", "feet"),
    "kg": ("kgs", "kilogram", "kilograms"),
    "g": ("gram", "grams"),
    "[lb_av]": ("lb", "lbs", "lb.", "lbs.", "pound", "pounds"),
    "[oz_av]": ("oz", "ounce", "ounces"),
    "[stone_av]": ("stone",),
}
"""How people write units where no UCUM code stands. They come before UCUM's own reading, by which ft is a femtotonne."""
_CODES: Final = {spelling: code for code, spellings in _SPELLINGS.items() for spelling in spellings}


class _Measure(NamedTuple):
    """A unit in base units, and what it measures: units compare where they share one of these."""

    size: float
    kinds: frozenset[str]


_NUMBER: Final = _Measure(1.0, frozenset({"number"}))
_ONE: Final = _Measure(1.0, frozenset({"number", "ratio"}))
"""``1`` is a fraction, which percent divides, and it is the plain number that a count or a score is."""


_TIME: Final = frozenset({"second"})
_LENGTH: Final = frozenset({"meter"})
_MASS: Final = frozenset({"gram"})
_PRESSURE: Final = frozenset({"gram / meter / second ** 2"})
_USUAL: Final[Mapping[str, _Measure]] = {
    "s": _Measure(1.0, _TIME),
    "min": _Measure(60.0, _TIME),
    "h": _Measure(3600.0, _TIME),
    "d": _Measure(86400.0, _TIME),
    "wk": _Measure(604800.0, _TIME),
    "mo": _Measure(2629800.0, _TIME),
    "a": _Measure(31557600.0, _TIME),
    "/h": _Measure(1 / 3600, frozenset({"1 / second"})),
    "%": _Measure(0.01, frozenset({"ratio"})),
    "deg": _Measure(0.017453292519943295, frozenset({"radian"})),
    "mm[Hg]": _Measure(133322.387415, _PRESSURE),
    "kPa": _Measure(1e6, _PRESSURE),
    "kg/m2": _Measure(1000.0, frozenset({"gram / meter ** 2"})),
    "mm": _Measure(0.001, _LENGTH),
    "cm": _Measure(0.01, _LENGTH),
    "m": _Measure(1.0, _LENGTH),
    "[in_i]": _Measure(0.0254, _LENGTH),
    "[ft_i]": _Measure(0.3048, _LENGTH),
    "g": _Measure(1.0, _MASS),
    "kg": _Measure(1000.0, _MASS),
    "[lb_av]": _Measure(453.59237, _MASS),
    "[oz_av]": _Measure(28.349523125, _MASS),
    "[stone_av]": _Measure(6350.29318, _MASS),
    "cm2": _Measure(0.0001, frozenset({"meter ** 2"})),
    "L": _Measure(0.001, frozenset({"meter ** 3"})),
}
"""The units of the vocabulary as the library has them, so that most cases need none of it. A test compares the two."""


def is_unit(unit: str) -> bool:
    """Whether values in this unit can be converted and compared."""
    return _measure(unit) is not None


@lru_cache(maxsize=4096)
def factor(unit: str, to: str) -> float | None:
    """What a value in ``unit`` is multiplied with to be in ``to``; None where the two do not measure the same thing.

    Either may be a UCUM code or a usual spelling. Units with a zero of their own (degrees Celsius) or on a logarithmic
    scale have no factor. A count or score (``{score}``) is no fraction, so it has none to percent.
    """
    if unit == to:
        return 1.0
    source, target = _measure(unit), _measure(to)
    if source is None or target is None or not source.kinds & target.kinds:
        return None
    return float(f"{source.size / target.size:.15g}")


@lru_cache(maxsize=4096)
def _measure(unit: str) -> _Measure | None:
    code = unit.strip()
    code = _CODES.get(code) or _CODES.get(code.lower(), code)
    # A power such as 10*999999 would be worked out digit by digit.
    if not code.isascii() or len(code) > _LONGEST or _LONG_NUMBER.search(code):
        return None
    if code in ("", "1"):
        return _ONE
    if code in _USUAL:
        return _USUAL[code]
    return _reader()(code) if _ANNOTATION.sub("", code) else _NUMBER


@cache
def _reader() -> Callable[[str], _Measure | None]:
    """The library, as a function from a UCUM code to what it measures."""
    from lark.exceptions import LarkError
    from pint import PintError
    from ucumvert import InvalidUcumError, UcumToPintTransformer, get_ucum_parser, parse_ucum

    parser, transformer = get_ucum_parser(), UcumToPintTransformer()

    def read(code: str) -> _Measure | None:
        try:
            quantity: Any = transformer.transform(parse_ucum(code, parser))
            one, two = quantity.to_root_units(), (quantity * 2).to_root_units()
        except (InvalidUcumError, LarkError, PintError, ArithmeticError, AttributeError, TypeError, ValueError):
            return None
        if not one.magnitude > 0 or two.magnitude != 2 * one.magnitude:
            return None
        return _Measure(float(one.magnitude), frozenset({"ratio" if one.unitless else str(one.units)}))

    return read
