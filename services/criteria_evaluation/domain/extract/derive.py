"""Facts that follow from other facts by the rules of the lexicon. A derived fact names its rule and keeps its inputs' sources."""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from services.criteria_evaluation.domain.extract.mention import Said, within
from services.criteria_evaluation.domain.extract.merge import fact_of
from services.criteria_evaluation.domain.lexicon import Lexicon
from services.criteria_evaluation.domain.lexicon_rules import Rule
from services.criteria_evaluation.domain.quantities import Interval, convert
from services.criteria_evaluation.domain.vocabulary import LEVEL_INDEX, FactType
from shared.clinical.model import Fact, Facts, Source

_ROUNDED = 0.5
"""Half of a unit: a stated number and a computed one that round to the same agree."""


def derive(facts: Facts, lexicon: Lexicon) -> None:
    """Adds what the rules derive to ``facts``, in the rules' order."""
    for rule in lexicon.rules:
        if not rule.inputs <= facts.keys() and rule.kind != "any_true":
            continue
        stated = facts.get(rule.fact)
        # Only sets grow and only numbers are checked against their computation; for the rest a statement stands.
        kind = lexicon.vocabulary[rule.fact]
        checked = (
            kind.kind == "codes"
            or rule.kind in ("sum", "body_mass_index", "shrinks", "no_less")
            or _is_proposed(stated)
        )
        if stated is not None and not checked:
            continue
        said = _said(rule, facts, lexicon)
        if said is None and stated is None and _is_disputed(rule, facts):
            facts[rule.fact] = fact_of(kind, None, _sources(rule, [facts[rule.of[0]]]))
            continue
        if said is None or (isinstance(said, Interval) and not within(kind, said)):
            continue
        inputs = [facts[name] for name in (*rule.of, *(name for name, _ in rule.when)) if name in facts]
        if rule.kind == "any_true":
            inputs = [fact for fact in inputs if fact.value is True]  # What is denied supports nothing.
        sources = _sources(rule, inputs)
        facts[rule.fact] = fact_of(kind, said, sources) if stated is None else _joined(kind, stated, said, sources)


def _is_proposed(stated: Fact | None) -> bool:
    """Whether nothing but the optional extractor states the fact, so that a derivation stands beside it and not behind."""
    return stated is not None and all(source.by is not None for source in stated.sources)


def _is_disputed(rule: Rule, facts: Facts) -> bool:
    """Whether the one fact that decides is in dispute: of two primaries one may be radiosensitive, which is no silence."""
    return rule.kind == "map" and facts[rule.of[0]].status == "conflicting"


def _known(facts: Facts, name: str) -> Fact | None:
    fact = facts.get(name)
    return fact if fact is not None and fact.status == "known" else None


def _interval(facts: Facts, name: str) -> Interval | None:
    fact = _known(facts, name)
    return None if fact is None else Interval(fact.low, fact.high, fact.low_open, fact.high_open)


def _said(rule: Rule, facts: Facts, lexicon: Lexicon) -> Said | None:
    match rule.kind:
        case "sum" | "total":
            return _sum(rule, facts)
        case "threshold":
            return _threshold(rule, facts)
        case "map":
            known = _known(facts, rule.of[0])
            return rule.values.get(str(known.value)) if known else None
        case "when":
            return rule.value if all(_holds(facts, name, values) for name, values in rule.when) else None
        case "any_true":
            return True if any((f := _known(facts, name)) and f.value is True for name in rule.of) else None
        case "overlap":
            sets = [
                set(f.value) if (f := _known(facts, name)) and isinstance(f.value, tuple) else None for name in rule.of
            ]
            return None if sets[0] is None or sets[1] is None else bool(sets[0] & sets[1])
        case "segments":
            return _segments(rule, facts)
        case "at_least" | "no_less":
            return _at_least(rule, facts, lexicon)
        case "body_mass_index":
            return _body_mass_index(rule, facts)
        case "shrinks":
            return _shrinks(rule, facts)
        case "rises":
            return _rises(rule, facts)


def _holds(facts: Facts, name: str, values: Iterable[object]) -> bool:
    fact = _known(facts, name)
    return fact is not None and fact.value in values


def _sum(rule: Rule, facts: Facts) -> Interval | None:
    low = high = 0.0
    for name in rule.of:
        part = _interval(facts, name)
        if part is None or part.low is None or part.high is None:
            return None
        low, high = low + part.low, high + part.high
    return Interval(low, high)


def _threshold(rule: Rule, facts: Facts) -> bool | None:
    value = _interval(facts, rule.of[0])
    if value is None:
        return None
    if value.low is not None and value.low >= rule.true_from:
        return not rule.falls
    return rule.falls if value.high is not None and value.high <= rule.false_to else None


def _segments(rule: Rule, facts: Facts) -> Interval | None:
    fact = _known(facts, rule.of[0])
    if fact is None or not isinstance(fact.value, tuple) or len(fact.value) < 2:
        return None
    indexes = [LEVEL_INDEX[level] for level in fact.value]
    return Interval.at(float(max(indexes) - min(indexes)))


def _at_least(rule: Rule, facts: Facts, lexicon: Lexicon) -> Interval | None:
    value = _interval(facts, rule.of[0])
    if value is None or value.low is None:
        return None
    open_ended = Interval(value.low, None, low_open=value.low_open)
    return convert(open_ended, lexicon.vocabulary[rule.of[0]].unit, lexicon.vocabulary[rule.fact].unit or "1")


def _body_mass_index(rule: Rule, facts: Facts) -> Interval | None:
    weight, height = (_interval(facts, name) for name in rule.of)
    if weight is None or height is None:
        return None
    low = round(weight.low / height.high**2, 2) if weight.low and height.high else None
    high = round(weight.high / height.low**2, 2) if weight.high and height.low else None
    return None if low is None and high is None else Interval(low, high)


_MEASURABLE: Final = 0.9
"""A wound is measured to a millimetre or so: what lies between this share of the first size and all of it is neither."""


def _shrinks(rule: Rule, facts: Facts) -> bool | None:
    first, last = (_known(facts, name) for name in rule.of)
    if first is None or last is None or not first.low or last.low is None:
        return None
    if first.low == last.low and set(first.sources) & set(last.sources):
        return None  # One statement, which may be of either day.
    if last.low <= _MEASURABLE * first.low:
        return True
    return False if last.low >= first.low else None


def _rises(rule: Rule, facts: Facts) -> bool | None:
    before, now = (_interval(facts, name) for name in rule.of)
    if before is None or now is None or before.high is None or now.low is None:
        return None
    return True if now.low > before.high else None


def _sources(rule: Rule, inputs: Iterable[Fact]) -> tuple[Source, ...]:
    derived = Source("derived", rule=rule.id)
    return tuple(dict.fromkeys([derived, *(source for fact in inputs for source in fact.sources)]))


_NEARLY: Final = 0.9
"""Months and weeks are told in round numbers: only what falls this far short of a bound contradicts it."""


def _joined(kind: FactType, stated: Fact, said: Said, sources: tuple[Source, ...]) -> Fact:
    """A stated fact and its derivation: sets add up, numbers agree after rounding or conflict."""
    both = tuple(dict.fromkeys([*stated.sources, *sources]))
    if stated.status != "known":
        return replace(stated, sources=both)
    if not isinstance(said, tuple | Interval) and stated.value != said:
        return fact_of(kind, None, both)
    if isinstance(said, tuple) and isinstance(stated.value, tuple):
        return fact_of(kind, tuple(sorted({*stated.value, *said})), both)
    if isinstance(said, Interval) and said.low is not None and said.high is not None:
        near = Interval(said.low - _ROUNDED, said.high + _ROUNDED, low_open=True, high_open=True)
        if near.intersect(Interval(stated.low, stated.high, stated.low_open, stated.high_open)) is None:
            return fact_of(kind, None, both)
    if isinstance(said, Interval) and said.low is not None and said.high is None:
        if stated.high is None:
            return replace(stated, sources=both)
        if stated.high < said.low * _NEARLY:
            return fact_of(kind, None, both)
    return replace(stated, sources=both)
