"""What a note takes back: the values of a test that was no good, a number that it says to disregard, text that it says was
copied in error, levels that an addendum counts anew, treatment of an episode that an operation ended, the time of a therapy
that was for another joint, and a score of another test that is repeated without its name."""

import itertools
import re
from collections.abc import Iterable
from typing import Final

from services.criteria_evaluation.domain.extract.mention import Mention
from services.criteria_evaluation.domain.extract.standing import COPIED
from services.criteria_evaluation.domain.quantities import Interval

_WITHDRAWN_BY: Final = {
    "_sleep.void": frozenset({"sleep.ahi", "sleep.events"}),
    "_spine.unstable_unsaid": frozenset({"spine.instability"}),
    "_spine.tumor_benign": frozenset({"_spine.tumor_on_imaging", "_spine.pathologic_fracture"}),
    "_care.episode_over": frozenset(
        {"treatment.physical_therapy_duration", "treatment.nonoperative_duration", "treatment.nonoperative_failed"}
    ),
    "_oxygen.void": frozenset({"oxygen.sao2_rest", "oxygen.sao2_asleep", "oxygen.sao2_exercise"}),
    "_oxygen.probe": frozenset({"oxygen.sao2_rest", "oxygen.sao2_asleep", "oxygen.sao2_exercise"}),
    "_oxygen.venous": frozenset({"oxygen.pao2_rest", "oxygen.pao2_asleep", "oxygen.pao2_exercise"}),
    "_sleep.answers": frozenset({"_sleep.epworth", "symptom.daytime_sleepiness"}),
}
"""Whose values a statement takes back that a test was no good, a word wrong, or a tumor benign: those before it."""
_WHERE_ALONE: Final = frozenset({"_oxygen.probe"})
"""What casts doubt on the only reading there is; of two that differ both stand."""
_DOUBTED: Final = frozenset(fact for void in _WHERE_ALONE for fact in _WITHDRAWN_BY[void])
_EPISODE: Final = "_care.episode_over"
_OF_ITS_PARAGRAPH: Final = frozenset({"_oxygen.void", "_oxygen.venous", "_sleep.answers", _EPISODE})
_OPERATED: Final = re.compile(
    r"(?:(?:(?![.;]\s).){0,300}?|.{0,300}?\b(?:then|eventually|ultimately|finally|subsequently|after (?:that|which))\b[^.]{0,60}?)"
    r"(?<!prior )(?<!previous )\b(?:laminectomy|laminotomy|(?:micro)?discectomy|decompress(?:ion|ed)|surgery|operat(?:ion|ed)"
    r"|fusion|fused|foraminotomy)\b",
    re.IGNORECASE | re.DOTALL,
)
"""What ended an earlier episode follows its treatment in the same breath, and the cure follows it."""

_LEVELS: Final = "spine.lesion_levels"
_ADDED: Final = re.compile(r"^\W{0,9}(?:late )?(?:addend|amend|correct|errat)", re.IGNORECASE | re.MULTILINE)
_RENUMBERS: Final = re.compile(
    r"\b(?:levels?|vertebrae?|numbering|numbers?)\b[^.\n]{0,80}\b(?:should|must|needs? to|is to|are to|has been|have been|were|was)\s"
    r"(?:be\s|been\s)?(?:amended|corrected|revised|changed|read)\b|\bvertebrae?\s(?:were|was)?\s?(?:re-?)?(?:counted|numbered)\b"
    r"|\b(?:re-?count|re-?number|mis-?number|mis-?count)\w*",
    re.IGNORECASE,
)
"""Words of an addendum by which the levels that it names take the place of those that stand above it."""

_COPIED_IN_ERROR: Final = re.compile(
    r"\b(?:carried|copied|pulled|brought|pasted|imported)\s+(?:over|forward|in)\s+(?:in\s+error|by\s+mistake|erroneously)\b"
    r"|\bshould\s+(?:have\s+been\s+(?:removed|deleted|updated|edited)|not\s+(?:be\s+used|have\s+been\s+(?:copied|carried)))\b",
    re.IGNORECASE,
)
_CHANGING: Final = ("wound.", "_wound.", "hearing.", "_hearing.", "body.", "_body.", "pain.", "_pain.", "oxygen.")
"""What an older note tells otherwise than the note does; diseases stay."""
_THERAPY: Final = "treatment.physical_therapy_duration"
_ELSEWHERE: Final = "_therapy.of_a_joint"
_OF_THE_BACK: Final = re.compile(r"\b(?:back|lumbar|spine|spinal|core|mckenzie|lbp|l[1-5])\b", re.IGNORECASE)
_SCORE: Final = "hearing.aided_sentence_score"
_OTHER_SCORES: Final = {
    "_hearing.score_in_noise": re.compile(r"\bquiet\b", re.IGNORECASE),
    "_hearing.score_of_words": re.compile(r"\b(?:az\s?bio|hint|cuny|bkb)\b", re.IGNORECASE),
}
"""Scores that are none of sentences in quiet, and the words of a line that tell one from them."""
_NEAR: Final = 100
_SENTENCE: Final = 600
_PARAGRAPH: Final = 4000
"""So far sentences and paragraphs reach at most, and a note says at most ``_MOST`` times what it takes back, so that work grows with
its length only."""
_MOST: Final = 50
_DISREGARDED: Final = re.compile(
    r"\b(?:disregard|ignore|strike|replaces|supersedes)\b[^.\n0-9]{0,40}\b([0-9]{1,3}(?:\.[0-9]{1,2})?)(?![\w/]|\.[0-9])",
    re.IGNORECASE,
)
"""A number that is named to be passed over: "Please disregard the 51.8", "This replaces the 9 above"."""


def not_taken_back(mentions: Iterable[Mention], text: str) -> list[Mention]:
    """The mentions of a text without those that it takes back."""
    said = list(mentions)
    voids = [mention for mention in said if mention.fact in _WITHDRAWN_BY and mention.said is True][-_MOST:]
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
    if any(mention.rank >= COPIED for mention in said) and _COPIED_IN_ERROR.search(text):
        said = [mention for mention in said if mention.rank < COPIED or not mention.fact.startswith(_CHANGING)]
    if any(mention.fact == _ELSEWHERE for mention in said):
        said = [mention for mention in said if mention.fact != _THERAPY or _is_of_the_back(mention, text)]
    others = [mention for mention in said if mention.fact in _OTHER_SCORES][:_MOST]
    said = [mention for mention in said if mention.fact != _SCORE or not _is_of_another_test(mention, others, text)]
    said = _renumbered(said, text)
    numbers = {float(found.group(1)) for found in _DISREGARDED.finditer(text)}
    return _without(numbers, said) if numbers else said


def _renumbered(mentions: list[Mention], text: str) -> list[Mention]:
    """The mentions without the lesion's levels that stand above an addendum which counts the vertebrae anew."""
    if not any(mention.fact == _LEVELS for mention in mentions):
        return mentions
    for added in itertools.islice(_ADDED.finditer(text), _MOST):
        stop = text.find("\n\n", added.end())
        stop = len(text) if stop < 0 else stop
        places = [(mention, mention.source.start or 0) for mention in mentions if mention.fact == _LEVELS]
        if _RENUMBERS.search(text, added.end(), stop) and any(added.start() <= at < stop for _, at in places):
            above = {id(mention) for mention, at in places if at < added.start()}
            mentions = [mention for mention in mentions if id(mention) not in above]
    return mentions


def _without(numbers: set[float], mentions: list[Mention]) -> list[Mention]:
    """The mentions without those of a number, where others tell the same fact by another."""
    others = {mention.fact for mention in mentions if _number(mention) not in numbers}
    return [mention for mention in mentions if mention.fact not in others or _number(mention) not in numbers]


def _number(mention: Mention) -> float | None:
    said = mention.said
    return said.low if isinstance(said, Interval) and said.low == said.high else None


def _is_of_another_test(score: Mention, others: list[Mention], text: str) -> bool:
    """Whether a score is that of another test, repeated where its circumstances are not: "31% in noise ... Summary: 31%"."""
    number, around = _number(score), _around(score, text)
    return any(_number(other) == number and not _OTHER_SCORES[other.fact].search(around) for other in others)


def _is_of_the_back(mention: Mention, text: str) -> bool:
    """Whether the sentence of a mention names the back."""
    start, end = mention.source.start or 0, mention.source.end or 0
    first, last = max(0, start - _SENTENCE), min(len(text), end + _SENTENCE)
    begin = max(first, *(text.rfind(mark, first, start) + 1 for mark in (". ", "\n\n", ";")))
    stops = [at for at in (text.find(mark, end, last) for mark in (". ", ".\n", "\n\n", ";")) if at >= 0]
    return _OF_THE_BACK.search(text, begin, min(stops, default=last)) is not None


def _around(mention: Mention, text: str) -> str:
    """The words of a mention's paragraph that stand near it."""
    start, end = mention.source.start or 0, mention.source.end or 0
    first, last = max(0, start - _NEAR), min(len(text), end + _NEAR)
    begin, stop = text.rfind("\n\n", first, start) + 1, text.find("\n\n", end, last)
    return text[max(begin, first) : last if stop < 0 else stop]


def _takes_back(void: Mention, mention: Mention, text: str) -> bool:
    start, end = mention.source.start, void.source.start
    if mention.fact not in _WITHDRAWN_BY[void.fact] or start is None or end is None or start > end:
        return False
    if void.fact == _EPISODE and not _OPERATED.match(text, start, end):
        return False
    return void.fact not in _OF_ITS_PARAGRAPH or (end - start <= _PARAGRAPH and "\n\n" not in text[start:end])
