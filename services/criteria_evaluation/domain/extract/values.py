"""The grammar of values in prose: numbers, comparisons, ranges, durations, dates, scores, vertebral levels.

``units_of`` turns the tokens of a sentence into the words that lexicon patterns match. A value becomes one word in
angle brackets (``<pct>``, ``<dur>``, ``<lvl>``, ``<n/10>``, ...) that carries a :class:`Value`.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

from services.criteria_evaluation.domain.extract.levels import ORDINALS, read_levels
from services.criteria_evaluation.domain.extract.numerals import (
    ABOUT,
    AFTER,
    COMPARATORS,
    MONTHS,
    NUMBER_WORDS,
    TIME_UNITS,
    compared,
    date_of,
    read_date,
)
from services.criteria_evaluation.domain.quantities import Interval

_RANGE_WORDS: Final = frozenset({"-", "–", "—", "to"})
_DASHES: Final = frozenset({"-", "–", "—"})
_NOISE: Final = frozenset("()\"'`“”‘’=#*_.\\")
_CHECKED: Final = frozenset({"☑", "☒", "✓", "✔", "✅"})
_OPENERS: Final = {"[": "]", "(": ")"}


@dataclass(frozen=True, slots=True)
class Value:
    """A value as written: an interval in a unit, or levels, or a date, or a grade such as 1c."""

    interval: Interval | None = None
    unit: str | None = None
    levels: tuple[str, ...] = ()
    date: dt.date | None = None
    grade: str | None = None


@dataclass(slots=True)
class Units:
    """A sentence as pattern words with their offsets in the document, and the values behind the marked ones."""

    words: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    values: dict[int, Value] = field(default_factory=dict)

    def add(self, word: str, start: int, end: int, value: Value | None = None) -> None:
        if value is not None:
            self.values[len(self.words)] = value
        self.words.append(word)
        self.starts.append(start)
        self.ends.append(end)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Lower-cased tokens of one sentence with their offsets in the document."""

    words: list[str]
    starts: list[int]
    ends: list[int]

    def word(self, i: int) -> str:
        """The token at ``i``, or an empty string beyond the end."""
        return self.words[i] if i < len(self.words) else ""

    def joins(self, i: int, loosely: bool) -> bool:
        """Whether token ``i`` touches its neighbours, as a hyphen inside a word does; ``loosely``: one is enough ("w/")."""
        before = i > 0 and self.ends[i - 1] == self.starts[i]
        after = i < len(self.words) - 1 and self.ends[i] == self.starts[i + 1]
        return (before or after) if loosely else (before and after)


def units_of(tokens: Tokens, on: dt.date | None = None) -> Units:
    """The pattern words of a sentence. ``on`` is the note's date: it tells a past year from the present one."""
    out = Units()
    words, starts, ends = tokens.words, tokens.starts, tokens.ends
    i, n = 0, len(words)
    while i < n:
        word = words[i]
        first = word[0]
        if first.isalpha():
            i = (
                _word(tokens, i, out)
                if word in _STARTERS or (len(word) <= 3 and word[-1].isdigit())
                else _plain(tokens, i, out)
            )
        elif "0" <= first <= "9":
            i = _number(tokens, i, out, on)
        elif word in _OPENERS and (box := _box(tokens, i)):
            out.add(box[0], starts[i], ends[box[1] - 1])
            i = box[1]
        elif word in _CHECKED or word == "☐":
            out.add("<nobox>" if word == "☐" else "<box>", starts[i], ends[i])
            i += 1
        else:
            if word == "|":
                out.add(";", starts[i], ends[i])
            elif word not in _NOISE and not (word in "-–/" and tokens.joins(i, word == "/")):
                out.add(word, starts[i], ends[i])
            i += 1
    return out


def _plain(tokens: Tokens, i: int, out: Units) -> int:
    out.add(tokens.words[i], tokens.starts[i], tokens.ends[i])
    return i + 1


def _box(tokens: Tokens, i: int) -> tuple[str, int] | None:
    """A check box such as [ ], [x] or ( ): its pattern word and the index after it."""
    close = _OPENERS[tokens.words[i]]
    if tokens.word(i + 1) == close and tokens.starts[i + 1] - tokens.ends[i] <= 2:
        return "<nobox>", i + 2
    if tokens.word(i + 2) == close and tokens.word(i + 1) in ("x", "✓", "✔", "_"):
        return ("<nobox>" if tokens.word(i + 1) == "_" else "<box>"), i + 3
    return None


def _word(tokens: Tokens, i: int, out: Units) -> int:
    """A word that may begin a value: a level, a month's name, a number word, or a word such as "yesterday"."""
    word = tokens.words[i]
    if levels := read_levels(tokens.words, i):
        out.add("<lvl>", tokens.starts[i], tokens.ends[levels[1] - 1], Value(levels=levels[0]))
        return levels[1]
    if word in NUMBER_WORDS:
        return _number(tokens, i, out, None)
    if word in MONTHS and (date := _named_date(tokens, i)):
        out.add("<date>", tokens.starts[i], tokens.ends[date[1] - 1], Value(date=date[0]))
        return date[1]
    following = tokens.word(i + 1)
    if word in ("a", "an", "past", "last") and following in _SINGULAR:
        if word in ("past", "last"):
            _plain(tokens, i, out)
        at = i + 1 if word in ("past", "last") else i
        sign, start = _comparator(out, tokens.starts[at])
        value = Value(compared(Interval.at(1), sign), TIME_UNITS[following])
        out.add("<dur>", start, tokens.ends[i + 1], value)
        return i + 2
    if word == "yesterday":
        out.add("<dur>", tokens.starts[i], tokens.ends[i], Value(Interval(0, 48, high_open=True), "h"))
        return i + 1
    return _plain(tokens, i, out)


_SINGULAR: Final = frozenset({"hour", "day", "week", "month", "year"})
_STARTERS: Final = frozenset({*NUMBER_WORDS, *MONTHS, *ORDINALS, "a", "an", "past", "last", "yesterday"})


def _named_date(tokens: Tokens, i: int) -> tuple[dt.date, int] | None:
    """``October 24, 2026``: the date and the index after it. Without a year it is none."""
    day, j = tokens.word(i + 1), i + 2
    if tokens.word(j) == ",":
        j += 1
    year = tokens.word(j)
    if not (day.isascii() and day.isdigit() and year.isascii() and year.isdigit() and len(day) <= 2 and len(year) == 4):
        return None
    date = date_of(int(year), MONTHS[tokens.words[i]], int(day))
    return None if date is None else (date, j + 1)


def _read(tokens: Tokens, i: int) -> tuple[float, int] | None:
    """A number at ``i`` (digits or words) and the index after it."""
    word = tokens.word(i)
    if not word:
        return None
    if word in NUMBER_WORDS:
        number, j = NUMBER_WORDS[word], i + 1
        if number >= 20:
            k = j + 1 if tokens.word(j) in _DASHES else j
            ones = NUMBER_WORDS.get(tokens.word(k), 0.0)
            if 1 <= ones <= 9:
                return number + ones, k + 1
        return number, j
    if "0" <= word[0] <= "9" and "-" not in word and "/" not in word:
        number = float(word)
        return (number, i + 1) if number < 1e6 else None
    return None


def _number(tokens: Tokens, i: int, out: Units, on: dt.date | None) -> int:
    """A value that begins with a number, with the comparison before it and the unit after it."""
    word = tokens.words[i]
    if "-" in word or "/" in word:
        date = read_date(word)
        out.add("<date>" if date else word, tokens.starts[i], tokens.ends[i], Value(date=date) if date else None)
        return i + 1
    read = _read(tokens, i)
    if read is None:
        return _plain(tokens, i, out)
    number, j = read
    if fraction := _fraction(tokens, j):
        denominator, end = fraction
        out.add(
            _fraction_word(number, denominator, tokens.word(j)),
            tokens.starts[i],
            tokens.ends[end - 1],
            Value(Interval.at(number), "{score}"),
        )
        return end
    if number == 1 and len(tokens.word(j)) == 1 and tokens.word(j) in "abc" and tokens.starts[j] == tokens.ends[j - 1]:
        out.add("<grade>", tokens.starts[i], tokens.ends[j], Value(grade=f"1{tokens.word(j)}"))
        return j + 1
    interval, j = _range(tokens, number, j)
    if j > i + 1 and (fraction := _fraction(tokens, j)):
        word = _fraction_word(number, fraction[0], "")
        out.add(word, tokens.starts[i], tokens.ends[fraction[1] - 1], Value(interval, "{score}"))
        return fraction[1]
    kind, unit, j = _unit(tokens, j)
    if kind == "<num>" and 1900 <= number <= 2100 and j == i + 1:
        kind = "<pastyear>" if on is not None and number < on.year else "<year>"
    start = tokens.starts[i]
    sign = AFTER.get((tokens.word(j), tokens.word(j + 1)))
    if sign:
        j += 2
    else:
        sign, start = _comparator(out, start)
    out.add(kind, start, tokens.ends[j - 1], Value(compared(interval, sign), unit))
    return j


def _fraction_word(number: float, denominator: float, sign: str) -> str:
    """The word of a fraction. Of 5 it is a muscle's strength (MRC scale): none, weak (also 5-), or full."""
    if denominator != 5:
        return f"<n/{denominator:g}>"
    return "<0/5>" if number == 0 else "<5/5>" if number >= 5 and sign not in _DASHES else "<weak/5>"


def _fraction(tokens: Tokens, j: int) -> tuple[float, int] | None:
    """The denominator of ``8/10``, ``4-/5``, ``4+/5`` or ``8 out of 10``, and the index after it."""
    k = j
    if tokens.word(k) in ("+", "-", "–", "−") and tokens.word(k + 1) == "/":
        k += 1
    if tokens.word(k) == "/":
        k += 1
    elif tokens.word(k) == "out" and tokens.word(k + 1) == "of":
        k += 2
    else:
        return None
    read = _read(tokens, k)
    return None if read is None or tokens.word(read[1]) == "/" else read


def _range(tokens: Tokens, number: float, j: int) -> tuple[Interval, int]:
    if tokens.word(j) == "+":
        return Interval(number, None), j + 1
    if tokens.word(j) in _RANGE_WORDS and (upper := _read(tokens, j + 1)) and upper[0] > number:
        return Interval(number, upper[0]), upper[1]
    return Interval.at(number), j


def _unit(tokens: Tokens, j: int) -> tuple[str, str | None, int]:
    """The kind of value that the unit at ``j`` makes, the UCUM unit, and the index after it."""
    k = j + 1 if tokens.word(j) in _DASHES and tokens.word(j + 1) else j
    word = tokens.word(k)
    if word in TIME_UNITS:
        return "<dur>", TIME_UNITS[word], k + 1
    if word in ("%", "percent"):
        return "<pct>", "%", k + 1
    if word == "per" and tokens.word(k + 1) == "cent":
        return "<pct>", "%", k + 2
    if word in ("°", "º", "deg", "degree", "degrees"):
        return "<deg>", "deg", k + 1
    return "<num>", None, j


def _comparator(out: Units, start: int) -> tuple[str | None, int]:
    """Takes the words of a comparison off the end of ``out``: its sign and where it begins."""
    for length in (3, 2, 1):
        sign = COMPARATORS.get(tuple(out.words[-length:]))
        if sign is not None and len(out.words) >= length:
            start = out.starts[-length]
            for _ in range(length):
                out.words.pop()
                out.starts.pop()
                out.ends.pop()
            inner = _comparator(out, start) if sign == ABOUT else (None, start)
            return (inner[0] or sign), inner[1]
    return None, start
