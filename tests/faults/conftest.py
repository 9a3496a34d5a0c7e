"""The platform that the faults are done to: one for all of them, so that each finds what the last one left."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.load import Measured, report
from tests.support.counterparts import SECRET, Receiver
from tests.support.running import Platform, alive


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    """The provider's webhook, which knows a notice that it has had by its id."""
    made = Receiver()
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> AsyncIterator[Platform]:
    """Everything, as a process of its own, with notices that go to the receiver."""
    directory: Path = tmp_path_factory.mktemp("faults")
    running = Platform(
        directory,
        {
            # Two cores run the whole platform and the tests: an idle consumer should not ask a thousand times a second.
            "PRIORAUTH_FETCH_MAX_WAIT_MS": "25",
            "PRIORAUTH_NOTICE_CHANNEL": "webhook",
            "PRIORAUTH_WEBHOOK_URL": f"http://127.0.0.1:{receiver.port}/notices",
            "PRIORAUTH_WEBHOOK_SECRET": SECRET,
            "PRIORAUTH_TRACE_SAMPLE_RATIO": "0",
        },
    )
    try:
        await running.start()
        yield running
        pids = dict(running.run["processes"])
    finally:
        code = await running.stop()
    assert code == 0, running.tail("up")
    assert not [name for name, pid in pids.items() if alive(pid)]


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Measured]]:
    """What each fault cost; kept as ``faults.jsonl`` among the temporary files, and told in ``docs/faults.md``."""
    found: list[Measured] = []
    yield found
    (tmp_path_factory.getbasetemp() / "faults.jsonl").write_text(report(found) + "\n")
