"""The JSON Schema of a criteria set, for editors: ``priorauth criteria schema`` prints it.

It takes fields, operators, types and outcomes from the modules that read them; see ``schema_parts`` for what holds it.
"""

from typing import Final

from shared.clinical.criteria import ID_PATTERN, SECTIONS
from shared.clinical.criteria_examples import OUTCOMES
from shared.clinical.expression import Vocabulary
from shared.clinical.schema_parts import (
    DATE,
    DRAFT,
    EXPRESSION,
    LEVELS,
    NUMBER,
    TEXT,
    TEXTS,
    Schema,
    described,
    expression_definitions,
    fact_enum,
    list_of,
    record,
    sentence_pattern,
    words,
)

_ID: Final = described({"type": "string", "pattern": rf"^\s*{ID_PATTERN}\s*$"}, "Unique in the set; no dot.")
_NODES: Final = list_of({"$ref": "#/definitions/criterion"}, least=1)
_SENTENCES: Final[Schema] = {"$ref": "#/definitions/sentences"}
_CITED: Final[dict[str, Schema]] = {
    "evidence": described(TEXTS, "Ids of statements of the evidence library."),
    "sources": described(TEXTS, "Ids of sources of this set."),
}


def criteria_schema(vocabulary: Vocabulary) -> Schema:
    """The schema of one criteria set whose facts are those of the vocabulary."""
    statements = described(list_of({"$ref": "#/definitions/statement"}), "Said when its condition is met.")
    required = {
        "id": _ID,
        "version": described(TEXT, 'The version of the policy, as text such as "1.2.0".'),
        "title": described(TEXT, "The name of the policy as letters print it."),
        "applicability": _applicability(),
        "criteria": described(_NODES, "What must be met for approval; each of them is required."),
    }
    others = {
        "effective": record(
            {}, {"from": DATE, "to": DATE}, description="The first and the last day; both may be open."
        ),
        "sources": described(list_of(record({"id": TEXT, "text": TEXT}, {})), "Where the rules come from."),
        "refer": described(list_of(_refer_rule()), "What hands the case to a clinician."),
        "purposes": _purposes(),
        "questions": _questions(vocabulary),
        **{key: statements for key, _ in SECTIONS},
        "alternatives": described(list_of(_alternative()), "Other treatments, and when each is no answer."),
        "examples": described(list_of(_example(vocabulary)), "Cases in small that `priorauth criteria check` runs."),
    }
    definitions = expression_definitions(vocabulary) | {
        "criterion": _criterion(),
        "statement": record({"id": _ID, "title": TEXT, "text": _SENTENCES}, {"when": EXPRESSION, **_CITED}),
        "sentences": _sentences(vocabulary),
    }
    head = {"$schema": DRAFT, "title": "Criteria set of priorauth"}
    return {**head, **record(required, others), "definitions": definitions}


def _applicability() -> Schema:
    code = '"63300-63308" is a range.'
    return record(
        {"services": described(TEXTS | {"minItems": 1}, f"Service codes that the set decides; {code}")},
        {
            "companions": described(TEXTS, f"Codes that it decides beside one of its services; {code}"),
            "diagnoses": described(TEXTS, "ICD-10-CM codes, a trailing * for any ending; without them, any."),
            "unless_diagnoses": described(TEXTS, "Diagnoses that are for another set."),
            "lines_of_business": described(TEXTS, "Without them, any."),
        },
        description="The requests that the set decides.",
    )


def _criterion() -> Schema:
    bodies = {
        "when": EXPRESSION,
        "all_of": _NODES,
        "any_of": _NODES,
        "at_least": record({"n": {"type": "integer", "minimum": 1}, "of": _NODES}, {}),
    }
    question: Schema = {"type": "string", "description": "Asked where a fact of the criterion is missing."}
    schema = record({"id": _ID, "title": TEXT}, {**_CITED, "question": question})
    schema["properties"] |= bodies
    return schema | {"oneOf": [{"required": [key]} for key in bodies]}


def _refer_rule() -> Schema:
    unless = described(EXPRESSION, "Keeps the case from the clinician, but only where it is known to be met.")
    reason = described(TEXT, "The sentence that says why.")
    return record({"id": _ID, "title": TEXT, "reason": reason, "when": EXPRESSION}, {"unless": unless, **_CITED})


def _purposes() -> Schema:
    own = {"type": "boolean", "description": "Judges an item by the levels that it names itself."}
    rule = record({"id": _ID, "purpose": _SENTENCES, "when": EXPRESSION}, {"codes": TEXTS, "own_levels": own})
    return record(
        {"id": _ID, "title": TEXT}, {"rules": list_of(rule)}, description="What each code is for, and when it fits."
    )


def _alternative() -> Schema:
    ruling = record({"when": EXPRESSION, "text": _SENTENCES}, {"evidence": TEXTS})
    rulings = ("contraindicated", "inadequate")
    needs = [{"required": [key], "properties": {key: {"type": "object"}}} for key in rulings]
    undetermined = described(_SENTENCES, "Said where no ruling is met.")
    return record(
        {"id": _ID, "title": TEXT, "undetermined": undetermined},
        {"when": EXPRESSION, "sources": _CITED["sources"], **dict.fromkeys(rulings, ruling)},
        anyOf=needs,
    )


def _questions(vocabulary: Vocabulary) -> Schema:
    names = fact_enum(vocabulary)
    properties = {
        name: described(TEXT, said) for name, said in zip(names["enum"], names["enumDescriptions"], strict=True)
    }
    return {
        "type": "object",
        "description": "What to ask for each fact that may be missing.",
        "properties": properties,
        "additionalProperties": False,
    }


def _sentences(vocabulary: Vocabulary) -> Schema:
    text = TEXT | {"allOf": [{"pattern": sentence_pattern(vocabulary)}]}
    text["patternErrorMessage"] = "A brace must enclose the name of a fact that has wording (no boolean)."
    one: Schema = {"anyOf": [text, record({"text": text}, {"when": EXPRESSION})]}
    return {
        "anyOf": [text, one["anyOf"][1], list_of(one)],
        "description": "A sentence, or several, each with a condition or without; {a.fact} is replaced with its value.",
    }


def _example(vocabulary: Vocabulary) -> Schema:
    facts = {
        "type": "object",
        "description": "What the chart says.",
        "properties": {name: _value(entry) for name, entry in vocabulary.items()},
        "additionalProperties": False,
    }
    # As the reader does, the blanks around an outcome are left out of account.
    outcome = {"type": "string", "pattern": rf"^\s*(?:{'|'.join(OUTCOMES)})\s*$", "examples": list(OUTCOMES)}
    items = described(TEXTS, "Service codes; without them, those of the set one by one.")
    return record({"name": TEXT, "facts": facts, "outcome": outcome}, {"items": items})


def _value(entry: tuple[str, str | None, tuple[str, ...]]) -> Schema:
    kind, unit, codes = entry
    if kind == "boolean":
        return {"type": "boolean"}
    if kind == "quantity":
        ends = record({}, {"low": NUMBER, "high": NUMBER})
        return {"anyOf": [NUMBER, ends], "description": f"In {unit}; a number, or an interval with open ends."}
    if kind == "code":
        return words(codes)
    return list_of(LEVELS if kind == "levels" else words(codes))
