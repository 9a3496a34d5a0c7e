"""What a note takes back: the values of a test that was no good, and a number that it says to disregard."""

import re
from collections.abc import Iterable
from typing import Final

from services.criteria_evaluation.domain.extract.mention import Mention
from services.criteria_evaluation.domain.quantities import Interval

_WITHDRAWN_BY: Final = {
    "_sleep.void": frozenset({"sleep.ahi", "sleep.events"}),
    "_oxygen.void": frozenset({"oxygen.sao2_rest", "oxygen.sao2_asleep", "oxygen.sao2_exercise"}),
    "_oxygen.probe": frozenset({"oxygen.sao2_rest", "oxygen.sao2_asleep", "oxygen.sao2_exercise"}),
    "_oxygen.venous": frozenset({"oxygen.pao2_rest", "oxygen.pao2_asleep", "oxygen.pao2_exercise"}),
    "_sleep.answers": frozenset({"_sleep.epworth", "symptom.daytime_sleepiness"}),
}
"""Whose values a statement that a test was no good takes back: those before it."""
_WHERE_ALONE: Final = frozenset({"_oxygen.probe"})
"""What casts doubt on the only reading there is; of two that differ both stand."""
_DOUBTED: Final = frozenset(fact for void in _WHERE_ALONE for fact in _WITHDRAWN_BY[void])
_OF_ITS_PARAGRAPH: Final = frozenset({"_oxygen.void", "_oxygen.venous", "_sleep.answers"})


_DISREGARDED: Final = re.compile(
    r"\b(?:disregard|ignore|strike|replaces|supersedes)\b[^.\n0-9]{0,40}\b([0-9]{1,3}(?:\.[0-9]{1,2})?)(?![\w/]|\.[0-9])",
    re.IGNORECASE,
)
"""A number that is named to be passed over: "Please disregard the 51.8", "This replaces the 9 above"."""


def not_taken_back(mentions: Iterable[Mention], text: str) -> list[Mention]:
    """The mentions of a text without those that it takes back."""
    said = list(mentions)
    voids = [mention for mention in said if mention.fact in _WITHDRAWN_BY and mention.said is True]
    if voids:
        told = {fact: {mention.said for mention in said if mention.fact == fact} for fact in _DOUBTED}
        said = [
            mention
            for mention in said
            if not any(
                _takes_back(void, mention, text) and not (void.fact in _WHERE_ALONE and len(told[mention.fact]) > 1)
                for void in voids
            )
        ]
    numbers = {float(found.group(1)) for found in _DISREGARDED.finditer(text)}
    return _without(numbers, said) if numbers else said


def _without(numbers: set[float], mentions: list[Mention]) -> list[Mention]:
    """The mentions without those of a number, where others tell the same fact by another."""
    others = {mention.fact for mention in mentions if _number(mention) not in numbers}
    return [mention for mention in mentions if mention.fact not in others or _number(mention) not in numbers]


def _number(mention: Mention) -> float | None:
    said = mention.said
    return said.low if isinstance(said, Interval) and said.low == said.high else None


def _takes_back(void: Mention, mention: Mention, text: str) -> bool:
    start, end = mention.source.start, void.source.start
    if mention.fact not in _WITHDRAWN_BY[void.fact] or start is None or end is None or start > end:
        return False
    return void.fact not in _OF_ITS_PARAGRAPH or "\n\n" not in text[start:end]
