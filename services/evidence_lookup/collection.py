"""Builds the indexes of a set of articles and measures rankings over a judged collection."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from services.evidence_lookup.domain.search.analysis import Analyzer
from services.evidence_lookup.domain.search.article import Article
from services.evidence_lookup.domain.search.dense import DenseIndex
from services.evidence_lookup.domain.search.lexical import Floats, build_lexical
from services.evidence_lookup.domain.search.measures import Quality, measure
from services.evidence_lookup.domain.search.minilm import HIDDEN
from services.evidence_lookup.domain.search.passages import SENTENCE_TOKENS, encodable, lead, sentences
from services.evidence_lookup.domain.search.ranker import Ranker, Ranking, document_terms
from services.evidence_lookup.domain.search.thesaurus import load_thesaurus
from services.evidence_lookup.embedding import Progress, SentenceModel
from shared.policy import read_policy

DEPTH: Final = 100


@dataclass(frozen=True, slots=True)
class Measured:
    """How well and how fast a ranking answered the judged queries."""

    ranking: Ranking
    quality: Quality
    index_seconds: float
    queries_per_second: float

    def as_dict(self) -> dict[str, Any]:
        """The JSON of ``priorauth evidence evaluate``."""
        return {
            "queries": self.quality.queries,
            "ndcg@10": self.quality.ndcg_at_10,
            "recall@100": self.quality.recall_at_100,
            "mrr@10": self.quality.mrr_at_10,
            "index_seconds": self.index_seconds,
            "queries_per_second": self.queries_per_second,
            "ranking": self.ranking,
        }


def build_ranker(
    articles: Sequence[Article], model: SentenceModel | None = None, progress: Progress | None = None
) -> Ranker:
    """The indexes over articles, whose numbers are their places. Vectors are made where a model is given."""
    analyzer = Analyzer()
    thesaurus = load_thesaurus(read_policy("thesaurus"), analyzer)
    lexical = build_lexical(document_terms(analyzer, article) for article in articles)
    dense = None if model is None else build_dense(articles, model, progress)
    return Ranker(analyzer, thesaurus, lexical, dense)


def build_dense(
    articles: Sequence[Article],
    model: SentenceModel,
    progress: Progress | None = None,
    known: Mapping[str, Floats] = MappingProxyType({}),
) -> DenseIndex:
    """The vectors of all articles: of their beginnings and of their sentences.

    ``known`` has vectors of articles by digest, the beginning's first, which need not be made again.
    """
    fresh = [article for article in articles if article.digest not in known]
    leads = [encodable(tokens) for tokens in model.tokens([lead(article) for article in fresh])]
    parts = [sentences(article) for article in fresh]
    single = [encodable(tokens, SENTENCE_TOKENS) for tokens in model.tokens([s for part in parts for s in part])]
    vectors = model.encode([*leads, *single], progress)
    ends = len(leads) + np.cumsum([0, *(len(part) for part in parts)])
    made = {
        article.digest: np.concatenate([vectors[n : n + 1], vectors[ends[n] : ends[n + 1]]])
        for n, article in enumerate(fresh)
    }
    rows = [known[a.digest] if a.digest in known else made[a.digest] for a in articles]
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(row) - 1 for row in rows], out=offsets[1:])
    none = np.zeros((0, HIDDEN), np.float32)
    return DenseIndex(
        np.concatenate([none, *(row[:1] for row in rows)]), np.concatenate([none, *(row[1:] for row in rows)]), offsets
    )


def evaluate(
    articles: Sequence[Article],
    queries: Mapping[str, str],
    judgments: Mapping[str, Mapping[str, int]],
    ranking: Ranking,
    model: SentenceModel | None = None,
    progress: Progress | None = None,
) -> Measured:
    """Indexes a collection, answers its judged queries and measures the answers. BM25 makes no use of a model.

    Time to read files and to load a model does not count; to encode texts and queries does.
    """
    ordered = sorted(articles, key=lambda article: article.id)
    model = None if ranking == "bm25" else model
    judged = {q: text for q, text in queries.items() if any(grade > 0 for grade in judgments.get(q, {}).values())}
    begun = time.perf_counter()
    ranker = build_ranker(ordered, model, progress)
    indexed = time.perf_counter()
    rankings = _answer(ranker, ordered, judged, ranking, model)
    answered = time.perf_counter()
    quality = measure(rankings, {q: judgments[q] for q in judged})
    return Measured(ranking, quality, indexed - begun, len(judged) / max(answered - indexed, 1e-9))


def _answer(
    ranker: Ranker,
    articles: Sequence[Article],
    queries: Mapping[str, str],
    ranking: Ranking,
    model: SentenceModel | None,
) -> dict[str, list[str]]:
    vectors: Mapping[str, Any] = {}
    if model is not None and queries:
        encoded = model.encode([encodable(tokens) for tokens in model.tokens(list(queries.values()))])
        vectors = dict(zip(queries, encoded, strict=True))
    return {
        query: [articles[f.document].id for f in ranker.rank(text, vectors.get(query), ranking, DEPTH)]
        for query, text in queries.items()
    }
