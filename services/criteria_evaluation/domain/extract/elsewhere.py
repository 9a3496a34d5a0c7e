"""Findings at other levels of the spine than the one in question: "L4-5: no stenosis" denies nothing of a tumor at T8.

Reports go through the spine level by level. A finding belongs to the levels that its words name, else to those that its
sentence names before it or after it, else to those with which its entry begins ("T8: Replacement of the body. ..."). What
the chart is about are the levels of the lesion and those of the request.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from services.criteria_evaluation.domain.extract.claims import REQUESTED_LEVELS
from services.criteria_evaluation.domain.extract.levels import levels_in
from services.criteria_evaluation.domain.extract.mention import Mention
from shared.clinical.model import Document

_LESION_LEVELS: Final = "spine.lesion_levels"
_CANAL: Final = "spine.canal_compromise"
_SINGLE: Final = frozenset(
    {_CANAL, "spine.retropulsion", "spine.height_loss_percent", "spine.canal_compromise_percent"}
)
"""Facts of one place: findings at several levels are no contradiction."""
_DEGENERATIVE: Final = "spine.fusion_indication"
_LOOKED_AT: Final = _SINGLE | {_DEGENERATIVE}
_REACH: Final = 240
"""So far before a finding its levels may stand, in characters."""
_BESIDE: Final = 60
_SEQUENCE: Final = 20
_FULL: Final = 60
"""A line as long as this may have been wrapped by its writer."""
_LINES: Final = 6
_ENDS: Final = re.compile(r"[.;!?](?=\s)|\n[ \t]*\n|\n(?=[ \t]*(?:[-*•]|\d{1,2}[.)])\s)")
"""What parts sentences and items."""
_CLOSED: Final = re.compile(r"[.;:!?]\s*$")
_LEVEL: Final = r"(?:[CTLS](?:1[0-2]|[1-9])(?!\d))"
_NAMED: Final = re.compile(
    rf"\b{_LEVEL}(?:\s*(?:-|–|/|,|to|through|and|&)\s*(?:and\s+)?(?:{_LEVEL}|\d{{1,2}}(?!\d|\.\d|\s*(?:mm|cm|%|/))))*",
    re.IGNORECASE,
)
"""Levels in a row: "L4-5", "T1 through T4", "T12-L1, L1-L2"."""
_HEAD: Final = re.compile(
    r"[ \t]*(?:[-*•][ \t]+|\(?\d{1,2}[.)][ \t]+)?(?:At[ \t]+)?" + _NAMED.pattern + r"(?=\s*[:\-–—.]|[ \t]{2}|[ \t]*\|)",
    re.IGNORECASE,
)
"""Levels with which an entry of a report begins."""
_AT: Final = re.compile(
    r"[ \t\n]{1,9}(?:at|of|from|involving)?[ \t\n]{0,9}(?:the[ \t]+)?(?=" + _LEVEL + ")", re.IGNORECASE
)

_OTHERWISE: Final = re.compile(
    r"\b(?:otherwise|elsewhere|(?:other|remaining|remainder of the|adjacent|rest of the) (?:\w+ )?(?:levels?|segments?|canal|spine))\b",
    re.IGNORECASE,
)
"""Words for all levels but those that were spoken of: "the canal is otherwise patent"."""

Levels = tuple[str, ...]


def of_the_level(mentions: Sequence[Mention], documents: Iterable[Document]) -> list[Mention]:
    """The mentions without those of other levels than the lesion's or the requested ones.

    Where the chart names neither, a denial is of other levels where a narrowing is found at some. A denial that names no
    level stands, and so does whatever else the chart says nothing about.
    """
    if not any(m.fact in _LOOKED_AT and m.source.kind == "note" for m in mentions):
        return list(mentions)
    texts = {document.id: document.text for document in documents}
    lesion, requested = _named(mentions, _LESION_LEVELS), _named(mentions, REQUESTED_LEVELS)
    found: dict[int, Levels] = {}
    for m in mentions:
        levels = _levels_of(m, texts) if m.fact in _LOOKED_AT else ()
        if levels:
            found[id(m)] = levels
    narrowed = [found.get(id(m), ()) for m in mentions if m.fact == _CANAL and m.said is True]
    kept: list[Mention] = []
    for m in mentions:
        levels = found.get(id(m), ())
        if not levels or not _is_elsewhere(m, levels, lesion, requested, narrowed):
            kept.append(m)
    kept = _of_one_place(kept, found, lesion, requested)
    true = {m.fact for m in kept if m.said is True}
    return [m for m in kept if not (m.said is False and m.fact in _SINGLE & true and _is_of_the_rest(m, texts))]


def _of_one_place(
    mentions: list[Mention], found: Mapping[int, Levels], lesion: Sequence[Levels], requested: Sequence[Levels]
) -> list[Mention]:
    """The mentions without denials at another of several lesions, or what is found there where the denial is of the request."""
    there: dict[str, dict[Levels, list[int]]] = {}
    for m in mentions:
        if m.fact in _SINGLE and m.said is True:
            there.setdefault(m.fact, {}).setdefault(found.get(id(m), ()), []).append(id(m))
    dropped: set[int] = set()
    judged: dict[tuple[str, Levels], tuple[bool, list[int]]] = {}
    for m in mentions:
        levels = found.get(id(m), ())
        if m.fact not in there or m.said is not False or not levels:
            continue
        place = (m.fact, levels)
        if place not in judged:
            judged[place] = _of_another(levels, there[m.fact], lesion, requested)
            dropped.update(judged[place][1])
        if judged[place][0]:
            dropped.add(id(m))
    return [m for m in mentions if id(m) not in dropped]


def _of_another(
    levels: Levels, there: Mapping[Levels, list[int]], lesion: Sequence[Levels], requested: Sequence[Levels]
) -> tuple[bool, list[int]]:
    """Whether a denial at these levels is of another place than what is found, and what is found elsewhere than it asks."""
    asked = bool(requested) and not _beside(levels, requested)
    unnamed = levels if asked or all(_touch(levels, other) for other in lesion) else ()
    others = [named for named in there if not _touch(levels, named or unnamed or ("",))]
    if others and asked and all(_beside(named, requested) for named in others):
        return False, [one for named in others for one in there[named]]
    return bool(others), []


def _is_of_the_rest(m: Mention, texts: Mapping[str, str]) -> bool:
    """Whether the mention is of all levels but those that were spoken of."""
    text, start, end = texts.get(m.source.document or ""), m.source.start, m.source.end
    if not text or m.source.kind != "note" or start is None or end is None:
        return False
    window = text[max(0, start - _BESIDE) : start]
    edge = max((found.end() for found in _ENDS.finditer(window)), default=0)
    stop = _ENDS.search(text, end, end + _BESIDE)
    return bool(_OTHERWISE.search(window[edge:] + text[start : stop.start() if stop else end + _BESIDE]))


def _is_elsewhere(
    m: Mention, levels: Levels, lesion: Sequence[Levels], requested: Sequence[Levels], narrowed: Sequence[Levels]
) -> bool:
    """Whether the mention is of levels that are not in question."""
    if m.fact == _DEGENERATIVE:
        return m.said == ("degenerative",) and _beside(levels, requested or lesion)
    if m.said is True and m.fact != _CANAL:
        return False  # A retropulsed fragment counts wherever it is.
    if _beside(levels, lesion) and (m.said is False or _beside(levels, requested) or not requested):
        return True
    if lesion:
        return False
    if m.said is not False:
        return _beside(levels, requested)
    return _beside(levels, requested) or (bool(narrowed) and _beside(levels, [n for n in narrowed if n]))


def _beside(levels: Levels, others: Sequence[Levels]) -> bool:
    """Whether the levels share none with any of the others, which are some. Two discs that share a vertebra are two places."""
    return bool(others) and not any(_touch(levels, other) for other in others)


def _touch(one: Levels, other: Levels) -> bool:
    return len(set(one).intersection(other)) >= min(len(one), len(other), 2)


def _named(mentions: Iterable[Mention], fact: str) -> list[Levels]:
    """The levels that the best mentions of a fact name, each with what it names."""
    said = [(m.rank, m.said) for m in mentions if m.fact == fact and isinstance(m.said, tuple)]
    best = min((rank for rank, _ in said), default=0)
    return [levels for rank, levels in said if rank == best]


def _levels_of(m: Mention, texts: Mapping[str, str]) -> Levels:
    """The levels that a mention in a note is of, or none."""
    text, start, end = texts.get(m.source.document or ""), m.source.start, m.source.end
    if not text or m.source.kind != "note" or start is None or end is None or end > len(text):
        return ()
    window = text[max(_lines(text, start)[-1], start - _REACH) : start]
    edge = max((found.end() for found in _ENDS.finditer(window)), default=0)
    return _last(text[start:end]) or _following(text, end) or _last(window[edge:]) or _at_head(text, start)


def _last(text: str) -> Levels:
    """The levels named last in a text."""
    found: Levels = ()
    for named in _NAMED.finditer(text):
        if levels_in(text[named.start() : named.end() + _SEQUENCE]):  # No vertebra is named by a T1 of an MR sequence.
            found = levels_in(named.group()) or found
    return found


def _following(text: str, end: int) -> Levels:
    """The levels that follow at once: "no stenosis at L3-4"."""
    at = _AT.match(text, end)
    named = _NAMED.match(text, at.end()) if at else None
    return levels_in(named.group()) if named else ()


def _at_head(text: str, start: int) -> Levels:
    """The levels with which the entry of a report begins in whose lines the place stands."""
    for line in _lines(text, start):
        head = _HEAD.match(text, line)
        if head:
            return levels_in(head.group())
    return ()


def _lines(text: str, start: int) -> list[int]:
    """Where the lines of an entry begin, from the one in which the place stands back to its first."""
    found = [text.rfind("\n", 0, start) + 1]
    while found[-1] and len(found) < _LINES:
        line = found[-1]
        before = text.rfind("\n", 0, line - 1) + 1
        hangs = text[line : line + 2].isspace() or text[line : line + 1].islower()
        wrapped = line - before > _FULL and not _CLOSED.search(text, before, line)
        if not text[before : line - 1].strip() or not (hangs or wrapped):
            break
        found.append(before)
    return found
