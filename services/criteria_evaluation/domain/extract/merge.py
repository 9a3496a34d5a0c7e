"""From what all places of the chart say to facts: agreement is known, contradiction is conflicting, silence is unknown."""

from collections.abc import Iterable, Sequence
from typing import Final

from services.criteria_evaluation.domain.extract.mention import Mention, Said
from services.criteria_evaluation.domain.extract.standing import COPIED
from services.criteria_evaluation.domain.quantities import Interval
from services.criteria_evaluation.domain.vocabulary import FactType, Vocabulary, in_order
from shared.clinical.model import Fact, Facts, Source


def merge(mentions: Iterable[Mention], vocabulary: Vocabulary) -> Facts:
    """The facts that the mentions decide, or contradict each other on, with every source, coded sources first."""
    by_fact: dict[str, list[Mention]] = {}
    for mention in mentions:
        by_fact.setdefault(mention.fact, []).append(mention)
    outlived = [name for name, said in by_fact.items() if _is_outlived(said, by_fact.get(vocabulary[name].beside, ()))]
    for name in outlived:
        del by_fact[name]
    return {name: _fact(vocabulary[name], by_fact[name]) for name in sorted(by_fact)}


def _is_outlived(mentions: Sequence[Mention], others: Sequence[Mention]) -> bool:
    """Whether only copied text states this fact, and the note itself the one that measures the same state.

    The blood gas of a hospital stay says nothing of a patient whose saturation was measured today.
    """
    return bool(others) and min(m.rank for m in others) < COPIED <= min(m.rank for m in mentions)


def _fact(kind: FactType, mentions: Sequence[Mention]) -> Fact:
    if len(mentions) == 1:
        return fact_of(kind, mentions[0].said, (mentions[0].source,))
    own = [m for m in mentions if m.source.by is None]
    if own and len(own) < len(mentions):
        return _confirmed(kind, own, [m for m in mentions if m.source.by is not None])
    deciding, others = _deciding(kind, mentions)
    said = agreed(kind, deciding)
    # A weaker mention that agrees is one source more; one that is overruled is not shown as support.
    if said is not None:
        deciding += [m for m in others if _supports(said, m)]
    return fact_of(kind, said, _distinct(m.source for m in deciding))


def _confirmed(kind: FactType, own: Sequence[Mention], proposals: Sequence[Mention]) -> Fact:
    """A proposal beside the platform's own reading confirms it or disputes it, and never changes it."""
    fact = _fact(kind, own)
    deciding, _ = _deciding(kind, own)
    days = {m.date for m in deciding if m.date is not None} if kind.latest or kind.earliest else set()
    counted = [p for p in proposals if not days or p.date is None or p.date in days]
    sources = _distinct([*fact.sources, *(p.source for p in counted)])
    said = said_of(fact)
    return fact_of(kind, said if said is not None and all(_supports(said, p) for p in counted) else None, sources)


def _supports(said: Said, mention: Mention) -> bool:
    if isinstance(said, Interval):
        return isinstance(mention.said, Interval) and _common([said, mention.said]) is not None
    if isinstance(said, tuple):
        return isinstance(mention.said, tuple) and set(mention.said) <= set(said)
    return mention.said == said


def _deciding(kind: FactType, mentions: Sequence[Mention]) -> tuple[list[Mention], list[Mention]]:
    """The mentions that count, and the others: the best rank, the most recent where the vocabulary says so, the most
    specific code. What has no date may be as recent as anything, so it counts beside the last."""
    best = min(m.rank for m in mentions)
    dates = [m.date for m in mentions if m.rank == best and m.date is not None] if kind.latest or kind.earliest else []
    last = (max(dates) if kind.latest else min(dates)) if dates else None
    wider = {wide for narrow, wide in kind.kinds_of if any(m.rank == best and m.said == narrow for m in mentions)}
    preferred = bool(kind.prefer) and any(m.rank == best and m.said in kind.prefer for m in mentions)
    kept: list[Mention] = []
    others: list[Mention] = []
    for m in mentions:
        counts = (
            m.rank == best
            and (last is None or m.date is None or m.date == last)
            and (not preferred or m.said in kind.prefer)
            and m.said not in wider
        )
        (kept if counts else others).append(m)
    return kept, others


_ROUNDED: Final = 0.06
"""Times that differ by so little are one, and that which is no whole number of weeks or months is it."""
_MONTH: Final = 30.4375
"""Days of a month as UCUM counts it (shared/clinical/units.py)."""


def agreed(kind: FactType, mentions: Sequence[Mention]) -> Said | None:
    """What all of them say, or None where they contradict each other. Sets add up, unless coded and prose share nothing."""
    if kind.kind in ("levels", "codes"):
        return _union(kind, mentions)
    first = mentions[0].said
    if not isinstance(first, Interval):
        return first if all(m.said == first for m in mentions) else None
    said = [m.said for m in mentions if isinstance(m.said, Interval)]
    common = _common(said)
    return _nearly(said) if common is None and kind.aged else common


def _nearly(said: Sequence[Interval]) -> Interval | None:
    """From the least to the most of times of which one is told in round weeks or months: "seven months", since January 20."""
    numbers = [i.low for i in said if i.low is not None and i.low == i.high]
    if len(numbers) < len(said) or max(numbers) - min(numbers) > _ROUNDED * max(numbers):
        return None
    exact = {number for number in numbers if number % 7 and number % _MONTH} or set(numbers)
    return Interval(min(exact), max(exact))


def _common(said: Sequence[Interval]) -> Interval | None:
    """What all intervals allow. Numbers that agree after rounding are one number, and the most exact of them is it."""
    numbers = {i.low: _decimals(i.low) for i in said if i.low is not None and i.low == i.high}
    finest = max(numbers.values(), default=0)
    exact = [number for number, decimals in numbers.items() if decimals == finest]
    common: Interval | None = Interval.at(exact[0]) if exact else Interval(None, None)
    for interval in said:
        if interval.low is not None and interval.low == interval.high and exact:
            if abs(interval.low - exact[0]) > (0.0 if interval.low in exact else _half(numbers[interval.low])):
                return None
        elif common is not None:
            common = common.intersect(interval)
    return common


def _decimals(number: float) -> int:
    """How many decimals a number is written with, of six that are looked at."""
    return len(f"{number:.6f}".rstrip("0").partition(".")[2])


def _half(decimals: int) -> float:
    """Half of the last decimal, and a little for what binary fractions cannot hold."""
    return 0.5 * 10.0**-decimals + 1e-9


def _union(kind: FactType, mentions: Sequence[Mention]) -> tuple[str, ...] | None:
    coded: set[str] = set()
    prose: set[str] = set()
    for mention in mentions:
        if isinstance(mention.said, tuple):
            (prose if mention.source.kind == "note" else coded).update(mention.said)
    if coded and prose and not coded & prose:
        return None
    return in_order(coded | prose) if kind.kind == "levels" else tuple(sorted(coded | prose))


def said_of(fact: Fact) -> Said | None:
    """What a known fact says; None for another."""
    if fact.status != "known":
        return None
    return fact.value if fact.value is not None else Interval(fact.low, fact.high, fact.low_open, fact.high_open)


def fact_of(kind: FactType, said: Said | None, sources: tuple[Source, ...]) -> Fact:
    """The fact with this value, or conflicting where there is none."""
    if said is None:
        return Fact(kind.name, "conflicting", None, None, None, kind.unit, False, False, sources)
    if isinstance(said, Interval):
        return Fact(kind.name, "known", None, said.low, said.high, kind.unit, said.low_open, said.high_open, sources)
    return Fact(kind.name, "known", said, None, None, None, False, False, sources)


def _distinct(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Each source once, those of coded resources first, else in the order of the chart."""
    return tuple(sorted(dict.fromkeys(sources), key=lambda source: source.kind == "note"))
