"""The words of numbers, dates, units of time and comparisons."""

import datetime as dt
from typing import Final

from services.criteria_evaluation.domain.quantities import Interval

_SMALL: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
NUMBER_WORDS: Final[dict[str, float]] = {
    **{word: float(n) for n, word in enumerate(_SMALL)},
    **{word: float(10 * n) for n, word in enumerate(_TENS, start=2)},
}
TIME_UNITS: Final[dict[str, str]] = {
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("wk", "wks", "w", "week", "weeks"), "wk"),
    **dict.fromkeys(("mo", "mos", "mth", "mths", "month", "months"), "mo"),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), "a"),
}
MONTHS: Final[dict[str, int]] = {
    name: n
    for n, names in enumerate(
        (
            "jan january",
            "feb february",
            "mar march",
            "apr april",
            "may",
            "jun june",
            "jul july",
            "aug august",
            "sep sept september",
            "oct october",
            "nov november",
            "dec december",
        ),
        start=1,
    )
    for name in names.split()
}
LOW_OPEN, LOW, HIGH_OPEN, HIGH, ABOUT = ">", ">=", "<", "<=", "~"
COMPARATORS: Final[dict[tuple[str, ...], str]] = {
    tuple(phrase.split()): sign
    for sign, phrases in (
        (
            LOW_OPEN,
            "greater than|more than|longer than|in excess of|exceeds|exceeding|over|beyond|above|>|well over|upwards of|better than",
        ),
        (LOW, "at least|no less than|not less than|minimum of|a minimum of|>=|> =|≥|no fewer than"),
        (HIGH_OPEN, "less than|fewer than|under|below|shorter than|<|within"),
        (HIGH, "at most|no more than|not more than|up to|maximum of|<=|< =|≤|no greater than"),
        (
            ABOUT,
            "adds up to|add up to|adding up to|added up to|about|approximately|approx|around|roughly|nearly|almost|~|≈|estimated at|some|circa|ca",
        ),
    )
    for phrase in phrases.split("|")
}
AFTER: Final[dict[tuple[str, str], str]] = {
    ("or", "more"): LOW,
    ("or", "greater"): LOW,
    ("or", "longer"): LOW,
    ("or", "better"): LOW,
    ("or", "higher"): LOW,
    ("or", "above"): LOW,
    ("or", "over"): LOW,
    ("or", "beyond"): LOW,
    ("and", "over"): LOW,
    ("and", "up"): LOW,
    ("or", "so"): ABOUT,
    ("or", "less"): HIGH,
    ("or", "below"): HIGH,
    ("or", "under"): HIGH,
    ("or", "fewer"): HIGH,
    ("and", "above"): LOW,
}


def date_of(year: int, month: int, day: int) -> dt.date | None:
    """A day of the calendar, or None; two digits of a year are of this century."""
    try:
        return dt.date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return None


def read_date(word: str) -> dt.date | None:
    """``2026-10-24``, ``10/24/2026`` (month first, as US charts write it) or ``24.10.2026`` (day first)."""
    if "-" in word:
        year, month, day = word.split("-")
        return date_of(int(year), int(month), int(day))
    if "." in word:
        day, month, year = word.split(".")
        return date_of(int(year), int(month), int(day))
    month, day, year = word.split("/")
    return date_of(int(year), int(month), int(day))


def compared(interval: Interval, sign: str | None) -> Interval:
    """The interval that a comparison makes of a number or range."""
    if sign == LOW_OPEN:
        return Interval(interval.high, None, low_open=True)
    if sign == LOW:
        return Interval(interval.low, None, interval.low_open)
    if sign == HIGH_OPEN:
        return Interval(None, interval.low, high_open=True)
    if sign == HIGH:
        return Interval(None, interval.high)
    return interval
