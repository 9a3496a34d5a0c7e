"""The evaluation of a whole case: every item by its own set and purpose, and the case by the gravest of them.

The rules are those of "How a case is decided" in docs/criteria-format.md. The machine never denies.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from services.criteria_evaluation.domain.judge import (
    MEMO_SIZE,
    Judged,
    Required,
    comparisons,
    considerations,
    contested,
    evaluate,
    in_doubt,
    judge,
    label,
    missing,
)
from services.criteria_evaluation.domain.purposes import Asked, Fit, asked_of, fit_of, own_facts
from services.criteria_evaluation.domain.select import select_set
from services.criteria_evaluation.domain.trace import trace_fits
from services.criteria_evaluation.domain.unread import RESERVATION, why_reserved, why_unread
from services.criteria_evaluation.domain.why_not import why_not
from shared.clinical.criteria_model import CriteriaSet
from shared.clinical.model import (
    GRAVITY,
    CaseOutcome,
    Consideration,
    Criterion,
    Document,
    Evaluation,
    Fact,
    Facts,
    ItemEvaluation,
    Missing,
    RequestedItem,
    Source,
    WhyNot,
)
from shared.clinical.wording import Sentence, fill

__all__ = ["evaluate", "evaluate_case"]

_STATUS: Final = {"unknown": 0, "known": 1, "conflicting": 2}


def evaluate_case(
    sets: Iterable[CriteriaSet],
    items: Sequence[RequestedItem],
    diagnoses: Iterable[str],
    line_of_business: str | None,
    on: dt.date,
    facts: Facts,
    lexicon_digest: str = "",
    flags: Collection[str] = (),
    unread_documents: Sequence[Document] = (),
    reservations: Sequence[Source] = (),
) -> Evaluation:
    """Selects the criteria sets for the items and evaluates them.

    ``diagnoses`` are ICD-10-CM codes of the claim, ``on`` the day whose policy counts. ``flags`` are what was wrong with
    the documents: they are carried along and mentioned, and decide nothing. ``unread_documents`` are those that may say
    otherwise than the rest of the chart, ``reservations`` where the chart says that something in it does not hold: beside
    one of either, what would be approved is for a clinician.
    """
    chosen, selection = select_set(sets, items, diagnoses, line_of_business, on)
    groups: dict[CriteriaSet, list[RequestedItem]] = {}
    for item, criteria_set in zip(items, chosen, strict=True):
        if criteria_set is not None:
            groups.setdefault(criteria_set, []).append(item)
    parts = [_evaluate_group(criteria_set, group, facts) for criteria_set, group in groups.items()]
    decided = {item.sequence: item for part in parts for item in part.items}
    read = tuple(decided.get(item.sequence) or _uncovered(item) for item in items)
    by_chart = _gravest(read)
    outcomes = tuple(_for_a_person(item) for item in read) if unread_documents or reservations else read
    uncovered = [item.code for item, criteria_set in zip(items, chosen, strict=True) if criteria_set is None]
    outcome = _gravest(outcomes)
    all_facts = _facts(groups, facts)
    noted = {*flags, *(f"{source.document}:{RESERVATION}" for source in reservations)}
    noted |= {f"conflicting:{f.name}" for f in all_facts.values() if f.status == "conflicting"}
    return Evaluation(
        outcome=outcome,
        criteria_set=max(parts, key=lambda part: len(part.items)).criteria_set.ref if parts else None,
        items=outcomes,
        criteria=tuple(c for part in parts for c in part.verdict.criteria),
        referrals=tuple(c for part in parts for c in part.verdict.judged.referrals),
        facts=all_facts,
        missing=tuple(m for part in parts for m in part.verdict.missing),
        considerations=tuple(c for part in parts for c in part.considerations),
        reasons=(
            *why_unread(unread_documents, by_chart),
            *why_reserved(reservations, by_chart),
            *_reasons(parts, uncovered, flags, unread_documents),
        ),
        lexicon=lexicon_digest,
        flags=tuple(sorted(noted)),
        selection=selection,
        why_not=tuple(w for part in parts for w in part.verdict.why_not),
    )


def _gravest(items: Sequence[ItemEvaluation]) -> CaseOutcome:
    """The gravest outcome of the items. A request without items is for a person to read."""
    outcomes = [item.outcome for item in items] or ["clinical_review"]
    return max(outcomes, key=lambda outcome: GRAVITY[outcome])


@dataclass(frozen=True, slots=True)
class _Part:
    """What one criteria set concludes for the items that it covers."""

    criteria_set: CriteriaSet
    verdict: "_Verdict"
    items: tuple[ItemEvaluation, ...]
    considerations: tuple[Consideration, ...]


@dataclass(frozen=True, slots=True)
class _ItemVerdict:
    outcome: CaseOutcome
    because: tuple[str, ...]
    purpose: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class _Verdict:
    """All that follows from the outcomes of the comparisons, the values of facts that are compared with each other, and the
    codes and levels of the items, without any text of facts."""

    judged: Judged
    items: tuple[_ItemVerdict, ...]
    criteria: tuple[Criterion, ...]
    missing: tuple[Missing, ...]
    reasons: tuple[str, ...]
    why_not: tuple[WhyNot, ...] = ()


_Values = tuple[object, ...]
_Key = tuple[CriteriaSet, bytes, bytes, _Values, tuple[Asked, ...]]
_memo: dict[_Key, _Verdict] = {}


def _evaluate_group(criteria_set: CriteriaSet, items: Sequence[RequestedItem], facts: Facts) -> _Part:
    asked = tuple(asked_of(criteria_set, item, facts) for item in items)
    outcomes = comparisons(criteria_set, facts)
    key = (criteria_set, outcomes, _statuses(criteria_set, facts), _linked_values(criteria_set, facts), asked)
    verdict = _memo.get(key)
    if verdict is None:
        if len(_memo) >= MEMO_SIZE:
            _memo.clear()
        verdict = _memo[key] = _decide(criteria_set, asked, facts)
    evaluated = tuple(
        ItemEvaluation(
            item.sequence,
            item.code,
            decided.outcome,
            fill(decided.purpose, own_facts(own, facts)) or None,
            decided.because,
            item.description,
        )
        for item, own, decided in zip(items, asked, verdict.items, strict=True)
    )
    return _Part(criteria_set, verdict, evaluated, considerations(verdict.judged, facts))


def _statuses(criteria_set: CriteriaSet, facts: Facts) -> bytes:
    return bytes([_STATUS[facts[name].status] if name in facts else 0 for name in criteria_set.fact_names])


@lru_cache(maxsize=64)
def _linked(criteria_set: CriteriaSet) -> tuple[str, ...]:
    return tuple(sorted({name for leaf in criteria_set.leaves if len(leaf.compared) > 1 for name in leaf.compared}))


def _linked_values(criteria_set: CriteriaSet, facts: Facts) -> _Values:
    """The values of facts that are compared with each other.

    What is missing, and what an outcome turns on, depends on how far apart they are, which no outcome of a comparison says.
    """
    known = [facts.get(name) for name in _linked(criteria_set)]
    return tuple([fact and (fact.value, fact.low, fact.high, fact.low_open, fact.high_open) for fact in known])


def _decide(criteria_set: CriteriaSet, asked: tuple[Asked, ...], facts: Facts) -> _Verdict:
    judged = judge(criteria_set, facts)
    common = tuple(Required(node.id, node.expression, facts) for node in judged.unknown)
    conflicts = contested(common)
    doubts = in_doubt(criteria_set, judged, facts)
    fits = tuple(fit_of(criteria_set, item, facts) for item in asked)
    unknown = (*common, *(required for fit in fits for required in fit.unknown))
    items = tuple(_item(judged, common, conflicts, tuple(doubts), fit) for fit in fits)
    criteria = judged.criteria
    if criteria_set.purposes is not None:
        traces = tuple(fit.trace for fit in fits if fit.trace is not None)
        criteria += (trace_fits(criteria_set.purposes, traces),)
    disputed = tuple(sorted({*contested(unknown), *(name for names in doubts.values() for name in names)}))
    reasons = _verdict_reasons(criteria_set, judged, items, criteria, disputed, fits)
    turns_on = why_not(criteria_set, judged, facts)
    return _Verdict(judged, items, criteria, missing(criteria_set, unknown), reasons, turns_on)


def _item(
    judged: Judged, common: tuple[Required, ...], conflicts: tuple[str, ...], doubts: tuple[str, ...], fit: Fit
) -> _ItemVerdict:
    failed = [c.id for c in judged.referrals] + [c.id for c in judged.criteria if c.outcome == "not_met"]
    if fit.trace is not None and fit.trace.outcome == "not_met":
        failed.append(fit.trace.id)
    disputed = {*conflicts, *contested(fit.unknown)}
    open_ids = [required.id for required in (*common, *fit.unknown)]
    if failed or disputed:
        return _ItemVerdict("clinical_review", tuple(failed + (open_ids if disputed else [])), fit.purpose)
    if open_ids:
        return _ItemVerdict("information_requested", tuple(open_ids), fit.purpose)
    if doubts:
        # The chart speaks of a reason for a clinician, and disagrees with itself on it: that is no silence.
        return _ItemVerdict("clinical_review", doubts, fit.purpose)
    met = [c.id for c in judged.criteria] + ([fit.trace.id] if fit.trace else [])
    return _ItemVerdict("approved", tuple(met), fit.purpose)


def _uncovered(item: RequestedItem) -> ItemEvaluation:
    return ItemEvaluation(item.sequence, item.code, "clinical_review", None, (), item.description)


def _verdict_reasons(
    criteria_set: CriteriaSet,
    judged: Judged,
    items: tuple[_ItemVerdict, ...],
    criteria: tuple[Criterion, ...],
    disputed: tuple[str, ...],
    fits: tuple[Fit, ...],
) -> tuple[str, ...]:
    if all(item.outcome == "approved" for item in items):
        return (f"Every required criterion of “{criteria_set.ref.title}” is met.",)
    reasons = list(judged.reasons)
    for fit in fits:
        if fit.trace is not None and fit.trace.outcome == "not_met":
            named = f"Item {fit.asked.sequence} ({fit.asked.code})"
            reasons.append(f"{named} has no purpose in these criteria that fits the level and the findings.")
    if disputed:
        reasons.append(f"Sources in the chart disagree on: {', '.join(label(name) for name in disputed)}.")
    reasons += [f"Not documented well enough to decide: {c.title}." for c in criteria if c.outcome == "unknown"]
    return tuple(reasons)


def _reasons(
    parts: list[_Part], uncovered: list[str], flags: Collection[str], told: Sequence[Document]
) -> tuple[str, ...]:
    reasons = [reason for part in parts for reason in part.verdict.reasons]
    reasons += [f"No criteria set in effect covers service code {code} for these diagnoses." for code in uncovered]
    kinds = {flag.rpartition(":")[2] for flag in flags}.difference(*(document.flags for document in told))
    if kinds:
        reasons.append(f"A document of this request could not be used as it is ({', '.join(sorted(kinds))}).")
    return tuple(dict.fromkeys(reasons))


def _for_a_person(item: ItemEvaluation) -> ItemEvaluation:
    """What a document that nobody has read makes of an item: it could contradict an approval, and nothing else."""
    return replace(item, outcome="clinical_review") if item.outcome == "approved" else item


@lru_cache(maxsize=1024)
def _unknown(name: str) -> Fact:
    return Fact(name, "unknown")


def _facts(groups: Iterable[CriteriaSet], facts: Facts) -> Facts:
    """The facts that the chart decides or leaves in conflict, and those that the sets use and it does not; by name."""
    found = {name: fact for name, fact in facts.items() if fact.status != "unknown"}
    for criteria_set in groups:
        for name in criteria_set.fact_names:
            if name not in found:
                found[name] = facts.get(name) or _unknown(name)
    return dict(sorted(found.items()))
