"""Measures of a ranking against judgments, as trec_eval computes them. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over the queries that have a relevant document."""

    queries: int
    ndcg_at_10: float
    recall_at_100: float
    mrr_at_10: float


def ndcg(ranking: Sequence[str], grades: Mapping[str, int], depth: int) -> float:
    """Normalised discounted cumulative gain with linear gain (Järvelin and Kekäläinen 2002; trec_eval's ndcg_cut)."""
    ideal = _gain(sorted((g for g in grades.values() if g > 0), reverse=True)[:depth])
    return _gain([max(grades.get(d, 0), 0) for d in ranking[:depth]]) / ideal if ideal else 0.0


def _gain(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(place + 2) for place, grade in enumerate(grades))


def recall(ranking: Sequence[str], grades: Mapping[str, int], depth: int) -> float:
    """The part of the relevant documents (a grade above 0) that stands among the first ``depth``."""
    relevant = {d for d, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranking[:depth])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Mapping[str, int], depth: int) -> float:
    """One over the place of the first relevant document, or 0 where there is none among the first ``depth``."""
    for place, document in enumerate(ranking[:depth], start=1):
        if grades.get(document, 0) > 0:
            return 1.0 / place
    return 0.0


def measure(rankings: Mapping[str, Sequence[str]], judgments: Mapping[str, Mapping[str, int]]) -> Quality:
    """The means over all judged queries with a relevant document; one that was not answered counts as 0."""
    judged = {q: grades for q, grades in judgments.items() if any(g > 0 for g in grades.values())}
    n = len(judged)

    def mean(total: float) -> float:
        return total / n if n else 0.0

    return Quality(
        n,
        mean(sum(ndcg(rankings.get(q, ()), grades, 10) for q, grades in judged.items())),
        mean(sum(recall(rankings.get(q, ()), grades, 100) for q, grades in judged.items())),
        mean(sum(reciprocal_rank(rankings.get(q, ()), grades, 10) for q, grades in judged.items())),
    )
