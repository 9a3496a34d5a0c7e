"""Texts typed without capitals or in capitals only, with tabs, with torn numbers, or with a blank line after each line, in the usual layout.

Where headings, sentences, columns and paragraphs end is told by capitals, blanks and blank lines. A text that has none of them,
or one after every line, is read in a form that has them; its quotes are those of the text as it stands.
"""

import bisect
import itertools
import re
from typing import Final

_HEAD: Final = 4000
"""So many characters tell how a text is written."""
_RARE: Final = 0.03
_FEWEST: Final = 60
_SMALL: Final = re.compile(r"[a-z]+")
_LARGE: Final = re.compile(r"[A-Z]+")
_BEGINS: Final = re.compile(r"(?:^|[.!?]\s)[^\w\n]{0,8}[a-z]", re.MULTILINE)
"""The first letter of a line or a sentence."""
_FEWEST_LINES: Final = 6
_NEARLY_ALL: Final = 0.95
_UNFINISHED: Final = re.compile(r"[^\s.:;!?]\n\n[a-z]")
_SPACED_PERCENT: Final = re.compile(r"(?:(?<=  )|(?<=: )|(?<=\n))[1-9] [0-9](?= {0,2}%)")
"""A number that a scan has torn apart: "SpO2:   8 7 %"."""
_TORN_STOP: Final = re.compile(r"(?<=[\w)\]]) ([.,:;])(?=\s|$)")
_STOP: Final = re.compile(r"[.,:;](?=\s|$)")
_FEWEST_STOPS: Final = 6
"""Stops that a scan has set apart from their words: "COPD , HTN . No stroke ."."""
_EMPTY: Final = re.compile(r"\n\n\n+")
_APART: Final = re.compile(r"\w [,:]\s")
_SCANNED: Final = 5
"""So often a blank stands before a comma or colon in a text that was read from a scan."""
_SPLIT_PERCENT: Final = re.compile(r"(?<![\w.,/:%-])(?<![0-9] )[0-9] [0-9](?= {0,2}%)")
"""A number of two digits that a scan has drawn apart: "4 2  %"."""
_GAP: Final = "    "
_WIDEST: Final = 60
_GROWS: Final = 8


class Shifts:
    """Where the pieces of a text stand in the one that it was made of; what was put in between belongs to the end of a piece."""

    def __init__(self) -> None:
        self._begins: list[int] = []
        self._origins: list[int] = []

    def add(self, begin: int, origin: int) -> None:
        """The piece from ``begin`` on stands at ``origin``."""
        self._begins.append(begin)
        self._origins.append(origin)

    def back(self, at: int) -> int:
        """Where ``at`` is in the other text."""
        i = bisect.bisect_right(self._begins, at) - 1
        if i < 0:
            return min(at, self._origins[0] - 1) if self._origins else at
        origin = self._origins[i] + at - self._begins[i]
        return min(origin, self._origins[i + 1] - 1) if i + 1 < len(self._origins) else origin


class Layout:
    """A text in the usual layout, with the way back to the offsets of the text as it stands."""

    def __init__(self, text: str, shifts: list[Shifts]) -> None:
        self.text = text
        self._shifts = shifts

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of this text stands in the one that it was made of."""
        return self._back(start), self._back(end - 1) + 1 if end > start else self._back(start)

    def _back(self, at: int) -> int:
        for shifts in reversed(self._shifts):
            at = shifts.back(at)
        return at


def usual(text: str) -> Layout | None:
    """The text in the usual layout; None where it stands in it."""
    shifts: list[Shifts] = []
    laid = text
    if "\t" in text:
        shifts.append(Shifts())
        laid = _without_tabs(text, shifts[-1])
    if _has_torn_stops(laid):
        shifts.append(Shifts())
        laid = _with_stops_at_words(laid, shifts[-1])
    if "%" in laid:
        torn = _SPLIT_PERCENT if len(_APART.findall(text)) >= _SCANNED else _SPACED_PERCENT
        if torn.search(laid) is not None:
            shifts.append(Shifts())
            laid = _with_percents_joined(laid, torn, shifts[-1])
    if "\n\n" in laid and _is_double_spaced(laid):
        shifts.append(Shifts())
        laid = _closed_up(laid, shifts[-1])
    if _is_caseless(laid[:_HEAD]):
        laid = _with_capitals(laid)
    return None if laid == text else Layout(laid, shifts)


def _without_tabs(text: str, shifts: Shifts) -> str:
    """The text with blanks for each tab, so many that the columns of lines below each other stand below each other."""
    made: list[str] = []
    length = origin = 0
    for tabbed, block in itertools.groupby(text.split("\n"), lambda line: "\t" in line):
        rows = [line.split("\t") for line in block]
        widths = _widths(rows) if tabbed else []
        for row in rows:
            padded: list[str] = []
            for i, cell in enumerate(row[:-1]):
                padded.append(cell.ljust(widths[i] if widths else 0) + _GAP)
                length += len(padded[-1])
                origin += len(cell) + 1
                shifts.add(length, origin)
            padded.append(row[-1])
            length += len(row[-1]) + 1
            origin += len(row[-1]) + 1
            made.append("".join(padded))
    return "\n".join(made)


def _has_torn_stops(text: str) -> bool:
    torn = len(_TORN_STOP.findall(text))
    return torn >= _FEWEST_STOPS and torn * 2 > len(_STOP.findall(text))


def _with_stops_at_words(text: str, shifts: Shifts) -> str:
    for gone, found in enumerate(_TORN_STOP.finditer(text), start=1):
        shifts.add(found.start() + 1 - gone, found.start() + 1)
    return _TORN_STOP.sub(r"\1", text)


def _with_percents_joined(text: str, torn: re.Pattern[str], shifts: Shifts) -> str:
    """The text with the digits of percentages joined, each with the blank before it that stood between them."""
    # "8 7 %" becomes " 87 %", which is as long, so that columns stay below each other.
    for found in torn.finditer(text):
        at = found.start()
        shifts.add(at, at - 1)
        shifts.add(at + 2, at + 2)
    return torn.sub(lambda found: f" {found.group()[0]}{found.group()[2]}", text)


def _widths(rows: list[list[str]]) -> list[int]:
    """How wide each column but the last of a row is; a cell of prose makes none wider. Empty where few rows fill the columns,
    so that a text grows no more than some times over."""
    widths = [0] * (max(len(row) for row in rows) - 1)
    for row in rows:
        for i, cell in enumerate(row[:-1]):
            widths[i] = max(widths[i], min(len(cell), _WIDEST))
    written = sum(len(cell) + 1 for row in rows for cell in row)
    return widths if len(rows) * sum(widths) <= _GROWS * written else []


def _is_double_spaced(text: str) -> bool:
    """Whether a blank line follows each line, which tells no paragraphs apart: these are further apart, or sentences go on
    over the blank line."""
    lines = text.rstrip().split("\n")
    written = [i for i, line in enumerate(lines) if line and not line.isspace()]
    if len(written) < _FEWEST_LINES:
        return False
    followed = sum(1 for i in written[:-1] if not lines[i + 1].strip())
    if followed < _NEARLY_ALL * (len(written) - 1):
        return False
    return len(_EMPTY.findall(text)) > 1 or len(_UNFINISHED.findall(text)) > 1


def _closed_up(text: str, shifts: Shifts) -> str:
    """The text without the blank line after each line."""
    kept: list[str] = []
    length = origin = 0
    last_blank = True
    for line in text.split("\n"):
        blank = not line or line.isspace()
        origin += len(line) + 1
        if blank and not last_blank:
            shifts.add(length, origin)
        else:
            kept.append(line)
            length += len(line) + 1
        last_blank = blank
    return "\n".join(kept)


def _is_caseless(head: str) -> bool:
    """Whether nearly all letters are capitals, or nearly none."""
    small = len(head) - len(_SMALL.sub("", head))
    large = len(head) - len(_LARGE.sub("", head))
    return small + large >= _FEWEST and min(small, large) <= _RARE * (small + large)


def _with_capitals(text: str) -> str:
    """The text in small letters but for the first of each line and sentence. It is as long as before, or it stays as it is."""
    lowered = text.lower()
    if len(lowered) != len(text):
        return text
    return _BEGINS.sub(lambda found: found.group().upper(), lowered)
