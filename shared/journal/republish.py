"""The journal as messages once more: for a topic that was lost, a new reader, or a system that wants the history.

Each message carries the mark ``replayed``, by which every consumer of the platform knows that it is no news.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.journal.archives import Archives
from shared.journal.relay import message_of
from shared.journal.spans import span_of

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
    archives: Archives | None = None,
    batch: int = 1000,
) -> AsyncIterator[list[Message]]:
    """Batches of messages, all to ``topic``, or each to the topic of its type.

    What was archived comes first, case by case, and then the table in the relay's order. So the events of a case, which
    have one key and lie in one partition of a topic, are always in their order.

    Raises:
        ArchiveError: an archive is damaged.
    """
    rows: list[Mapping[str, Any]] = []
    for row in archives.rows(*span_of(case_id)) if archives is not None else ():
        if (since is None or row.recorded_at >= since) and (until is None or row.recorded_at < until):
            rows.append(row._asdict())
        if len(rows) == batch:
            yield _messages(rows, topic)
            rows = []
    if rows:
        yield _messages(rows, topic)
    parameters = {"case_id": case_id, "since": since, "until": until}
    async with connection.stream(_ROWS, parameters) as result:
        async for part in result.mappings().partitions(batch):
            yield _messages(part, topic)


def _messages(rows: Sequence[Any], topic: str | None) -> list[Message]:
    made = [message_of(row, row["traceparent"], replayed=True) for row in rows]
    return [(topic or own, key, value, headers) for own, key, value, headers in made]
