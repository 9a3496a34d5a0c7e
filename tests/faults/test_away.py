"""A server that is away, rather than quickly back: who goes on without it, who says so, and how all of it catches up.

The supervisor is held (SIGSTOP) meanwhile, so that it does not bring the server back.
"""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from tests.faults.load import CASES, Load, Measured, intact
from tests.support.requests import as_body
from tests.support.running import FHIR, Platform, alive
from tests.support.servers import eventually
from tests.support.spine import spine_request

SEEDS = itertools.count(200_000, 1_000)


@asynccontextmanager
async def away(platform: Platform, name: str) -> AsyncIterator[None]:
    """Kills a server; the supervisor starts it again at the end and not before."""
    pid = platform.pid(name)
    platform.kill("supervisor", signal.SIGSTOP)
    try:
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: not alive(pid))
        yield
    finally:
        platform.kill("supervisor", signal.SIGCONT)


async def test_without_kafka_intake_accepts_and_the_cases_go_on_when_it_is_back(
    platform: Platform, measured: list[Measured]
) -> None:
    load = Load(platform, next(SEEDS))
    async with away(platform, "kafka"):
        await load.submit_all()
        assert (len(load.accepted), load.lost, load.refused) == (CASES, 0, [])
        assert await platform.is_ready("intake")
        assert not await platform.is_ready("relay")
        histories = await platform.histories(list(load.accepted))
        assert {len(h) for h in histories.values()} == {1}, "nobody can have been told"
        began = time.monotonic()
    await load.finish()
    measured.append(Measured("Kafka away, from its return", round(time.monotonic() - began, 1), load.lost, 0))
    await intact(platform)


async def test_a_kafka_that_hangs_is_waited_for(platform: Platform, measured: list[Measured]) -> None:
    """Not dead but silent: connections stand and nothing answers."""
    load = Load(platform, next(SEEDS))
    pid = platform.kill("kafka", signal.SIGSTOP)
    try:
        await load.submit_all()
        assert (len(load.accepted), load.lost, load.refused) == (CASES, 0, [])
    finally:
        os.kill(pid, signal.SIGCONT)
    began = time.monotonic()
    await load.finish()
    measured.append(Measured("Kafka hung, from its return", round(time.monotonic() - began, 1), load.lost, 0))
    await intact(platform)


async def test_without_postgresql_intake_says_so_and_takes_the_same_bundle_later(
    platform: Platform, measured: list[Measured]
) -> None:
    load = Load(platform, next(SEEDS))
    async with away(platform, "postgres"):
        headers = {"Content-Type": FHIR, "Prefer": "wait=0"}
        async with httpx.AsyncClient(base_url=platform.base_url, timeout=30) as client:
            body = as_body(spine_request(load.first_seed, load.outcome_of(load.first_seed)))
            answers = await asyncio.gather(
                *(client.post("/fhir/Claim/$submit", content=body, headers=headers) for _ in range(5))
            )
            for answer in answers:
                assert answer.status_code == 503
                assert int(answer.headers["retry-after"]) > 0
                [issue] = answer.json()["issue"]
                assert issue["code"] == "transient"
            view = await client.get("/cases")
            assert view.status_code == 503
            assert view.headers["content-type"] == "application/problem+json"
            assert int(view.headers["retry-after"]) > 0
            assert (await client.get("/livez")).status_code == 200
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/metrics")).status_code == 200
        began = time.monotonic()
    await load.submit_all()
    await load.finish()
    seconds = round(time.monotonic() - began, 1)
    measured.append(Measured("PostgreSQL away, from its return", seconds, load.lost, len(load.refused)))
    assert load.retry_after <= {"5"}
    await intact(platform)
