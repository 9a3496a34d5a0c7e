"""Ranges of case ids, and the cases in them: how an audit is cut into parts, over the table and the archives."""

import heapq
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.journal.archives import Archives

Span = tuple[UUID, UUID | None]
"""The cases from the first id until before the second; None: to the end."""
ALL: Final[Span] = (UUID(int=0), None)
_LAST: Final = (1 << 128) - 1

_EXPORT: Final = text("SELECT pg_export_snapshot()")
_CASES: Final = text("SELECT count(*) FROM journal WHERE sequence = 1")
_NTH: Final = text("SELECT case_id FROM journal WHERE sequence = 1 ORDER BY case_id OFFSET :offset LIMIT 1")
_PAGE: Final = text(
    """
    SELECT case_id FROM journal
    WHERE sequence = 1 AND case_id >= :first AND (CAST(:before AS uuid) IS NULL OR case_id < CAST(:before AS uuid))
        AND (CAST(:since AS timestamptz) IS NULL OR recorded_at >= CAST(:since AS timestamptz))
        AND (CAST(:until AS timestamptz) IS NULL OR recorded_at < CAST(:until AS timestamptz))
    ORDER BY case_id LIMIT :limit
    """
)


def span_of(case_id: UUID | None) -> Span:
    """The range of one case, or of all."""
    if case_id is None:
        return ALL
    return case_id, UUID(int=case_id.int + 1) if case_id.int < _LAST else None


async def spans(connection: AsyncConnection, parts: int, archives: Archives | None = None) -> list[Span]:
    """The whole journal in about so many ranges of as many cases each, and as many again where there are archives."""
    cases = int(await connection.scalar(_CASES) or 0)
    cuts = set(archives.firsts(parts)) if archives is not None else set()
    for offset in {cases * i // parts for i in range(1, parts)} - {0}:
        cuts.add(await connection.scalar(_NTH, {"offset": offset}))
    bounds = [UUID(int=0), *sorted(cuts - {UUID(int=0)})]
    return list(zip(bounds, [*bounds[1:], None], strict=True))


async def export_snapshot(connection: AsyncConnection) -> str:
    """A name under which others see what this transaction sees, as long as it lasts."""
    return str(await connection.scalar(_EXPORT))


async def import_snapshot(connection: AsyncConnection, name: str) -> None:
    """Lets a transaction that has just begun, at least REPEATABLE READ, see what the one that exported ``name`` sees."""
    # SET takes no parameters; the name is one that the server made.
    await connection.execute(text(f"SET TRANSACTION SNAPSHOT '{name}'"))


async def case_batches(
    connection: AsyncConnection,
    span: Span = ALL,
    archives: Archives | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    size: int = 200,
) -> AsyncIterator[list[UUID]]:
    """The cases of a range that were submitted from ``since`` until before ``until``, in order, so many at a time.

    Raises:
        ArchiveError: an archive is damaged.
    """
    archived = archives.started(*span, since, until) if archives is not None else iter(())
    waiting = next(archived, None)
    first = span[0]
    while True:
        parameters = {"first": first, "before": span[1], "since": since, "until": until, "limit": size}
        page = list((await connection.execute(_PAGE, parameters)).scalars())
        end = page[-1] if len(page) == size else None
        older = []
        while waiting is not None and (end is None or waiting <= end):
            older.append(waiting)
            waiting = next(archived, None)
        merged = list(heapq.merge(older, page))
        for at in range(0, len(merged), size):
            yield merged[at : at + size]
        if end is None or end.int == _LAST:
            return
        first = UUID(int=end.int + 1)
