"""Elements of FHIR resources that several kinds of resource share: codes, texts, dates. Nothing here raises on any shape."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.criteria_evaluation.domain.lexicon_codes import Key, key_of
from services.criteria_evaluation.domain.vocabulary import FactType, Vocabulary
from shared.clinical.model import Source

Body = Mapping[str, Any]

FACTS_SYSTEM: Final = "https://priorauth.dev/fhir/CodeSystem/clinical-facts"
"""A code of this system is the name of the fact that its element carries."""


def bodies(value: object) -> Iterator[Body]:
    """The members of a list that are objects."""
    if isinstance(value, list | tuple):
        for member in value:
            if isinstance(member, Mapping):
                yield member


def word(body: Body, element: str) -> str:
    """A code element such as ``status``; empty where it is missing or is no text."""
    value = body.get(element)
    return value if isinstance(value, str) else ""


def codings(concept: object) -> Iterator[tuple[int, Key]]:
    """The codes of a CodeableConcept, each with its place among the codings."""
    if isinstance(concept, Mapping) and isinstance(concept.get("coding"), list | tuple):
        for i, coding in enumerate(concept["coding"]):
            if isinstance(coding, Mapping):
                system, code = coding.get("system"), coding.get("code")
                if isinstance(system, str) and isinstance(code, str):
                    yield i, key_of(system, code)


def codes_of(concept: object) -> set[str]:
    """The codes of a CodeableConcept whatever their system, for the small code lists of FHIR itself."""
    found = bodies(concept.get("coding")) if isinstance(concept, Mapping) else ()
    return {coding["code"] for coding in found if isinstance(coding.get("code"), str)}


def texts_of(concept: object) -> Iterator[str]:
    """What a CodeableConcept says in words: its text, else the displays of its codings."""
    if isinstance(concept, Mapping):
        if isinstance(concept.get("text"), str):
            yield concept["text"]
        for coding in bodies(concept.get("coding")):
            if isinstance(coding.get("display"), str):
                yield coding["display"]


def named_fact(key: Key, vocabulary: Vocabulary) -> FactType | None:
    """The fact that a code of the project's own system names."""
    fact = vocabulary.get(key[1]) if key[0] == FACTS_SYSTEM else None
    return None if fact is None or fact.internal else fact


def instant_of(text: object) -> dt.datetime | None:
    """A FHIR dateTime: a year, a month, a day or an instant, in UTC; its earliest moment."""
    if not isinstance(text, str):
        return None
    padded = text + "-01-01" if len(text) == 4 else text + "-01" if len(text) == 7 else text
    try:
        at = dt.datetime.fromisoformat(padded)
        return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def day_of(text: object) -> dt.date | None:
    """The day of a FHIR dateTime as it is written there, or the first of a year or month."""
    if isinstance(text, str) and len(text) >= 10:
        try:
            return dt.date.fromisoformat(text[:10])
        except ValueError:
            return None
    at = instant_of(text)
    return at.date() if at else None


def at_path(path: str) -> Source:
    """An element of a resource as a source."""
    return Source("resource", path)
