"""Tokens of a sentence, the pattern words that they become, and the values behind those."""

import datetime as dt
from dataclasses import dataclass

from services.criteria_evaluation.domain.quantities import Interval


@dataclass(slots=True, init=False)
class Value:
    """A value as written: an interval in a unit, or levels, or a date, or a grade such as 1c."""

    interval: Interval | None
    unit: str | None
    levels: tuple[str, ...]
    date: dt.date | None
    grade: str | None

    def __init__(
        self,
        interval: Interval | None = None,
        unit: str | None = None,
        levels: tuple[str, ...] = (),
        date: dt.date | None = None,
        grade: str | None = None,
    ) -> None:
        self.interval = interval
        self.unit = unit
        self.levels = levels
        self.date = date
        self.grade = grade


@dataclass(slots=True, init=False)
class Units:
    """A sentence as pattern words with their offsets in the document, and the values behind the marked ones.

    ``asides``: from which word up to which brackets enclose them; the brackets are no words.
    """

    words: list[str]
    starts: list[int]
    ends: list[int]
    values: dict[int, Value]
    asides: list[tuple[int, int]]

    # A data class makes its own only at run time, so that compiled code calls it through Python.
    def __init__(self) -> None:
        self.words = []
        self.starts = []
        self.ends = []
        self.values = {}
        self.asides = []

    def add(self, word: str, start: int, end: int, value: Value | None = None) -> None:
        if value is not None:
            self.values[len(self.words)] = value
        self.words.append(word)
        self.starts.append(start)
        self.ends.append(end)


@dataclass(slots=True, init=False)
class Tokens:
    """Lower-cased tokens of one sentence with their offsets in the document."""

    words: list[str]
    starts: list[int]
    ends: list[int]

    def __init__(self, words: list[str], starts: list[int], ends: list[int]) -> None:
        self.words = words
        self.starts = starts
        self.ends = ends

    def word(self, i: int) -> str:
        """The token at ``i``, or an empty string beyond the end."""
        return self.words[i] if i < len(self.words) else ""

    def joins(self, i: int, loosely: bool) -> bool:
        """Whether token ``i`` touches its neighbours, as a hyphen inside a word does; ``loosely``: one is enough ("w/")."""
        before = i > 0 and self.ends[i - 1] == self.starts[i]
        after = i < len(self.words) - 1 and self.ends[i] == self.starts[i + 1]
        return (before or after) if loosely else (before and after)
