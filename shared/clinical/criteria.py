"""Reads a criteria set from YAML text and compiles it. Pure: the text comes from ``shared.policy.read_policy``."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final, Literal

from shared.clinical.criteria_codes import codes_of
from shared.clinical.criteria_examples import read_example
from shared.clinical.criteria_model import (
    AlternativeRule,
    Applicability,
    CriteriaSet,
    Kind,
    Node,
    Purpose,
    Purposes,
    ReferRule,
    RuleSource,
    Ruling,
    Statement,
)
from shared.clinical.expression import AllOf, AnyOf, AtLeast, Expression, Vocabulary, parse_expression
from shared.clinical.model import CriteriaSetRef
from shared.clinical.policy_yaml import Fields, load_mapping, read_count
from shared.clinical.wording import Sentence, parse_sentence
from shared.policy import PolicyError, PolicyFile, digest_of

__all__ = ["CriteriaSet", "load_criteria", "parse_criteria_set"]

SECTIONS: Final[tuple[tuple[str, Kind], ...]] = (
    ("standard_of_care", "standard_of_care"),
    ("outcomes", "outcome"),
    ("timing", "timing"),
    ("cautions", "caution"),
)
ID_PATTERN: Final = "[a-z0-9][a-z0-9-]*"
_ID: Final = re.compile(ID_PATTERN)


def load_criteria(files: Iterable[PolicyFile], vocabulary: Vocabulary | None = None) -> tuple[CriteriaSet, ...]:
    """Compiles the files, in their order.

    Raises:
        PolicyError: a file is wrong, or two files hold the same version of a set.
    """
    sets: dict[tuple[str, str], CriteriaSet] = {}
    for file in files:
        parsed = parse_criteria_set(file.text, file.name, vocabulary)
        if (parsed.id, parsed.version) in sets:
            raise PolicyError(f"{file.name}: version {parsed.version} of {parsed.id} stands in another file too.")
        sets[parsed.id, parsed.version] = parsed
    return tuple(sets.values())


def parse_criteria_set(text: str, name: str, vocabulary: Vocabulary | None = None) -> CriteriaSet:
    """Compiles one criteria set; ``name`` stands at the head of messages.

    With a vocabulary, every fact that the set compares is checked against it.

    Raises:
        PolicyError: the file, the place in it, and the reason.
    """
    data = load_mapping(name, text)
    return _Reader(vocabulary).criteria_set(Fields(data, name), _canonical_digest(data))


def _canonical_digest(data: dict[str, Any]) -> str:
    # Over the content and not the text, so that a comment or an indentation is no new policy.
    return digest_of(json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str))


class _Reader:
    def __init__(self, vocabulary: Vocabulary | None) -> None:
        self._vocabulary = vocabulary
        self._ids: set[str] = set()

    def criteria_set(self, fields: Fields, digest: str) -> CriteriaSet:
        ref = CriteriaSetRef(_id_of(fields), fields.text("version"), digest, fields.text("title"))
        applicability = self._applicability(fields)
        sources = tuple(self._source(f) for f in fields.items("sources"))
        criteria = tuple(self._node(f) for f in fields.items("criteria"))
        refer = tuple(self._refer_rule(f) for f in fields.items("refer"))
        purposes = self._purposes(fields.take("purposes"), fields.where)
        statements = tuple(self._statement(f, kind) for key, kind in SECTIONS for f in fields.items(key))
        alternatives = tuple(self._alternative(f) for f in fields.items("alternatives"))
        questions = self._questions(fields.take("questions", {}), f"{fields.where}.questions")
        examples = tuple(read_example(f, self._vocabulary) for f in fields.items("examples"))
        fields.done()
        if not criteria:
            raise PolicyError(f"{fields.where}.criteria: a set needs at least one criterion.")
        expressions = [
            *(node.expression for node in criteria),
            *(e for rule in refer for e in (rule.when, rule.unless) if e is not None),
            *(rule.when for rule in (purposes.rules if purposes else ())),
            *(e for s in statements for e in (s.when, *(part.when for part in s.sentences)) if e is not None),
            *(e for a in alternatives for e in (a.when, *(r.when for r in a.rulings)) if e is not None),
            *(s.when for a in alternatives for r in a.rulings for s in r.sentences if s.when is not None),
            *(s.when for a in alternatives for s in a.undetermined if s.when is not None),
            *(s.when for rule in (purposes.rules if purposes else ()) for s in rule.sentences if s.when is not None),
        ]
        return CriteriaSet(
            ref=ref,
            applicability=applicability,
            criteria=criteria,
            refer=refer,
            purposes=purposes,
            statements=statements,
            alternatives=alternatives,
            questions=questions,
            sources=sources,
            leaves=tuple(dict.fromkeys(leaf for e in expressions for leaf in e.leaves)),
            fact_names=tuple(sorted({fact for e in expressions for fact in e.fact_names})),
            examples=examples,
        )

    def _applicability(self, fields: Fields) -> Applicability:
        effective = Fields(fields.take("effective", {}), f"{fields.where}.effective")
        start, end = effective.date("from"), effective.date("to")
        effective.done()
        if start is not None and end is not None and end < start:
            raise PolicyError(f"{effective.where}: the set ends before it begins.")
        part = Fields(fields.require("applicability"), f"{fields.where}.applicability")
        applicability = Applicability(
            services=codes_of(part, "services"),
            companions=codes_of(part, "companions"),
            diagnoses=part.texts("diagnoses"),
            unless_diagnoses=part.texts("unless_diagnoses"),
            lines_of_business=frozenset(part.texts("lines_of_business")),
            effective_from=start,
            effective_to=end,
        )
        part.done()
        if not applicability.services:
            raise PolicyError(f"{part.where}.services: a set needs at least one service code.")
        return applicability

    def _source(self, fields: Fields) -> RuleSource:
        source = RuleSource(fields.text("id"), fields.text("text"))
        fields.done()
        return source

    def _new_id(self, fields: Fields) -> str:
        node_id = _id_of(fields)
        if node_id in self._ids:
            raise PolicyError(f"{fields.where}.id: {node_id} is used twice in this set.")
        self._ids.add(node_id)
        return node_id

    def _when(self, fields: Fields, key: str = "when") -> Expression | None:
        data = fields.take(key)
        return None if data is None else parse_expression(data, f"{fields.where}.{key}", self._vocabulary)

    def _require_when(self, fields: Fields) -> Expression:
        return parse_expression(fields.require("when"), f"{fields.where}.when", self._vocabulary)

    def _node(self, fields: Fields) -> Node:
        node_id, title = self._new_id(fields), fields.text("title")
        children, expression = self._body(fields)
        node = Node(
            node_id,
            title,
            expression,
            children,
            fields.texts("evidence"),
            fields.texts("sources"),
            fields.text("question", "") or None,
        )
        fields.done()
        return node

    def _body(self, fields: Fields) -> tuple[tuple[Node, ...], Expression]:
        bodies = [key for key in ("when", "all_of", "any_of", "at_least") if key in fields.data]
        if len(bodies) != 1:
            raise PolicyError(f"{fields.where}: a criterion has exactly one of when, all_of, any_of, at_least.")
        if bodies == ["when"]:
            return (), self._require_when(fields)
        n: object = None
        group = fields
        key: str = bodies[0]
        if key == "at_least":
            group, key = Fields(fields.take("at_least"), f"{fields.where}.at_least"), "of"
            n = group.require("n")
        children = tuple(self._node(f) for f in group.items(key))
        parts = tuple(child.expression for child in children)
        if not parts:
            raise PolicyError(f"{group.where}.{key}: needs at least one criterion.")
        if bodies == ["at_least"]:
            group.done()
            return children, AtLeast(parts, read_count(n, len(parts), group.where))
        return children, AllOf(parts) if key == "all_of" else AnyOf(parts)

    def _refer_rule(self, fields: Fields) -> ReferRule:
        rule = ReferRule(
            self._new_id(fields),
            fields.text("title"),
            fields.text("reason"),
            self._require_when(fields),
            self._when(fields, "unless"),
            fields.texts("evidence"),
            fields.texts("sources"),
        )
        fields.done()
        return rule

    def _purposes(self, data: object, where: str) -> Purposes | None:
        if data is None:
            return None
        fields = Fields(data, f"{where}.purposes")
        purposes = Purposes(
            self._new_id(fields), fields.text("title"), tuple(self._purpose(f) for f in fields.items("rules"))
        )
        fields.done()
        return purposes

    def _purpose(self, fields: Fields) -> Purpose:
        own_levels = fields.take("own_levels", False)
        if not isinstance(own_levels, bool):
            raise PolicyError(f"{fields.where}.own_levels: must be true or false.")
        sentences = self._sentences(fields, "purpose")
        purpose = Purpose(
            self._new_id(fields), codes_of(fields, "codes"), sentences, self._require_when(fields), own_levels
        )
        fields.done()
        return purpose

    def _statement(self, fields: Fields, kind: Kind) -> Statement:
        statement = Statement(
            kind,
            self._new_id(fields),
            fields.text("title"),
            self._when(fields),
            self._sentences(fields, "text"),
            fields.texts("evidence"),
            fields.texts("sources"),
        )
        fields.done()
        return statement

    def _alternative(self, fields: Fields) -> AlternativeRule:
        conclusions: tuple[Literal["contraindicated", "inadequate"], ...] = ("contraindicated", "inadequate")
        node_id, title, when = self._new_id(fields), fields.text("title"), self._when(fields)
        rulings = []
        for conclusion in conclusions:
            data = fields.take(conclusion)
            if data is not None:
                part = Fields(data, f"{fields.where}.{conclusion}")
                sentences = self._sentences(part, "text")
                rulings.append(Ruling(conclusion, self._require_when(part), sentences, part.texts("evidence")))
                part.done()
        if not rulings:
            raise PolicyError(f"{fields.where}: an alternative needs contraindicated, inadequate, or both.")
        undetermined = self._sentences(fields, "undetermined")
        rule = AlternativeRule(node_id, title, tuple(rulings), undetermined, when, fields.texts("sources"))
        fields.done()
        return rule

    def _sentences(self, fields: Fields, key: str) -> tuple[Sentence, ...]:
        data = fields.require(key)
        parts = data if isinstance(data, list) else [data]
        return tuple(self._sentence(part, f"{fields.where}.{key}[{i}]") for i, part in enumerate(parts))

    def _sentence(self, data: object, where: str) -> Sentence:
        fields = Fields(data if isinstance(data, dict) else {"text": data}, where)
        when, text = self._when(fields), fields.text("text")
        fields.done()
        try:
            sentence = parse_sentence(text, when)
        except ValueError as error:
            raise PolicyError(f"{where}: {error}.") from error
        for fact in sentence.placeholders if self._vocabulary is not None else ():
            entry = self._vocabulary.get(fact) if self._vocabulary is not None else None
            if entry is None or entry[0] == "boolean":
                raise PolicyError(f"{where}: {{{fact}}} is not a fact of the vocabulary that has wording.")
        return sentence

    def _questions(self, data: object, where: str) -> dict[str, str]:
        fields = Fields(data, where)
        for fact in fields.data if self._vocabulary is not None else ():
            if self._vocabulary is not None and fact not in self._vocabulary:
                raise PolicyError(f"{where}: {fact} is not a fact of the vocabulary.")
        return {fact: fields.text(fact) for fact in sorted(fields.data)}


def _id_of(fields: Fields) -> str:
    text = fields.text("id")
    if not _ID.fullmatch(text):
        raise PolicyError(f"{fields.where}.id: use lower-case letters, digits and hyphens.")
    return text
