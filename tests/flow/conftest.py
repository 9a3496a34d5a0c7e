"""The platform that the flow's tests share: started once, stopped in order at the end."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.support.collector import Collector
from tests.support.running import Platform, Provider, alive

CLINICIAN_TOKEN = "a-clinicians-token"
MAX_BODY_BYTES = 1_000_000


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where the platform's spans go. It outlives the platform, whose processes send their last spans as they end."""
    with Collector() as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> AsyncIterator[Platform]:
    """Everything, as a process of its own. At the end it must go in order and leave nothing running."""
    directory: Path = tmp_path_factory.mktemp("platform")
    running = Platform(
        directory,
        {
            # Two cores run the whole platform and the tests: an idle consumer should not ask a thousand times a second.
            "PRIORAUTH_FETCH_MAX_WAIT_MS": "25",
            "PRIORAUTH_OTLP_ENDPOINT": collector.url,
            "PRIORAUTH_TRACE_SAMPLE_RATIO": "1",
            "PRIORAUTH_NOTICE_CHANNEL": "maildir",
            "PRIORAUTH_MAILDIR": str(directory / "maildir"),
            "PRIORAUTH_CLINICIAN_TOKENS": f"dr-osei:{CLINICIAN_TOKEN}",
            "PRIORAUTH_MAX_BODY_BYTES": str(MAX_BODY_BYTES),
        },
    )
    try:
        await running.start()
        pids = dict(running.run["processes"])
        yield running
    finally:
        code = await running.stop()
    assert code == 0, running.tail("up")
    assert not [name for name, pid in pids.items() if alive(pid)]
    assert not (directory / "run.json").exists()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def provider(platform: Platform) -> AsyncIterator[Provider]:
    """A provider's client."""
    async with httpx.AsyncClient(base_url=platform.base_url, timeout=60) as client:
        yield Provider(platform, client)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def determination_api(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """The clinicians' commands, with no token yet."""
    async with httpx.AsyncClient(base_url=platform.url("determination"), timeout=30) as client:
        yield client
