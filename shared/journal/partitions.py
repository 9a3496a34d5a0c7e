"""The journal's partitions: ranges of case ids, and so of time, since the ids are UUIDv7 (RFC 9562)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

OPEN: Final = "journal_open"
"""The last partition, which takes what comes after every other."""

_ROLL: Final = text("SELECT journal_roll()")
_PARTITIONS: Final = text(
    """
    SELECT name, first_case, before_case,
        CASE WHEN first_case > CAST(repeat('0', 32) AS uuid) THEN journal_time(first_case) END, journal_time(before_case)
    FROM journal_partitions ORDER BY first_case
    """
)
_CONTENT: Final = text(
    """
    SELECT count(*), count(*) FILTER (WHERE sequence = 1), pg_total_relation_size(CAST(:name AS regclass)) FROM journal
    WHERE case_id >= :first AND (CAST(:before AS uuid) IS NULL OR case_id < CAST(:before AS uuid))
    """
)


@dataclass(frozen=True, slots=True)
class Partition:
    """The cases from ``first_case`` until before ``before_case`` (None: no end); ``since`` and ``until`` say it in UTC."""

    name: str
    first_case: UUID
    before_case: UUID | None
    since: datetime | None
    until: datetime | None


async def roll(connection: AsyncConnection) -> int:
    """Makes the partitions up to the month after next; returns how many. For the owner and the auditor's role.

    It waits no longer than a second for who reads or writes just then, and otherwise raises what the driver does.
    """
    return int(await connection.scalar(_ROLL) or 0)


async def partitions_of(connection: AsyncConnection) -> list[Partition]:
    """Every partition, oldest first."""
    return [Partition(*row) for row in await connection.execute(_PARTITIONS)]


async def content_of(connection: AsyncConnection, partition: Partition) -> tuple[int, int, int]:
    """How many events and cases a partition has, and how many bytes it takes with its indexes."""
    bounds = {"first": partition.first_case, "before": partition.before_case}
    row = (await connection.execute(_CONTENT, {"name": partition.name, **bounds})).one()
    return row[0], row[1], row[2]
