"""The archives of a journal: which there are by the database, and their files in a folder.

With the table they are one journal: what an audit reads comes from both, in the order of cases and sequences.
"""

import heapq
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.journal.problems import ArchiveError, Problem
from shared.journal.rows import StoredRow

if TYPE_CHECKING:
    from shared.journal.archive_file import ArchiveFile

_RECORDS: Final = text(
    """
    SELECT name, partition, first_case, last_case, cases, events, digest, archived_at FROM journal_archives
    ORDER BY first_case, name
    """
)

_STARTS: Final = ("case_id", "sequence", "recorded_at", "payer")


@dataclass(frozen=True, slots=True)
class ArchiveRecord:
    """What the database says of an archive. ``digest`` is the SHA-256 of its file, in hex."""

    name: str
    partition: str
    first_case: UUID
    last_case: UUID
    cases: int
    events: int
    digest: str
    archived_at: datetime

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.parquet"


async def archive_records(connection: AsyncConnection) -> list[ArchiveRecord]:
    """Every archive that was made of this journal, in the order of cases."""
    return [ArchiveRecord(*row) for row in await connection.execute(_RECORDS)]


async def open_archives(
    connection: AsyncConnection, folder: Path | None, case_id: UUID | None = None
) -> "Archives | None":
    """The archives that an audit of all cases, or of one, has to read; None where there are none.

    Raises:
        ArchiveError: no folder is named, or a file is missing, damaged or another one than was recorded.
    """
    records = await archive_records(connection)
    if case_id is not None:
        records = [r for r in records if r.first_case <= case_id <= r.last_case]
    if not records:
        return None
    if folder is None:
        months = ", ".join(sorted({r.partition.removeprefix("journal_") for r in records}))
        raise ArchiveError(f"Part of the journal was archived ({months}): name the folder with --archives.")
    return Archives(records, folder)


class Archives:
    """The files of some archives, opened. The constructor raises ArchiveError as ``open_archives`` does."""

    def __init__(self, records: Sequence[ArchiveRecord], folder: Path) -> None:
        self._parts: dict[str, list[tuple[ArchiveRecord, ArchiveFile]]] = defaultdict(list)
        open_file = _reader()
        for record in records:
            file = open_file(folder / record.file)
            if (file.holding.name, file.holding.events) != (record.name, record.events):
                raise ArchiveError(f"{record.file} is another file than the one that was archived.")
            self._parts[record.partition].append((record, file))

    def rows(self, first: UUID | None = None, before: UUID | None = None) -> Iterator[StoredRow]:
        """The events of the cases from ``first`` until before ``before``, in order."""
        # Partitions follow each other, so that the files of one at a time are open in memory.
        for part in self._parts.values():
            yield from _merged([file.rows(first, before) for _, file in part])

    def rows_of(self, cases: Collection[UUID]) -> Iterator[StoredRow]:
        """The events of these cases, in order."""
        for part in self._parts.values():
            wanted = [c for c in cases if any(r.first_case <= c <= r.last_case for r, _ in part)]
            if wanted:
                yield from _merged([file.rows_of(wanted) for _, file in part])

    def started(
        self, first: UUID, before: UUID | None, *, since: datetime | None, until: datetime | None, payer: str | None
    ) -> Iterator[UUID]:
        """The cases of a range that were submitted from ``since`` until before ``until``, of one payer or all, in order."""
        for part in self._parts.values():
            if before is not None and all(r.first_case >= before for r, _ in part):
                return
            for case_id, sequence, at, of in heapq.merge(*(f.columns(_STARTS) for _, f in part)):
                inside = case_id >= first and (before is None or case_id < before)
                wanted = (since is None or at >= since) and (until is None or at < until) and payer in (None, of)
                if sequence == 1 and inside and wanted:
                    yield case_id

    def firsts(self, cases: int) -> list[UUID]:
        """Case ids that cut the archives at the beginnings of row groups, about so many cases apart or one group."""
        found: list[UUID] = []
        for part in self._parts.values():
            for record, file in part:
                groups = file.holding.groups
                step = max(cases * len(groups) // max(record.cases, 1), 1)
                found += map(UUID, groups[::step])
        return found

    def columns(self, names: Sequence[str], cases: Collection[UUID] | None = None) -> Iterator[tuple[Any, ...]]:
        """Some columns of all events, or at least of those of these cases; in no particular order."""
        for part in self._parts.values():
            for _, file in part:
                yield from file.columns(names, cases)

    def problems(self) -> Iterator[Problem]:
        """Problems of kind ``archive``: files that are not, byte by byte, the ones that were recorded."""
        for part in self._parts.values():
            for record, file in part:
                try:
                    if file.file_digest() != record.digest:
                        yield Problem("", 0, "archive", f"{record.file} does not hold what was archived.")
                except ArchiveError as error:
                    yield Problem("", 0, "archive", str(error))


def _reader() -> "type[ArchiveFile]":
    """Loaded only where there are archives: PyArrow is large, and an extra."""
    try:
        from shared.journal.archive_file import ArchiveFile
    except ImportError as error:
        raise ArchiveError("Archives are read with PyArrow: install priorauth[archive].") from error
    return ArchiveFile


def _place(row: Any) -> tuple[UUID, int]:
    return row.case_id, row.sequence


def _merged(parts: Iterable[Iterator[StoredRow]]) -> Iterator[StoredRow]:
    return heapq.merge(*parts, key=_place)


async def with_archived(live: AsyncIterator[Any], archived: Iterator[StoredRow]) -> AsyncIterator[Any]:
    """The rows of the table and of the archives as one stream, by case and sequence."""
    waiting = next(archived, None)
    async for row in live:
        while waiting is not None and _place(waiting) < _place(row):
            yield waiting
            waiting = next(archived, None)
        yield row
    while waiting is not None:
        yield waiting
        waiting = next(archived, None)
