"""The JSON Schema of a file of the lexicon, for editors: ``priorauth criteria lexicon-schema`` prints it.

It takes keys and words from the modules that read them. The grammar of patterns, and the classes, contexts and cues that one file
names of another, are beyond it.
"""

from collections.abc import Iterable
from typing import Final, get_args

from services.criteria_evaluation.domain.lexicon import KINDS, UNDENIABLE
from services.criteria_evaluation.domain.lexicon_codes import Standing
from services.criteria_evaluation.domain.lexicon_entries import Direction, Reach, Use
from services.criteria_evaluation.domain.lexicon_rules import RuleKind
from services.criteria_evaluation.domain.vocabulary import LEVELS, FactKind, FactType, Vocabulary
from shared.clinical.phrases import label
from shared.clinical.schema_parts import DRAFT, NUMBER, Schema, described, fields, list_of, words

_FLAG: Final[Schema] = {"type": "boolean"}
_WORD: Final[Schema] = {"type": ["string", "number"]}
"""A number without quotes is read as its text."""
_WORDS: Final[Schema] = {"anyOf": [_WORD, list_of(_WORD)]}
"""One word stands for a list of it."""
_SOME_WORDS: Final[Schema] = {"anyOf": [_WORD, list_of(_WORD, least=1)]}
_FACT: Final[Schema] = {"$ref": "#/definitions/fact"}
_FACTS: Final[Schema] = {"anyOf": [_FACT, list_of(_FACT)]}
_PATTERNS: Final = described(_SOME_WORDS, "Words of a note; docs/lexicon-format.md explains their signs.")
_NOTHING: Final[Schema] = {"type": "array", "maxItems": 0}


def lexicon_schema(vocabulary: Vocabulary) -> Schema:
    """The schema of one file of a lexicon with this vocabulary, the facts that nobody is shown among it."""
    targets = described(list_of({"$ref": "#/definitions/target"}), "Which words state which fact.")
    topic = fields({"words": _WORDS, "facts": _FACTS}, {})
    sections = {
        "facts": described(_by_name({"$ref": "#/definitions/entry"}), "Facts of the vocabulary by name."),
        "classes": described(_by_name(_WORDS), "Words that a pattern names together as @name."),
        "sections": described(_by_name(_WORDS), "Headings of notes by the kind of section that they open."),
        "section_flags": _by_name(_WORDS),
        "triggers": described(list_of(_trigger()), "Words that change what statements beside them mean."),
        "cues": described(_by_name(_PATTERNS), "Words that must stand before a target that names the cue."),
        "contexts": described(_by_name(_context()), "Words that say under what circumstances a value was taken."),
        "targets": targets,
        "observations": described(_by_name(_observation()), "Facts by the code of an Observation."),
        "conditions": _conditions(vocabulary),
        "established": list_of(_coded({"rank": NUMBER})),
        "services": list_of(_coded({"standings": _one_or_more(_enum(get_args(Standing)))})),
        "drugs": list_of(_coded({"names": _WORDS})),
        "rules": described(list_of({"$ref": "#/definitions/rule"}), "How facts follow from other facts, in order."),
        "topics": described(_by_name(topic), "Facts that are read only in a document with one of the words."),
    }
    head = {"$schema": DRAFT, "title": "File of priorauth's lexicon"}
    own = {"id": described(_WORD, "What the file is called."), "version": _WORD}
    definitions = {
        "fact": {"enum": list(vocabulary), "enumDescriptions": [_said(fact) for fact in vocabulary.values()]},
        "entry": _entry(),
        "target": _target(vocabulary),
        "rule": _rule(vocabulary),
        **_value_definitions(vocabulary),
        "coded": {"allOf": [_if_fact(facts, {"value": _value(facts[0])}) for facts in _alike(vocabulary)]},
    }
    return {**head, **fields(own, sections), "definitions": definitions}


def _by_name(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def _one_or_more(schema: Schema) -> Schema:
    return {"anyOf": [schema, list_of(schema)]}


def _enum(values: Iterable[str]) -> Schema:
    return {"enum": list(values)}


def _said(fact: FactType) -> str:
    unit = f" in {fact.unit}" if fact.unit else ""
    return f"{label(fact.name)} ({fact.kind}{unit}{': ' + ', '.join(fact.values) if fact.values else ''})"


def _entry() -> Schema:
    """One fact of the vocabulary: a quantity has its unit, a code the list of its words."""
    bounds = list_of(NUMBER, least=2) | {"maxItems": 2}
    flags = dict.fromkeys(("latest", "imaged", "aged", "earliest", "internal"), _FLAG)
    others = {
        "unit": _WORD,
        "values": _WORDS,
        "prefer": _WORDS,
        "kinds_of": {"type": "object", "additionalProperties": _WORD},
        "range": bounds,
        "meaning": _WORD,
        "beside": _FACT,
        **flags,
    }
    forms: dict[str, Schema] = {
        "quantity": {"required": ["unit"], "properties": {"values": _NOTHING}},
        "code": {"required": ["values"], "properties": {"values": _SOME_WORDS, "unit": False}},
        "boolean": {"properties": {"values": _NOTHING, "unit": False}},
    }
    forms |= {"codes": forms["code"], "levels": forms["boolean"]}
    by_type = [{"if": {"properties": {"type": {"const": kind}}}, "then": form} for kind, form in forms.items()]
    return fields({"type": _enum(get_args(FactKind))}, others, allOf=by_type)


def _trigger() -> Schema:
    kind = described(_enum(KINDS), "What it makes of the statements in its scope.")
    reach = described(NUMBER, "The number of words on which it acts.")
    others = {"kind": kind, "direction": _enum(get_args(Direction)), "lists": _FLAG, "reach": reach}
    return fields({"id": _WORD, "patterns": _PATTERNS}, others)


def _context() -> Schema:
    group = described(_WORD, "Contexts of a group shut each other out.")
    return fields({"patterns": _PATTERNS}, {"group": group, "reach": _enum(get_args(Reach))})


def _target(vocabulary: Vocabulary) -> Schema:
    uses = _enum(get_args(Use))
    named = dict.fromkeys(("sections", "not_sections", "requires", "excludes", "yields"), _WORDS)
    others = {
        "value": described({}, "What it states; a quantity takes the value of the pattern's slot."),
        "negated": described({}, "What it states where it is denied: a value, drop, keep or exact."),
        **dict.fromkeys(("past", "planned", "reported"), uses),
        "cue": described(_WORD, "The cue that must stand before it."),
        "background": _FLAG,
        "lowest": _FLAG,
        "rank": described(NUMBER, "One of a higher rank counts only where none of a lower one exists."),
        **named,
    }
    apart = _enum(["drop", *UNDENIABLE])
    by_fact = [
        _if_fact(facts, {"value": _value(facts[0]), "negated": {"anyOf": [apart, _value(facts[0])]}})
        for facts in _alike(vocabulary)
    ]
    return fields({"id": _WORD, "fact": _FACTS, "patterns": _PATTERNS}, others, allOf=by_fact)


def _rule(vocabulary: Vocabulary) -> Schema:
    when = {name: _values(fact) for name, fact in vocabulary.items()}
    others = {
        "of": _FACTS,
        "when": {"type": "object", "properties": when, "additionalProperties": False},
        "value": {},
        "values": {"type": "object"},
        "true_from": NUMBER,
        "false_to": NUMBER,
        "falls": _FLAG,
    }
    by_fact = [
        _if_fact(facts, {"value": _value(facts[0]), "values": {"additionalProperties": _value(facts[0])}})
        for facts in _alike(vocabulary)
    ]
    return fields({"id": _WORD, "fact": _FACT, "rule": _enum(get_args(RuleKind))}, others, allOf=by_fact)


def _observation() -> Schema:
    instead = described(_FACT, "The fact of a value that was taken so.")
    unless = described(_by_name(NUMBER), "A component of this code above this number takes the value out.")
    return fields({"fact": _FACT}, {"asleep": instead, "exercise": instead, "unless": unless})


def _conditions(vocabulary: Vocabulary) -> Schema:
    codes = _by_name(_WORDS)
    booleans = {name: codes for name, fact in vocabulary.items() if fact.kind == "boolean"}
    schema: Schema = {"type": "object", "properties": booleans, "additionalProperties": False}
    return described(schema, "By fact and code system; ~ before a code: also where the Condition is over.")


def _coded(others: dict[str, Schema]) -> Schema:
    codes = described(_by_name(_WORDS), "Codes by their system; * at the end of one for any ending.")
    schema = fields({"fact": _FACT}, {"value": {}, "codes": codes, **others})
    return schema | {"allOf": [{"$ref": "#/definitions/coded"}]}


def _alike(vocabulary: Vocabulary) -> list[list[FactType]]:
    """The facts by what a value of them may be."""
    groups: dict[tuple[str, tuple[str, ...]], list[FactType]] = {}
    for fact in vocabulary.values():
        groups.setdefault((fact.kind, fact.values), []).append(fact)
    return list(groups.values())


def _if_fact(facts: Iterable[FactType], then: dict[str, Schema]) -> Schema:
    """What holds of a record that names one of the facts, alone or in a list."""
    names = _enum(fact.name for fact in facts)
    named = {"anyOf": [names, {"type": "array", "contains": names}]}
    return {"if": {"required": ["fact"], "properties": {"fact": named}}, "then": {"properties": then}}


def _value(fact: FactType) -> Schema:
    """A value as a lexicon writes it; that of a quantity stands in the note."""
    if fact.kind == "boolean":
        return _FLAG
    if fact.kind == "quantity":
        return {"not": {}}
    return {"$ref": f"#/definitions/{_value_name(fact)}"}


def _value_name(fact: FactType) -> str:
    return "value-levels" if fact.kind == "levels" else f"value-{fact.name}"


def _value_definitions(vocabulary: Vocabulary) -> dict[str, Schema]:
    """The values of codes and levels, each written once."""
    found: dict[str, Schema] = {}
    for fact in vocabulary.values():
        if fact.kind not in ("boolean", "quantity"):
            word = _enum(LEVELS) if fact.kind == "levels" else words(fact.values)
            several = list_of(word, least=1) | {"maxItems": 1} if fact.kind == "code" else list_of(word)
            found[_value_name(fact)] = {"anyOf": [word, several]}
    return found


def _values(fact: FactType) -> Schema:
    """One or more of them."""
    one = _value(fact)
    return _NOTHING if fact.kind == "quantity" else {"anyOf": [one, list_of(one)]}
