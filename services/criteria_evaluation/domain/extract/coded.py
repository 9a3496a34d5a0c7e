"""Facts that FHIR resources carry: QuestionnaireResponse (DTR), Observation, Condition, and the Claim's items."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, Final

from services.criteria_evaluation.domain.extract.answers import Body, bodies, said_by, value_of
from services.criteria_evaluation.domain.extract.levels import levels_in
from services.criteria_evaluation.domain.extract.mention import Mention
from services.criteria_evaluation.domain.lexicon import Lexicon
from services.criteria_evaluation.domain.vocabulary import FactType
from shared.clinical.model import Resource, Source

FACTS_SYSTEM: Final = "https://priorauth.dev/fhir/CodeSystem/clinical-facts"
"""An Observation whose code is of this system carries the fact that the code names."""
LOINC: Final = "http://loinc.org"
REQUESTED_LEVELS: Final = "spine.requested_levels"

_NO_RESULT: Final = frozenset({"entered-in-error", "cancelled", "registered", "unknown"})
_NOT_HELD: Final = frozenset({"unconfirmed", "provisional", "differential", "entered-in-error"})
_OVER: Final = frozenset({"inactive", "remission", "resolved"})
_DEPTH: Final = 20
_EARLIEST: Final = dt.datetime(1, 1, 2, tzinfo=dt.UTC)


def read_resource(resource: Resource, lexicon: Lexicon) -> Iterator[Mention]:
    """What a resource other than an Observation or a Claim says."""
    match resource.body.get("resourceType"):
        case "QuestionnaireResponse":
            body = resource.body
            if body.get("status") != "entered-in-error":
                yield from _items(body.get("item"), resource.path, _date(body.get("authored")), lexicon, 0)
        case "Condition":
            yield from _condition(resource, lexicon)


def _source(path: str) -> Source:
    return Source("resource", path)


def _items(items: Any, path: str, date: dt.date | None, lexicon: Lexicon, depth: int) -> Iterator[Mention]:
    """Answers whose linkId names a fact, at any depth."""
    if not isinstance(items, list) or depth > _DEPTH:
        return
    vocabulary = lexicon.vocabulary
    for i, item in enumerate(items):
        if not isinstance(item, dict):
            continue
        link = item.get("linkId")
        fact = vocabulary.get(link) if isinstance(link, str) else None
        answers = item.get("answer")
        for k, answer in enumerate(answers if isinstance(answers, list) else ()):
            if not isinstance(answer, dict):
                continue
            if fact is not None and not fact.internal and (value := value_of(answer)) is not None:
                said = said_by(fact, *value)
                if said is not None:
                    source = Source("resource", f"{path}.item[{i}].answer[{k}].{value[0]}")
                    yield Mention(fact.name, said, source, date)
            if "item" in answer:
                yield from _items(answer["item"], f"{path}.item[{i}].answer[{k}]", date, lexicon, depth + 1)
        if "item" in item:
            yield from _items(item["item"], f"{path}.item[{i}]", date, lexicon, depth + 1)


def read_observations(resources: Sequence[Resource], lexicon: Lexicon) -> list[Mention]:
    """The most recent Observations of each fact; those of the same instant stand side by side."""
    by_fact: dict[str, list[tuple[dt.datetime, Mention]]] = {}
    for resource in resources:
        if resource.body.get("resourceType") != "Observation" or resource.body.get("status") in _NO_RESULT:
            continue
        if resource.body.get("focus") or resource.body.get("dataAbsentReason"):
            continue
        at = _instant(resource.body)
        for mention in _observation(resource, at, lexicon):
            by_fact.setdefault(mention.fact, []).append((at, mention))
    kept: list[Mention] = []
    for mentions in by_fact.values():
        last = max(at for at, _ in mentions)
        kept += [mention for at, mention in mentions if at == last]
    return kept


def _observation(resource: Resource, at: dt.datetime, lexicon: Lexicon) -> Iterator[Mention]:
    body = resource.body
    date = at.date() if at > _EARLIEST else None
    components = [c for c in bodies(body.get("component")) if not c.get("dataAbsentReason")]
    holders = [(body, resource.path)] + [(c, f"{resource.path}.component[{i}]") for i, c in enumerate(components)]
    for holder, path in holders:
        for fact in _facts_of(holder, components, lexicon):
            value = value_of(holder)
            said = said_by(fact, *value) if value is not None else None
            if value is not None and said is not None:
                yield Mention(fact.name, said, _source(f"{path}.{value[0]}"), date)
                break


def _facts_of(holder: Body, components: Sequence[Body], lexicon: Lexicon) -> Iterator[FactType]:
    """The facts that an Observation's or a component's code names."""
    code = holder.get("code")
    for coding in bodies(code.get("coding")) if isinstance(code, dict) else ():
        system, name = coding.get("system"), coding.get("code")
        if not isinstance(name, str):
            continue
        if system == FACTS_SYSTEM:
            fact = lexicon.vocabulary.get(name)
            if fact is not None and not fact.internal:
                yield fact
        elif (
            system == LOINC
            and (coded := lexicon.observations.get(name)) is not None
            and not any(_above(component, coded.unless) for component in components)
        ):
            yield lexicon.vocabulary[coded.fact]


def _above(component: Body, limits: Any) -> bool:
    """Whether a component, such as supplemental oxygen, takes the observation out of what the fact means."""
    code = component.get("code")
    quantity = component.get("valueQuantity")
    number = quantity.get("value") if isinstance(quantity, dict) else None
    if not isinstance(code, dict) or not isinstance(number, int | float):
        return False
    return any(number > limits[c["code"]] for c in bodies(code.get("coding")) if c.get("code") in limits)


def _instant(body: Body) -> dt.datetime:
    period = body.get("effectivePeriod")
    candidates = [body.get("effectiveDateTime"), body.get("effectiveInstant")]
    candidates += [period.get("end"), period.get("start")] if isinstance(period, dict) else []
    candidates.append(body.get("issued"))
    for text in candidates:
        if isinstance(text, str) and (at := _parsed(text)) is not None:
            return at
    return _EARLIEST


def _parsed(text: str) -> dt.datetime | None:
    """A FHIR dateTime: a year, a month, a day or an instant."""
    padded = text + "-01-01" if len(text) == 4 else text + "-01" if len(text) == 7 else text
    try:
        at = dt.datetime.fromisoformat(padded)
        return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def _date(text: object) -> dt.date | None:
    at = _parsed(text) if isinstance(text, str) else None
    return at.date() if at else None


def _status(body: Body, element: str) -> set[str]:
    concept = body.get(element)
    if not isinstance(concept, dict):
        return set()
    return {c["code"] for c in bodies(concept.get("coding")) if isinstance(c.get("code"), str)}


def _condition(resource: Resource, lexicon: Lexicon) -> Iterator[Mention]:
    """A Condition states ``condition.*``; a refuted one denies it. One that is over counts where its code says history."""
    body = resource.body
    verified, clinical = _status(body, "verificationStatus"), _status(body, "clinicalStatus")
    code = body.get("code")
    if verified & _NOT_HELD or not isinstance(code, dict):
        return
    for i, coding in enumerate(bodies(code.get("coding"))):
        value, system = coding.get("code"), coding.get("system")
        if not isinstance(value, str) or not isinstance(system, str):
            continue
        for pattern, fact in lexicon.conditions.get(system, ()):
            lasting = pattern.startswith("~")
            bare = pattern.lstrip("~")
            if not (value.startswith(bare[:-1]) if bare.endswith("*") else value == bare):
                continue
            if clinical & _OVER and not lasting:
                continue
            held = "refuted" not in verified
            path = f"{resource.path}.code.coding[{i}]"
            yield Mention(fact, held, _source(path), _date(body.get("recordedDate")))
            break


def claim_items(resources: Sequence[Resource]) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """The Claims' items: the path of each and its texts on body site and service, each with its own path."""
    for resource in resources:
        if resource.body.get("resourceType") != "Claim":
            continue
        for i, item in enumerate(bodies(resource.body.get("item"))):
            path = f"{resource.path}.item[{i}]"
            texts: list[tuple[str, str]] = []
            for element in ("bodySite", "subSite", "productOrService"):
                concept = item.get(element)
                concepts = list(bodies(concept)) if isinstance(concept, list) else [concept]
                for c in concepts:
                    if isinstance(c, dict):
                        texts += [
                            (f"{path}.{element}", text) for text in _texts(c, codes=element != "productOrService")
                        ]
            yield path, tuple(texts)


def _texts(concept: Body, *, codes: bool) -> Iterator[str]:
    if isinstance(concept.get("text"), str):
        yield concept["text"]
    for coding in bodies(concept.get("coding")):
        for key in ("display", "code") if codes else ("display",):
            if isinstance(coding.get(key), str):
                yield coding[key]


def read_claims(resources: Sequence[Resource]) -> tuple[list[Mention], bool]:
    """The levels that the Claim's items name, and whether every item names its own."""
    found: list[Mention] = []
    items = named = 0
    for _, texts in claim_items(resources):
        items += 1
        here = [(path, levels) for path, text in texts if (levels := levels_in(text))]
        named += bool(here)
        found += [Mention(REQUESTED_LEVELS, levels, _source(path)) for path, levels in here]
    return found, items > 0 and named == items
