"""Parts of the JSON Schemas of policy files: text, lists, dates, and expressions over the facts of a vocabulary.

A schema is a second reading of the same YAML, for editors. ``tests/unit/test_policy_schemas.py`` holds it against the readers:
what one refuses for its shape the other refuses, and what one accepts the other accepts. Draft 7, since every editor knows it.
Beyond a schema remain the relations between values: ids used twice, a range that runs backwards, a unit that does not
convert, more criteria asked for than there are.
"""

from collections.abc import Iterable
from typing import Any, Final

from shared.clinical.expression import VERTEBRAE, Vocabulary
from shared.clinical.leaves import OPERATORS
from shared.clinical.phrases import label

Schema = dict[str, Any]

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
TEXT: Final[Schema] = {"type": "string", "pattern": r"\S"}
TEXTS: Final[Schema] = {"type": "array", "items": {"type": "string", "minLength": 1}}
DATE: Final[Schema] = {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
NUMBER: Final[Schema] = {"type": "number"}
EXPRESSION: Final[Schema] = {"$ref": "#/definitions/expression"}
_VERTEBRA: Final = "(?:" + "|".join(VERTEBRAE) + ")"
LEVELS: Final[Schema] = {"type": "string", "pattern": rf"^{_VERTEBRA}(?:-{_VERTEBRA})?$"}
"""A vertebra or a range of them, such as T9-T12."""


def described(schema: Schema, description: str) -> Schema:
    """The schema with a sentence that an editor shows. In draft 7 nothing may stand beside a reference."""
    return (
        {"allOf": [schema], "description": description} if "$ref" in schema else {**schema, "description": description}
    )


def optional(schema: Schema) -> Schema:
    """The schema or nothing: a key without a value is read as if it were not there."""
    if "type" in schema and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    description = {"description": schema["description"]} if "description" in schema else {}
    return {"anyOf": [schema, {"type": "null"}], **description}


def record(required: dict[str, Schema], others: dict[str, Schema], **more: Any) -> Schema:
    """A mapping with these keys and no others; ``others`` may be missing or without a value."""
    properties = required | {key: optional(schema) for key, schema in others.items()}
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


def fields(required: dict[str, Schema], others: dict[str, Schema], **more: Any) -> Schema:
    """As ``record``, but a key of ``others`` may only be missing, and has a value where it stands."""
    schema = record(required, {}, **more)
    schema["properties"] |= others
    return schema


def list_of(item: Schema, least: int = 0) -> Schema:
    """A list of at least so many items."""
    return {"type": "array", "items": item} | ({"minItems": least} if least else {})


def words(values: Iterable[str]) -> Schema:
    """One of the words. YAML reads a code such as 2 as a number, and the reader takes it as the code."""
    texts = list(values)
    if not texts:
        return {"type": ["string", "integer"]}
    return {"enum": [*texts, *(int(text) for text in texts if text.isdecimal() and str(int(text)) == text)]}


def fact_enum(vocabulary: Vocabulary, *kinds: str) -> Schema:
    """The names of the facts of some types (of all, where none is named), with what they are called."""
    names = [name for name, (kind, _, _) in vocabulary.items() if not kinds or kind in kinds]
    return {"enum": names, "enumDescriptions": [_said(name, vocabulary) for name in names]}


def _said(name: str, vocabulary: Vocabulary) -> str:
    kind, unit, codes = vocabulary[name]
    return f"{label(name)} ({kind}{f' in {unit}' if unit else ''}{': ' + ', '.join(codes) if codes else ''})"


def sentence_pattern(vocabulary: Vocabulary) -> str:
    """Text in which a brace encloses the name of a fact that has wording, which a boolean has not."""
    names = "|".join(
        name.replace(".", r"\.") for name, (kind, _, _) in vocabulary.items() if kind != "boolean" and name[0] != "_"
    )
    return rf"^(?:[^{{}}]|\{{(?:{names})\}})*$"


def expression_definitions(vocabulary: Vocabulary) -> dict[str, Schema]:
    """``definitions`` of expressions and their leaves, each fact compared as its type allows."""
    expressions = list_of(EXPRESSION, least=1)
    joined = record({}, {})
    joined["properties"] = {
        "all_of": described(expressions, "Met when every one is met."),
        "any_of": described(expressions, "Met when one is met."),
        "at_least": described(
            record({"n": {"type": "integer", "minimum": 1}, "of": expressions}, {}), "Met when n or more are met."
        ),
        "not": described(EXPRESSION, "Met when it is not met."),
    }
    joined |= {"minProperties": 1, "maxProperties": 1}
    return {
        "expression": {
            "type": "object",
            "if": {"required": ["fact"]},
            "then": {"$ref": "#/definitions/leaf"},
            "else": joined,
        },
        "leaf": _leaf(vocabulary),
    }


def _leaf(vocabulary: Vocabulary) -> Schema:
    tests = (*OPERATORS, "is", "in", "includes_any", "overlaps", "known", "exceeds")
    properties: dict[str, Schema] = {
        "fact": fact_enum(vocabulary),
        **{operator: described(NUMBER, "Compares a quantity with this bound.") for operator in OPERATORS},
        "unit": optional({"type": "string", "description": "The bound's UCUM unit; without it, the fact's own."}),
        "is": {"description": "True, false, or the code that the fact must have."},
        "in": {"description": "The codes of which the fact must have one."},
        "includes_any": {"description": "The codes of which the fact must hold at least one."},
        "overlaps": {"description": "Vertebrae, or a fact of vertebrae, of which the fact must share one."},
        "known": {"const": True, "description": "Met when the chart says anything; never not met."},
        "exceeds": {"description": "The quantity that the fact must exceed, in the same unit."},
        "by": described(NUMBER, "By how much more than this it must exceed."),
    }
    return {
        "type": "object",
        "required": ["fact"],
        "properties": properties,
        "additionalProperties": False,
        "oneOf": [{"required": [test]} for test in tests],
        "dependencies": {"unit": {"anyOf": [{"required": [o]} for o in OPERATORS]}, "by": ["exceeds"]},
        "allOf": list(_by_type(vocabulary)),
    }


def _by_type(vocabulary: Vocabulary) -> Iterable[Schema]:
    """What each fact may be compared with, by its type: whatever a type does not name is ruled out for it."""
    kinds: dict[tuple[str, str | None], list[str]] = {}
    for name, (kind, unit, _) in vocabulary.items():
        kinds.setdefault((kind, unit if kind == "quantity" else None), []).append(name)
    levels = {"anyOf": [fact_enum(vocabulary, "levels"), list_of(LEVELS, least=1)]}
    for (kind, _), names in kinds.items():
        if kind == "quantity":
            allowed: dict[str, Schema] = dict.fromkeys(OPERATORS, NUMBER) | {"exceeds": {"enum": names}}
            yield _when(names, allowed)
        elif kind == "boolean":
            yield _when(names, {"is": {"type": "boolean"}})
        elif kind == "levels":
            yield _when(names, {"overlaps": levels})
        else:
            for name in names:
                word = words(vocabulary[name][2])
                several = list_of(word, least=1)
                yield _when([name], {"is": word, "in": several} if kind == "code" else {"includes_any": several})


def _when(names: list[str], allowed: dict[str, Schema]) -> Schema:
    ruled_out = {"is", "in", "includes_any", "overlaps", "exceeds", *OPERATORS} - allowed.keys()
    then = allowed | dict.fromkeys(sorted(ruled_out), False)
    return {"if": {"properties": {"fact": {"enum": names}}}, "then": {"properties": then}}
