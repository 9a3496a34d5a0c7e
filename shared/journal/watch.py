"""Waiting for a case's determination: woken by NOTIFY, one query for everyone who waits."""

import asyncio
import contextlib
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import flow
from shared.journal.listen import listen
from shared.platform.settings import Settings

ENDS_WAITING = frozenset({*flow.DETERMINATIONS, flow.CASE_CANCELLED, flow.CASE_QUARANTINED})
_LAST = text(
    """
    SELECT case_id, max(sequence) FROM journal
    WHERE case_id = ANY(CAST(:case_ids AS uuid[])) AND type = ANY(CAST(:types AS text[])) GROUP BY case_id
    """
)
_SAFETY_NET_SECONDS = 0.5


class DeterminationWatch:
    """Lets many callers wait for determinations at the cost of one query a wake-up."""

    def __init__(self, engine: AsyncEngine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._waiting: dict[UUID, list[tuple[int, asyncio.Event]]] = {}
        self._wake = asyncio.Event()

    async def wait(self, case_id: UUID, after: int, seconds: float, *, maybe_there: bool) -> bool:
        """Whether an event that ends the waiting came after ``sequence`` ``after``, within ``seconds``.

        ``maybe_there`` says that it may have come before this call, as for a request that is sent again.
        """
        done = asyncio.Event()
        entry = (after, done)
        self._waiting.setdefault(case_id, []).append(entry)
        if maybe_there:
            self._wake.set()
        try:
            await asyncio.wait_for(done.wait(), seconds)
        except TimeoutError:
            return False
        else:
            return True
        finally:
            entries = self._waiting[case_id]
            entries.remove(entry)
            if not entries:
                del self._waiting[case_id]

    async def run(self) -> None:
        """Listens until cancelled; connects again where the database went away."""
        await listen(self._settings, self._heard, self._round)

    def _heard(self, types: list[str]) -> None:
        if not ENDS_WAITING.isdisjoint(types):
            self._wake.set()

    async def _round(self) -> None:
        # Not wait_for: before Python 3.12 it may lose a cancellation, and the process would not end.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SAFETY_NET_SECONDS):
                await self._wake.wait()
        self._wake.clear()
        if not self._waiting:
            return
        async with self._engine.connect() as connection:
            parameters = {"case_ids": list(self._waiting), "types": sorted(ENDS_WAITING)}
            rows = (await connection.execute(_LAST, parameters)).all()
        for case_id, sequence in rows:
            for after, done in self._waiting.get(case_id, ()):
                if sequence > after:
                    done.set()
