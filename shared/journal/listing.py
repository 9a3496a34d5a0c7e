"""Lists of cases straight from the journal, in keyset pages."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_LIST = text(
    """
    SELECT s.case_id, l.state_after, s.payer, s.occurred_at, s.public, l.sequence, l.recorded_at
    FROM journal s
    CROSS JOIN LATERAL (
        SELECT state_after, sequence, recorded_at FROM journal WHERE case_id = s.case_id
        ORDER BY sequence DESC LIMIT 1) l
    WHERE s.sequence = 1 AND s.case_id > CAST(:after AS uuid)
        AND (CAST(:state AS text) IS NULL OR l.state_after = CAST(:state AS text))
    ORDER BY s.case_id LIMIT :limit
    """
)
_FIRST = UUID(int=0)
# Who asks for an id that never was must not be told that it was archived: a case has its key, or its erasure in the table.
_ARCHIVED = text(
    """
    SELECT EXISTS (SELECT FROM journal_archives WHERE :case_id BETWEEN first_case AND last_case)
        AND (EXISTS (SELECT FROM case_keys WHERE case_id = :case_id)
            OR EXISTS (SELECT FROM journal WHERE case_id = :case_id))
    """
)


async def list_cases(
    connection: AsyncConnection, *, state: str | None = None, after: UUID | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Cases after ``after`` in order of their ids, which is the order of their arrival."""
    result = await connection.execute(_LIST, {"after": after or _FIRST, "state": state, "limit": limit})
    cases = []
    for case_id, state_after, payer, submitted_at, public, sequence, changed_at in result:
        request = json.loads(public)
        cases.append(
            {
                "id": str(case_id),
                "state": state_after,
                "priority": request["priority"],
                "payer": payer,
                "submitted_at": submitted_at.isoformat(),
                "due_at": request["due_at"],
                "codes": request["codes"],
                "events": sequence,
                "changed_at": changed_at.isoformat(),
            }
        )
    return cases


async def is_archived(connection: AsyncConnection, case_id: UUID) -> bool:
    """Whether the beginning of a case that the table does not have lies in an archive."""
    return bool(await connection.scalar(_ARCHIVED, {"case_id": case_id}))
