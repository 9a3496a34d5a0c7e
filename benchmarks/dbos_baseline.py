"""DBOS Transact with as many durable steps a case, on the same PostgreSQL server in a database of its own.

DBOS keeps the workflow's start and result and each step's result; the flow keeps a submission and its transitions. So
a workflow has one step for each transition, its start stands for the submission, and every stored value has the size
of the journal row in its place. The steps do nothing else. Workflows are asynchronous and LISTEN/NOTIFY is on.

Run as a program, it is the DBOS application: an order in JSON on standard input, seconds in JSON on standard output.
"""

import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

import asyncpg

from benchmarks.stack import ROOT, BenchmarkError, Stack

Mode = Literal["queued", "direct"]
DATABASE: Final = "dbos"
CONCURRENCY: Final[dict[Mode, int]] = {"queued": 50, "direct": 16}
"""Chosen by trial on two cores: more at once gave no more cases a second beyond the noise, in the queue or directly."""

_POLLING_SECONDS: Final = 0.1
"""How often DBOS looks for queued work. Its default of 1 s leaves the workers idle; less loads the database."""
_GIVE_UP_SECONDS = 120.0
_DONE = "SELECT count(*) FROM dbos.workflow_status WHERE queue_name = $1 AND status = 'SUCCESS'"
_SPAN = """
    SELECT min(started_at_epoch_ms), max(updated_at) FROM dbos.workflow_status
    WHERE queue_name = $1 AND status = 'SUCCESS'
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What the DBOS application is asked to run. Sizes are in bytes."""

    url: str
    mode: Mode
    cases: int
    input_size: int
    step_sizes: tuple[int, ...]


async def run_dbos(stack: Stack, mode: Mode, cases: int, input_size: int, step_sizes: Sequence[int]) -> float:
    """Cases a second.

    Raises:
        BenchmarkError: DBOS failed or took too long.
    """
    await _make_database(stack)
    url = stack.database_url.rpartition("/")[0] + f"/{DATABASE}"
    order = Order(url, mode, cases, input_size, tuple(step_sizes))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.dbos_baseline",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_GIVE_UP_SECONDS):
            output, errors = await process.communicate(json.dumps(asdict(order)).encode())
    except TimeoutError as error:
        raise BenchmarkError(f"DBOS did not finish {cases} cases in {_GIVE_UP_SECONDS:g} s.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise BenchmarkError(f"DBOS failed: {errors.decode(errors='replace')[-2000:]}")
    seconds: float = json.loads(output.splitlines()[-1])["seconds"]
    return cases / seconds


async def _make_database(stack: Stack) -> None:
    connection = await asyncpg.connect(stack.database_url)
    try:
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()


def _serve(order: Order) -> float:
    """Runs an order in this process; returns seconds."""
    from dbos import DBOS, DBOSConfig

    results = [_text(size) for size in order.step_sizes]

    async def read(step: int) -> str:
        return results[step]

    transition = DBOS.step()(read)

    async def case(request: str) -> int:
        for step in range(len(results)):
            await transition(step)
        return len(request)

    workflow = DBOS.workflow()(case)
    config = DBOSConfig(
        name="benchmark",
        system_database_url=order.url,
        sys_db_pool_size=CONCURRENCY["direct"] + 4,
        use_listen_notify=True,
        enable_otlp=False,
        log_level="ERROR",
    )
    requests = [_text(order.input_size) for _ in range(order.cases)]
    DBOS(config=config)
    DBOS.launch()

    async def direct(bodies: Sequence[str]) -> float:
        gate = asyncio.Semaphore(CONCURRENCY["direct"])

        async def one(body: str) -> None:
            async with gate:
                await workflow(body)

        began = time.perf_counter()
        await asyncio.gather(*(one(body) for body in bodies))
        return time.perf_counter() - began

    async def queued() -> float:
        """From when DBOS took the first workflow from the queue to the end of the last, by its own records."""
        queue = f"queue-{time.time_ns()}"
        for body in requests:
            await DBOS.enqueue_workflow_async(queue, workflow, body)
        # The queue is declared once it is full, so that the backlog is there before the work begins.
        await DBOS.register_queue_async(
            queue, worker_concurrency=CONCURRENCY["queued"], polling_interval_sec=_POLLING_SECONDS
        )
        return await _until_done(order, queue)

    async def run() -> float:
        await direct(requests[:20])  # Prepares connections, statements and threads.
        return await (direct(requests) if order.mode == "direct" else queued())

    try:
        return asyncio.run(run())
    finally:
        DBOS.destroy()


async def _until_done(order: Order, queue: str) -> float:
    connection = await asyncpg.connect(order.url)
    try:
        done = 0
        while done < order.cases:
            await asyncio.sleep(0.1)
            done = await connection.fetchval(_DONE, queue)
        first, last = await connection.fetchrow(_SPAN, queue)
    finally:
        await connection.close()
    return (int(last) - int(first)) / 1000


def _text(size: int) -> str:
    """Text that does not compress, as ciphertext does not."""
    return base64.b64encode(os.urandom(size))[:size].decode()


def main() -> None:
    """Reads an order, runs it, writes the seconds."""
    order = Order(**json.loads(sys.stdin.read()))
    print(json.dumps({"seconds": _serve(order)}), flush=True)


if __name__ == "__main__":
    main()
