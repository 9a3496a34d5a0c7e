"""Puts the rankings together: BM25, dense, and their fusions, by ranks (rrf) or by scores after feedback (hybrid). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from services.evidence_lookup.domain.search.analysis import Analyzer
from services.evidence_lookup.domain.search.article import Article
from services.evidence_lookup.domain.search.dense import DenseIndex
from services.evidence_lookup.domain.search.lexical import Floats, LexicalIndex, best_of
from services.evidence_lookup.domain.search.thesaurus import Thesaurus

Ranking = Literal["bm25", "dense", "rrf", "hybrid"]

TITLE_WEIGHT: Final = 2
"""How often a title's terms count."""
SYNONYM_WEIGHT: Final = 0.4
DENSE_WEIGHT: Final = 0.7
"""The part that meaning has in the hybrid; words have the rest."""

RANK_CONSTANT: Final = 60
"""What reciprocal rank fusion adds to a rank, so that the first places do not decide alone (Cormack et al. 2009)."""
RANKED: Final = 1000
"""How deep reciprocal rank fusion reads both rankings."""

WORDS_ON_TOPIC: Final = 0.35
LIKENESS_ON_TOPIC: Final = 0.3


@dataclass(frozen=True, slots=True)
class Found:
    """A document by its number, with a score that compares within one answer only."""

    document: int
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Ranker:
    """Ranks the documents of its indexes; equal scores stand in the order of the documents' numbers."""

    analyzer: Analyzer
    thesaurus: Thesaurus
    lexical: LexicalIndex
    dense: DenseIndex | None = None

    def rank(
        self,
        text: str,
        vector: Floats | None = None,
        ranking: Ranking = "bm25",
        limit: int = 10,
        allowed: "Sequence[bool] | None" = None,
    ) -> list[Found]:
        """The best documents for a search. ``vector`` is its embedding, of length 1, which all but
        bm25 need.

        ``allowed`` says of each document whether it may be found.

        Raises:
            ValueError: a ranking other than bm25 without a vector or without an index of vectors.
        """
        if ranking == "bm25":
            scores = self._words(text)
        elif self.dense is None or vector is None:
            raise ValueError("Every ranking but bm25 needs vectors.")
        elif ranking == "dense":
            scores = _above_zero(self.dense.scores(vector))
        elif ranking == "rrf":
            scores = _reciprocal(self._words(text), _above_zero(self.dense.scores(vector)))
        else:
            scores = self._hybrid(text, vector, self.dense)
        if allowed is not None:
            scores = np.where(np.asarray(allowed, bool), scores, np.float32(0))
        return [Found(int(document), float(scores[document])) for document in best_of(scores, limit)]

    def on_topic(self, text: str, vector: Floats | None, found: Sequence[Found]) -> list[Found]:
        """Those of a ranking that are about the search, and not merely the least unlike of all there is.

        They have a good part of the word score of the best document of all and, where there are vectors, a likeness of
        their own. A ranking alone always has a first.
        """
        words = self._words(text)
        floor = WORDS_ON_TOPIC * float(words.max(initial=0))
        likeness = None if self.dense is None or vector is None else self.dense.scores(vector)
        return [
            f
            for f in found
            if words[f.document] >= floor > 0 and (likeness is None or likeness[f.document] >= LIKENESS_ON_TOPIC)
        ]

    def _words(self, text: str) -> Floats:
        return self.lexical.scores(self.thesaurus.expand(self.analyzer.terms(text), SYNONYM_WEIGHT))

    def _hybrid(self, text: str, vector: Floats, dense: DenseIndex) -> Floats:
        query = self.thesaurus.expand(self.analyzer.terms(text), SYNONYM_WEIGHT)
        words = self.lexical.scores(query)
        words = _scaled(self.lexical.scores(self.lexical.feedback(query, words)))
        first = _fused(words, dense.scores(vector))
        return _above_zero(_fused(words, dense.scores(dense.feedback(vector, first))))


def document_terms(analyzer: Analyzer, article: Article) -> list[str]:
    """The terms of an article: its title's several times, its abstract's and its subject headings' once."""
    title = analyzer.terms(article.title) * TITLE_WEIGHT
    return [*title, *analyzer.terms(article.abstract), *analyzer.terms(" ".join(article.mesh))]


def _fused(words: Floats, meaning: Floats) -> Floats:
    """The sum of both by weight, each scaled: its distances tell more than its ranks do (Bruch et al. 2023)."""
    fused: Floats = (1 - DENSE_WEIGHT) * words + DENSE_WEIGHT * _scaled(meaning)
    return fused


def _reciprocal(*rankings: Floats) -> Floats:
    """The sum of ``1 / (60 + rank)`` over the rankings that have a document."""
    fused = np.zeros_like(rankings[0])
    for scores in rankings:
        best = best_of(scores, RANKED)
        fused[best] += np.float32(1) / (RANK_CONSTANT + np.arange(1, len(best) + 1, dtype=np.float32))
    return fused


def _scaled(scores: Floats) -> Floats:
    """To 0 for the lowest and 1 for the highest."""
    low, high = scores.min(), scores.max()
    return (scores - low) / (high - low) if high > low else np.zeros_like(scores)


def _above_zero(scores: Floats) -> Floats:
    """Moves scores that may be negative so that all of them count as found."""
    return scores - scores.min() + np.float32(1e-6) if len(scores) else scores
