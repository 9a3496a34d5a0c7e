"""The facts of a criteria set as a Questionnaire (FHIR R4), and the set's questions out of it.

A linkId is the name of a fact, so what is answered as a QuestionnaireResponse is read by ``extract.questionnaires`` as it
stands. A fact's type decides the item's: boolean; quantity with its UCUM unit and bounds; choice, repeating for sets.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from services.criteria_evaluation.domain.fhir_elements import Element
from services.criteria_evaluation.domain.fhir_plan import computable_name
from services.criteria_evaluation.domain.fhir_terms import (
    BASE,
    FACTS_SYSTEM,
    SDC,
    UCUM,
    UNIT_OPTION,
    Json,
    canonical,
    extension,
    filled,
)
from services.criteria_evaluation.domain.vocabulary import LEVELS, FactType, Vocabulary
from shared.clinical.criteria_model import CriteriaSet
from shared.clinical.phrases import label
from shared.clinical.wording import Sentence

_TYPES: Final[Mapping[str, str]] = {"boolean": "boolean", "quantity": "quantity"}


def questionnaire(data: Mapping[str, Any], criteria_set: CriteriaSet, vocabulary: Vocabulary) -> Json:
    """The Questionnaire of a set: one item for each fact that it uses, the facts it asks for first, in its order."""
    questions: Mapping[str, str] = data.get("questions") or {}
    facts = [*questions, *(name for name in facts_of(criteria_set) if name not in questions)]
    form: Json = {
        "resourceType": "Questionnaire",
        "id": criteria_set.id,
        "url": canonical("Questionnaire", criteria_set.id),
        "version": data["version"],
        "name": f"{computable_name(criteria_set.id)}Facts",
        "title": f"{criteria_set.ref.title}: the facts that decide",
        "status": "active",
        "experimental": False,
        "subjectType": ["Patient"],
        "publisher": "priorauth",
        "item": [_item(vocabulary[name], questions.get(name)) for name in facts],
    }
    return filled(form)


def facts_of(criteria_set: CriteriaSet) -> tuple[str, ...]:
    """The names of all facts that a set compares, prints or gives examples of, sorted."""
    printed = {name for sentence in _sentences(criteria_set) for name in sentence.placeholders}
    shown = {name for example in criteria_set.examples for name in example.facts}
    return tuple(sorted({*criteria_set.fact_names, *printed, *shown}))


def _sentences(criteria_set: CriteriaSet) -> Iterator[Sentence]:
    for statement in criteria_set.statements:
        yield from statement.sentences
    for rule in criteria_set.alternatives:
        yield from rule.undetermined
        yield from (sentence for ruling in rule.rulings for sentence in ruling.sentences)
    for purpose in criteria_set.purposes.rules if criteria_set.purposes else ():
        yield from purpose.sentences


def _item(fact: FactType, question: str | None) -> Json:
    extensions = [] if question is not None else [extension("general-wording", "valueBoolean", True)]
    if fact.unit is not None:
        unit = {"system": UCUM, "code": fact.unit}
        extensions.append({"url": UNIT_OPTION, "valueCoding": unit})
        for bound, name in ((fact.minimum, "minQuantity"), (fact.maximum, "maxQuantity")):
            if bound is not None:
                extensions.append({"url": f"{SDC}/sdc-questionnaire-{name}", "valueQuantity": {"value": bound, **unit}})
    item: Json = {
        "extension": extensions,
        "linkId": fact.name,
        "code": [{"system": FACTS_SYSTEM, "code": fact.name, "display": label(fact.name)}],
        "text": question if question is not None else fact.meaning or label(fact.name),
        "type": _TYPES.get(fact.kind, "choice"),
        "answerOption": _options(fact),
    }
    if fact.kind in ("codes", "levels"):
        item["repeats"] = True
    return filled(item)


def _options(fact: FactType) -> list[Json]:
    system = f"{BASE}/CodeSystem/{fact.name}"
    codes = LEVELS if fact.kind == "levels" else fact.values
    return [{"valueCoding": {"system": system, "code": code, "display": code.replace("_", " ")}} for code in codes]


def read_questions(items: Iterable[Element], vocabulary: Vocabulary) -> dict[str, str]:
    """The questions of the set by fact, from the items of a Questionnaire, at any depth of its groups.

    Raises:
        PolicyError: an item is of no fact of the vocabulary, of another type than its fact, or stands twice.
    """
    questions: dict[str, str] = {}
    for item in items:
        if item.text("type") == "group":
            inner = read_questions(item.children("item"), vocabulary)
            if inner.keys() & questions.keys():
                item.refuse("asks for a fact that another item asks for")
            questions |= inner
            continue
        fact = vocabulary.get(item.text("linkId"))
        if fact is None or fact.internal:
            item.refuse("has a linkId that is not a fact of the vocabulary")
        if item.text("type") != _TYPES.get(fact.kind, "choice"):
            item.refuse(f"has another type than {fact.name}, which is of type {fact.kind}")
        if fact.name in questions:
            item.refuse("asks for a fact that another item asks for")
        if not item.extensions("general-wording")["general-wording"]:
            questions[fact.name] = item.text("text")
    return questions
