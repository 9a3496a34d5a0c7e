"""kill -9 of each process with two hundred cases under way: no transition is lost, none is made twice."""

import itertools
import signal
from typing import Any

import pytest

from shared import flow
from tests.faults.load import Measured, under_load
from tests.support.counterparts import Receiver
from tests.support.running import Platform, alive
from tests.support.servers import eventually

SEEDS = itertools.count(100_000, 1_000)
PROCESSES = (*flow.PROCESSES, "kafka", "postgres")


@pytest.mark.parametrize("name", PROCESSES)
async def test_a_killed_process_loses_and_doubles_nothing(
    platform: Platform, measured: list[Measured], name: str
) -> None:
    killed: list[int] = []
    measured.append(
        await under_load(platform, f"kill -9 {name}", next(SEEDS), lambda: killed.append(platform.kill(name)))
    )
    await eventually(lambda: platform.pid(name) not in killed)
    assert not alive(killed[0])
    if name in platform.run["urls"]:
        await eventually(lambda: platform.is_ready(name), 60, interval=0.2)


async def test_a_killed_supervisor_takes_all_down_and_the_next_one_goes_on(
    platform: Platform, measured: list[Measured]
) -> None:
    before = dict(platform.run["processes"])

    async def kill_and_start_again() -> None:
        platform.kill("supervisor")
        assert platform.process is not None
        assert await platform.process.wait() == -signal.SIGKILL
        await platform.start()

    measured.append(await under_load(platform, "kill -9 supervisor, `up` again", next(SEEDS), kill_and_start_again))
    after: dict[str, Any] = platform.run["processes"]
    assert not set(before.values()) & set(after.values())
    assert not [name for name, pid in before.items() if alive(pid)]


async def test_an_orderly_end_under_load_loses_nothing(platform: Platform, measured: list[Measured]) -> None:
    async def stop_and_start_again() -> None:
        assert await platform.stop() == 0
        await platform.start()

    measured.append(await under_load(platform, "SIGTERM, `up` again", next(SEEDS), stop_and_start_again))


async def test_after_all_of_it_the_audit_finds_nothing_and_every_notice_went_out(
    platform: Platform, receiver: Receiver, measured: list[Measured]
) -> None:
    """Notices that were being sent when a process was killed go out when their lease has run out."""

    async def all_delivered() -> bool:
        rows = await platform.fetch("SELECT count(*) FROM notification_deliveries")
        return bool(rows[0][0] == 0)

    await eventually(all_delivered, 120, interval=0.5)
    rows = await platform.fetch(
        "SELECT case_id, count(*) FILTER (WHERE type LIKE 'notice.prepared%') AS prepared, "
        "count(*) FILTER (WHERE type LIKE 'notice.delivered%') AS delivered FROM journal GROUP BY case_id"
    )
    assert [dict(r) for r in rows if (r["prepared"], r["delivered"]) != (1, 1)] == []
    assert len(set(receiver.taken())) == len(rows), "each notice arrived, any repetition under the same id"

    verified = await platform.priorauth("audit", "verify", "--json")
    assert verified.code == 0, verified.stderr
    assert verified.json()["intact"]
    assert verified.json()["cases"] == len(rows)
    replayed = await platform.priorauth("audit", "replay", "--json")
    assert replayed.code == 0, replayed.stderr + replayed.stdout[:2000]
    assert (replayed.json()["same"], replayed.json()["different"]) == (len(rows), 0)
