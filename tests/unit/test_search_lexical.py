"""Terms, BM25 with weights and feedback, and other words for a search."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.evidence_lookup.domain.search.analysis import Analyzer
from services.evidence_lookup.domain.search.lexical import K1, B, best_of, build_lexical
from services.evidence_lookup.domain.search.thesaurus import load_thesaurus
from shared.policy import PolicyError, PolicyFile, read_policy

words = st.sampled_from(["heart", "lung", "spine", "tumor", "stroke", "fever", "graft", "nerve", "bone", "clot"])
documents = st.lists(st.lists(words, max_size=12), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Haemorrhage of the oesophagus", "hemorrhage esophagus"),
        ("TUMOURS", "tumor"),
        ("randomised", "randomized"),
        ("naïve β-blockers", "naive beta-blocker"),
        ("Crohn’s disease", "crohn disease"),
        ("non–small-cell", "non-small-cell"),
    ],
)
def test_spellings_of_one_word_are_one_term(one: str, other: str) -> None:
    assert Analyzer().terms(one) == Analyzer().terms(other)


def test_function_words_are_dropped_and_compounds_of_single_letters_are_kept() -> None:
    assert Analyzer().terms("What is the role of T-cell therapy?") == ["role", "cell", "tcell", "therapi"]
    assert Analyzer().terms("") == []


@settings(deadline=None)
@given(documents, st.dictionaries(words, st.floats(0.1, 2), min_size=1))
def test_scores_are_those_of_the_formula(texts: list[list[str]], query: dict[str, float]) -> None:
    """Robertson's BM25 with Lucene's idf, written out."""
    scores = build_lexical(texts).scores(query)
    mean = sum(map(len, texts)) / len(texts)
    for text, score in zip(texts, scores, strict=True):
        expected = 0.0
        for term, weight in query.items():
            containing = sum(term in t for t in texts)
            count = Counter(text)[term]
            if count:
                idf = math.log(1 + (len(texts) - containing + 0.5) / (containing + 0.5))
                expected += weight * idf * count / (count + K1 * (1 - B + B * len(text) / mean))
        assert float(score) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), max_size=30), st.integers(1, 10))
def test_the_best_are_sorted_and_ties_keep_the_order_of_documents(values: list[float], number: int) -> None:
    scores = np.array(values, np.float32)
    expected = sorted((i for i, v in enumerate(values) if v > 0), key=lambda i: (-values[i], i))[:number]
    assert best_of(scores, number).tolist() == expected


def test_feedback_finds_a_document_that_shares_no_word_with_the_search() -> None:
    index = build_lexical(
        [["heart", "attack", "infarction"], ["heart", "attack", "infarction"], ["infarction", "stent"], ["gravel"]]
    )
    query = {"heart": 1.0}
    before = index.scores(query)
    after = index.scores(index.feedback(query, before))
    assert before[2] == 0 < after[2]
    assert after[3] == 0


@settings(deadline=None)
@given(documents)
def test_feedback_leaves_a_search_that_finds_nothing_as_it_is(texts: list[list[str]]) -> None:
    index = build_lexical(texts)
    query = {"nowhere": 1.0}
    assert index.feedback(query, index.scores(query)) == query


def test_lay_terms_add_the_clinical_one_and_not_the_other_way() -> None:
    analyzer = Analyzer()
    thesaurus = load_thesaurus(
        [
            PolicyFile("lay.yaml", "kind: lay\nterms:\n  myocardial infarction: [heart attack]\n"),
            PolicyFile("short.yaml", "kind: abbreviations\nterms:\n  osa: [obstructive sleep apnea]\n"),
        ],
        analyzer,
    )
    assert thesaurus.expand(analyzer.terms("heart attacks in women"), 0.5) == pytest.approx(
        {"heart": 1, "attack": 1, "women": 1, "myocardi": 0.5, "infarct": 0.5}
    )
    assert set(thesaurus.expand(analyzer.terms("myocardial infarction"), 0.5)) == {"myocardi", "infarct"}
    assert "osa" in thesaurus.expand(analyzer.terms("obstructive sleep apnoea"), 0.5)
    assert "apnea" in thesaurus.expand(["osa"], 0.5)


def test_the_thesaurus_that_ships_can_be_read_and_is_large() -> None:
    thesaurus = load_thesaurus(read_policy("thesaurus"), Analyzer())
    assert len(thesaurus.also) > 800


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("kind: other\nterms: {a b: [c d]}", "must be one of"),
        ("kind: lay\nterms: {fever: [the]}", "has no word"),
        ("kind: lay\nterms: {fever: hot}", "list of texts"),
        ("kind: lay\nterms: {fever: [hot]}\nmore: 1", "does not belong|not a field"),
    ],
)
def test_a_thesaurus_that_cannot_be_used_is_refused(text: str, reason: str) -> None:
    with pytest.raises(PolicyError, match=reason):
        load_thesaurus([PolicyFile("t.yaml", text)], Analyzer())
