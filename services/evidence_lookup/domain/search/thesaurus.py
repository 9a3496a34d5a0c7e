"""Other words for what a search asks for: lay terms and abbreviations, as data. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.evidence_lookup.domain.search.analysis import Analyzer
from shared.clinical.policy_yaml import Fields, load_mapping
from shared.policy import PolicyError, PolicyFile, digest_of

Terms = tuple[str, ...]
_KINDS: Final = ("lay", "abbreviations")


@dataclass(frozen=True, slots=True)
class Thesaurus:
    """Term sequences and what else they may be called. ``longest`` is the number of terms of the longest key.

    ``digest`` is the content address of the files it came from.
    """

    digest: str
    also: dict[Terms, tuple[Terms, ...]]
    longest: int

    def expand(self, terms: Sequence[str], weight: float) -> dict[str, float]:
        """A search's terms, each with its weight: 1 for each time it stands there, less for what is added.

        The longest phrase at a place counts. What is added for a phrase shares the phrase's weight times ``weight``:
        among the words of a synonym, so that a long one does not drown the rest, and (by the root) among synonyms.
        """
        query: dict[str, float] = {}
        for term in terms:
            query[term] = query.get(term, 0.0) + 1.0
        asked = frozenset(terms)
        place = 0
        while place < len(terms):
            length, synonyms = self._at(terms, place)
            for synonym in synonyms:
                share = weight * length / (len(synonym) * len(synonyms) ** 0.5)
                for term in synonym:
                    if term not in asked:
                        query[term] = max(query.get(term, 0.0), share)
            place += length
        return query

    def _at(self, terms: Sequence[str], place: int) -> tuple[int, tuple[Terms, ...]]:
        for length in range(min(self.longest, len(terms) - place), 0, -1):
            synonyms = self.also.get(tuple(terms[place : place + length]))
            if synonyms:
                return length, synonyms
        return 1, ()


NO_SYNONYMS: Final = Thesaurus("", {}, 0)


def load_thesaurus(files: Sequence[PolicyFile], analyzer: Analyzer) -> Thesaurus:
    """The thesaurus of several files.

    A file of kind ``lay`` names lay terms by the clinical term that articles use, and adds the clinical one only; of
    kind ``abbreviations`` both ways.

    Raises:
        PolicyError: names the file and what is wrong in it.
    """
    found: dict[Terms, dict[Terms, None]] = {}
    for file in files:
        fields = Fields(load_mapping(file.name, file.text), file.name)
        kind = fields.text("kind")
        if kind not in _KINDS:
            raise PolicyError(f"{file.name}.kind: must be one of {', '.join(_KINDS)}.")
        table = Fields(fields.require("terms"), f"{file.name}.terms")
        fields.done()
        for name in table.data:
            term = _terms(analyzer, name, table.where)
            for other in table.texts(name, None):
                others = _terms(analyzer, other, f"{table.where}.{name}")
                found.setdefault(others, {})[term] = None
                if kind == "abbreviations":
                    found.setdefault(term, {})[others] = None
    also = {key: tuple(value) for key, value in found.items()}
    return Thesaurus(digest_of(*(f.text for f in files)), also, max(map(len, also), default=0))


def _terms(analyzer: Analyzer, text: str, where: str) -> Terms:
    terms = tuple(analyzer.terms(text))
    if not terms:
        raise PolicyError(f"{where}: “{text}” has no word that is searched for.")
    return terms
