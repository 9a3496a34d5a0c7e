"""Archives a partition of the journal: writes its file, reads it back, and only then lets the rows go.

It needs the owner's role. Whatever ends it in between leaves the journal as it was: the rows go in the one transaction
that records the archive, and a file without a record is written anew. An empty partition stays for what a case still gets
when its other events are in a file, which is its erasure and nothing else.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.case.states import ERASED, FINAL
from shared.journal.archive_file import ArchiveFile, ArchiveWriter, Holding
from shared.journal.archives import ArchiveRecord
from shared.journal.chain import is_linked
from shared.journal.partitions import OPEN, Partition, partitions_of
from shared.journal.problems import ArchiveError
from shared.journal.rows import StoredRow
from shared.journal.sealing import installation_of

_ATTEMPTS: Final = 30
_LOCK_NOT_AVAILABLE: Final = "55P03"
_ROWS: Final = text(
    """
    SELECT case_id, sequence, event_id, type, state_before, state_after, actor, payer, consumer, causation_id, occurred_at,
        recorded_at, traceparent, code_version, public, previous_hash, hash, data,
        CAST(CAST(transaction_id AS text) AS bigint), position
    FROM journal WHERE case_id >= :first AND case_id < :before ORDER BY case_id, sequence
    """
)
_COUNT: Final = text("SELECT count(*) FROM journal WHERE case_id >= :first AND case_id < :before")
_OPEN_CASES: Final = text(
    """
    SELECT count(*) FROM (SELECT DISTINCT ON (case_id) case_id, state_after FROM journal WHERE case_id >= :first AND case_id < :before
        ORDER BY case_id, sequence DESC) AS last
    WHERE state_after <> ALL(:final)
    """
)
_YOUNG: Final = text(
    "SELECT count(*) FROM journal WHERE case_id >= :first AND case_id < :before AND recorded_at >= :closed_before"
)
_UNPUBLISHED: Final = text(
    """
    SELECT count(*) FROM journal j WHERE case_id >= :first AND case_id < :before AND (NOT EXISTS (SELECT FROM relay_cursors)
        OR EXISTS (SELECT FROM relay_cursors c WHERE (j.transaction_id, j.position) > (c.transaction_id, c.position)))
    """
)
_UNDELIVERED: Final = text("SELECT count(*) FROM notification_deliveries WHERE case_id >= :first AND case_id < :before")
_NUMBER: Final = text("SELECT count(*) + 1 FROM journal_archives WHERE partition = :partition")
_RECORD: Final = text(
    """
    INSERT INTO journal_archives (name, partition, first_case, last_case, cases, events, digest, archived_at)
    VALUES (:name, :partition, :first_case, :last_case, :cases, :events, :digest, :archived_at)
    """
)
_FORGET_PROJECTED: Final = text("DELETE FROM console_cases WHERE case_id >= :first AND case_id < :before")
_ADD: Final = text("SELECT journal_add_partition(:partition, CAST(:first AS uuid), CAST(:before AS uuid))")
_REASONS: Final = (
    (_OPEN_CASES, "{} of its cases have not come to their end"),
    (_YOUNG, "{} of its events are younger than asked for"),
    (_UNPUBLISHED, "{} of its events were not published yet"),
    (_UNDELIVERED, "{} of its notices were not delivered yet"),
)


class ArchiveRefusedError(Exception):
    """The partition cannot be archived; the text says why."""


async def archive(
    engine: AsyncEngine,
    partition: str,
    folder: Path,
    *,
    closed_before: datetime,
    now: datetime,
    progress: Callable[[int], None] = lambda events: None,
) -> ArchiveRecord:
    """Moves a partition into a file of ``folder``, if every case in it is closed and its last event before ``closed_before``.

    Raises:
        ArchiveRefusedError: there is no such partition, it is not over, or something in it is still under way.
        ArchiveError: the file does not hold what was written; the journal is as it was.
    """
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        part = await _archivable(connection, partition, closed_before, now)
        name = f"{partition}.{await connection.scalar(_NUMBER, {'partition': partition})}"
        holding = await _write(connection, part, name, folder, progress)
    digest = await asyncio.to_thread(_read_back, folder, holding)
    first, last = UUID(holding.first_case), UUID(holding.last_case)
    record = ArchiveRecord(name, partition, first, last, holding.cases, holding.events, digest, now)
    await _let_go(engine, part, record)
    return record


def _bounds(part: Partition) -> dict[str, object]:
    return {"first": part.first_case, "before": part.before_case}


async def _archivable(connection: AsyncConnection, name: str, closed_before: datetime, now: datetime) -> Partition:
    part = next((p for p in await partitions_of(connection) if p.name == name), None)
    if part is None:
        raise ArchiveRefusedError(f"The journal has no partition {name}.")
    if part.name == OPEN or part.until is None or part.until > now:
        raise ArchiveRefusedError(f"The time of {name} is not over.")
    values = {**_bounds(part), "final": [*FINAL, ERASED], "closed_before": closed_before}
    for statement, reason in _REASONS:
        used = {k: v for k, v in values.items() if f":{k}" in statement.text}
        count = await connection.scalar(statement, used)
        if count:
            raise ArchiveRefusedError(f"{name} cannot be archived: {reason.format(count)}.")
    return part


async def _write(
    connection: AsyncConnection, part: Partition, name: str, folder: Path, progress: Callable[[int], None]
) -> Holding:
    installation = await installation_of(connection)
    with ArchiveWriter(folder / f"{name}.parquet", name, part.name, installation) as writer:
        async with connection.stream(_ROWS, _bounds(part)) as result:
            async for rows in result.partitions(1000):
                for row in rows:
                    writer.add(StoredRow(*row))
                progress(len(rows))
        return writer.close()


def _read_back(folder: Path, holding: Holding) -> str:
    """Every event of the file has the hash that its content gives, and they are the ones that were written."""
    file = ArchiveFile(folder / f"{holding.name}.parquet")
    if not all(is_linked(row) for row in file.rows()) or file.digest() != holding.digest:
        raise ArchiveError(f"{file.path.name} does not hold what was written.")
    return file.file_digest()


async def _let_go(engine: AsyncEngine, part: Partition, record: ArchiveRecord) -> None:
    """Waits for whoever reads the partition, but never long with the lock in hand: others would wait behind it."""
    for attempt in range(_ATTEMPTS):
        try:
            async with engine.begin() as connection:
                await connection.execute(text("SET LOCAL lock_timeout = '1s'"))
                return await _exchange(connection, part, record)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE or attempt == _ATTEMPTS - 1:
                raise
        await asyncio.sleep(1)
    raise AssertionError("unreachable")


async def _exchange(connection: AsyncConnection, part: Partition, record: ArchiveRecord) -> None:
    await connection.execute(text(f"LOCK TABLE {part.name} IN ACCESS EXCLUSIVE MODE"))
    if await connection.scalar(_COUNT, _bounds(part)) != record.events:
        raise ArchiveRefusedError(f"{part.name} was added to meanwhile; archive it again.")
    await connection.execute(_RECORD, asdict(record))
    await connection.execute(_FORGET_PROJECTED, _bounds(part))
    await connection.execute(text(f"ALTER TABLE journal DETACH PARTITION {part.name}"))
    await connection.execute(text(f"DROP TABLE {part.name}"))
    await connection.execute(_ADD, {"partition": part.name, **_bounds(part)})
