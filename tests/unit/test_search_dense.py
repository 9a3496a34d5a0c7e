"""The sentence model in numpy, passages, and rankings by meaning and by both."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.evidence_lookup import embedding
from services.evidence_lookup.collection import build_ranker
from services.evidence_lookup.domain.search.article import Article
from services.evidence_lookup.domain.search.minilm import MAX_TOKENS, MiniLM, WeightsError
from services.evidence_lookup.domain.search.passages import END, START, encodable, sentences
from services.evidence_lookup.embedding import ModelUnavailableError, SentenceModel

TEXTS = ("heart attack", "myocardial infarction", "a bicycle in the garden", "growing roses")


@pytest.fixture(scope="module")
def model() -> SentenceModel:
    return SentenceModel()


def encode(model: SentenceModel, *texts: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return model.encode([encodable(tokens) for tokens in model.tokens(texts)])


def test_vectors_are_those_of_the_published_model(model: SentenceModel) -> None:
    """The first components for the two sentences of the model's card, as PyTorch computes them."""
    vectors = encode(model, "This is an example sentence", "Each sentence is converted")
    assert vectors[0, :3] == pytest.approx([0.0677, 0.0635, 0.0487], abs=2e-4)
    assert vectors[1, :3] == pytest.approx([0.0864, 0.1027, 0.0054], abs=2e-4)


def test_texts_of_one_batch_do_not_see_each_other(model: SentenceModel) -> None:
    together = encode(model, *TEXTS)
    alone = np.concatenate([encode(model, text) for text in TEXTS])
    assert together == pytest.approx(alone, abs=1e-5)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)


def test_several_processes_give_the_same_vectors_in_the_same_order(
    model: SentenceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = encode(model, *TEXTS)
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(embedding, "_TOO_FEW_TO_SHARE", 1)
    tokens = [encodable(t) for t in model.tokens(TEXTS)]
    assert model.encode(tokens, lambda done, of: seen.append((done, of))) == pytest.approx(here, abs=1e-5)
    assert seen[-1] == (4, 4)


@settings(deadline=None)
@given(st.integers(0, 1500), st.integers(2, MAX_TOKENS))
def test_what_is_encoded_fits_the_model(length: int, most: int) -> None:
    found = encodable(range(length), most)
    assert found[0] == START and found[-1] == END and len(found) <= most
    assert found[1:-1] == list(range(min(length, most - 2)))


def test_a_title_and_each_sentence_of_an_abstract_are_passages() -> None:
    text = "AIMS: We looked at S. aureus. It grew (p<0.05). RESULTS\nNone. 12 of 14 were well."
    assert sentences(Article("beir", "1", "A title", text)) == [
        "A title",
        "AIMS: We looked at S. aureus.",
        "It grew (p<0.05).",
        "RESULTS",
        "None.",
        "12 of 14 were well.",
    ]
    assert sentences(Article("beir", "1", "")) == [""]


def test_weights_of_another_model_are_refused() -> None:
    with pytest.raises(WeightsError, match="missing"):
        MiniLM({})
    with pytest.raises(WeightsError, match="shape"):
        MiniLM({"embeddings.word_embeddings.weight": np.zeros((4, 768), np.float32)})


def test_without_the_package_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embedding, "PACKAGE", "no_such_package_of_weights")
    with pytest.raises(ModelUnavailableError, match=r"install priorauth\[dense\]"):
        SentenceModel()
    with pytest.raises(ModelUnavailableError):
        embedding.load_encoder(tmp_path / "model.safetensors")


def test_meaning_finds_what_words_do_not_and_the_hybrid_has_both(model: SentenceModel) -> None:
    articles = [
        Article("beir", "1", "Renal calculi", "Stones of the upper urinary tract were treated by lithotripsy."),
        Article("beir", "2", "Bone density", "Postmenopausal osteoporosis and calcium."),
        Article("beir", "3", "Gravel paths", "How to lay a path of gravel in the garden."),
    ]
    ranker = build_ranker(articles, model)
    query = "nephrolith removal"
    [vector] = encode(model, query)
    assert ranker.rank(query, vector, "dense")[0].document == 0
    hybrid = ranker.rank("bone density of gravel", encode(model, "bone density")[0], "hybrid")
    assert hybrid[0].document == 1
    # Every article has a rank by meaning, the second and third have one by words too.
    words, meaning = (ranker.rank("bone density of gravel", vector, by) for by in ("bm25", "dense"))
    expected = dict.fromkeys(range(3), 0.0)
    for ranking in (words, meaning):
        for rank, found in enumerate(ranking, 1):
            expected[found.document] += 1 / (60 + rank)
    fused = ranker.rank("bone density of gravel", vector, "rrf")
    assert len(words) == 2
    assert {f.document: f.score for f in fused} == pytest.approx(expected, rel=1e-5)
    assert [f.score for f in fused] == sorted((f.score for f in fused), reverse=True)
    assert [f.document for f in ranker.rank("gravel", ranking="bm25")] == [2]
    assert ranker.rank("gravel", ranking="bm25", allowed=[True, True, False]) == []
    with pytest.raises(ValueError, match="needs vectors"):
        ranker.rank(query, None, "hybrid")
