"""What a file of bibliographic records says, record by record, and what the readers have in common. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from services.evidence_lookup.domain.search.article import Article

PUBMED: Final = "pubmed"
RETRACTED_TYPES: Final = frozenset({"retracted publication"})
NOTICE_TYPES: Final = frozenset({"retraction of publication", "retraction notice", "expression of concern"})
"""A notice is no finding, so that it is kept out like the article it speaks of."""
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_DATE: Final = re.compile(r"(\d{4})(?:[\s/-]+([A-Za-z]{3,}|\d{1,2})\b)?(?:[\s/-]+(\d{1,2})\b)?")
_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Deleted:
    """The source withdraws the record."""

    source: str
    id: str


@dataclass(frozen=True, slots=True)
class Retracted:
    """A notice says that an article is retracted, whatever the article's own record says."""

    source: str
    id: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that cannot be read, and why. It is skipped."""

    reason: str


Change = Article | Deleted | Retracted | Broken


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file by its place, from 1, and what follows from it."""

    place: int
    changes: tuple[Change, ...]


Records = Iterator[Record]
"""Readers take the places to pass over, so that an import goes on where it was interrupted."""


class FormatError(Exception):
    """A file that is not of the format that it was given for. The text says what was expected."""


def lines_of(stream: BinaryIO) -> Iterator[str]:
    """The lines of a UTF-8 stream without their ends; bytes that are not UTF-8 become U+FFFD."""
    for number, line in enumerate(stream):
        text = line.decode("utf-8", errors="replace").rstrip("\r\n")
        yield text.removeprefix("\ufeff") if number == 0 else text


def one_line(text: str) -> str:
    """Text without line breaks and runs of spaces."""
    return _SPACE.sub(" ", text).strip()


def date_of(text: str) -> str:
    """The first date in a text (``2005 Aug 20-26``, ``2005/08/20``, ``1998 Dec-1999 Jan``) with the precision it has."""
    found = _DATE.search(text)
    if found is None:
        return ""
    year, month, day = found.groups()
    number = _MONTHS.get(month[:3].lower()) if month and month.isalpha() else int(month or 0)
    if not number or not 1 <= number <= 12:
        return year
    if not day or not 1 <= int(day) <= 31:
        return f"{year}-{number:02}"
    return f"{year}-{number:02}-{int(day):02}"


def is_withdrawn(publication_types: tuple[str, ...]) -> bool:
    """Whether the types say that the article is retracted, or is itself such a notice."""
    types = {t.lower() for t in publication_types}
    return not types.isdisjoint(RETRACTED_TYPES | NOTICE_TYPES)
