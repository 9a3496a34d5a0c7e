"""Vertebral levels as charts write them: L1-3, T12/L1, C7 through T2, "the second lumbar vertebra"."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from services.criteria_evaluation.domain.vocabulary import LEVEL_INDEX, in_order, level_range

_LEVEL_TOKEN: Final = re.compile(r"[A-Za-z][0-9]{1,2}(?![0-9])|[A-Za-z]+|[0-9]+|\S")
_THROUGH: Final = frozenset({"-", "–", "—", "−", "to", "through", "thru"})
_LISTS: Final = frozenset({"/", ",", "and", "&", "+"})
_SEQUENCE_WORDS: Final = (
    "weight", "hyperintens", "hypointens", "isointens", "signal", "bright", "dark", "sequence", "image", "flair",
    "wi", "fat", "stir", "shorten", "w", "contrast", "hyper", "hypo", "post", "axial", "sagittal",
)  # fmt: skip
ORDINALS: Final[dict[str, int]] = {
    word: n
    for n, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
        ],
        start=1,
    )
}
_SPOKEN: Final = {
    word: n
    for n, word in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"],
        start=1,
    )
}
SPOKEN_REGIONS: Final = frozenset("ctls")
"""The letters with which a vertebra begins that speech recognition wrote in two words: "l four"."""
_REGIONS: Final = {"cervical": "C", "thoracic": "T", "lumbar": "L", "sacral": "S"}


def _level(word: str) -> str | None:
    name = word.upper()
    return name if name in LEVEL_INDEX else None


def _level_at(words: Sequence[str], i: int) -> tuple[str, int] | None:
    """The vertebra at ``i`` and the index after it: "l4", or "l four" as it was dictated."""
    word = words[i]
    if len(word) == 1 and word in SPOKEN_REGIONS and i + 1 < len(words) and words[i + 1] in _SPOKEN:
        spoken = _level(f"{word}{_SPOKEN[words[i + 1]]}")
        return None if spoken is None else (spoken, i + 2)
    level = _level(word)
    return None if level is None else (level, i + 1)


def read_levels(words: Sequence[str], i: int) -> tuple[tuple[str, ...], int] | None:
    """The vertebrae named from token ``i`` on and the index after them, or None where no level is named.

    T1 and T2 are no vertebrae before words of an MR sequence, nor before the N of a TNM stage.
    """
    first = _level_at(words, i)
    if first is None:
        return _ordinal(words, i)
    last, i = first
    levels = [last]
    n = len(words)
    while i + 1 < n and (words[i] in _THROUGH or words[i] in _LISTS or (words[i] == "down" and words[i + 1] == "to")):
        if words[i] == "down" and i + 2 < n:
            i += 1
        j = i + 1
        if words[i] == "," and words[j] in ("and", "&") and j + 1 < n:
            j += 1
        following = _following(words, i, j, last)
        if following is None or (words[i] == "," and _is_sequence(words, following[1], following[0])):
            break
        levels.extend(level_range(last, following[0]) if words[i] in _THROUGH else (following[0],))
        last, i = following
    if len(levels) <= 2 and all(_is_sequence(words, i, level) for level in levels):
        return None
    return in_order(levels), i


def _following(words: Sequence[str], sign: int, j: int, last: str) -> tuple[str, int] | None:
    """The vertebra at ``j`` that goes on from ``last`` after a sign or word at ``sign``: "L1-3", "L1 to L3"."""
    following = _level_at(words, j)
    if following is None and words[sign] in ("-", "–", "—", "−", "/") and words[j].isascii() and words[j].isdigit():
        level = _level(last[0] + words[j])
        return None if level is None else (level, j + 1)
    return following


def _is_sequence(words: Sequence[str], i: int, level: str) -> bool:
    """Whether what follows shows that the T1 or T2 before it is an MR sequence or a TNM stage."""
    if level[0] != "T":
        return False
    if i < len(words) and words[i] in ("-", "/"):
        i += 1  # "T2-weighted", "T2/STIR".
    if i >= len(words):
        return False
    following = words[i]
    if following[0] == "n" and following[1:2].isdigit():
        return True
    return level in ("T1", "T2") and following.startswith(_SEQUENCE_WORDS) and following != "with"


def _ordinal(words: Sequence[str], i: int) -> tuple[tuple[str, ...], int] | None:
    """``the second lumbar vertebra``."""
    if words[i] in ORDINALS and i + 2 < len(words) and words[i + 1] in _REGIONS and words[i + 2].startswith("vertebr"):
        level = _level(f"{_REGIONS[words[i + 1]]}{ORDINALS[words[i]]}")
        if level is not None:
            return (level,), i + 2
    return None


@lru_cache(maxsize=4096)
def levels_in(text: str) -> tuple[str, ...]:
    """All vertebrae that a short text names, for example a body site's display or an answer's string."""
    words = [token.lower() for token in _LEVEL_TOKEN.findall(text[:400])]
    found: list[str] = []
    i = 0
    while i < len(words):
        read = read_levels(words, i)
        if read is None:
            i += 1
        else:
            found.extend(read[0])
            i = read[1]
    return in_order(found)
