"""Texts that were typed without capitals or in capitals only, or printed with a blank line after each line, in the usual layout.

Where headings, sentences and paragraphs end is told by capitals and blank lines. A text that has none of them, or one after
every line, is read in a form that has them; its quotes are those of the text as it stands.
"""

import bisect
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
_EMPTY: Final = re.compile(r"\n\n\n+")


class Layout:
    """A text in the usual layout, with the way back to the offsets of the text as it stands."""

    def __init__(self, text: str, begins: list[int], gaps: list[int]) -> None:
        self.text = text
        self._begins = begins
        self._gaps = gaps

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of this text stands in the one that it was made of."""
        return self._back(start), self._back(end - 1) + 1 if end > start else self._back(start)

    def _back(self, at: int) -> int:
        """Before ``at`` so many characters were left out."""
        i = bisect.bisect_right(self._begins, at) - 1
        return at + self._gaps[i] if i >= 0 else at


def usual(text: str) -> Layout | None:
    """The text in the usual layout; None where it stands in it."""
    begins: list[int] = []
    gaps: list[int] = []
    laid = text
    if "\n\n" in text and _is_double_spaced(text):
        laid = _closed_up(text, begins, gaps)
    if _is_caseless(laid[:_HEAD]):
        laid = _with_capitals(laid)
    return None if laid == text else Layout(laid, begins, gaps)


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


def _closed_up(text: str, begins: list[int], gaps: list[int]) -> str:
    """The text without the blank line after each line; ``begins`` takes where it goes on, ``gaps`` what was left out before."""
    kept: list[str] = []
    length = left_out = 0
    last_blank = True
    for line in text.split("\n"):
        blank = not line or line.isspace()
        if blank and not last_blank:
            left_out += len(line) + 1
            begins.append(length)
            gaps.append(left_out)
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
