"""Sets between which nothing but their names decides: the same code, and a diagnosis that both name alike."""

from collections.abc import Iterable, Sequence
from itertools import combinations

from services.criteria_evaluation.domain.check import Problem
from shared.clinical.criteria_model import Applicability, CriteriaSet


def overlaps(sets: Sequence[CriteriaSet]) -> Iterable[tuple[CriteriaSet, Problem]]:
    """Pairs of sets in effect together whose precedence rests on the order of their ids."""
    for first, second in combinations(sorted(sets, key=lambda s: (s.id, s.version)), 2):
        a, b = first.applicability, second.applicability
        shared = sorted(a.services & b.services)
        if first.id == second.id or not shared or not _together(a, b):
            continue
        alike = _alike(a, b)
        if alike is not None:
            yield (
                first,
                Problem(
                    "applicability",
                    f"{second.id} decides {', '.join(shared[:3])} for {alike} too; make one of them narrower.",
                ),
            )


def _together(a: Applicability, b: Applicability) -> bool:
    if a.lines_of_business and b.lines_of_business and not a.lines_of_business & b.lines_of_business:
        return False
    later = max((d for d in (a.effective_from, b.effective_from) if d is not None), default=None)
    earlier = min((d for d in (a.effective_to, b.effective_to) if d is not None), default=None)
    return later is None or earlier is None or later <= earlier


def _alike(a: Applicability, b: Applicability) -> str | None:
    """A diagnosis that both name with the same pattern, or "every diagnosis"; None where one is always closer."""
    if not a.diagnoses and not b.diagnoses:
        return "every diagnosis"
    excluded = {*a.unless_diagnoses, *b.unless_diagnoses}
    same = sorted({*a.diagnoses} & {*b.diagnoses} - excluded)
    return same[0] if same else None
