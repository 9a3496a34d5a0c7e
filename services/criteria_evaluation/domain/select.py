"""Which criteria set decides which requested item."""

import datetime as dt
from collections.abc import Iterable, Sequence

from shared.clinical.criteria_model import Applicability, CriteriaSet
from shared.clinical.model import RequestedItem


def select_set(
    sets: Iterable[CriteriaSet],
    items: Sequence[RequestedItem],
    diagnoses: Iterable[str],
    line_of_business: str | None,
    on: dt.date,
) -> tuple[CriteriaSet | None, ...]:
    """The set for each item, in the order of ``items``; None where none applies.

    Of several versions of a set, the one that came into effect last decides. Of several sets, the one with the longest
    matching diagnosis pattern does, then the first by id. A companion code follows the set of a primary code beside it.
    """
    claimed = _normal(diagnoses)
    candidates: list[tuple[int, CriteriaSet]] = []
    for criteria_set in _in_effect(sets, line_of_business, on):
        specificity = _match(criteria_set.applicability, claimed)
        if specificity is not None:
            candidates.append((specificity, criteria_set))
    candidates.sort(key=lambda c: (-c[0], c[1].id))
    codes = [item.code.strip().upper() for item in items]
    chosen: list[CriteriaSet | None] = [
        next((s for _, s in candidates if code in s.applicability.services), None) for code in codes
    ]
    primary = {s.id for s in chosen if s is not None}
    for i, code in enumerate(codes):
        if chosen[i] is None:
            companions = (s for _, s in candidates if s.id in primary and code in s.applicability.companions)
            chosen[i] = next(companions, None)
    return tuple(chosen)


def _in_effect(sets: Iterable[CriteriaSet], line_of_business: str | None, on: dt.date) -> list[CriteriaSet]:
    latest: dict[str, CriteriaSet] = {}
    for candidate in sets:
        a = candidate.applicability
        if a.lines_of_business and line_of_business not in a.lines_of_business:
            continue
        if (a.effective_from is not None and on < a.effective_from) or (
            a.effective_to is not None and on > a.effective_to
        ):
            continue
        current = latest.get(candidate.id)
        if current is None or _age(candidate) > _age(current):
            latest[candidate.id] = candidate
    return list(latest.values())


def _age(criteria_set: CriteriaSet) -> tuple[dt.date, tuple[tuple[int, str], ...], str]:
    """Sorts versions by effect, then by number (1.10 after 1.9); the digest makes the order total."""
    parts = criteria_set.version.split(".")
    version = tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)
    return criteria_set.applicability.effective_from or dt.date.min, version, criteria_set.digest


def _normal(codes: Iterable[str]) -> frozenset[str]:
    return frozenset(code.replace(".", "").strip().upper() for code in codes)


def _match(applicability: Applicability, diagnoses: frozenset[str]) -> int | None:
    """The length of the longest pattern that matches: 0 where the set asks for no diagnosis, None where none matches."""
    if not applicability.diagnoses:
        return 0
    longest = 0
    for pattern in applicability.diagnoses:
        text = pattern.replace(".", "").upper()
        stem = text.rstrip("*")
        if len(stem) > longest and any(d == text or (stem != text and d.startswith(stem)) for d in diagnoses):
            longest = len(stem)
    return longest or None
