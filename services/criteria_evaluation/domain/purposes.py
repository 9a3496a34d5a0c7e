"""Requested items against the purposes of a criteria set: what each is for, at which level, and whether that fits."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from services.criteria_evaluation.domain.extract.levels import levels_in
from services.criteria_evaluation.domain.judge import Required
from services.criteria_evaluation.domain.trace import Skeleton, fit_skeleton, trace, trace_unfit
from shared.clinical.criteria_model import CriteriaSet, Purpose
from shared.clinical.expression import AnyOf, Expression
from shared.clinical.kleene import MET
from shared.clinical.model import Criterion, Fact, Facts, RequestedItem
from shared.clinical.wording import Sentence, applicable

REQUESTED_LEVELS: Final = "spine.requested_levels"


@dataclass(frozen=True, slots=True)
class Asked:
    """What of an item the verdict depends on; ``levels`` only where its purpose is judged by the levels it names itself."""

    sequence: int
    code: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether an item fits a purpose (no trace: the set asks for none), with the facts it is judged by."""

    asked: Asked
    facts: Facts
    trace: Criterion | None = None
    purpose: tuple[Sentence, ...] = ()
    unknown: tuple[Required, ...] = ()


def asked_of(criteria_set: CriteriaSet, item: RequestedItem, facts: Facts) -> Asked:
    code = item.code.strip().upper()
    rules, _ = _purposes(criteria_set, code)
    requested = facts.get(REQUESTED_LEVELS)
    if not any(rule.own_levels for rule in rules) or (requested is not None and requested.status == "conflicting"):
        return Asked(item.sequence, code, ())
    return Asked(item.sequence, code, levels_of(item.body_sites) or levels_of((item.description,)))


def own_facts(asked: Asked, facts: Facts) -> Facts:
    """The case's facts, with the levels that the item itself names in place of those of the whole request."""
    if not asked.levels:
        return facts
    return {**facts, REQUESTED_LEVELS: Fact(REQUESTED_LEVELS, "known", asked.levels)}


@lru_cache(maxsize=4096)
def _purposes(criteria_set: CriteriaSet, code: str) -> tuple[tuple[Purpose, ...], Expression | None]:
    """The rules that name a code, and the condition that any of them fits."""
    rules = criteria_set.purposes.rules if criteria_set.purposes is not None else ()
    matching = tuple(rule for rule in rules if code in rule.codes)
    if len(matching) == 1:
        return matching, matching[0].when
    return matching, AnyOf(tuple(rule.when for rule in matching)) if matching else None


@lru_cache(maxsize=4096)
def _skeleton(criteria_set: CriteriaSet, sequence: int, code: str) -> Skeleton | None:
    _, expression = _purposes(criteria_set, code)
    if criteria_set.purposes is None or expression is None:
        return None
    return fit_skeleton(criteria_set.purposes, sequence, code, expression)


def fit_of(criteria_set: CriteriaSet, asked: Asked, facts: Facts) -> Fit:
    if criteria_set.purposes is None:
        return Fit(asked, facts)
    skeleton = _skeleton(criteria_set, asked.sequence, asked.code)
    if skeleton is None:
        return Fit(asked, facts, trace_unfit(criteria_set.purposes, asked.sequence, asked.code))
    own = own_facts(asked, facts)
    fit = trace(skeleton, own)
    rules, _ = _purposes(criteria_set, asked.code)
    fitting = next((rule for rule in rules if rule.when.value(own) == MET), None)
    purpose = applicable(fitting.sentences, own) if fitting is not None else ()
    unknown = (Required(fit.id, skeleton.expression, own),) if fit.outcome == "unknown" else ()
    return Fit(asked, own, fit, purpose, unknown)


@lru_cache(maxsize=4096)
def levels_of(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The vertebrae that short texts name, from head to tail."""
    return levels_in("; ".join(texts)) if any(texts) else ()
