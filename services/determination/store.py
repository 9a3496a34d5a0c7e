"""SQL of determination: the clocks of requests for information."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.case.history import Accepted
from shared.events.model import CaseDetermined

_START = text(
    """
    INSERT INTO determination_clocks (case_id, sequence, due_at)
    SELECT * FROM unnest(CAST(:case_id AS uuid[]), CAST(:sequence AS integer[]), CAST(:due_at AS timestamptz[]))
    ON CONFLICT DO NOTHING
    """
)
_DUE = text("SELECT case_id, sequence FROM determination_clocks WHERE due_at <= :now ORDER BY due_at LIMIT :limit")
_STOP = text("DELETE FROM determination_clocks WHERE case_id = :case_id AND sequence = :sequence")


@dataclass(frozen=True, slots=True)
class Clock:
    """A request for information whose time has ended: the event of the case that started it."""

    case_id: UUID
    sequence: int


async def start_clocks(connection: AsyncConnection, requested: Sequence[Accepted]) -> None:
    """Starts the clock of each request for information, in one statement."""
    due: list[tuple[UUID, int, datetime]] = [
        (e.case_id, e.sequence, e.data.information_due_at)
        for e in requested
        if isinstance(e.data, CaseDetermined) and e.data.information_due_at is not None
    ]
    if due:
        case_ids, sequences, dates = zip(*due, strict=True)
        await connection.execute(
            _START, {"case_id": list(case_ids), "sequence": list(sequences), "due_at": list(dates)}
        )


async def due_clocks(connection: AsyncConnection, now: datetime, limit: int = 100) -> list[Clock]:
    """The clocks that have ended."""
    return [Clock(row[0], row[1]) for row in await connection.execute(_DUE, {"now": now, "limit": limit})]


async def stop_clock(connection: AsyncConnection, clock: Clock) -> None:
    """Removes a clock."""
    await connection.execute(_STOP, {"case_id": clock.case_id, "sequence": clock.sequence})
