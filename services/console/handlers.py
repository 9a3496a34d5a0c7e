"""Every event in; the console's projection and its metrics out. It appends nothing."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, get_args
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.domain.decisions import Decision
from services.console.store import Counts, count_cases, follow
from shared import flow
from shared.case.clocks import Priority
from shared.case.states import STATES
from shared.events.envelope import EventMessage
from shared.platform import telemetry
from shared.platform.database import is_unavailable
from shared.platform.logs import get_logger

log = get_logger()

SERVICE: Final = flow.CONSOLE.name
REFRESH_SECONDS: Final = 15.0
_GATHER_SECONDS: Final = 0.05
_GATHER_BELOW: Final = 100
_FIRST_WAIT: Final = 0.05
_LONGEST_WAIT: Final = 5.0


class Projector:
    """Keeps the projection up with the messages."""

    def __init__(self, engine: AsyncEngine, *, gather_seconds: float = _GATHER_SECONDS) -> None:
        self._engine = engine
        self._gather = gather_seconds

    async def consume(self, messages: Sequence[EventMessage]) -> None:
        """Returns when every case of the batch has been brought up to date; waits while the database is away.

        A small batch waits a moment first. Most cases pass through all of their states within it, so that one look at
        the journal serves for several messages; the rest are then found to be old news. Under load batches are full
        and nothing waits.
        """
        if not messages:
            return
        telemetry.BATCH_SIZE.labels(SERVICE).observe(len(messages))
        if len(messages) < _GATHER_BELOW:
            await asyncio.sleep(self._gather)
        moved: dict[UUID, int] = {}
        for message in messages:
            moved[message.case_id] = max(message.sequence, moved.get(message.case_id, 0))
        with telemetry.BATCH_SECONDS.labels(SERVICE).time():
            await self._follow(moved)
        telemetry.MESSAGES_HANDLED.labels(SERVICE, "projected").inc(len(messages))

    async def _follow(self, moved: dict[UUID, int]) -> None:
        wait = _FIRST_WAIT
        while True:
            try:
                async with self._engine.begin() as connection:
                    decisions = await follow(connection, moved)
            except Exception as error:
                if not is_unavailable(error):
                    await self._one_by_one(moved, error)
                    return
                telemetry.HANDLER_RETRIES.labels(SERVICE).inc()
                log.warning("database away, waiting", seconds=wait, exc_info=error)
            else:
                observe(decisions)
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _one_by_one(self, moved: dict[UUID, int], error: Exception) -> None:
        """A case whose public facts cannot be projected is left out and logged; it holds up no other.

        The journal still has it, so ``priorauth console rebuild`` brings it in once the code can read it.
        """
        if len(moved) > 1:
            for case_id, sequence in moved.items():
                await self._follow({case_id: sequence})
            return
        case_id = next(iter(moved))
        log.error("case cannot be projected", case_id=str(case_id), exc_info=error)
        telemetry.MESSAGES_HANDLED.labels(SERVICE, "unprojected").inc()


def observe(decisions: Sequence[Decision]) -> None:
    """Measures first decisions against their clocks."""
    for decision in decisions:
        telemetry.DECISION_SECONDS.labels(decision.priority, decision.outcome).observe(decision.seconds)
        if decision.late:
            telemetry.DECISIONS_LATE.labels(decision.priority).inc()


async def watch_counts(engine: AsyncEngine, every_seconds: float = REFRESH_SECONDS) -> None:
    """Sets the gauges of cases for ever."""
    while True:
        try:
            async with engine.connect() as connection:
                publish(await count_cases(connection, datetime.now(UTC)))
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("database away, counts are old", exc_info=error)
        await asyncio.sleep(every_seconds)


def publish(counts: Counts) -> None:
    """Sets the gauges; a state or priority without cases is zero, not absent."""
    for state in STATES:
        telemetry.CASES_BY_STATE.labels(state).set(counts.states.get(state, 0))
    for priority in get_args(Priority):
        telemetry.CASES_OVERDUE.labels(priority).set(counts.overdue.get(priority, 0))
    telemetry.CASES_IN_QUARANTINE.set(counts.quarantined)
