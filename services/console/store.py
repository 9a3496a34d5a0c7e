"""The console's projection: a row a case, made from the journal's public columns and nothing else.

A message says that a case has moved; what the case now is, the journal says. So messages of different topics may come
in any order, late, twice or not at all for a while, and a row is always one that the case's history has had: it moves
forward by ``sequence`` only. Live updates and a rebuild use the same statement.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console.domain.decisions import DECISIONS, REQUESTS, Clocked, Decision, decision_of
from shared import flow

_BEHIND: Final = """
    SELECT m.case_id FROM unnest(CAST(:case_ids AS uuid[]), CAST(:sequences AS integer[])) AS m (case_id, sequence)
    LEFT JOIN console_cases c USING (case_id) WHERE c.sequence IS NULL OR c.sequence < m.sequence
"""
_ALL: Final = "SELECT unnest(CAST(:case_ids AS uuid[])) AS case_id"
_PROJECT: Final = """
    INSERT INTO console_cases AS c (case_id, sequence, state, priority, payer, codes, submitted_at, requested_at, due_at,
        decided_at, updated_at, quarantined)
    SELECT w.case_id, last.sequence, last.state_after, request.public ->> 'priority', last.payer,
        ARRAY(SELECT jsonb_array_elements_text(request.public -> 'codes')), first.occurred_at, request.occurred_at,
        CAST(request.public ->> 'due_at' AS timestamptz), decided.occurred_at, last.recorded_at,
        coalesce(held.type = :quarantined, false)
    FROM ({wanted}) AS w
    JOIN LATERAL (SELECT sequence, state_after, payer, recorded_at FROM journal
        WHERE case_id = w.case_id ORDER BY sequence DESC LIMIT 1) AS last ON true
    JOIN LATERAL (SELECT occurred_at FROM journal WHERE case_id = w.case_id ORDER BY sequence LIMIT 1) AS first ON true
    JOIN LATERAL (SELECT sequence, occurred_at, CAST(public AS jsonb) AS public FROM journal
        WHERE case_id = w.case_id AND type = ANY(:requests) ORDER BY sequence DESC LIMIT 1) AS request ON true
    LEFT JOIN LATERAL (SELECT occurred_at FROM journal
        WHERE case_id = w.case_id AND type = ANY(:decisions) AND sequence > request.sequence
        ORDER BY sequence LIMIT 1) AS decided ON true
    LEFT JOIN LATERAL (SELECT type FROM journal
        WHERE case_id = w.case_id AND type IN (:quarantined, :redriven)
        ORDER BY sequence DESC LIMIT 1) AS held ON true
    ORDER BY w.case_id
    ON CONFLICT (case_id) DO UPDATE SET sequence = EXCLUDED.sequence, state = EXCLUDED.state,
        priority = EXCLUDED.priority, payer = EXCLUDED.payer, codes = EXCLUDED.codes,
        submitted_at = EXCLUDED.submitted_at, requested_at = EXCLUDED.requested_at, due_at = EXCLUDED.due_at,
        decided_at = EXCLUDED.decided_at, updated_at = EXCLUDED.updated_at, quarantined = EXCLUDED.quarantined
    WHERE c.sequence {forward} EXCLUDED.sequence
    RETURNING old.decided_at, c.state, c.priority, c.requested_at, c.due_at, c.decided_at
"""
_FOLLOW: Final = text(_PROJECT.format(wanted=_BEHIND, forward="<"))
_REBUILD: Final = text(_PROJECT.format(wanted=_ALL, forward="<="))
_TYPES: Final = {
    "requests": list(REQUESTS),
    "decisions": list(DECISIONS),
    "quarantined": flow.CASE_QUARANTINED,
    "redriven": flow.CASE_REDRIVEN,
}
_PAGE: Final = text("SELECT case_id FROM journal WHERE sequence = 1 AND case_id > :after ORDER BY case_id LIMIT :limit")
_FORGET: Final = text(
    "DELETE FROM console_cases c WHERE NOT EXISTS (SELECT FROM journal j WHERE j.case_id = c.case_id AND j.sequence = 1)"
)
_ROW: Final = """
    SELECT case_id, sequence, state, priority, payer, codes, submitted_at, requested_at, due_at, decided_at, updated_at,
        quarantined
    FROM console_cases
"""
_ONE: Final = text(_ROW + "WHERE case_id = :case_id")
_TIMELINE: Final = text(
    """
    SELECT sequence, type, state_before, state_after, actor, occurred_at, recorded_at, CAST(public AS jsonb)
    FROM journal WHERE case_id = :case_id ORDER BY sequence
    """
)
_LAST: Final = text(
    "SELECT case_id, max(sequence) FROM journal WHERE case_id = ANY(CAST(:case_ids AS uuid[])) GROUP BY case_id"
)
_TRACE: Final = text("SELECT traceparent FROM journal WHERE case_id = :case_id AND sequence = 1")
_COUNTS: Final = text("SELECT state, count(*) FROM console_cases GROUP BY state")
_OVERDUE: Final = text(
    """
    SELECT priority, count(*) FROM console_cases
    WHERE decided_at IS NULL AND state <> 'cancelled' AND due_at < :now GROUP BY priority
    """
)
_QUARANTINED: Final = text("SELECT count(*) FROM console_cases WHERE quarantined")


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as the console lists it. ``sequence`` is the last event that the row knows of."""

    case_id: UUID
    sequence: int
    state: str
    priority: str
    payer: str
    codes: list[str]
    submitted_at: datetime
    requested_at: datetime
    due_at: datetime
    decided_at: datetime | None
    updated_at: datetime
    quarantined: bool


@dataclass(frozen=True, slots=True)
class Line:
    """An event of a case's timeline. ``facts`` are the public ones: codes, outcomes, counts."""

    sequence: int
    type: str
    state_before: str
    state_after: str
    actor: str
    occurred_at: datetime
    recorded_at: datetime
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many cases there are in each state, past their due time by priority, and in quarantine."""

    states: dict[str, int]
    overdue: dict[str, int]
    quarantined: int


async def follow(connection: AsyncConnection, moved: dict[UUID, int]) -> list[Decision]:
    """Brings cases' rows up to the journal where they are behind the given sequences; returns first decisions."""
    result = await connection.execute(_FOLLOW, {"case_ids": list(moved), "sequences": list(moved.values()), **_TYPES})
    return [d for before, *row in result if (d := decision_of(before, Clocked(*row))) is not None]


async def rebuild(engine: AsyncEngine, batch: int = 1000) -> int:
    """Makes every row anew from the journal and removes rows of cases that it does not have; returns the cases.

    It works in place, a transaction a batch: the console answers meanwhile, the live consumer may go on, and a rebuild
    that was interrupted is simply run again.
    """
    cases, after = 0, UUID(int=0)
    while True:
        async with engine.begin() as connection:
            page = (await connection.execute(_PAGE, {"after": after, "limit": batch})).scalars().all()
            if not page:
                await connection.execute(_FORGET)
                return cases
            await connection.execute(_REBUILD, {"case_ids": list(page), **_TYPES})
        after = page[-1]
        cases += len(page)


async def list_rows(
    connection: AsyncConnection,
    *,
    state: str | None = None,
    payer: str | None = None,
    quarantined: bool | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[CaseRow]:
    """A keyset page, newest case first; ``after`` is the last case of the page before."""
    # Only the conditions that are asked for stand in the statement, so that each has its index.
    given: dict[str, object] = {"state": state, "payer": payer, "quarantined": quarantined}
    conditions = [f"{name} = :{name}" for name, value in given.items() if value is not None and name != "quarantined"]
    if quarantined is not None:
        conditions.append("quarantined" if quarantined else "NOT quarantined")
    if after is not None:
        conditions.append("case_id < :after")
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    values = {name: value for name, value in given.items() if f":{name}" in where}
    values |= {"after": after} if after is not None else {}
    result = await connection.execute(
        text(f"{_ROW}{where}ORDER BY case_id DESC LIMIT :limit"), {**values, "limit": limit}
    )
    return [CaseRow(*row) for row in result]


async def read_case(connection: AsyncConnection, case_id: UUID) -> tuple[CaseRow, list[Line]] | None:
    """A case's row and its timeline, or None where the projection does not have it (yet)."""
    row = (await connection.execute(_ONE, {"case_id": case_id})).first()
    if row is None:
        return None
    return CaseRow(*row), [Line(*line) for line in await connection.execute(_TIMELINE, {"case_id": case_id})]


async def last_sequences(connection: AsyncConnection, case_ids: Collection[UUID]) -> dict[UUID, int]:
    """How far each case has come in the journal itself, which is ahead of the projection."""
    rows = await connection.execute(_LAST, {"case_ids": list(case_ids)})
    return {row[0]: row[1] for row in rows}


async def trace_of(connection: AsyncConnection, case_id: UUID) -> str | None:
    """The id of the trace that a case's request began (32 hex digits); None where it has none, or there is no such case."""
    traceparent = (await connection.execute(_TRACE, {"case_id": case_id})).scalar_one_or_none()
    return str(traceparent).split("-")[1] if traceparent else None


async def count_cases(connection: AsyncConnection, now: datetime) -> Counts:
    """Counts over the projection. States are counted over all rows: about 0.1 s a million cases."""
    states = {row[0]: row[1] for row in await connection.execute(_COUNTS)}
    overdue = {row[0]: row[1] for row in await connection.execute(_OVERDUE, {"now": now})}
    quarantined = (await connection.execute(_QUARANTINED)).scalar_one()
    return Counts(states, overdue, quarantined)
