"""Articles that are named beside a determination without being relied on: what is searched for, and what is kept. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from services.evidence_lookup.domain.search.article import Article
from shared.clinical.model import AttachedEvidence, Evaluation, RelatedArticle

MOST_RELATED: Final = 5


@dataclass(frozen=True, slots=True)
class Related:
    """The articles found in the literature of a digest; no digest where there is no literature."""

    literature: str | None = None
    articles: tuple[RelatedArticle, ...] = ()

    def beside(self, evidence: AttachedEvidence) -> AttachedEvidence:
        """The evidence with these articles beside it: its statements and its bibliography stay as they are."""
        if self.literature is None:
            return evidence
        return replace(evidence, related=self.articles, literature=self.literature)


Literature = Callable[[Evaluation], Related]
"""Finds articles for an evaluation."""


def _nothing(_: Evaluation) -> Related:
    return Related()


NO_LITERATURE: Final[Literature] = _nothing


def recorded(evidence: AttachedEvidence) -> Literature:
    """What was found then, for a replay: the literature may have changed since."""
    found = Related(evidence.literature, evidence.related)
    return lambda _: found


def query_of(evaluation: Evaluation) -> str | None:
    """What to search for: the criteria set's title and those of its criteria, which are the policy's own words.

    Nothing of the request or the chart is in it, so that every case under a set asks the same. None without a set.
    """
    if evaluation.criteria_set is None:
        return None
    titles = (evaluation.criteria_set.title, *(criterion.title for criterion in evaluation.criteria))
    return ". ".join(dict.fromkeys(title.strip() for title in titles if title.strip())) or None


def related(digest: str, query: str, found: Iterable[Article]) -> Related:
    """The first articles found, as the event records them. A retracted one is passed over."""
    kept = [article for article in found if not article.retracted][:MOST_RELATED]
    return Related(
        digest,
        tuple(RelatedArticle(a.key, a.title, a.citation, query, a.year, a.identifier) for a in kept),
    )
