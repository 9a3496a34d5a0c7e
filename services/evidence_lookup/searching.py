"""Searches the curated evidence library and, where there is an index, the literature beside it."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

from services.evidence_lookup.collection import build_ranker
from services.evidence_lookup.domain.search.article import Article
from services.evidence_lookup.domain.search.lexical import Floats
from services.evidence_lookup.domain.search.passages import encodable
from services.evidence_lookup.domain.search.ranker import Ranking
from services.evidence_lookup.embedding import ModelUnavailableError, SentenceModel
from services.evidence_lookup.index_files import LiteratureIndex
from shared.clinical.evidence import EvidenceLibrary

Place = Literal["library", "literature"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A statement of the library or an article of the literature. Scores compare within one place only."""

    found_in: Place
    article: Article
    score: float
    identifier: str | None

    def as_dict(self) -> dict[str, Any]:
        """One of the ``results`` of ``priorauth evidence search``."""
        a = self.article
        library = self.found_in == "library"
        return {
            "found_in": self.found_in,
            "id": a.id if library else a.key,
            "title": a.title,
            "citation": a.title if library else a.citation,
            "text": a.abstract if library else None,
            "year": a.year,
            "identifier": self.identifier,
            "publication_types": list(a.publication_types),
            "score": self.score,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search is limited to: days of publication (inclusive, as ``2019`` or ``2019-05-17``) and types."""

    since: str = ""
    until: str = ""
    types: frozenset[str] = frozenset()

    def allows(self, article: Article) -> bool:
        """Whether an article is wanted; one without a date is where no date is asked for."""
        if self.types and self.types.isdisjoint(t.lower() for t in article.publication_types):
            return False
        day = article.published
        if (self.since or self.until) and not day:
            return False
        # A date of less precision than the limit counts as within it, so that nothing is lost.
        return not (self.since and day < self.since[: len(day)]) and not (
            self.until and day[: len(self.until)] > self.until
        )

    def __bool__(self) -> bool:
        return bool(self.since or self.until or self.types)


def model_for(index: LiteratureIndex) -> SentenceModel | None:
    """The model where the index has vectors and the model is installed."""
    if index.ranker.dense is None:
        return None
    try:
        return SentenceModel()
    except ModelUnavailableError:
        return None


def search_library(library: EvidenceLibrary, text: str, limit: int, wanted: Wanted) -> list[Hit]:
    """The statements of the curated library, by BM25."""
    statements = [library.statements[i] for i in sorted(library.statements)]
    articles = [
        Article(
            "library",
            s.id,
            s.source.citation,
            s.text,
            published=str(s.source.year or ""),
            publication_types=(s.source.kind,),
        )
        for s in statements
    ]
    allowed = [wanted.allows(a) for a in articles]
    found = build_ranker(articles).rank(text, limit=limit, allowed=allowed)
    return [Hit("library", articles[f.document], f.score, statements[f.document].source.identifier) for f in found]


def search_literature(
    index: LiteratureIndex,
    text: str,
    ranking: Ranking,
    limit: int,
    wanted: Wanted,
    model: SentenceModel | None,
    *,
    on_topic: bool = False,
) -> list[Hit]:
    """The articles of an index. All rankings but bm25 need a model, and an index with vectors.

    ``on_topic`` leaves out what is only the best there is.

    Raises:
        ValueError: a ranking other than bm25 without a model or without vectors.
    """
    vector: Floats | None = None
    if model is not None and ranking != "bm25":
        [vector] = model.encode([encodable(tokens) for tokens in model.tokens([text])])
    allowed = [wanted.allows(index.article(n)) for n in range(index.size)] if wanted else None
    found = index.ranker.rank(text, vector, ranking, limit, allowed)
    if on_topic:
        found = index.ranker.on_topic(text, vector, found)
    articles = [index.article(f.document) for f in found]
    return [Hit("literature", a, f.score, a.identifier) for a, f in zip(articles, found, strict=True)]


def interleave(library: Iterable[Hit], literature: Iterable[Hit], limit: int) -> list[Hit]:
    """Both lists by their places, the library's first, since its scores and the literature's do not compare."""
    return [hit for pair in zip_longest(library, literature) for hit in pair if hit is not None][:limit]
