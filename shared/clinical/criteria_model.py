"""Criteria sets: policy as data, compiled once when loaded. ``docs/criteria-format.md`` describes the YAML."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from shared.clinical.criteria_examples import Example
from shared.clinical.expression import Expression, Leaf
from shared.clinical.model import CriteriaSetRef
from shared.clinical.wording import Sentence

Kind = Literal["standard_of_care", "outcome", "timing", "caution"]


@dataclass(frozen=True, slots=True)
class Node:
    """A criterion: either a group of named criteria (``children``) or an expression of its own.

    ``expression`` is always the whole condition; ``title`` and ``question`` are for people.
    """

    id: str
    title: str
    expression: Expression
    children: "tuple[Node, ...]" = ()
    evidence: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    question: str | None = None


@dataclass(frozen=True, slots=True)
class ReferRule:
    """A reason to hand the case to a clinician. ``reason`` is the sentence that says so.

    The rule is met when ``when`` is met and ``unless`` is not: an exception counts only where it is known to be true.
    """

    id: str
    title: str
    reason: str
    when: Expression
    unless: Expression | None = None
    evidence: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a group of service codes is for, and when one of them fits this case.

    With ``own_levels`` an item that names vertebrae itself is judged by those; else by the levels of the whole request, as
    befits a construct that must reach beyond the lesion.
    """

    id: str
    codes: frozenset[str]
    sentences: tuple[Sentence, ...]
    when: Expression
    own_levels: bool = False


@dataclass(frozen=True, slots=True)
class Purposes:
    """The criterion that each requested procedure fits the level and the purpose. Several rules may share a code."""

    id: str
    title: str
    rules: tuple[Purpose, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """Something the determination says under one heading when ``when`` is met."""

    kind: Kind
    id: str
    title: str
    when: Expression | None
    sentences: tuple[Sentence, ...]
    evidence: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """A conclusion about an alternative and when it holds."""

    conclusion: Literal["contraindicated", "inadequate"]
    when: Expression
    sentences: tuple[Sentence, ...]
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlternativeRule:
    """An alternative to what is requested. The first ruling that is met concludes; else it stays undetermined."""

    id: str
    title: str
    rulings: tuple[Ruling, ...]
    undetermined: tuple[Sentence, ...]
    when: Expression | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Applicability:
    """Which requests a set decides.

    ``services`` are its own codes; ``companions`` are decided only beside one of them. ``diagnoses`` are ICD-10-CM codes,
    a trailing ``*`` standing for any ending; none means that every diagnosis will do, and no line of business means any.
    A claim with one of ``unless_diagnoses`` is for another set.
    """

    services: frozenset[str]
    companions: frozenset[str] = frozenset()
    diagnoses: tuple[str, ...] = ()
    unless_diagnoses: tuple[str, ...] = ()
    lines_of_business: frozenset[str] = frozenset()
    effective_from: dt.date | None = None
    effective_to: dt.date | None = None


@dataclass(frozen=True, slots=True)
class RuleSource:
    """Where rules of the set come from, for people who maintain it."""

    id: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class CriteriaSet:
    """A compiled criteria set. Every criterion of ``criteria`` is required. Compared and hashed by identity.

    ``leaves`` are all comparisons of the set, each once: their outcomes determine everything the set concludes.
    """

    ref: CriteriaSetRef
    applicability: Applicability
    criteria: tuple[Node, ...]
    refer: tuple[ReferRule, ...]
    purposes: Purposes | None
    statements: tuple[Statement, ...]
    alternatives: tuple[AlternativeRule, ...]
    questions: dict[str, str]
    sources: tuple[RuleSource, ...]
    leaves: tuple[Leaf, ...]
    fact_names: tuple[str, ...]
    examples: tuple[Example, ...] = ()

    @property
    def cited(self) -> frozenset[str]:
        """The ids of all evidence statements that any part of the set names."""
        parts: list[Node | ReferRule | Statement | Ruling] = [*_with_children(self.criteria), *self.refer]
        parts += [*self.statements, *(ruling for rule in self.alternatives for ruling in rule.rulings)]
        return frozenset(statement for part in parts for statement in part.evidence)

    @property
    def id(self) -> str:
        return self.ref.id

    @property
    def version(self) -> str:
        return self.ref.version

    @property
    def digest(self) -> str:
        return self.ref.digest


def _with_children(nodes: tuple[Node, ...]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _with_children(node.children)
