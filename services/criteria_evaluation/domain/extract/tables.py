"""Tables in a note: each cell is read as a sentence of its column's heading, its row's name, and its own words.

``| | Rest | Walking |`` over ``| SpO2 | 86% | 82% |`` says "Rest SpO2 86%" and "Walking SpO2 82%". The words keep their
places in the document, and these rise, so that a quote of them is a quote of the document.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from services.criteria_evaluation.domain.extract.aligned import gap_cells, headed_by_days, heading_of, set_apart
from services.criteria_evaluation.domain.extract.counts import number_at
from services.criteria_evaluation.domain.extract.forms import marked
from services.criteria_evaluation.domain.extract.words import Tokens

_RULE: Final = re.compile(r"[ \t]*[|+:=-][ \t|+:=-]*(?=\n|$)")
_GENERAL: Final = frozenset(
    [
        "condition",
        "conditions",
        "parameter",
        "parameters",
        "test",
        "tests",
        "measure",
        "measurement",
        "finding",
        "findings",
        "item",
        "items",
        "component",
        "components",
        "element",
        "elements",
        "level",
        "levels",
        "muscle",
        "muscles",
        "question",
        "variable",
        "state",
        "position",
        "region",
        "site",
        "study",
        "field",
        "result",
        "results",
        "value",
        "values",
        "score",
        "scores",
        "points",
        "answer",
        "response",
        "status",
    ]
)
"""Names of columns: a first row with one of them is a heading although no rule stands below it."""
_AROUND: Final = frozenset(
    {
        "activity",
        "device",
        "delivery",
        "flow",
        "lpm",
        "fio2",
        "o2",
        "oxygen",
        "support",
        "supplemental",
        "mode",
        "source",
    }
)
"""Names of columns that tell under what circumstances the others of the row were measured."""
_MEASURED: Final = frozenset({"sat", "sats", "saturation", "spo2", "sao2", "pulse"})
_PERCENT: Final = _MEASURED - {"pulse"}
_AIR: Final = (["ra"], ["room", "air"], ["r", "/", "a"])
_WHEN: Final = frozenset({"time", "stage", "lap", "step", "no", "number", "visit", "day", "hour"})
"""Names of a first column whose numbers only count the rows."""
_MINUTES: Final = frozenset({"minute", "minutes", "min", "mins"})
_WALKING: Final = frozenset({"walk", "walking", "exercise", "ambulation"})
_ANSWERS: Final = frozenset({"no", "n", "none", "yes", "y", "absent", "negative", "neg", "denies", "denied", "present"})
_NOES: Final = _ANSWERS - {"yes", "y", "present"}
_REMARKS: Final = frozenset(
    {
        "comment",
        "comments",
        "note",
        "notes",
        "detail",
        "details",
        "remark",
        "remarks",
        "treatment",
        "medication",
        "therapy",
    }
)
"""Names of a column that only says more of what another one answers."""
_ANSWER_COLUMNS: Final = (["yes"], ["y"], ["no"], ["n"], ["present"], ["absent"], ["positive"], ["negative"])
_MOST_CELLS: Final = 20


def table_rows(lines: Sequence[str]) -> list[bool]:
    """Which lines are rows of a table: framed by pipes, or with as many pipes as a line beside them."""
    pipes = [line.count("|") for line in lines]
    rows = []
    for i, (line, count) in enumerate(zip(lines, pipes, strict=True)):
        beside = (pipes[i - 1] if i else 0, pipes[i + 1] if i + 1 < len(pipes) else 0)
        rows.append(count > 0 and ((count > 1 and line.lstrip()[0] == "|") or count in beside))
    return rows


class Table:
    """The table that is being read: the words of its columns' headings."""

    def __init__(self) -> None:
        self._end = -1
        self._headings: list[Tokens] = []
        self._line = 0

    def sentences(self, text: str, row: Tokens, start: int, end: int) -> Iterator[Tokens]:
        """The sentences that a row from ``start`` to ``end`` makes, given the row's tokens."""
        if _RULE.fullmatch(text, start, end):
            self._end = end
            return
        if "|" not in row.words and row.words:
            yield from self._aligned(text, row, start, end)
            return
        cells = _cells(row)
        if not cells:
            return
        if text.count("\n", max(self._end, 0), start) != 1 or self._end < 0:
            self._headings = []
            general = any(len(cell.words) <= 2 and _GENERAL.intersection(cell.words) for cell in cells)
            bare = not any(word[0].isdigit() for cell in cells for word in cell.words)
            days = headed_by_days(text[start:end].strip().strip("|").split("|"))
            if len(cells) > 1 and ((bare and general) or days or _RULE.match(text, end + 1)):
                self._headings = cells
                self._end = end
                yield row
                return
        self._end = end
        if len(cells) == 1 or not any(cell.words for cell in cells[1:]):
            yield cells[0]
            return
        missing = [_NOTHING] * (len(cells) - len(self._headings))
        yield from _row([*self._headings[: len(cells)], *missing], cells)

    def _aligned(self, text: str, row: Tokens, start: int, end: int) -> Iterator[Tokens]:
        """The same for a row whose cells are set apart by spaces; its headings are those that stand above the cells."""
        cells = gap_cells(row)
        if _listed(cells) and len(self._headings) < len(cells):
            self._end = end
            yield from (_joined(_NOTHING, name, value, ()) for name, value in zip(cells[::2], cells[1::2], strict=True))
            return
        line = text.rfind("\n", 0, row.starts[0]) + 1
        below = self._end >= 0 and text.count("\n", self._end, start) == 1
        self._end = end
        if not below or len(cells) == 1 or (_valued(cells) and _valued(self._headings) == len(self._headings)):
            self._headings, self._line = cells, line
            yield set_apart(row, text) if _valued(cells) == len(cells) else row
            return
        headings = [heading_of(cell, line, self._headings, self._line) or _NOTHING for cell in cells]
        if len(cells) == 2 and marked(cells[1]) is None:
            headings = [_NOTHING, _NOTHING]
        yield from _row(headings, cells)


_NOTHING: Final = Tokens([], [], [])


def _valued(cells: Sequence[Tokens]) -> int:
    """How many cells are a name with its value, as in lines that list some each: "Apneas 88     Hypopneas 104"."""
    return sum(cell.words[0].isalpha() and cell.words[-1][0].isdigit() for cell in cells)


def _listed(cells: Sequence[Tokens]) -> bool:
    """Whether two lists of names and values stand beside each other: "Total sleep  370 min     Central apneas  4"."""
    return len(cells) in (4, 6) and all(cell.words[0][0].isdigit() == bool(i % 2) for i, cell in enumerate(cells))


def _row(headings: Sequence[Tokens], cells: Sequence[Tokens]) -> Iterator[Tokens]:
    """The sentences of a row: of each cell with its heading, the row's name, and what other cells say of the circumstances."""
    name, rest = _minute_of(_without_time(cells[0])), 1
    pairs = list(zip(headings, cells, strict=True))
    around = [word for heading, cell in pairs[1:] for word in _circumstance(heading, cell)]
    if name.words and name.words[0][0].isdigit() and headings[0].words:
        if len(name.words) == 2 and name.words[1] in _MINUTES:
            # "Time" over "3 min": the minutes of a walk, whatever their column is called.
            name, around = _minute(Tokens(name.words[:1], name.starts[:1], name.ends[:1]), around)
        elif not _WHEN.isdisjoint(headings[0].words):
            name = _NOTHING
        elif not _MINUTES.isdisjoint(headings[0].words):
            name, around = _minute(name, around)
        elif not any("/" in word or "-" in word for word in name.words) and "date" not in headings[0].words:
            name, rest = _NOTHING, 0  # The first column is a measure as the others are.
    denied = any(_denies(heading, cell) for heading, cell in pairs[rest:])
    for heading, cell in pairs[rest:]:
        if not cell.words:
            continue
        answers = len(heading.words) == 1 and heading.words in _ANSWER_COLUMNS
        mark = marked(cell) if answers else None
        if mark is not None:
            if mark:
                yield _answered(name, heading.words[0], cell)
            continue
        # A minute of a walk tells when a saturation was; beside a pulse it would be read as one.
        named = _NOTHING if name.words[:1] == ["minute"] and _PERCENT.isdisjoint(heading.words) else name
        if denied and not _REMARKS.isdisjoint(heading.words):
            heading = named = _NOTHING  # "| Diabetes | No | A1c 5.4 |"
        own = around if around and not _circumstance(heading, cell) else ()
        yield _joined(_NOTHING if answers else heading, named, cell, own)


def _denies(heading: Tokens, cell: Tokens) -> bool:
    """Whether a cell says no to the question of its row, by a word or by a mark under one."""
    answer = heading.words if heading.words in _ANSWER_COLUMNS and cell.words and marked(cell) else cell.words
    return len(answer) == 1 and answer[0] in _NOES


def _without_time(name: Tokens) -> Tokens:
    """A row's name without its place in a list, and without the time of day behind its date, whose minutes would be read as a value: "04/21/2026 12:58"."""
    words = name.words
    if len(words) > 2 and words[0].isdigit() and words[1] in (".", ")") and words[2].isalpha():
        return Tokens(words[2:], name.starts[2:], name.ends[2:])  # "2. Walking, minute 3"
    timed = len(words) == 4 and "/" in words[0] and words[2] == ":"
    return Tokens(words[:1], name.starts[:1], name.ends[:1]) if timed else name


def _minute_of(name: Tokens) -> Tokens:
    """A row's name without what is done in its minute: "Walk minute 3" is one of a walk, as "Minute 3" is."""
    words = name.words
    if len(words) != 3 or words[0] not in _WALKING or words[1] not in _MINUTES or not words[2].isdigit():
        return name
    return Tokens(["minute", words[2]], name.starts[1:], name.ends[1:])


def _minute(number: Tokens, around: list[str]) -> tuple[Tokens, list[str]]:
    """The name and the circumstances of the row of a minute of a walk; it begins at rest."""
    if number.words[0] == "0":
        return _NOTHING, ["at", "rest", *around]
    at = number.starts[0]
    return Tokens(["minute", *number.words], [at, *number.starts], [at, *number.ends]), around


def _answered(name: Tokens, answer: str, cell: Tokens) -> Tokens:
    """The question of a row, with the answer whose column has the mark."""
    at = cell.starts[0]
    return Tokens([*name.words, ":", answer], [*name.starts, at, at], [*name.ends, at, cell.ends[-1]])


def _circumstance(heading: Tokens, cell: Tokens) -> list[str]:
    """The words with which a cell tells how the others of its row were measured: "RA", "2 L NC", "walking"; none at another cell."""
    words = cell.words
    if words in _AIR:
        return ["on", "room", "air"]
    if _AROUND.isdisjoint(heading.words) or not _MEASURED.isdisjoint(heading.words):
        return []
    flow = number_at(cell, 0) if len(words) == 1 else None
    if flow is None:
        return words
    return ["on", "room", "air"] if flow[0] == 0 else ["on", words[0], "l"]


def _joined(heading: Tokens, name: Tokens, cell: Tokens, around: Sequence[str]) -> Tokens:
    """A cell's sentence. An answer stands behind a colon, as on a form; the circumstances stand at its end, where they take no place."""
    words, starts, ends = [*heading.words, *name.words], [*heading.starts, *name.starts], [*heading.ends, *name.ends]
    if cell.words[0] in _ANSWERS and words and words[-1] not in (":", "?"):
        words.append(":")
        starts.append(cell.starts[0])
        ends.append(cell.starts[0])
    if (
        len(cell.words) == 1
        and cell.words[0][0].isdigit()
        and ("%" in heading.words or not _PERCENT.isdisjoint(heading.words))
    ):
        around = ["%", *around]
    last = [cell.ends[-1]] * len(around)
    return Tokens([*words, *cell.words, *around], [*starts, *cell.starts, *last], [*ends, *cell.ends, *last])


def _cells(row: Tokens) -> list[Tokens]:
    """The cells of a row, empty ones too; a pipe at either end is its frame."""
    edges = [i for i, word in enumerate(row.words) if word == "|"]
    begins, stops = [0, *(i + 1 for i in edges)], [*edges, len(row.words)]
    cells = [Tokens(row.words[a:b], row.starts[a:b], row.ends[a:b]) for a, b in zip(begins, stops, strict=True)]
    if edges and edges[0] == 0:
        cells = cells[1:]
    if cells and not cells[-1].words:
        cells = cells[:-1]
    return cells[:_MOST_CELLS]
