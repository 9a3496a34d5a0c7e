"""Facts with where the chart says them, and the criteria tree over them, as the page of a case shows them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.console.domain.highlight import Quote
from services.console.domain.words import CRITERION, Mark
from shared.clinical.document_text import Citations, authored, fact_of
from shared.clinical.phrases import phrase

Json = Mapping[str, Any]
_DERIVED: Final = "Derived from other facts"
_STATUS: Final[Mapping[str, Mark]] = {
    "known": Mark("good", "", ""),
    "unknown": Mark("open", "?", "Not documented"),
    "conflicting": Mark("bad", "≠", "The sources disagree"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fact was found. ``note`` (from 1) and ``anchor`` lead to the words in a note; else ``where`` says it."""

    words: str
    where: str
    note: int | None = None
    anchor: str = ""
    proposed: bool = False


@dataclass(frozen=True, slots=True)
class FactView:
    """A fact with its value in words and its places."""

    name: str
    text: str
    status: Mark
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Cite:
    """A number in the bibliography."""

    number: int
    verified: bool


@dataclass(frozen=True, slots=True)
class CriterionView:
    """A node of the tree. A node with children written by people leaves its facts to them."""

    id: str
    title: str
    mark: Mark
    rule: str | None
    cites: tuple[Cite, ...]
    facts: tuple[FactView, ...]
    children: "tuple[CriterionView, ...]"


class Chart:
    """The facts of a determination, ready to be shown. ``numbers`` gives each document's place in the case's list."""

    def __init__(self, document: Json, numbers: Mapping[str, int]) -> None:
        self._document = document
        self._numbers = numbers
        self._citations = Citations(document)

    def fact(self, name: str) -> FactView:
        """A fact by name; one that the determination does not list is not documented."""
        entry = self._document["facts"].get(name) or {"status": "unknown", "sources": []}
        places = tuple(dict.fromkeys(self._place(source) for source in entry["sources"]))
        return FactView(name, phrase(fact_of(name, entry)), _STATUS[entry["status"]], places)

    def criteria(self, key: str = "criteria") -> tuple[CriterionView, ...]:
        """The tree under ``criteria`` or ``referrals``."""
        return tuple(self._criterion(criterion) for criterion in self._document[key])

    def others(self) -> tuple[FactView, ...]:
        """What the chart says beyond the criteria of this case."""
        used = set(_names(self._document["criteria"])) | set(_names(self._document["referrals"]))
        return tuple(self.fact(name) for name in self._document["facts"] if name not in used)

    def cites(self, statements: Sequence[str]) -> tuple[Cite, ...]:
        """The numbers of the sources of statements."""
        return tuple(Cite(number, verified) for number, verified in self._citations.numbers(statements))

    def _criterion(self, criterion: Json) -> CriterionView:
        children = tuple(self._criterion(child) for child in criterion["children"] if authored(child))
        names = () if children else tuple(dict.fromkeys(_names([criterion])))
        return CriterionView(
            criterion["id"],
            criterion["title"],
            CRITERION[criterion["outcome"]],
            criterion["expression"],
            self.cites(criterion["evidence"]),
            tuple(self.fact(name) for name in names),
            children,
        )

    def _place(self, source: Json) -> Place:
        proposed = source.get("by") is not None
        words = " ".join((source.get("quote") or "").split())
        if source["kind"] == "note":
            number = self._numbers.get(source["document"])
            quote = Quote(source["start"], source["end"])
            return Place(words, source.get("section") or "", number, quote.anchor, proposed)
        if source["kind"] == "derived":
            return Place("", _DERIVED, proposed=proposed)
        return Place(words, source.get("path") or "", proposed=proposed)


def quotes_of(document: Json, document_id: str) -> dict[Quote, tuple[str, list[str]]]:
    """The quotes that a determination takes from one document, each with its words and the facts that rest on it."""
    found: dict[Quote, tuple[str, list[str]]] = {}
    for name, entry in document["facts"].items():
        for source in entry["sources"]:
            if source["kind"] == "note" and source["document"] == document_id:
                _, facts = found.setdefault(Quote(source["start"], source["end"]), (source["quote"], []))
                facts.append(phrase(fact_of(name, entry)))
    return found


def _names(criteria: Sequence[Json]) -> Iterator[str]:
    for criterion in criteria:
        yield from criterion["facts"]
        yield from _names(criterion["children"])
