"""Server-sent events (WHATWG HTML, 9.2): a page hears that its case, or any case, has moved, and asks for itself again.

An event carries a number and nothing of the case. Every replica listens to the journal, so it does not matter which
one a browser has reached.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from fastapi import Response
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.store import last_sequences
from shared.journal.listen import listen
from shared.platform.settings import Settings

KEEP_ALIVE_SECONDS: Final = 15.0
LONGEST_SECONDS: Final = 3600.0
"""A stream ends after it and the browser connects anew, with its session looked at again."""
_SAFETY_NET_SECONDS: Final = 1.0
_CALM_SECONDS: Final = 0.25


@dataclass(slots=True, eq=False)
class _Page:
    """An open page. ``case_id`` None is the list, which moves with every commit."""

    case_id: UUID | None
    seen: int
    moved: asyncio.Event = field(default_factory=asyncio.Event)


class Movements:
    """Tells open pages of what is appended, at one query a wake-up for all of them."""

    def __init__(self, reader: AsyncEngine, settings: Settings, stopping: asyncio.Event) -> None:
        self._reader = reader
        self._settings = settings
        self._stopping = stopping
        self._pages: set[_Page] = set()
        self._wake = asyncio.Event()
        self._commits = 1

    async def run(self) -> None:
        """Listens until cancelled."""
        await listen(self._settings, self._heard, self._round)

    async def of(self, case_id: UUID | None, after: int) -> AsyncIterator[int]:
        """The case's last sequence whenever it is beyond ``after`` and what was given; for None, a number a commit.

        Zero means that nothing happened for a while. Ends with the process, or after ``LONGEST_SECONDS``.
        """
        # A list cannot say what it has seen, so it is told at once: what was appended meanwhile is not missed.
        page = _Page(case_id, after if case_id is not None else 0)
        self._pages.add(page)
        self._wake.set()  # Something may have happened between the page and its stream.
        ends = asyncio.get_running_loop().time() + LONGEST_SECONDS
        try:
            while asyncio.get_running_loop().time() < ends:
                moved = await self._either(page)
                if self._stopping.is_set():
                    return
                yield page.seen if moved else 0
        finally:
            self._pages.discard(page)

    async def _either(self, page: _Page) -> bool:
        """Waits for a movement, the end, or the time to say that the stream is alive; whether it was a movement."""
        waits = [asyncio.create_task(page.moved.wait()), asyncio.create_task(self._stopping.wait())]
        try:
            await asyncio.wait(waits, timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        moved = page.moved.is_set()
        page.moved.clear()
        return moved

    def _heard(self, _: list[str]) -> None:
        self._commits += 1
        self._wake.set()

    async def _round(self) -> None:
        # Not wait_for: before Python 3.12 it may lose a cancellation, and the process would not end.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SAFETY_NET_SECONDS):
                await self._wake.wait()
        # Commits come in bursts, one a step of a case: pages that are told of them together are drawn once.
        await asyncio.sleep(_CALM_SECONDS)
        self._wake.clear()
        cases = {page.case_id for page in self._pages if page.case_id is not None}
        if cases:
            async with self._reader.connect() as connection:
                last = await last_sequences(connection, cases)
        else:
            last = {}
        for page in self._pages:
            now = self._commits if page.case_id is None else last.get(page.case_id, page.seen)
            if now > page.seen:
                page.seen = now
                page.moved.set()


def event_stream(movements: AsyncIterator[int]) -> Response:
    """Movements as ``text/event-stream``: ``moved`` events, and comments that keep the connection open."""

    async def lines() -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        async for number in movements:
            yield f"event: moved\nid: {number}\ndata: {number}\n\n" if number else ": alive\n\n"

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(lines(), headers=headers, media_type="text/event-stream")
