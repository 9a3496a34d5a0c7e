"""Serial measurements of a wound: rows or columns of days with its length, width, depth or area, the first against the last."""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY: Final = (
    rf"(?:([0-9]{{1,2}})/([0-9]{{1,2}})(?:/([0-9]{{2,4}}))?|({'|'.join(_MONTHS)})[a-z]{{0,6}}\.? ([0-9]{{1,2}})\b)"
)
_DAYS: Final = re.compile(_DAY, re.IGNORECASE)
_ROW: Final = re.compile(
    rf"^[\s|*•-]{{0,12}}(?:(?:week|wk|visit|day)?[ ]?#?[0-9]{{1,2}}[:.)]?[\s|]{{1,12}})?{_DAY}[\s|:=-]{{1,24}}(?=[0-9])",
    re.IGNORECASE,
)
"""A line that begins with a day, which the number of a week or visit may precede, and goes on with a number."""
_NUMBER: Final = r"([0-9]{1,3}(?:\.[0-9]{1,2})?)"
_SIDES: Final = re.compile(rf"{_NUMBER} ?(?:cm|mm)? ?[x×] ?{_NUMBER} ?(?:cm|mm)?(?: ?[x×] ?{_NUMBER})?", re.IGNORECASE)
_AREA: Final = re.compile(rf"{_NUMBER} ?(?:cm2|cm²|cm\^2|sq\.? ?cm)", re.IGNORECASE)
_FIRST: Final = re.compile(_NUMBER)
_GAPS: Final = re.compile(r"[ ]{2,}|\t+|[ ]?\|[ ]?")
_NAMES: Final = {"l": "length", "w": "width", "d": "depth"}
_MEASURABLE: Final = 0.9
_LONGEST: Final = 200
_BELOW: Final = 6
"""So many lines below a heading of days name what was measured."""


class Size(NamedTuple):
    """What was measured on one day, as far as it was."""

    area: float | None
    depth: float | None


class Series(NamedTuple):
    """Where in the text a wound was measured again and again, and whether it became smaller."""

    start: int
    end: int
    healing: bool


def measured(text: str) -> Iterator[Series]:
    """The series of measurements whose first and last differ clearly, or whose last is no smaller in any way."""
    lines = [(at.start(), at.group()) for at in re.finditer(r"[^\n]+", text)]
    i = 0
    while i < len(lines):
        run = i
        while run < len(lines) and len(lines[run][1]) <= _LONGEST and _ROW.match(lines[run][1]):
            run += 1
        if run - i > 1:
            found = _of_rows([line for _, line in lines[i:run]], [line for _, line in lines[max(0, i - 2) : i]])
            yield from _series(lines[i][0], lines[run - 1], found)
        elif len(lines[i][1]) <= _LONGEST and len(_DAYS.findall(lines[i][1])) > 1:
            yield from _series(
                lines[i][0], lines[min(i + _BELOW, len(lines) - 1)], _of_columns(lines[i : i + 1 + _BELOW])
            )
        i = max(run, i + 1)


def _series(start: int, last: tuple[int, str], sizes: Sequence[Size]) -> Iterator[Series]:
    healing = _healing(sizes[0], sizes[-1]) if len(sizes) > 1 else None
    if healing is not None:
        yield Series(start, last[0] + len(last[1]), healing)


def _healing(first: Size, last: Size) -> bool | None:
    """Whether a wound is smaller: one that is shallower and no larger is, and one of which no measure fell is not."""
    shares = [b / a for a, b in zip(first, last, strict=True) if a and b is not None]
    if not shares:
        return None
    if min(shares) >= 1:
        return False
    return True if min(shares) <= _MEASURABLE and max(shares) <= 1 / _MEASURABLE else None


def _of_rows(rows: Sequence[str], above: Sequence[str]) -> list[Size]:
    """The sizes of a row for each day, from the first day to the last; none where the days are in no order."""
    names = next((found for line in reversed(above) if (found := _columns(line))), [])
    sizes: list[Size] = []
    days: list[tuple[int, int, int]] = []
    for row in rows:
        match = _ROW.match(row)
        size = _size(row[match.end() :], names) if match else None
        if match and size is not None:
            sizes.append(size)
            days.append(_day(match.groups()))
    return _in_order(days, sizes)


def _columns(line: str) -> list[str]:
    """What the columns behind that of the days are called, where one is of a length, depth or area."""
    cells = [cell.strip().lower() for cell in _GAPS.split(line.strip(" |")) if cell.strip()]
    at = next((i for i, cell in enumerate(cells) if cell.startswith("date")), None)
    if at is None:
        return []
    names = [_NAMES.get(cell, cell.split(" ")[0]) for cell in cells[at + 1 :]]
    return names if {"length", "depth", "area"} & set(names) else []


def _size(cells: str, names: Sequence[str]) -> Size | None:
    sides = _SIDES.match(cells)
    if sides:
        length, width, depth = (float(side) if side else None for side in sides.groups())
        return Size(length * width, depth) if length and width else None
    area = _AREA.match(cells)
    if area:
        return Size(float(area.group(1)), None)
    values = [cell for cell in _GAPS.split(cells.strip(" |")) if cell.strip()]
    if not names or len(values) < len(names):
        return None
    numbers = {name: float(n.group(1)) for name, cell in zip(names, values, strict=False) if (n := _FIRST.match(cell))}
    sided = numbers["length"] * numbers["width"] if {"length", "width"} <= numbers.keys() else numbers.get("area")
    return None if sided is None and "depth" not in numbers else Size(sided, numbers.get("depth"))


def _of_columns(lines: Sequence[tuple[int, str]]) -> list[Size]:
    """The sizes of a column for each day: "WOUND   1/2/26   2/24/26" over "Depth   1.2 cm   1.3 cm"."""
    days = [_day(found) for found in _DAYS.findall(lines[0][1])]
    areas: list[float | None] = [None] * len(days)
    depths: list[float | None] = [None] * len(days)
    for _, line in lines[1:]:
        name, *cells = [cell for cell in _GAPS.split(line.strip(" |")) if cell.strip()] or [""]
        if len(cells) != len(days):
            continue
        if name.lower().startswith("depth"):
            depths = [float(n.group(1)) if (n := _FIRST.match(cell)) else None for cell in cells]
        elif name.lower().startswith(("length", "size", "area", "l x w", "lxw", "dimension", "measure")):
            sizes = [_size(cell, ()) for cell in cells]
            areas = [size.area if size else None for size in sizes]
            depths = [size.depth if size and size.depth else depth for size, depth in zip(sizes, depths, strict=True)]
    sizes_of_days = [Size(area, depth) for area, depth in zip(areas, depths, strict=True)]
    return _in_order(days, sizes_of_days) if any(area or depth for area, depth in sizes_of_days) else []


def _day(found: Sequence[str | None]) -> tuple[int, int, int]:
    """Year (0 where none is written), month and day."""
    month, day, year, name, of_month = found
    if name:
        return 0, _MONTHS.index(name[:3].lower()) + 1, int(of_month or 0)
    return int(year[-2:]) if year else 0, int(month or 0), int(day or 0)


def _in_order(days: Sequence[tuple[int, int, int]], sizes: Sequence[Size]) -> list[Size]:
    if all(_follows(a, b) for a, b in itertools.pairwise(days)):
        return list(sizes)
    if all(_follows(b, a) for a, b in itertools.pairwise(days)):
        return list(reversed(sizes))
    return []


def _follows(day: tuple[int, int, int], later: tuple[int, int, int]) -> bool:
    """Whether a day comes after another; without years January follows November."""
    if day[0] and later[0]:
        return later > day
    months = later[1] - day[1]
    return months <= -7 or (months < 7 and later[1:] > day[1:])
