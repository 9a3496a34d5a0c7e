"""Measures as trec_eval computes them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.evidence_lookup.domain.search.measures import measure, ndcg, recall, reciprocal_rank

grades = st.dictionaries(st.sampled_from("abcdefghijkl"), st.integers(-1, 3))
rankings = st.permutations("abcdefghijkl")


def test_gain_is_linear_and_discounted_by_the_logarithm_of_the_place() -> None:
    # DCG 1 + 2/log2(3) + 0; ideal 2 + 1/log2(3).
    assert ndcg(["x", "y", "z"], {"x": 1, "y": 2}, 10) == pytest.approx(0.8597, abs=1e-4)


def test_the_ideal_counts_relevant_documents_that_were_not_found() -> None:
    assert ndcg(["a"], {"a": 1, "b": 1}, 10) == pytest.approx(0.6131, abs=1e-4)
    assert ndcg(["a"], {"a": 1, "b": 1}, 1) == 1


@settings(deadline=None)
@given(rankings, grades)
def test_measures_lie_between_0_and_1_and_the_ideal_order_has_1(ranking: list[str], judged: dict[str, int]) -> None:
    for value in (ndcg(ranking, judged, 10), recall(ranking, judged, 10), reciprocal_rank(ranking, judged, 10)):
        assert 0 <= value <= 1
    best = sorted(ranking, key=lambda d: -judged.get(d, 0))
    if any(grade > 0 for grade in judged.values()):
        assert ndcg(best, judged, 10) == pytest.approx(1)
        assert ndcg(ranking, judged, 10) <= 1 + 1e-12


def test_a_query_that_was_not_answered_counts_and_one_without_relevant_documents_does_not() -> None:
    found = measure({"q1": ["b", "a"]}, {"q1": {"a": 1}, "q2": {"a": 2}, "q3": {"a": 0}})
    assert found.queries == 2
    assert found.mrr_at_10 == pytest.approx(0.25)
    assert found.recall_at_100 == pytest.approx(0.5)
