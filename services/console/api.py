"""HTTP of the console: lists, a case with its timeline, and counts. It shows nothing of a chart."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Query
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.store import CaseRow, Line, count_cases, list_rows, read_case
from shared.case.states import CANCELLED, STATES
from shared.case.view import OUTCOME_OF_STATE
from shared.platform.http import ProblemError


class Case(BaseModel):
    """A case as it is listed. ``outcome`` is null until there is one; ``overdue`` says that the clock ran out."""

    id: UUID
    state: str
    outcome: str | None
    priority: str
    payer: str
    codes: list[str]
    submitted_at: datetime
    due_at: datetime
    decided_at: datetime | None
    updated_at: datetime
    quarantined: bool
    overdue: bool
    events: int


class Step(BaseModel):
    """An event of a case. ``actor`` is a role: a clinician's id stays in the journal."""

    sequence: int
    type: str
    state_before: str
    state_after: str
    actor: str
    occurred_at: datetime
    recorded_at: datetime
    facts: dict[str, Any]


class CaseWithTimeline(Case):
    """A case and all of its events."""

    timeline: list[Step]


class Page(BaseModel):
    """Cases, newest first; ``next`` is to be given as ``after`` for the page that follows, null at the end."""

    cases: list[Case]
    next: UUID | None


class Summary(BaseModel):
    """Counts of cases. ``overdue`` is by priority."""

    cases: int
    states: dict[str, int]
    overdue: dict[str, int]
    quarantined: int


def add_views(api: FastAPI, engine: AsyncEngine) -> None:
    """Adds the read API."""

    @api.get("/cases", tags=["cases"])
    async def cases(
        state: str | None = None,
        payer: str | None = None,
        quarantined: bool | None = None,
        after: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Page:
        """Cases, newest first, in keyset pages."""
        if state is not None and state not in STATES:
            raise ProblemError(422, f"There is no such state; choose one of {', '.join(STATES)}.")
        async with engine.connect() as connection:
            rows = await list_rows(
                connection, state=state, payer=payer, quarantined=quarantined, after=after, limit=limit + 1
            )
        now = datetime.now(UTC)
        shown = rows[:limit]
        return Page(cases=[listed(row, now) for row in shown], next=shown[-1].case_id if len(rows) > limit else None)

    @api.get("/cases/{case_id}", tags=["cases"])
    async def case(case_id: UUID) -> CaseWithTimeline:
        """A case with its timeline."""
        async with engine.connect() as connection:
            found = await read_case(connection, case_id)
        if found is None:
            raise ProblemError(404, "There is no case with that id.")
        row, lines = found
        shown = listed(row, datetime.now(UTC))
        return CaseWithTimeline(**shown.model_dump(), timeline=[_step(line) for line in lines])

    @api.get("/summary", tags=["cases"])
    async def summary() -> Summary:
        """Cases by state, overdue, and in quarantine."""
        async with engine.connect() as connection:
            counts = await count_cases(connection, datetime.now(UTC))
        return Summary(
            cases=sum(counts.states.values()),
            states={state: counts.states.get(state, 0) for state in STATES},
            overdue=counts.overdue,
            quarantined=counts.quarantined,
        )


def listed(row: CaseRow, now: datetime) -> Case:
    """A row as it is listed at ``now``."""
    return Case(
        id=row.case_id,
        state=row.state,
        outcome=OUTCOME_OF_STATE.get(row.state),
        priority=row.priority,
        payer=row.payer,
        codes=row.codes,
        submitted_at=row.submitted_at,
        due_at=row.due_at,
        decided_at=row.decided_at,
        updated_at=row.updated_at,
        quarantined=row.quarantined,
        overdue=row.decided_at is None and row.state != CANCELLED and row.due_at < now,
        events=row.sequence,
    )


def _step(line: Line) -> Step:
    role = line.actor if line.actor.startswith("system:") else line.actor.partition(":")[0]
    return Step(
        sequence=line.sequence,
        type=line.type,
        state_before=line.state_before,
        state_after=line.state_after,
        actor=role,
        occurred_at=line.occurred_at,
        recorded_at=line.recorded_at,
        facts=line.facts,
    )
