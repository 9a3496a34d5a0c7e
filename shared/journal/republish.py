"""The journal as messages once more: for a topic that was lost, a new reader, or a system that wants the history.

Each message carries the mark ``replayed``, by which every consumer of the platform knows that it is no news.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.journal.relay import message_of

Message = tuple[str, bytes, bytes, dict[str, str]]
"""Topic, key, value, headers."""

_ROWS = text(
    """
    SELECT case_id, sequence, event_id, type, state_before, state_after, actor, payer, occurred_at, recorded_at,
        traceparent, public
    FROM journal
    WHERE (CAST(:case_id AS uuid) IS NULL OR case_id = CAST(:case_id AS uuid))
        AND (CAST(:since AS timestamptz) IS NULL OR recorded_at >= CAST(:since AS timestamptz))
        AND (CAST(:until AS timestamptz) IS NULL OR recorded_at < CAST(:until AS timestamptz))
    ORDER BY transaction_id, position
    """
)


async def messages_again(
    connection: AsyncConnection,
    *,
    topic: str | None = None,
    case_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    batch: int = 1000,
) -> AsyncIterator[list[Message]]:
    """Batches of messages in the relay's order; all to ``topic``, or each to the topic of its type."""
    parameters = {"case_id": case_id, "since": since, "until": until}
    async with connection.stream(_ROWS, parameters) as result:
        async for rows in result.mappings().partitions(batch):
            made = [message_of(row, row["traceparent"], replayed=True) for row in rows]
            yield [(topic or own, key, value, headers) for own, key, value, headers in made]
