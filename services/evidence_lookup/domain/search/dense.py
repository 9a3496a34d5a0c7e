"""Ranks by the likeness of meaning: vectors of passages, and feedback from the best of them. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from services.evidence_lookup.domain.search.lexical import Floats, best_of

FEEDBACK_DOCUMENTS: Final = 5
FEEDBACK_WEIGHT: Final = 0.3
"""How far the search is moved towards what it found first (Rocchio 1971, on vectors)."""


@dataclass(frozen=True, slots=True, eq=False)
class DenseIndex:
    """Vectors (passages, 384), of length 1, and the document that each belongs to, in ascending order."""

    vectors: Floats
    owners: npt.NDArray[np.int32]
    size: int

    def scores(self, query: Floats) -> Floats:
        """The cosine of each document's most similar passage with a vector of length 1; -1 without any passage."""
        found = np.full(self.size, -1, np.float32)
        np.maximum.at(found, self.owners, self.vectors @ query)
        return found

    def feedback(self, query: Floats, scores: Floats) -> Floats:
        """The search's vector, moved towards the mean of its best documents."""
        best = best_of(scores, FEEDBACK_DOCUMENTS)
        if not len(best):
            return query
        mean = self.vectors[np.isin(self.owners, best)].mean(axis=0)
        moved: Floats = (1 - FEEDBACK_WEIGHT) * query + FEEDBACK_WEIGHT * mean
        return moved / np.linalg.norm(moved)
