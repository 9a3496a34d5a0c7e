"""An article of the literature, as every source of records gives it. Pure."""

import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec

MOST_AUTHORS: Final = 3
"""Authors that a citation names before ``et al.``."""


@dataclass(frozen=True, slots=True)
class Article:
    """A bibliographic record. ``source`` and ``id`` together name it; ``id`` is a PMID where the source is ``pubmed``.

    ``published`` is a date of as much precision as the record has (``2019``, ``2019-05``, ``2019-05-17``), so that
    dates compare as text. ``version`` counts revisions where the source does. A retracted article is kept, so that a
    later record cannot bring it back unmarked, and is never found.
    """

    source: str
    id: str
    title: str
    abstract: str = ""
    journal: str = ""
    authors: tuple[str, ...] = ()
    published: str = ""
    publication_types: tuple[str, ...] = ()
    mesh: tuple[str, ...] = ()
    doi: str | None = None
    retracted: bool = False
    version: int = 1

    @property
    def key(self) -> str:
        """``source:id``: unique, and by it ties are settled."""
        return f"{self.source}:{self.id}"

    @property
    def year(self) -> int | None:
        """The year of publication, where the record has one."""
        return int(self.published[:4]) if self.published[:4].isdigit() else None

    @property
    def identifier(self) -> str | None:
        """How others name it: ``PMID 16112300``, or its DOI."""
        if self.source == "pubmed":
            return f"PMID {self.id}"
        return f"doi {self.doi}" if self.doi else None

    @property
    def citation(self) -> str:
        """One line: authors, title, journal, year."""
        named = ", ".join(self.authors[:MOST_AUTHORS]) + (" et al" if len(self.authors) > MOST_AUTHORS else "")
        year = str(self.year) if self.year else ""
        place = "; ".join(part for part in (self.journal, year) if part)
        parts = (named, self.title or "[no title]", place)
        return " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in parts if part)

    @property
    def digest(self) -> str:
        """``sha256:`` over all that the record says."""
        return f"sha256:{hashlib.sha256(msgspec.json.encode(self)).hexdigest()}"
