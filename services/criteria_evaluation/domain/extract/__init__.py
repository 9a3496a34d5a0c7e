"""Clinical facts of a case: coded resources first, then notes, weighed together, then what follows from them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.criteria_evaluation.domain.extract.claims import REQUESTED_LEVELS, claim_items, read_claims
from services.criteria_evaluation.domain.extract.coded import read_resources
from services.criteria_evaluation.domain.extract.derive import derive
from services.criteria_evaluation.domain.extract.elsewhere import of_the_level
from services.criteria_evaluation.domain.extract.mention import Mention
from services.criteria_evaluation.domain.extract.merge import merge
from services.criteria_evaluation.domain.extract.notes import read_document, read_phrase
from services.criteria_evaluation.domain.extract.proposals import proposed
from services.criteria_evaluation.domain.extract.reservations import reservations
from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.clinical.extraction import Extraction
from shared.clinical.model import Document, Facts, Resource, Source

__all__ = ["Chart", "extract", "read_chart"]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart says: its facts, and where it says that something in it does not hold, of which nothing came."""

    facts: Facts
    reservations: tuple[Source, ...]


def extract(
    documents: Sequence[Document],
    resources: Sequence[Resource],
    lexicon: Lexicon,
    extraction: Extraction | None = None,
) -> Facts:
    """The facts of ``read_chart`` alone."""
    return read_chart(documents, resources, lexicon, extraction).facts


def read_chart(
    documents: Sequence[Document],
    resources: Sequence[Resource],
    lexicon: Lexicon,
    extraction: Extraction | None = None,
) -> Chart:
    """The facts that the chart decides, or on which its sources disagree; what is absent is unknown.

    Coded sources stand before prose among a fact's sources. Levels that every item of the claim names for itself stand
    alone; else the levels of the note's plan join them. What the optional extractor proposed is weighed with the rest.
    """
    mentions, every_item_placed = read_claims(resources)
    mentions += _described(resources, lexicon)
    mentions += read_resources(resources, lexicon)
    reserved: list[Source] = []
    for document in documents:
        said = list(read_document(document, lexicon))
        reserved += reservations(document, said)
        mentions += (m for m in said if not (every_item_placed and m.fact == REQUESTED_LEVELS))
    if extraction is not None:
        proposals = proposed(extraction, documents, lexicon.vocabulary)
        mentions += (p for p in proposals if not (every_item_placed and p.fact == REQUESTED_LEVELS))
    facts = merge(of_the_level(mentions, documents), lexicon.vocabulary)
    derive(facts, lexicon)
    shown = {name: facts[name] for name in sorted(facts) if not lexicon.vocabulary[name].internal}
    return Chart(shown, tuple(reserved))


def _described(resources: Sequence[Resource], lexicon: Lexicon) -> Iterator[Mention]:
    """What the items' descriptions say besides levels, such as the extent of a fusion."""
    for _, texts in claim_items(resources):
        for path, text in texts:
            for mention in _in_description(text, lexicon):
                yield mention.of(Source("resource", path))


_described_before: dict[tuple[str, str], tuple[Mention, ...]] = {}
_MOST_REMEMBERED = 4096


def _in_description(text: str, lexicon: Lexicon) -> tuple[Mention, ...]:
    """What an item's description says of the operation. Offices use the same words for a code again and again."""
    key = (lexicon.digest, text)
    found = _described_before.get(key)
    if found is None:
        if len(_described_before) >= _MOST_REMEMBERED:
            _described_before.clear()
        mentions = read_phrase(text, "plan", lexicon) if any(c.isdigit() for c in text) else ()
        found = tuple(m for m in mentions if m.fact != REQUESTED_LEVELS and lexicon.vocabulary[m.fact].internal)
        _described_before[key] = found
    return found
