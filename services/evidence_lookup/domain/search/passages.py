"""Cuts a text into the passages that are encoded one by one. Pure."""

from collections.abc import Sequence
from typing import Final

from services.evidence_lookup.domain.search.minilm import MAX_TOKENS

TokenIds = Sequence[int]

START: Final = 101
END: Final = 102
"""[CLS] and [SEP] of BERT's uncased vocabulary."""
_ROOM: Final = MAX_TOKENS - 2
_OVERLAP: Final = _ROOM // 2


def query_tokens(tokens: TokenIds) -> list[int]:
    """A search as the encoder takes it; what is beyond its length is left out."""
    return [START, *tokens[:_ROOM], END]


def passages(tokens: TokenIds) -> list[list[int]]:
    """Windows over a text's tokens, each of which shares half with the one before; one window if it fits.

    The last window ends with the text, so that all windows of a long text are full.
    """
    if len(tokens) <= _ROOM:
        return [[START, *tokens, END]]
    starts = [*range(0, len(tokens) - _ROOM, _ROOM - _OVERLAP), len(tokens) - _ROOM]
    return [[START, *tokens[start : start + _ROOM], END] for start in starts]
