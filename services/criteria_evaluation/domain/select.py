"""Which criteria set decides which requested item, and why."""

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from shared.clinical.criteria_model import Applicability, CriteriaSet
from shared.clinical.model import RequestedItem, Selection


class Chosen(NamedTuple):
    """The set for each item, in the order of the items (None where none applies), and how each was found."""

    sets: tuple[CriteriaSet | None, ...]
    trace: tuple[Selection, ...]


class _Standing(NamedTuple):
    """How a set stands to a claim: ``specificity`` is None where it does not apply, for ``reason``."""

    criteria_set: CriteriaSet
    specificity: int | None
    reason: str


def select_set(
    sets: Iterable[CriteriaSet],
    items: Sequence[RequestedItem],
    diagnoses: Iterable[str],
    line_of_business: str | None,
    on: dt.date,
) -> Chosen:
    """Chooses the set that decides each item.

    Of several versions of a set, the one that came into effect last decides. Of several sets, the one with the longest
    matching diagnosis pattern does, then the first by id. A companion code follows the set of a primary code beside it, also
    where another set would decide it alone: a fusion beside a corpectomy belongs to the corpectomy.
    """
    claimed = _normal(diagnoses)
    standings = _standings(sets, claimed, line_of_business, on)
    candidates = [s for s in standings if s.specificity is not None]
    candidates.sort(key=lambda s: (-(s.specificity or 0), s.criteria_set.id))
    ranked = [s.criteria_set for s in candidates]
    codes = [item.code.strip().upper() for item in items]
    own = [next((s for s in ranked if code in s.applicability.services), None) for code in codes]
    primary = [mine and _leader(ranked, codes, own, i) for i, mine in enumerate(own)]
    chosen = tuple(mine or _companion_of(ranked, code, primary) for code, mine in zip(codes, primary, strict=True))
    trace = tuple(
        selection
        for item, code, decided in zip(items, codes, chosen, strict=True)
        for selection in _explained(item, code, decided, standings)
    )
    return Chosen(chosen, trace)


def _leader(
    ranked: Sequence[CriteriaSet], codes: Sequence[str], own: Sequence[CriteriaSet | None], i: int
) -> CriteriaSet | None:
    """The set of another item beside which this one is a companion, unless each leads the other; else the item's own."""
    for candidate in ranked:
        if codes[i] in candidate.applicability.companions and any(
            mine is candidate and not _leads(own[i], codes[j]) for j, mine in enumerate(own)
        ):
            return candidate
    return own[i]


def _companion_of(
    ranked: Sequence[CriteriaSet], code: str, primary: Sequence[CriteriaSet | None]
) -> CriteriaSet | None:
    return next((s for s in ranked if s in primary and code in s.applicability.companions), None)


def _leads(criteria_set: CriteriaSet | None, code: str) -> bool:
    return criteria_set is not None and code in criteria_set.applicability.companions


def _explained(
    item: RequestedItem, code: str, decided: CriteriaSet | None, standings: Sequence[_Standing]
) -> Iterable[Selection]:
    for standing in standings:
        criteria_set, a = standing.criteria_set, standing.criteria_set.applicability
        if code not in a.services and code not in a.companions:
            continue
        if criteria_set is decided:
            reason = f"{standing.reason} {'The code is its own.' if code in a.services else 'The code goes with one of its own.'}"
        elif standing.specificity is None:
            reason = standing.reason
        elif code not in a.services:
            reason = "The code only goes with one of its own, and none that it decides is requested."
        else:
            reason = "Another set goes before it, by the code beside this one or by a closer diagnosis."
        yield Selection(item.sequence, criteria_set.id, criteria_set.version, criteria_set is decided, reason)


def _standings(
    sets: Iterable[CriteriaSet], claimed: frozenset[str], line_of_business: str | None, on: dt.date
) -> list[_Standing]:
    """The version that counts of every set, by id: of those in effect for this line of business the latest."""
    latest: dict[str, tuple[bool, CriteriaSet]] = {}
    for candidate in sets:
        usable = _in_effect(candidate, on) and _in_business(candidate, line_of_business)
        current = latest.get(candidate.id)
        if current is None or (usable, _age(candidate)) > (current[0], _age(current[1])):
            latest[candidate.id] = (usable, candidate)
    return [_standing(latest[set_id][1], claimed, line_of_business, on) for set_id in sorted(latest)]


def _standing(candidate: CriteriaSet, claimed: frozenset[str], line_of_business: str | None, on: dt.date) -> _Standing:
    a = candidate.applicability
    if not _in_effect(candidate, on):
        return _Standing(candidate, None, "The set is not in effect on the day of the request.")
    if not _in_business(candidate, line_of_business):
        return _Standing(candidate, None, "The set is for other lines of business.")
    if excluded := _longest(a.unless_diagnoses, claimed):
        return _Standing(candidate, None, f"The claim names a diagnosis ({excluded}) that is for another set.")
    if not a.diagnoses:
        return _Standing(candidate, 0, "The set takes every diagnosis.")
    pattern = _longest(a.diagnoses, claimed)
    if pattern is None:
        return _Standing(candidate, None, "No diagnosis of the claim is one of the set's.")
    return _Standing(candidate, len(_stem(pattern)), f"A diagnosis of the claim is one of the set's ({pattern}).")


def _in_effect(candidate: CriteriaSet, on: dt.date) -> bool:
    a: Applicability = candidate.applicability
    return (a.effective_from is None or on >= a.effective_from) and (a.effective_to is None or on <= a.effective_to)


def _in_business(candidate: CriteriaSet, line_of_business: str | None) -> bool:
    return (
        not candidate.applicability.lines_of_business or line_of_business in candidate.applicability.lines_of_business
    )


def _age(criteria_set: CriteriaSet) -> tuple[dt.date, tuple[tuple[int, str], ...], str]:
    """Sorts versions by effect, then by number (1.10 after 1.9); the digest makes the order total."""
    parts = criteria_set.version.split(".")
    version = tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)
    return criteria_set.applicability.effective_from or dt.date.min, version, criteria_set.digest


def _normal(codes: Iterable[str]) -> frozenset[str]:
    return frozenset(code.replace(".", "").strip().upper() for code in codes)


def _stem(pattern: str) -> str:
    return pattern.replace(".", "").upper().rstrip("*")


@lru_cache(maxsize=4096)
def _longest(patterns: tuple[str, ...], diagnoses: frozenset[str]) -> str | None:
    """The longest pattern that matches a diagnosis, or None. Remembered, since requests repeat their diagnoses."""
    best: str | None = None
    for pattern in patterns:
        stem = _stem(pattern)
        if (best is None or len(stem) > len(_stem(best))) and any(
            d == stem or (pattern.endswith("*") and d.startswith(stem)) for d in diagnoses
        ):
            best = pattern
    return best
