"""The rules that derive facts from other facts, as the lexicon's data states them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from services.criteria_evaluation.domain.policy_yaml import Entry
from services.criteria_evaluation.domain.vocabulary import Vocabulary
from services.criteria_evaluation.domain.vocabulary_yaml import fact_named, read_value

RuleKind = Literal[
    "sum",
    "threshold",
    "map",
    "when",
    "segments",
    "at_least",
    "no_less",
    "any_true",
    "overlap",
    "body_mass_index",
    "shrinks",
    "rises",
    "total",
]

_KINDS: Final[dict[str, RuleKind]] = {
    "sum": "sum",
    "threshold": "threshold",
    "map": "map",
    "when": "when",
    "segments": "segments",
    "at_least": "at_least",
    "no_less": "no_less",
    "any_true": "any_true",
    "overlap": "overlap",
    "body_mass_index": "body_mass_index",
    "shrinks": "shrinks",
    "rises": "rises",
    "total": "total",
}
_KEYS: Final = frozenset({"id", "fact", "rule", "of", "when", "value", "values", "true_from", "false_to", "falls"})

Value = bool | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """How a fact follows from others.

    ``sum``: of all of ``of``; conflicting where it differs from the stated one. ``threshold``: true from, false to; true and false change places where
    the fact ``falls`` with the number.
    ``map``: by the code of ``of``. ``when``: ``value`` where every fact of ``when`` has one of the values beside it.
    ``segments``: the motion segments between the outermost levels of ``of``. ``at_least``: no less than ``of``.
    ``no_less``: the same; conflicting where the stated one falls short of it by more than a tenth.
    ``any_true``: true where one of ``of`` is. ``overlap``: whether two sets of levels share one. ``body_mass_index``: from weight and height.
    ``shrinks``: the second of ``of`` is smaller than the first by a tenth or more; false where it is not smaller at all.
    ``rises``: the second of ``of`` is higher than the first; unknown where it is not, since what brought it down may be a drug.
    ``total``: of all of ``of``, where nobody states it.
    """

    id: str
    fact: str
    kind: RuleKind
    of: tuple[str, ...] = ()
    when: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    value: Value | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    true_from: float = 0.0
    false_to: float = 0.0
    falls: bool = False
    inputs: frozenset[str] = frozenset()


def read_rules(parts: Sequence[Entry], vocabulary: Vocabulary) -> tuple[Rule, ...]:
    """The rules in the order in which they stand: a rule may use what an earlier one derives.

    Raises:
        PolicyError: an unknown fact, kind or value, or an id twice.
    """
    found: list[Rule] = []
    for entry in (entry for part in parts for entry in part.entries()):
        rule = _rule(entry, vocabulary)
        if any(rule.id == other.id for other in found):
            entry.fail(f"The id '{rule.id}' stands twice.")
        found.append(rule)
    return tuple(found)


def _rule(entry: Entry, vocabulary: Vocabulary) -> Rule:
    data = entry.mapping(_KEYS)
    missing = [key for key in ("id", "fact", "rule") if key not in data]
    if missing:
        entry.fail(f"The key '{missing[0]}' is missing.")
    kind = _KINDS.get(data["rule"].text())
    if kind is None:
        data["rule"].fail(f"A rule is one of {', '.join(_KINDS)}.")
    fact = fact_named(data["fact"], vocabulary)
    when = tuple(
        (name, tuple(_one(value, name, vocabulary) for value in values.entries()))
        for name, values in (data["when"].mapping() if "when" in data else {}).items()
    )
    of = tuple(fact_named(name, vocabulary).name for name in data["of"].entries()) if "of" in data else ()
    return Rule(
        id=data["id"].text(),
        fact=fact.name,
        kind=kind,
        of=of,
        when=when,
        inputs=frozenset(of) | frozenset(name for name, _ in when),
        value=read_value(data["value"], fact) if "value" in data else None,
        values={
            code: read_value(value, fact)
            for code, value in (data["values"].mapping() if "values" in data else {}).items()
        },
        true_from=data["true_from"].number() if "true_from" in data else 0.0,
        false_to=data["false_to"].number() if "false_to" in data else 0.0,
        falls=data["falls"].flag() if "falls" in data else False,
    )


def _one(value: Entry, name: str, vocabulary: Vocabulary) -> Value:
    if name not in vocabulary:
        value.fail(f"'{name}' is no fact of the vocabulary.")
    return read_value(value, vocabulary[name])
