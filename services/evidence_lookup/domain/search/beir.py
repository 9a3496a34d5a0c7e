"""Reads the three files of a retrieval collection in BEIR's layout (Thakur et al. 2021). Pure: it is given the lines."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from services.evidence_lookup.domain.search.article import Article

SOURCE: Final = "beir"
_HEADINGS: Final = ("mesh", "mesh_terms", "keywords", "subjects")
_QRELS_HEAD: Final = ["query-id", "corpus-id", "score"]


class CollectionError(Exception):
    """A file that is not of the collection's shape. The text names the line and what is expected there."""


def read_corpus(lines: Iterable[str]) -> list[Article]:
    """The documents of ``corpus.jsonl``: ``_id``, ``title`` (may be missing or empty), ``text``, and any metadata.

    Raises:
        CollectionError: a line is no such record, or an id stands twice.
    """
    found: dict[str, Article] = {}
    for number, record in _records(lines):
        article = article_of(record, number)
        if article.id in found:
            raise CollectionError(f"Line {number}: the _id {article.id} stands there twice.")
        found[article.id] = article
    if not found:
        raise CollectionError("There is no document in it.")
    return list(found.values())


def read_queries(lines: Iterable[str]) -> dict[str, str]:
    """The queries of ``queries.jsonl`` by id: ``_id`` and ``text``.

    Raises:
        CollectionError: a line is no such record, or an id stands twice.
    """
    found: dict[str, str] = {}
    for number, record in _records(lines):
        query = _text(record, "_id", number)
        if query in found:
            raise CollectionError(f"Line {number}: the _id {query} stands there twice.")
        found[query] = _text(record, "text", number)
    if not found:
        raise CollectionError("There is no query in it.")
    return found


def read_qrels(lines: Iterable[str]) -> dict[str, dict[str, int]]:
    """The judgments of a qrels file by query and document: tab-separated query-id, corpus-id, score, with a header.

    Raises:
        CollectionError: a line has other columns, a score that is not whole, or judges a document a second time.
    """
    found: dict[str, dict[str, int]] = {}
    for number, row in enumerate(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), start=1):
        if not row or (number == 1 and row == _QRELS_HEAD):
            continue
        if len(row) != 3:
            raise CollectionError(f"Line {number}: query-id, corpus-id and score are expected, with tabs between.")
        query, document, score = (cell.strip() for cell in row)
        try:
            grade = int(score)
        except ValueError as error:
            raise CollectionError(f"Line {number}: the score must be a whole number.") from error
        if found.setdefault(query, {}).setdefault(document, grade) != grade:
            raise CollectionError(f"Line {number}: {document} is judged for {query} in two ways.")
    if not found:
        raise CollectionError("There is no judgment in it.")
    return found


def article_of(record: object, number: int) -> Article:
    """The document of a line's JSON, with the subject headings of its metadata.

    Raises:
        CollectionError: it is no object with ``_id`` and ``text``.
    """
    if not isinstance(record, dict):
        raise CollectionError(f"Line {number}: a JSON object is expected.")
    return Article(
        SOURCE,
        _text(record, "_id", number),
        _text(record, "title", number, ""),
        _text(record, "text", number),
        mesh=_headings(record.get("metadata")),
    )


def _headings(metadata: object) -> tuple[str, ...]:
    """Subject headings and keywords, where the metadata has such; metadata of another shape is passed over."""
    if not isinstance(metadata, dict):
        return ()
    lists = [metadata.get(key) for key in _HEADINGS]
    return tuple(h for found in lists if isinstance(found, list) for h in found if isinstance(h, str))


def _records(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise CollectionError(f"Line {number}: this is not JSON.") from error
        if not isinstance(record, dict):
            raise CollectionError(f"Line {number}: a JSON object is expected.")
        yield number, record


def _text(record: dict[str, Any], key: str, number: int, default: str | None = None) -> str:
    value = record.get(key, default)
    if value is None and default is not None:
        return default
    if key == "_id" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or (key == "_id" and not value):
        raise CollectionError(f"Line {number}: {key} must be there, as text.")
    return value
