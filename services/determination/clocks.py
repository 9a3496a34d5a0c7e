"""When the time for missing information ends, the case goes to a clinician."""

import asyncio
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.determination.store import Clock, due_clocks, stop_clock
from shared import flow
from shared.case.history import Accepted, History, Proposed
from shared.case.ids import event_id
from shared.case.states import INFORMATION_REQUESTED
from shared.events.model import CaseDetermined
from shared.journal.commands import append_one
from shared.journal.crypto import MasterKey

RATIONALE = "The requested information did not arrive in time."


async def run_clocks(engine: AsyncEngine, master: MasterKey, every_seconds: float) -> None:
    """Looks for ended clocks for ever. Several replicas may do so at once: each clock has its effect once."""
    while True:
        await refer_overdue(engine, master, datetime.now(UTC))
        await asyncio.sleep(every_seconds)


async def refer_overdue(engine: AsyncEngine, master: MasterKey, now: datetime) -> int:
    """Refers each case whose clock ended by ``now``; returns how many clocks were ended."""
    async with engine.connect() as connection:
        clocks = await due_clocks(connection, now)
    for clock in clocks:
        await _refer(engine, master, clock)
    return len(clocks)


async def _refer(engine: AsyncEngine, master: MasterKey, clock: Clock) -> None:
    async def stop(connection: AsyncConnection, _: Accepted) -> None:
        await stop_clock(connection, clock)

    def decide(history: History) -> Proposed | None:
        request = history.latest(*flow.DETERMINATIONS)
        if history.state != INFORMATION_REQUESTED or request is None or request.sequence != clock.sequence:
            return None
        return Proposed(
            flow.CASE_REFERRED,
            CaseDetermined(rationale=RATIONALE),
            {"outcome": "clinical_review", "items": [], "reason": "information_clock"},
        )

    cause = event_id(clock.case_id, clock.sequence)
    history = await append_one(
        engine,
        master,
        clock.case_id,
        decide,
        actor="system:determination",
        consumer="determination.clock",
        causation_id=cause,
        also=stop,
    )
    if not any(isinstance(e, Accepted) for e in history.events):
        # The provider answered in time, or another replica was first: the clock has nothing left to do.
        async with engine.begin() as connection:
            await stop_clock(connection, clock)
