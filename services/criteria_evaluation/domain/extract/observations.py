"""Facts that Observations carry: the code names the fact, the circumstances say whether the value is one of it."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from services.criteria_evaluation.domain.extract.answers import said_by, value_of
from services.criteria_evaluation.domain.extract.elements import (
    Body,
    at_path,
    bodies,
    codes_of,
    codings,
    instant_of,
    named_fact,
    texts_of,
    word,
)
from services.criteria_evaluation.domain.extract.mention import Mention
from services.criteria_evaluation.domain.lexicon import Lexicon
from services.criteria_evaluation.domain.lexicon_codes import Coded
from services.criteria_evaluation.domain.vocabulary import FactType
from shared.clinical.model import Resource
from shared.clinical.units import factor

NO_RESULT: Final = frozenset({"entered-in-error", "cancelled", "registered", "unknown"})
_EARLIEST: Final = dt.datetime(1, 1, 2, tzinfo=dt.UTC)
_RIVAL_UNITS: Final = frozenset({"m", "kg", "mm[Hg]", "h", "d", "wk", "mo"})
"""What is measured in more than one unit in practice: a bare number of these says nothing."""
_ASLEEP: Final = re.compile(r"\b(?:asleep|(?:during|while|in) sleep|sleeping|nocturnal|overnight|night-?time)\b")
_EXERCISE: Final = re.compile(
    r"\b(?:exercis\w{1,6}|exertion\w{0,5}|ambulat\w{1,6}|walk\w{0,4}|6mwt|6mwd|treadmill|activity)\b"
)
_BEFORE: Final = re.compile(
    r"\b(?:pre|before|prior to|no|without)[ -]{1,2}(?:exercise|exertion|walk\w{0,4}|ambulation)\b"
)
_ROOM_AIR: Final = re.compile(r"\b(?:room air|ambient air|on air|21 ?%)")
_SUPPORT: Final = re.compile(
    r"\b(?:supplement\w{1,6}|cannula|on oxygen|on o2|\d(?:\.\d)? ?(?:l|lpm|liters?|litres?)\b|bi-?pap|cpap|ventilat\w{1,6}"
    r"|venturi|rebreather|during treatment)"
)
_TITRATION: Final = re.compile(r"\b(?:titrat\w{1,6}|cpap|bi-?pap|apap|pap|residual|supine|rem|central|on therapy)\b")
_FREE: Final[Mapping[str, re.Pattern[str]]] = {"oxygen.": _SUPPORT, "sleep.ahi": _TITRATION}
"""Words by which a value is not one of the facts whose names begin so."""


def read_observations(resources: Sequence[Resource], lexicon: Lexicon) -> list[Mention]:
    """The most recent Observations of each fact; those of the same moment stand side by side."""
    found = [r for r in resources if word(r.body, "resourceType") == "Observation" and _counts(r.body)]
    supported = {_instant(r.body)[0] for r in found if _is_support(r.body, lexicon)}
    by_fact: dict[str, list[tuple[dt.datetime, bool, Mention]]] = {}
    for resource in found:
        at, whole_day = _instant(resource.body)
        for mention in _observation(resource, at, lexicon):
            if not (mention.fact.startswith("oxygen.") and at in supported and at > _EARLIEST):
                by_fact.setdefault(mention.fact, []).append((at, whole_day, mention))
    kept: list[Mention] = []
    for mentions in by_fact.values():
        last = max(at for at, _, _ in mentions)
        kept += [m for at, whole_day, m in mentions if at == last or (whole_day and at.date() == last.date())]
    return kept


def _counts(body: Body) -> bool:
    return not (word(body, "status") in NO_RESULT or body.get("focus") or body.get("dataAbsentReason"))


def _observation(resource: Resource, at: dt.datetime, lexicon: Lexicon) -> Iterator[Mention]:
    body = resource.body
    date = at.date() if at > _EARLIEST else None
    components = [(i, c) for i, c in enumerate(_list(body.get("component"))) if not c.get("dataAbsentReason")]
    around: str | None = None
    for holder, path in [(body, resource.path), *((c, f"{resource.path}.component[{i}]") for i, c in components)]:
        for _, key in codings(holder.get("code")):
            coded = lexicon.codes.observations.get(key)
            fact = lexicon.vocabulary[coded.fact] if coded else named_fact(key, lexicon.vocabulary)
            if fact is None:
                continue
            if coded is not None:
                around = _words(body) if around is None else around
                fact = _qualified(coded, around, [c for _, c in components], lexicon)
            mention = _mention(fact, holder, path, date, bare_number=coded is None)
            if mention is not None:
                yield mention
                break


def _list(value: Any) -> list[Body]:
    return [c if isinstance(c, Mapping) else {} for c in value] if isinstance(value, list | tuple) else []


def _mention(
    fact: FactType | None, holder: Body, path: str, date: dt.date | None, *, bare_number: bool
) -> Mention | None:
    if fact is None:
        return None
    value = value_of(holder)
    if value is None:
        return _interpreted(fact, holder, path, date)
    if not bare_number and fact.unit in _RIVAL_UNITS and not _has_unit(value[1]):
        return None
    said = said_by(fact, *value)
    return None if said is None else Mention(fact.name, said, at_path(f"{path}.{value[0]}"), date)


def _interpreted(fact: FactType, holder: Body, path: str, date: dt.date | None) -> Mention | None:
    """A finding without a value that is marked as present or absent."""
    concepts = holder.get("interpretation")
    for i, concept in enumerate(concepts if fact.kind == "boolean" and isinstance(concepts, list) else ()):
        codes = codes_of(concept)
        if codes & {"POS", "DET"} or codes & {"NEG", "ND"}:
            held = bool(codes & {"POS", "DET"})
            return Mention(fact.name, held, at_path(f"{path}.interpretation[{i}]"), date)
    return None


def _has_unit(content: Any) -> bool:
    if isinstance(content, str):
        return any(c.isalpha() for c in content)
    if not isinstance(content, Mapping):
        return False
    return any(_has_unit_itself(part) for part in (content, content.get("low"), content.get("high")))


def _has_unit_itself(quantity: Any) -> bool:
    return isinstance(quantity, Mapping) and bool(quantity.get("code") or quantity.get("unit"))


def _words(body: Body) -> str:
    """What the observation says of its circumstances, in lower case."""
    concepts = [body.get("code"), body.get("method"), body.get("bodySite")]
    for component in bodies(body.get("component")):
        concepts += [component.get("code"), component.get("valueCodeableConcept")]
    said = [text for concept in concepts for text in texts_of(concept)]
    said += [c["valueString"] for c in bodies(body.get("component")) if isinstance(c.get("valueString"), str)]
    said += [note["text"] for note in bodies(body.get("note")) if isinstance(note.get("text"), str)]
    return " ; ".join(said)[:2000].lower()


def _qualified(coded: Coded, around: str, components: Sequence[Body], lexicon: Lexicon) -> FactType | None:
    """The fact of the code under these circumstances, or None where they take the value out of every meaning of it."""
    if any(_above(component, coded.unless) for component in components):
        return None
    for prefix, words in _FREE.items():
        if coded.fact.startswith(prefix) and words.search(around) and not _ROOM_AIR.search(around):
            return None
    name = coded.fact
    if coded.exercise and _EXERCISE.search(_BEFORE.sub(" ", around)):
        name = coded.exercise
    elif coded.asleep and _ASLEEP.search(around):
        name = coded.asleep
    return lexicon.vocabulary[name]


def _above(component: Body, limits: Mapping[str, float]) -> bool:
    """Whether a component, such as supplemental oxygen, takes the observation out of what the fact means."""
    quantity = component.get("valueQuantity")
    number = quantity.get("value") if isinstance(quantity, Mapping) else None
    if not limits or isinstance(number, bool) or not isinstance(number, int | float):
        return False
    return any(_amount(number, quantity, limits[code]) for _, (_, code) in codings_of_any(component) if code in limits)


def codings_of_any(holder: Body) -> Iterator[tuple[int, tuple[str, str]]]:
    """The codes of a component, also of those that leave the system out, as some senders do."""
    concept = holder.get("code")
    for i, coding in enumerate(bodies(concept.get("coding")) if isinstance(concept, Mapping) else ()):
        if isinstance(coding.get("code"), str):
            yield i, (str(coding.get("system") or ""), coding["code"])


def _amount(number: float, quantity: Any, limit: float) -> bool:
    """A share of oxygen may be written 0.4 or 40 %; a flow is nothing or something."""
    if limit >= 1:
        unit = quantity.get("code") or quantity.get("unit")
        scale = factor(unit, "%") if isinstance(unit, str) else None
        number = number * scale if scale is not None else number * 100 if number <= 1 else number
        return number > limit + 0.01
    return number > limit


def _is_support(body: Body, lexicon: Lexicon) -> bool:
    """Whether the Observation is itself the oxygen that the patient breathes, at the moment of other Observations."""
    limits = {
        k: v for c in lexicon.codes.observations.values() if c.fact.startswith("oxygen.") for k, v in c.unless.items()
    }
    return _above(body, limits)


def _instant(body: Body) -> tuple[dt.datetime, bool]:
    """When the observation was made, and whether only the day is known."""
    period = body.get("effectivePeriod")
    candidates = [body.get("effectiveDateTime"), body.get("effectiveInstant")]
    candidates += [period.get("end"), period.get("start")] if isinstance(period, Mapping) else []
    candidates.append(body.get("issued"))
    for text in candidates:
        at = instant_of(text)
        if at is not None:
            return at, len(str(text)) <= 10
    return _EARLIEST, False
