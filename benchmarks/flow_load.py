"""The flow under load: a backlog of cases from their submission to the prepared notice, and requests over HTTP."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from benchmarks.http_client import HttpClient
from benchmarks.measure import cpu_by_process, cpu_since
from benchmarks.stack import BenchmarkError, Stack
from benchmarks.workload import request_body
from services.intake.domain.pas_request import read_request
from services.intake.store import Submission, Submissions
from shared import flow
from shared.journal.crypto import MasterKey
from shared.platform.database import make_engine

STEPS: Final = (flow.CRITERIA_EVALUATED, flow.EVIDENCE_ATTACHED, flow.CASE_APPROVED, flow.NOTICE_PREPARED)
"""The transitions of an approved case after its submission."""

_POLL_SECONDS = 0.05
_GIVE_UP_SECONDS = 180.0
_LAST = "SELECT coalesce(last_value, 0) FROM pg_sequences WHERE sequencename = 'journal_position_seq'"
_COUNTS = """
    SELECT type, count(*) FROM journal
    WHERE (transaction_id, position) > ($1::bigint::text::xid8, $2::bigint) GROUP BY type
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the journal: everything after it is new."""

    transaction_id: int
    position: int


@dataclass(frozen=True, slots=True)
class FlowRun:
    """A backlog that was worked off. CPU is in seconds by process."""

    cases: int
    seconds: float
    cpu: dict[str, float]

    @property
    def cases_per_second(self) -> float:
        """From the relay's start to the last notice."""
        return self.cases / self.seconds

    @property
    def transitions_per_second(self) -> float:
        """Journal rows that were appended in that time; the submissions are not among them."""
        return self.cases * len(STEPS) / self.seconds

    @property
    def cpu_ms_per_case(self) -> float:
        """Of all processes together."""
        return sum(self.cpu.values()) * 1000 / self.cases


async def run_backlog(stack: Stack, first_seed: int, cases: int, *, with_notes: bool) -> FlowRun:
    """Holds the relay, fills the journal through intake's own code, lets the relay go, and waits for the last notice.

    Raises:
        BenchmarkError: a case had another end than approval and a notice, or it took too long.
    """
    async with _database(stack) as database:
        stack.hold_relay()
        await _fill(stack, range(first_seed, first_seed + cases), with_notes=with_notes)
        start = await _mark(database)
        before = cpu_by_process(stack.pids)
        began = time.perf_counter()
        stack.release_relay()
        await _until_notified(stack, database, start, cases)
        seconds = time.perf_counter() - began
        cpu = cpu_since(stack.pids, before)
        counts = {row[0]: row[1] for row in await database.fetch(_COUNTS, start.transaction_id, start.position)}
    if counts != dict.fromkeys(STEPS, cases):
        raise BenchmarkError(f"Not every case was approved and notified: {counts}.")
    return FlowRun(cases, seconds, cpu)


async def warm_up(stack: Stack, first_seed: int, cases: int, *, with_notes: bool) -> None:
    """Lets every process see some cases first, as a service that has run for a minute has."""
    await run_backlog(stack, first_seed, cases, with_notes=with_notes)


async def measure_latency(stack: Stack, first_seed: int, rate: float, seconds: float) -> list[float]:
    """Milliseconds from when each request was due, ``rate`` a second, to its answer with the determination.

    Raises:
        BenchmarkError: an answer came without a determination.
    """
    bodies = [request_body(first_seed + n, with_note=False) for n in range(int(rate * seconds))]
    async with HttpClient(stack.intake_port, {"Prefer": "wait=10"}) as client:
        began = time.perf_counter() + 0.05

        async def one(number: int, body: bytes) -> float:
            due = began + number / rate
            await asyncio.sleep(due - time.perf_counter())
            answer = await client.submit(body)
            elapsed = time.perf_counter() - due
            if b'"A1"' not in answer:
                raise BenchmarkError("A request was answered without its approval.")
            return elapsed * 1000

        return list(await asyncio.gather(*(one(n, body) for n, body in enumerate(bodies))))


async def measure_submissions(stack: Stack, first_seed: int, requests: int, concurrency: int) -> float:
    """Accepted submissions a second with ``concurrency`` clients that do not wait for the determination.

    The rest of the flow works on the cases meanwhile; returns when the last has its notice.
    """
    bodies = iter([request_body(first_seed + n, with_note=False) for n in range(requests)])
    async with _database(stack) as database, HttpClient(stack.intake_port, {"Prefer": "wait=0"}) as client:
        start = await _mark(database)
        began = time.perf_counter()

        async def worker() -> None:
            for body in bodies:
                await client.submit(body)

        await asyncio.gather(*(worker() for _ in range(concurrency)))
        seconds = time.perf_counter() - began
        await _until_notified(stack, database, start, requests, steps=len(STEPS) + 1)
    return requests / seconds


async def sample_rows(stack: Stack) -> list[dict[str, Any]]:
    """One journal row of each step, for the baselines that write rows of the same size."""
    async with _database(stack) as database:
        rows = [
            await database.fetchrow("SELECT * FROM journal WHERE type = $1 ORDER BY position DESC LIMIT 1", step)
            for step in STEPS
        ]
    if None in rows:
        raise BenchmarkError("The journal lacks a step of the flow.")
    return [dict(row) for row in rows]


async def _fill(stack: Stack, seeds: Sequence[int], *, with_notes: bool) -> None:
    settings = stack.settings
    if settings.master_key is None:
        raise BenchmarkError("The stack has no master key.")
    engine = make_engine(settings)
    try:
        submissions = Submissions(engine, MasterKey(settings.master_key.get_secret_value(), settings.master_key_id))
        for offset in range(0, len(seeds), settings.batch_size):
            batch = [
                Submission(
                    read_request(request_body(seed, with_note=with_notes), datetime.now(UTC)), _traceparent(seed)
                )
                for seed in seeds[offset : offset + settings.batch_size]
            ]
            await submissions.write(batch)
    finally:
        await engine.dispose()


def _traceparent(seed: int) -> str:
    """The trace that intake would have begun: one in a hundred is sampled, as shipped."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-{'01' if seed % 100 == 0 else '00'}"


async def _until_notified(stack: Stack, database: Any, start: Mark, cases: int, steps: int = len(STEPS)) -> None:
    """Looks at the journal's sequence alone until enough rows are there, then counts the notices themselves."""
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while True:
        if await database.fetchval(_LAST) >= start.position + cases * steps:
            rows = await database.fetch(_COUNTS, start.transaction_id, start.position)
            if {row[0]: row[1] for row in rows}.get(flow.NOTICE_PREPARED, 0) >= cases:
                return
        stack.check_alive()
        if time.monotonic() > deadline:
            rows = await database.fetch(_COUNTS, start.transaction_id, start.position)
            raise BenchmarkError(f"The flow did not end in time; it has {[tuple(row) for row in rows]}.")
        await asyncio.sleep(_POLL_SECONDS)


async def _mark(database: Any) -> Mark:
    row = await database.fetchrow(
        "SELECT transaction_id::text::bigint, position FROM journal ORDER BY transaction_id DESC, position DESC LIMIT 1"
    )
    return Mark(row[0], row[1]) if row is not None else Mark(0, 0)


@asynccontextmanager
async def _database(stack: Stack) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(stack.database_url)
    try:
        yield connection
    finally:
        await connection.close()
