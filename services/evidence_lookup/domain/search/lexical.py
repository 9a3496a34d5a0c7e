"""BM25 over weighted terms, with relevance feedback. The matrix is made by bm25s, and may lie in a memory map. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import bm25s
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]

K1: Final = 1.2
B: Final = 0.6
FEEDBACK_DOCUMENTS: Final = 10
FEEDBACK_TERMS: Final = 20
OWN_WEIGHT: Final = 0.8
"""The part of the weight that the search's own terms keep in feedback (RM3's lambda)."""


@dataclass(frozen=True, slots=True, eq=False)
class LexicalIndex:
    """An inverted and a forward index over ``size`` documents.

    ``data``, ``indices`` and ``indptr`` are the BM25 scores by term (compressed columns: the documents of term ``t`` are
    ``indices[indptr[t]:indptr[t + 1]]``). ``terms``, ``counts`` and ``offsets`` are the terms of each document
    (compressed rows). ``vocabulary`` gives a term's number.
    """

    vocabulary: Mapping[str, int]
    names: Sequence[str]
    data: Floats
    indices: Integers
    indptr: npt.NDArray[Any]
    terms: Integers
    counts: Integers
    offsets: npt.NDArray[np.int64]

    @property
    def size(self) -> int:
        """The number of documents."""
        return len(self.offsets) - 1

    def scores(self, query: Mapping[str, float]) -> Floats:
        """The score of every document for weighted terms; 0 where none of them occurs."""
        scores = np.zeros(self.size, dtype=np.float32)
        for term, weight in query.items():
            number = self.vocabulary.get(term)
            if number is not None:
                start, end = self.indptr[number], self.indptr[number + 1]
                # A document stands once in a term's column, so that plain assignment adds up.
                scores[self.indices[start:end]] += np.float32(weight) * self.data[start:end]
        return scores

    def feedback(self, query: Mapping[str, float], scores: Floats) -> dict[str, float]:
        """The search with the terms that mark its best documents (RM3, Abdul-Jaleel et al. 2004).

        Terms are chosen and weighted by their relevance model times idf. Returns the query as it is where nothing was
        found.
        """
        best = best_of(scores, FEEDBACK_DOCUMENTS)
        total = float(scores[best].sum()) if len(best) else 0.0
        if not total or not query:
            return dict(query)
        model: dict[int, float] = {}
        for document in best:
            start, end = self.offsets[document], self.offsets[document + 1]
            share = float(scores[document]) / total / float(self.counts[start:end].sum())
            for number, count in zip(self.terms[start:end].tolist(), self.counts[start:end].tolist(), strict=True):
                model[number] = model.get(number, 0.0) + share * count
        weighted = {number: weight * self._idf(number) for number, weight in model.items()}
        chosen = sorted(weighted, key=lambda number: (-weighted[number], number))[:FEEDBACK_TERMS]
        norm = sum(weighted[number] for number in chosen)
        own = sum(query.values())
        mixed = {term: OWN_WEIGHT * weight / own for term, weight in query.items()}
        for number in chosen:
            name = self.names[number]
            mixed[name] = mixed.get(name, 0.0) + (1 - OWN_WEIGHT) * weighted[number] / norm
        return mixed

    def _idf(self, number: int) -> float:
        documents = float(self.indptr[number + 1] - self.indptr[number])
        return float(np.log1p((self.size - documents + 0.5) / (documents + 0.5)))


def best_of(scores: Floats, number: int) -> npt.NDArray[np.int64]:
    """The documents with the highest scores above 0, best first; equal ones by their number."""
    found = np.flatnonzero(scores > 0)
    if len(found) > number:
        # All that tie with the last one stay in, so that the cut does not depend on how a partition leaves them.
        floor = np.partition(scores[found], len(found) - number)[len(found) - number]
        found = found[scores[found] >= floor]
    return found[np.lexsort((found, -scores[found]))][:number]


def build_lexical(documents: Iterable[Sequence[str]]) -> LexicalIndex:
    """The index of documents, each as its terms; a term that stands twice counts twice. Numbers follow the order."""
    vocabulary: dict[str, int] = {}
    numbers = [[vocabulary.setdefault(term, len(vocabulary)) for term in document] for document in documents]
    if not vocabulary:
        return _empty(len(numbers))
    model = bm25s.BM25(k1=K1, b=B, method="lucene")
    model.index((numbers, vocabulary), create_empty_token=False, show_progress=False)
    terms, counts, offsets = _forward(numbers)
    columns = model.scores
    return LexicalIndex(
        vocabulary,
        tuple(vocabulary),
        np.asarray(columns["data"], np.float32),
        np.asarray(columns["indices"], np.int32),
        np.asarray(columns["indptr"], np.int64),
        terms,
        counts,
        offsets,
    )


def _forward(numbers: Sequence[Sequence[int]]) -> tuple[Integers, Integers, npt.NDArray[np.int64]]:
    counted = [np.unique(np.asarray(n, np.int32), return_counts=True) for n in numbers]
    offsets = np.zeros(len(numbers) + 1, np.int64)
    np.cumsum([len(terms) for terms, _ in counted], out=offsets[1:])
    return (
        np.concatenate([terms for terms, _ in counted]),
        np.concatenate([counts for _, counts in counted]).astype(np.int32),
        offsets,
    )


def _empty(size: int) -> LexicalIndex:
    none = np.zeros(0, np.int32)
    return LexicalIndex(
        {}, (), np.zeros(0, np.float32), none, np.zeros(1, np.int64), none, none, np.zeros(size + 1, np.int64)
    )
