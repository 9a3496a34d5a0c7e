"""Ranges of case ids, and the cases in them: how an audit is cut into parts, over the table and the archives."""

import heapq
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import flow
from shared.case.history import History
from shared.journal.archives import Archives

Span = tuple[UUID, UUID | None]
"""The cases from the first id until before the second; None: to the end."""
ALL: Final[Span] = (UUID(int=0), None)
_LAST: Final = (1 << 128) - 1

SPAN_CASES: Final = 500
"""Cases of a range that one process takes at once: few enough for memory, and many for what a process costs to begin."""

_EXPORT: Final = text("SELECT pg_export_snapshot()")
_CUTS: Final = text(
    """
    SELECT case_id FROM (
        SELECT case_id, row_number() OVER (ORDER BY case_id) AS number FROM journal WHERE sequence = 1 AND case_id > :first
    ) AS cases WHERE number % :size = 0 ORDER BY case_id
    """
)
_PAGE: Final = text(
    """
    SELECT case_id FROM journal
    WHERE sequence = 1 AND case_id >= :first AND (CAST(:before AS uuid) IS NULL OR case_id < CAST(:before AS uuid))
        AND (CAST(:since AS timestamptz) IS NULL OR recorded_at >= CAST(:since AS timestamptz))
        AND (CAST(:until AS timestamptz) IS NULL OR recorded_at < CAST(:until AS timestamptz))
        AND (CAST(:payer AS text) IS NULL OR payer = CAST(:payer AS text))
    ORDER BY case_id LIMIT :limit
    """
)


def span_of(case_id: UUID | None) -> Span:
    """The range of one case, or of all."""
    if case_id is None:
        return ALL
    return case_id, UUID(int=case_id.int + 1) if case_id.int < _LAST else None


async def spans(
    connection: AsyncConnection, archives: Archives | None = None, *, first: UUID = ALL[0], size: int = SPAN_CASES
) -> list[Span]:
    """The journal from ``first`` on in ranges of about ``size`` cases, and of a few row groups where it was archived."""
    cuts = set(archives.firsts(size)) if archives is not None else set()
    cuts |= set((await connection.execute(_CUTS, {"first": first, "size": size})).scalars())
    bounds = [first, *sorted(cut for cut in cuts if cut > first)]
    return list(zip(bounds, [*bounds[1:], None], strict=True))


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which cases: those that were submitted from ``since`` until before ``until``, of one payer, and whose latest evaluation
    was by the criteria set of that id. What is None leaves none out."""

    since: datetime | None = None
    until: datetime | None = None
    payer: str | None = None
    criteria_set: str | None = None

    def by_set(self, history: History) -> bool:
        """Whether a case's latest evaluation was by the set that is asked for, as its public facts say."""
        if self.criteria_set is None:
            return True
        event = history.latest(flow.CRITERIA_EVALUATED)
        chosen = json.loads(event.public).get("criteria_set") if event is not None else None
        return chosen is not None and chosen["id"] == self.criteria_set


EVERY: Final = Chosen()


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
    chosen: Chosen = EVERY,
    size: int = 200,
) -> AsyncIterator[list[UUID]]:
    """The cases of a range that are chosen by their submission, in order, so many at a time.

    Raises:
        ArchiveError: an archive is damaged.
    """
    archived: Iterator[UUID] = iter(())
    if archives is not None:
        archived = archives.started(*span, since=chosen.since, until=chosen.until, payer=chosen.payer)
    period = {"since": chosen.since, "until": chosen.until, "payer": chosen.payer}
    waiting = next(archived, None)
    first = span[0]
    while True:
        parameters = {"first": first, "before": span[1], **period, "limit": size}
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
