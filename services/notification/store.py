"""Due deliveries: one row a notice until it has gone out or been given up. The journal keeps what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.case.history import Accepted
from shared.events.model import NoticePrepared

_SCHEDULE: Final = text(
    """
    INSERT INTO notification_deliveries (notice_id, case_id, sequence, due_at)
    SELECT * FROM unnest(CAST(:notice_id AS uuid[]), CAST(:case_id AS uuid[]), CAST(:sequence AS integer[]),
        CAST(:due_at AS timestamptz[]))
    ON CONFLICT (notice_id) DO NOTHING
    """
)
_CLAIM: Final = text(
    """
    UPDATE notification_deliveries AS d SET due_at = :leased_until
    FROM (
        SELECT notice_id FROM notification_deliveries WHERE due_at <= :now
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE d.notice_id = due.notice_id
    RETURNING d.notice_id, d.case_id, d.sequence, d.attempts
    """
)
_DONE: Final = text("DELETE FROM notification_deliveries WHERE notice_id = ANY(CAST(:notice_ids AS uuid[]))")
_LATER: Final = text(
    """
    UPDATE notification_deliveries AS d SET attempts = r.attempt, due_at = r.due_at
    FROM unnest(CAST(:notice_id AS uuid[]), CAST(:attempt AS integer[]), CAST(:due_at AS timestamptz[]))
        AS r (notice_id, attempt, due_at)
    WHERE d.notice_id = r.notice_id
    """
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery that is due. ``sequence`` is that of its ``notice.prepared``; ``attempts`` counts recorded ones."""

    notice_id: UUID
    case_id: UUID
    sequence: int
    attempts: int


async def schedule(connection: AsyncConnection, appended: Sequence[Accepted]) -> None:
    """Makes each prepared notice due at once, in one statement of the batch's transaction."""
    notices = [(e, e.data) for e in appended if isinstance(e.data, NoticePrepared)]
    if not notices:
        return
    await connection.execute(
        _SCHEDULE,
        {
            "notice_id": [UUID(notice.notice_id) for _, notice in notices],
            "case_id": [event.case_id for event, _ in notices],
            "sequence": [event.sequence for event, _ in notices],
            "due_at": [event.recorded_at for event, _ in notices],
        },
    )


async def claim(connection: AsyncConnection, now: datetime, leased_until: datetime, limit: int) -> list[Delivery]:
    """Takes due deliveries: they fall due again at ``leased_until``, unless what came of them is recorded before.

    Other processes' claims are skipped over, not waited for. The caller commits before it sends, since a transaction
    that stayed open during a send would hold back the relay, which publishes only what is older than every
    transaction still running.
    """
    result = await connection.execute(_CLAIM, {"now": now, "leased_until": leased_until, "limit": limit})
    return [Delivery(*row) for row in result]


async def settle(
    connection: AsyncConnection, done: Sequence[UUID], later: Sequence[tuple[UUID, int, datetime]]
) -> None:
    """Removes deliveries that are done; puts off the others as ``(notice_id, attempts so far, due_at)``."""
    if done:
        await connection.execute(_DONE, {"notice_ids": list(done)})
    if later:
        await connection.execute(
            _LATER,
            {
                "notice_id": [notice_id for notice_id, _, _ in later],
                "attempt": [attempt for _, attempt, _ in later],
                "due_at": [due_at for _, _, due_at in later],
            },
        )
