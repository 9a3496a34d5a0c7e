"""Cuts an article into what is encoded: its beginning as a whole, and each of its sentences. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from services.evidence_lookup.domain.search.article import Article
from services.evidence_lookup.domain.search.minilm import MAX_TOKENS

TokenIds = Sequence[int]

START: Final = 101
END: Final = 102
"""[CLS] and [SEP] of BERT's uncased vocabulary."""
SENTENCE_TOKENS: Final = 128
"""Of a longer sentence the beginning is encoded."""
_SENTENCE_END: Final = re.compile(r"(?<=[.?!])\s+(?=[A-Z0-9(])|\n+")


def encodable(tokens: TokenIds, most: int = MAX_TOKENS) -> list[int]:
    """Tokens as the encoder takes them: between the special ones, ``most`` at most with them, the rest left out."""
    return [START, *tokens[: most - 2], END]


def lead(article: Article) -> str:
    """The title and the abstract, whose beginning says what the article is about."""
    return f"{article.title}\n{article.abstract}".strip()


def sentences(article: Article) -> list[str]:
    """The title, and the sentences of the abstract; the empty text where there are none."""
    parts = [article.title, *_SENTENCE_END.split(article.abstract)]
    return [part.strip() for part in parts if part.strip()] or [""]
