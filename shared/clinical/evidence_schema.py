"""The JSON Schema of a file of the evidence library, for editors: ``priorauth evidence schema`` prints it.

It takes fields and words from the modules that read them; see ``schema_parts`` for what holds it. Unlike a criteria set's,
most fields of a library may be missing but not stand without a value.
"""

from typing import Final, get_args

from shared.clinical import csl
from shared.clinical.evidence import ID_PATTERN
from shared.clinical.evidence_model import GRADE_LEVELS, Direction, Directness, SourceKind
from shared.clinical.expression import Vocabulary
from shared.clinical.schema_parts import (
    DRAFT,
    EXPRESSION,
    NUMBER,
    TEXT,
    Schema,
    described,
    expression_definitions,
    fields,
    list_of,
    optional,
    record,
)

_ID: Final = described(
    {"type": "string", "pattern": rf"^\s*{ID_PATTERN}\s*$"},
    "Unique in the whole library; lower-case words joined by hyphens.",
)
_FLAG: Final[Schema] = {"type": "boolean"}
_WHEN: Final = optional(described(EXPRESSION, "The patients to whom it may be applied; without it, all."))


def evidence_schema(vocabulary: Vocabulary) -> Schema:
    """The schema of one file of a library whose facts are those of the vocabulary."""
    head = {"$schema": DRAFT, "title": "File of priorauth's evidence library"}
    entries = {
        "sources": described(list_of({"$ref": "#/definitions/source"}), "Publications, and whom they studied."),
        "statements": described(list_of({"$ref": "#/definitions/statement"}), "What sources state, with its figures."),
    }
    definitions = expression_definitions(vocabulary) | {
        "source": _source(),
        "statement": _statement(),
        "csl": _csl(),
        "figure": _figure(),
    }
    return {**head, **fields({}, entries), "definitions": definitions}


def _source() -> Schema:
    level: Schema = {
        "anyOf": [
            fields({"scale": {"const": "oxford-2011"}, "value": {"type": "integer", "minimum": 1, "maximum": 5}}, {}),
            fields({"scale": {"const": "grade"}, "value": {"enum": list(GRADE_LEVELS)}}, {}),
        ]
    }
    required = {
        "id": _ID,
        "kind": {"enum": list(get_args(SourceKind))},
        "csl": {"$ref": "#/definitions/csl"},
        "verified": described(_FLAG, "Whether somebody read it; false is printed wherever it is cited."),
        "verified_by": described(TEXT, "What was read."),
    }
    others = {
        "et_al": described(_FLAG, "Whether there are more authors than are named."),
        "level": described(optional(level), "Its level of evidence; null where none can be given."),
        "population": described(fields({}, _applicability()), "Whom it studied; bounds every statement of it."),
        "retracted": described(TEXT, "The notice in words; nothing of the source is cited any more."),
        "superseded_by": described(TEXT, "The id of the edition that took its place."),
    }
    return fields(required, others)


def _statement() -> Schema:
    required = {
        "id": _ID,
        "source": described(TEXT, "The id of a source, of this file or another."),
        "text": described(TEXT, "What it states, in our own words; {name} prints a figure."),
        "about": described(TEXT, "The treatment or question that it is for or against."),
        "direction": {"enum": list(get_args(Direction))},
    }
    figures: Schema = {"type": "object", "additionalProperties": {"$ref": "#/definitions/figure"}}
    directness = described({"enum": list(get_args(Directness))}, "Whether what was studied is just what is asked.")
    others = {
        "directness": directness,
        "figures": described(figures, "Every number of the text, each printed in it."),
    }
    return fields(required, others | _applicability())


def _applicability() -> dict[str, Schema]:
    unknown = described({"enum": ["applies", "excludes"]}, "What holds where the chart does not say.")
    exclusion = fields({"when": EXPRESSION, "reason": TEXT}, {"if_unknown": unknown})
    limitation = fields({"when": EXPRESSION, "text": TEXT}, {})
    return {
        "applies_when": _WHEN,
        "exclusions": described(list_of(exclusion), "Patients whom it leaves out, each with the reason."),
        "limitations": described(list_of(limitation), "Patients for whom it applies with a caution."),
    }


def _csl() -> Schema:
    texts = {key: TEXT | {"allOf": [{"pattern": f"^{csl.FORMS[key].pattern}$"}]} for key in csl.FORMS}
    texts = {key: texts.get(key, TEXT) for key in sorted(csl.TEXTS)}
    parts = list_of({"type": "integer"}, least=1) | {"maxItems": 3}
    issued = fields({"date-parts": list_of(parts, least=1) | {"maxItems": 1}}, {})
    name: Schema = {"anyOf": [fields({"literal": TEXT}, {}), fields({"family": TEXT}, {"given": TEXT})]}
    others = {"author": list_of(name), "issued": described(optional(issued), "For example {date-parts: [[2005, 8]]}.")}
    citable = [{"required": ["title"]}, {"required": ["author"], "properties": {"author": {"minItems": 1}}}]
    schema = fields({"type": {"enum": sorted(csl.TYPES)}}, texts | others, anyOf=citable)
    return described(schema, "A CSL-JSON item, as reference managers exchange it.")


def _figure() -> Schema:
    probability = {**NUMBER, "minimum": 0, "maximum": 1}
    numbers = {
        "high": described(NUMBER, "Makes it a range that begins with the value."),
        "events": described(NUMBER, "The count behind a percentage, with its total under 'of'."),
        "of": NUMBER,
        "ci": described(list_of(NUMBER, least=2) | {"maxItems": 2}, "The confidence interval."),
        "confidence": described(NUMBER, "Of the interval, in percent."),
        "p": probability,
    }
    unit = described({"type": "string", "minLength": 1}, 'UCUM; "1" for a ratio, {noun} for what the text names.')
    together = [_together("events", "of"), _together("ci", "confidence")]
    return record({"value": NUMBER, "unit": unit}, numbers, allOf=together)


def _together(one: str, other: str) -> Schema:
    """Both have a value, or neither."""
    none: Schema = {"properties": {key: {"type": "null"} for key in (one, other)}}
    both: Schema = {
        "required": [one, other],
        "properties": {key: {"not": {"type": "null"}} for key in (one, other)},
    }
    return {"anyOf": [none, both]}
