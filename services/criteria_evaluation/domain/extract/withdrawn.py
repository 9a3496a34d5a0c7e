"""What a note says of a test that was no good: its values before that are no statements."""

from collections.abc import Iterable
from typing import Final

from services.criteria_evaluation.domain.extract.mention import Mention

_WITHDRAWN_BY: Final = {
    "_sleep.void": frozenset({"sleep.ahi", "sleep.events"}),
    "_oxygen.void": frozenset({"oxygen.sao2_rest", "oxygen.sao2_asleep", "oxygen.sao2_exercise"}),
}
"""Whose values a statement that a test was no good takes back: those before it."""
_OF_ITS_PARAGRAPH: Final = frozenset({"_oxygen.void"})


def not_taken_back(mentions: Iterable[Mention], text: str) -> list[Mention]:
    """The mentions of a text without those that it takes back."""
    said = list(mentions)
    voids = [mention for mention in said if mention.fact in _WITHDRAWN_BY and mention.said is True]
    if not voids:
        return said
    return [mention for mention in said if not any(_takes_back(void, mention, text) for void in voids)]


def _takes_back(void: Mention, mention: Mention, text: str) -> bool:
    start, end = mention.source.start, void.source.start
    if mention.fact not in _WITHDRAWN_BY[void.fact] or start is None or end is None or start > end:
        return False
    return void.fact not in _OF_ITS_PARAGRAPH or "\n\n" not in text[start:end]
