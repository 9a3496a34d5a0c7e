"""How far a denial reaches: over a list, within its brackets, not into the next clause."""

import itertools
from collections.abc import Sequence
from typing import Final

from services.criteria_evaluation.domain.extract.forms import EITHER

PART_ENDS: Final = frozenset({",", ":", ";"})
_COORDINATES: Final = frozenset({"or", "nor"})
_VERBS: Final = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "has",
        "have",
        "had",
        "remains",
        "shows",
        "there",
        "he",
        "she",
        "patent",
        "preserved",
        "intact",
        "normal",
        "clear",
        "maintained",
        "capacious",
        "stable",
        "unremarkable",
        "full",
        "steady",
        "present",
        "open",
        "well",
        "able",
        "sleeps",
        "wakes",
        "walks",
        "feels",
        "takes",
        "does",
        "goes",
        "works",
        "lives",
        "denies",
    ]
)
"""Words that a part of a list of denied things does not have: "no retropulsion, canal patent" denies one thing."""
_LONGEST_LISTED: Final = 4


def aside_of(start: int, end: int, asides: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """The brackets around the words from ``start`` up to ``end`` and more than these: "(no drugs)", but not "(no)"."""
    for begin, close in asides:
        if begin <= start and end <= close and end - start < close - begin:
            return begin, close
    return None


def end_of_list(words: Sequence[str], start: int, end: int, asides: Sequence[tuple[int, int]]) -> int:
    """How far "no" reaches: over a list ("no fever, chills or weakness"), not into the next clause.

    A comma is part of a list where "or" follows it, or where every part after it is short and carries no value.
    What stands in brackets makes a part no longer.
    """
    end = _before_clause(words, start, end)
    commas = [i for i in range(start, end) if words[i] == ","]
    if not commas:
        return end
    coordinate = max((i for i in range(start, end) if words[i] in _COORDINATES), default=-1)
    if coordinate > commas[0]:
        following = [i for i in commas if i > coordinate]
        return following[0] if following else end
    edges = [*commas, end]
    for left, right in itertools.pairwise(edges):
        part = words[left + 1 : right]
        if asides:
            within = {k for begin, close in asides if begin > start for k in range(begin, close)}
            part = [words[k] for k in range(left + 1, right) if k not in within]
        if len(part) > _LONGEST_LISTED or any(word[0] == "<" or word in _VERBS for word in part):
            return left
    return end


def _before_clause(words: Sequence[str], start: int, end: int) -> int:
    """Where "and" begins a clause with a verb of its own: "not effaced and the canal is patent"."""
    for i in range(start, end):
        if words[i] == "and":
            following = itertools.takewhile(lambda word: word not in PART_ENDS, words[i + 1 : i + 2 + _LONGEST_LISTED])
            if any(word in _VERBS for word in following):
                return i
    return end


_ASKED_BESIDE: Final = frozenset({"date", "dates", "type", "when", "if", "result"})
"""What else a question asks behind its comma: "Bone density, date ordered [ ] yes [ ] no"."""


def parts_questions(words: Sequence[str], k: int) -> bool:
    """Whether the word at ``k`` stands between a form's question and what is before it."""
    return words[k] in PART_ENDS | EITHER and words[k + 1] not in _ASKED_BESIDE
