"""Facts that follow from what was done, ordered or given: Procedure, ServiceRequest, drugs, Encounter.

An order is no finding: the request for a test says nothing of its result. It counts for the few facts that ask whether
something was ordered.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from services.criteria_evaluation.domain.extract.elements import Body, at_path, bodies, codings, day_of, texts_of, word
from services.criteria_evaluation.domain.extract.levels import levels_in
from services.criteria_evaluation.domain.extract.mention import Mention, Said, converted
from services.criteria_evaluation.domain.lexicon import Lexicon
from services.criteria_evaluation.domain.lexicon_codes import Key, Meaning, Standing
from services.criteria_evaluation.domain.quantities import Interval
from services.criteria_evaluation.domain.vocabulary import in_order
from shared.clinical.model import Resource

_INPATIENT: Final = frozenset({"IMP", "ACUTE", "NONAC"})
_AT_HOME: Final = frozenset({"AMB", "HH", "VR"})
_ORDERS: Final = frozenset({"plan", "order", "original-order", "reflex-order", "filler-order", "instance-order"})
_MEDICATIONS: Final = frozenset({"MedicationRequest", "MedicationStatement", "MedicationAdministration"})
_PLANNED: Final = frozenset({"active", "draft", "intended", "in-progress"})
_INPATIENT_FACT: Final = "care.inpatient"


def read_care(resources: Sequence[Resource], lexicon: Lexicon) -> Iterator[Mention]:
    """What procedures, orders, drugs and encounters state."""
    for resource in resources:
        kind = word(resource.body, "resourceType")
        if kind == "Procedure":
            yield from _procedure(resource, lexicon)
        elif kind == "ServiceRequest":
            yield from _order(resource, lexicon)
        elif kind in _MEDICATIONS:
            yield from _drug(resource, resources, lexicon)
        elif kind == "Encounter":
            yield from _encounter(resource)


def _procedure(resource: Resource, lexicon: Lexicon) -> Iterator[Mention]:
    body = resource.body
    standings: dict[str, frozenset[Standing]] = {
        "completed": frozenset({"done", "active"}),
        "in-progress": frozenset({"active"}),
    }
    standing = standings.get(word(body, "status"))
    if standing:
        start, end = _performed(body)
        for path, meaning in _services(resource, standing, lexicon):
            said = _said(meaning, body, start, end)
            if said is not None:
                yield Mention(meaning.fact.name, said, at_path(path), end or start)


def _order(resource: Resource, lexicon: Lexicon) -> Iterator[Mention]:
    body = resource.body
    if body.get("doNotPerform") is True or word(body, "status") not in ("active", "completed"):
        return
    if word(body, "intent") in _ORDERS:
        for path, meaning in _services(resource, frozenset({"ordered"}), lexicon):
            if meaning.value is not None:
                yield Mention(meaning.fact.name, meaning.value, at_path(path), day_of(body.get("authoredOn")))


def _services(resource: Resource, standing: frozenset[Standing], lexicon: Lexicon) -> Iterator[tuple[str, Meaning]]:
    """The meanings of the resource's codes that hold for what has come of it, each fact once."""
    seen: set[str] = set()
    for i, key in codings(resource.body.get("code")):
        for meaning in lexicon.codes.services.meanings(key):
            if meaning.standings & standing and meaning.fact.name not in seen:
                seen.add(meaning.fact.name)
                yield f"{resource.path}.code.coding[{i}]", meaning


def _said(meaning: Meaning, body: Body, start: dt.date | None, end: dt.date | None) -> Said | None:
    """The value that the code states, else the levels of the body site or the time from start to end."""
    if meaning.value is not None:
        return meaning.value
    if meaning.fact.kind == "levels":
        sites = (text for site in bodies(body.get("bodySite")) for text in texts_of(site))
        return in_order(level for text in sites for level in levels_in(text)) or None
    if start is None or end is None or end <= start:
        return None
    return converted(meaning.fact, Interval.at(float((end - start).days)), "d")


def _performed(body: Body) -> tuple[dt.date | None, dt.date | None]:
    """The first and last day; only days that are written out make a duration."""
    for name in ("performedPeriod", "occurrencePeriod"):
        period = body.get(name)
        if isinstance(period, Mapping):
            start, end = period.get("start"), period.get("end")
            exact = [day_of(t) if isinstance(t, str) and len(t) >= 10 else None for t in (start, end)]
            return exact[0], exact[1]
    day = day_of(body.get("performedDateTime")) or day_of(body.get("occurrenceDateTime"))
    return day, day


def _drug(resource: Resource, resources: Sequence[Resource], lexicon: Lexicon) -> Iterator[Mention]:
    """What giving a drug shows, such as a systemic therapy of cancer. That a drug is given names no disease."""
    body = resource.body
    if body.get("doNotPerform") is True or word(body, "status") not in _PLANNED:
        return
    if word(body, "resourceType") == "MedicationRequest" and word(body, "intent") not in _ORDERS:
        return
    concept, path = _medication(resource, resources)
    date = day_of(body.get("authoredOn")) or day_of(body.get("dateAsserted"))
    meanings = [meaning for _, key in codings(concept) for meaning in _of_drug(key, lexicon)]
    words = {word.strip(".,;()").lower() for text in texts_of(concept) for word in text[:400].split()}
    meanings += [meaning for name, meaning in lexicon.codes.drug_names.items() if name in words]
    for fact, meaning in {meaning.fact.name: meaning for meaning in meanings}.items():
        if meaning.value is not None:
            yield Mention(fact, meaning.value, at_path(path), date)


def _of_drug(key: Key, lexicon: Lexicon) -> Iterator[Meaning]:
    return lexicon.codes.drugs.meanings(key)


def _medication(resource: Resource, resources: Sequence[Resource]) -> tuple[object, str]:
    """The drug's CodeableConcept and its path, also where a Medication resource holds it."""
    concept = resource.body.get("medicationCodeableConcept")
    reference = resource.body.get("medicationReference")
    target = reference.get("reference") if isinstance(reference, Mapping) else None
    if concept is None and isinstance(target, str):
        name = target.rpartition("/")[2].rpartition(":")[2].lstrip("#")
        for other in resources:
            if word(other.body, "resourceType") == "Medication" and other.body.get("id") == name:
                return other.body.get("code"), f"{other.path}.code"
    return concept, f"{resource.path}.medicationCodeableConcept"


def _encounter(resource: Resource) -> Iterator[Mention]:
    """Whether the patient is in hospital now: an encounter that is under way, by its class (v3 ActCode)."""
    if word(resource.body, "status") not in ("in-progress", "onleave"):
        return
    kind = resource.body.get("class")
    coded = kind if isinstance(kind, Mapping) else {}
    code = word(coded, "code")
    if code in _INPATIENT or code in _AT_HOME:
        yield Mention(_INPATIENT_FACT, code in _INPATIENT, at_path(f"{resource.path}.class"))
