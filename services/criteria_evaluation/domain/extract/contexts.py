"""Which contexts a value stands in: "86% at rest on room air, 94% on 2 L" is a value of each kind of breathing.

A context is opened by words of the lexicon and belongs to a group, whose contexts shut each other out. A sentence falls
into clauses at commas, semicolons and words such as "and". A value takes the context of its own clause, else the one
open before the clause, else one that a later clause without a value adds ("..., all on room air").
"""

from collections.abc import Mapping, Sequence
from typing import Final

from services.criteria_evaluation.domain.lexicon_entries import Context, Grouped, Target

_EDGES: Final = frozenset({",", ";", "and", "but", "then", "while", "whereas", "versus", "vs", "→", "<box>", "<nobox>"})


class Opened:
    """A context that the words from ``start`` up to ``end`` open."""

    __slots__ = ("context", "end", "start")

    def __init__(self, context: Context, start: int, end: int) -> None:
        self.context = context
        self.start = start
        self.end = end


def by_group(opened: Sequence[Opened]) -> dict[str, list[Opened]]:
    """The contexts of each group in their order, without those that lie within, or begin within, a longer one of their
    group ("not on oxygen" holds "on oxygen")."""
    groups: dict[str, list[Opened]] = {}
    for one in opened:
        group = one.context.group
        if group in groups:
            groups[group].append(one)
        else:
            groups[group] = [one]
    for group, alike in groups.items():
        if len(alike) > 1:
            groups[group] = _longest(alike)
    return groups


def _longest(alike: list[Opened]) -> list[Opened]:
    kept: list[Opened] = []
    for one in sorted(alike, key=lambda o: (o.start, -o.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def carried_on(
    opened: Mapping[str, Sequence[Opened]], carried: Mapping[str, Context], *, goes_on: bool
) -> dict[str, Context]:
    """The contexts, by group, that are open after a sentence; a semicolon at its end (``goes_on``) does not end it."""
    left = dict(carried)
    for group, alike in opened.items():
        for one in alike:
            if one.context.reach != "clause":
                left[group] = one.context
    return left if goes_on else {group: context for group, context in left.items() if context.reach == "section"}


class Holding:
    """The contexts that hold at the places of a sentence: those that it opens, and those that are open before it."""

    def __init__(
        self, words: Sequence[str], opened: Mapping[str, Sequence[Opened]], carried: Mapping[str, Context]
    ) -> None:
        self.words = words
        self._opened = opened
        self._carried = carried
        self._known: dict[tuple[str, int], str | None] = {}
        self._edges = [i for i, word in enumerate(words) if word in _EDGES] if opened else []

    def fits(self, target: Target, at: int) -> bool:
        """Whether the value at ``at`` stands in every context that the target requires, and in none that it excludes."""
        if not self._opened and not self._carried:
            return not target.requires
        for group, names in target.requires:
            if self._at(group, at) not in names:
                return False
        return not self.one_of(target.excludes, at)

    def one_of(self, contexts: Sequence[Grouped], at: int) -> bool:
        """Whether one of these contexts holds at a position."""
        return any(self._at(group, at) in names for group, names in contexts)

    def _at(self, group: str, at: int) -> str | None:
        """The context of a group that holds at a position, or None."""
        here = self._opened.get(group)
        if here is None:
            carried = self._carried.get(group)
            return None if carried is None else carried.id
        if (group, at) not in self._known:
            self._known[group, at] = _holding(here, self.words, self._edges, at, self._carried.get(group))
        return self._known[group, at]


def _holding(
    here: Sequence[Opened], words: Sequence[str], edges: Sequence[int], at: int, carried: Context | None
) -> str | None:
    """Which of a group's contexts holds at a position of the sentence that opens them; ``edges`` part its clauses."""
    inside = {i for o in here for i in range(o.start, o.end)}
    edges = [i for i in edges if i not in inside]
    begin = max((i for i in edges if i < at), default=-1) + 1
    end = min((i for i in edges if i > at), default=len(words))
    own = [o for o in here if begin <= o.start < end]
    if own:
        alike = [i for i in range(begin, end) if words[i] == words[at] and i not in inside]
        return _nearest(own, at, alike).context.id
    before = [o for o in here if o.start < begin and o.context.reach != "clause"]
    if before:
        return before[-1].context.id
    if carried is not None:
        return carried.id
    for one in here:
        if one.start >= end and one.context.reach != "clause":
            left = max((i for i in edges if i < one.start), default=-1)
            right = min((i for i in edges if i > one.start), default=len(words))
            taken = any(words[i] == words[at] and i not in inside for i in range(left + 1, right))
            return None if taken else one.context.id
    return None


def _nearest(own: Sequence[Opened], at: int, alike: Sequence[int]) -> Opened:
    """Of several contexts in a clause the one that the value belongs to.

    Where a context stands before the clause's first value they precede their values, else they follow them. None
    belongs to a value beyond another value, unless nothing stands nearer.
    """
    first = min(alike, default=at)
    last_before = max((i for i in alike if i < at), default=-1)
    next_after = min((i for i in alike if i > at), default=1 << 30)
    before = [o for o in own if o.start < at]
    after = [o for o in own if o.start > at]
    near_before = [o for o in before if o.start > last_before]
    near_after = [o for o in after if o.start < next_after]
    if own[0].start < first:
        found = near_before[-1:] or near_after[:1] or before[-1:] or after[:1]
    else:
        found = near_after[:1] or near_before[-1:] or after[:1] or before[-1:]
    return found[0] if found else own[0]
