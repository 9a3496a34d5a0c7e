"""Reads citations as PubMed's MEDLINE display (.nbib), RIS, and BEIR's JSON lines. Pure: it is given the stream."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

import msgspec
import rispy

from services.evidence_lookup.domain.search.article import Article
from services.evidence_lookup.domain.search.beir import CollectionError, article_of
from services.evidence_lookup.domain.search.records import (
    PUBMED,
    Broken,
    Change,
    FormatError,
    Record,
    Records,
    Retracted,
    date_of,
    is_withdrawn,
    lines_of,
    one_line,
)

RIS: Final = "ris"
_MEDLINE_TAG: Final = re.compile(r"([A-Z][A-Z0-9 ]{3})- ?(.*)")
_RIS_TAG: Final = re.compile(r"([A-Z][A-Z0-9])  -(?: (.*))?$")
_RETRACTS: Final = re.compile(r"PMID:\s*(\d+)")
_LONGEST_PREAMBLE: Final = 50
"""Lines before the first record that do not yet make it another format."""


def read_medline(stream: BinaryIO, skip: int = 0) -> Records:
    """The records of a file in MEDLINE's display format, each a block of tagged lines that begins with ``PMID-``.

    Raises:
        FormatError: no record begins in it.
    """
    for place, lines in enumerate(_blocks(stream, re.compile(r"PMID- ?"), "PMID-"), start=1):
        if place > skip:
            yield Record(place, tuple(_medline(lines)))


def read_ris(stream: BinaryIO, skip: int = 0) -> Records:
    """The records of a RIS file, each from ``TY  -`` to ``ER  -``.

    Raises:
        FormatError: no record begins in it.
    """
    for place, lines in enumerate(_blocks(stream, re.compile(r"TY  -"), "TY  -"), start=1):
        if place > skip:
            yield Record(place, (_ris(lines),))


def read_beir(stream: BinaryIO, skip: int = 0) -> Records:
    """The documents of a corpus in JSON lines.

    Raises:
        FormatError: its first line is no such document.
    """
    place = 0
    for line in lines_of(stream):
        if not line.strip():
            continue
        place += 1
        try:
            change: Change = article_of(msgspec.json.decode(line), place)
        except (msgspec.DecodeError, CollectionError) as error:
            if place == 1:
                raise FormatError("Its first line is no JSON object with _id and text.") from error
            change = Broken("It is no JSON object with _id and text.")
        if place > skip:
            yield Record(place, (change,))
    if not place:
        raise FormatError("It is empty.")


def _blocks(stream: BinaryIO, begin: re.Pattern[str], named: str) -> Iterator[list[str]]:
    block: list[str] = []
    for number, line in enumerate(lines_of(stream), start=1):
        if begin.match(line):
            if block:
                yield block
            block = [line]
        elif block:
            block.append(line)
        elif number > _LONGEST_PREAMBLE:
            break
    if not block:
        raise FormatError(f"No record begins in it with {named}")
    yield block


def _medline(lines: list[str]) -> Iterator[Change]:
    fields: dict[str, list[str]] = {}
    values: list[str] = []
    for line in lines:
        tagged = _MEDLINE_TAG.match(line)
        if tagged:
            values = fields.setdefault(tagged[1].strip(), [])
            values.append(tagged[2])
        elif line.startswith("      ") and values:
            values[-1] += " " + line.strip()
    pmid, title = _first(fields, "PMID"), _first(fields, "TI", "BTI", "TT")
    if not pmid.isdigit() or not title:
        yield Broken("It has no PMID or no title.")
        return
    types = tuple(map(one_line, fields.get("PT", ())))
    yield Article(
        PUBMED,
        pmid,
        title,
        _first(fields, "AB"),
        _first(fields, "TA", "JT"),
        tuple(map(one_line, fields.get("AU") or fields.get("CN") or ())),
        date_of(_first(fields, "DP", "DEP")),
        types,
        tuple(one_line(m).split("/")[0].lstrip("*") for m in fields.get("MH", ())),
        next((v.split(" ")[0] for tag in ("LID", "AID") for v in fields.get(tag, ()) if v.endswith("[doi]")), None),
        is_withdrawn(types) or "RIN" in fields or "ECI" in fields,
    )
    yield from (Retracted(PUBMED, m[1]) for v in fields.get("ROF", ()) if (m := _RETRACTS.search(v)))


def _first(fields: Mapping[str, list[str]], *tags: str) -> str:
    return next((one_line(fields[tag][0]) for tag in tags if fields.get(tag)), "")


def _ris(lines: list[str]) -> Change:
    if not any(line.startswith("ER  -") for line in lines):
        return Broken("The record has no end (ER  -).")
    tagged = [line for line in lines if _RIS_TAG.match(line)]
    try:
        [entry] = rispy.loads("\n".join(tagged))
    except (ValueError, IndexError, KeyError, OSError):
        return Broken("It is no RIS record.")
    title = _entry(entry, "title", "primary_title", "short_title")
    if not title:
        return Broken("It has no title.")
    doi = _entry(entry, "doi") or None
    types = tuple(filter(None, (_entry(entry, "type_of_work"),)))
    return Article(
        RIS,
        doi or _entry(entry, "accession_number", "id") or _digest(title, entry),
        title,
        _entry(entry, "abstract", "notes_abstract"),
        _entry(entry, "alternate_title3", "journal_name", "secondary_title", "alternate_title1"),
        tuple(map(str, entry.get("authors") or entry.get("first_authors") or ())),
        date_of(_entry(entry, "year", "publication_year", "date")),
        types,
        tuple(map(str, entry.get("keywords") or ())),
        doi,
        is_withdrawn(types)
        or title.lower().startswith(("retracted:", "retracted article", "retraction:", "[retracted]")),
    )


def _entry(entry: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = entry.get(name)
        if value:
            return one_line(" ".join(map(str, value)) if isinstance(value, list) else str(value))
    return ""


def _digest(title: str, entry: Mapping[str, Any]) -> str:
    """A name for a record that has none: equal records have equal names."""
    year = _entry(entry, "year", "publication_year", "date")
    return hashlib.sha256(f"{title}\n{year}".encode()).hexdigest()[:16]
