"""Ranks by the likeness of meaning: of an article's beginning, and of the sentence that is most like the search. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from services.evidence_lookup.domain.search.lexical import Floats, best_of

SENTENCE_WEIGHT: Final = 0.4
"""The part that the best sentence has in the likeness; the beginning as a whole has the rest."""
FEEDBACK_DOCUMENTS: Final = 5
FEEDBACK_WEIGHT: Final = 0.3
"""How far the search is moved towards what was found first (Rocchio 1971, on vectors)."""


@dataclass(frozen=True, slots=True, eq=False)
class DenseIndex:
    """Vectors of length 1: of each document's beginning (documents, 384) and of all sentences (sentences, 384).

    The sentences of document ``d`` are those from ``offsets[d]`` until before ``offsets[d + 1]``, one at least.
    """

    leads: Floats
    sentences: Floats
    offsets: npt.NDArray[np.int64]

    def of(self, document: int) -> Floats:
        """A document's vectors: its beginning's, then its sentences'."""
        own = self.sentences[self.offsets[document] : self.offsets[document + 1]]
        return np.concatenate([self.leads[document : document + 1], own])

    def scores(self, query: Floats) -> Floats:
        """The likeness of every document with a vector of length 1, from -1 to 1."""
        if not len(self.leads):
            return np.zeros(0, np.float32)
        best: Floats = np.maximum.reduceat(self.sentences @ query, self.offsets[:-1])
        likeness: Floats = (1 - SENTENCE_WEIGHT) * (self.leads @ query) + SENTENCE_WEIGHT * best
        return likeness.astype(np.float32)

    def feedback(self, query: Floats, scores: Floats) -> Floats:
        """The search's vector, moved towards the mean of the best documents of a ranking; of length 1."""
        best = best_of(scores, FEEDBACK_DOCUMENTS)
        if not len(best):
            return query
        moved: Floats = (1 - FEEDBACK_WEIGHT) * query + FEEDBACK_WEIGHT * self.leads[best].mean(axis=0)
        return moved / np.linalg.norm(moved)
