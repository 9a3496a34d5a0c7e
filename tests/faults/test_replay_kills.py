"""kill -9 of a replay and of its processes: it goes on from its file and ends with what a run without a break finds."""

import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.platform.database import make_engine
from shared.platform.settings import with_driver
from tests.faults.test_audit_kills import KEY
from tests.support.console import APPROVED, ASKED, Workshop
from tests.support.consuming import MASTER, settings_of
from tests.support.killing import Killable
from tests.support.servers import eventually, execute, fresh_database

CASES = 40
ALTERED = (
    "UPDATE journal SET public = '{}' WHERE case_id = (SELECT min(case_id::text)::uuid FROM journal) AND sequence = 2"
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(postgres: str, migrated_template: str) -> AsyncIterator[str]:
    """Cases of two payers that the services' own code has answered; what was stored of one was changed since."""
    async with fresh_database(postgres, migrated_template) as url:
        engine, owner = make_engine(settings_of(url)), create_async_engine(with_driver(url))
        workshop = Workshop(engine, MASTER)
        for number in range(CASES):
            body = json.loads((APPROVED if number % 4 else ASKED).read_text())
            body["identifier"]["value"] = f"replay-{number}"
            await workshop.finish(await workshop.submit(json.dumps(body).encode()))
        async with owner.begin() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            await connection.execute(text(ALTERED))
            await connection.execute(
                text("UPDATE journal SET payer = 'Other' WHERE case_id IN (SELECT case_id FROM journal LIMIT 1)")
            )
        await engine.dispose()
        await owner.dispose()
        yield url


def replaying(database: str, *options: str) -> Killable:
    return Killable(database, "audit", "replay", "--json", *options, env=KEY)


async def ended(command: Killable) -> dict[str, Any]:
    await command.start()
    code, err = await command.end()
    # 1: the altered event is a difference.
    assert (code, "Traceback" in err) == (1, False), err
    found: dict[str, Any] = json.loads(command.output)
    return {name: value for name, value in found.items() if name not in ("seconds", "events_per_second")}


async def test_however_many_processes_replay_they_find_the_same(database: str) -> None:
    alone = await ended(replaying(database, "--jobs", "1"))
    assert (alone["cases"], alone["different"]) == (CASES, 1)
    assert alone["differences"][0]["paths"] == ["public"]
    assert await ended(replaying(database, "--jobs", "3", "--slice", "7")) == alone


async def test_only_the_chosen_cases_are_replayed(database: str) -> None:
    other = await ended_well(replaying(database, "--payer", "Nobody"))
    assert other["cases"] == 0
    asked = await ended_well(replaying(database, "--criteria-set", "no-such-set"))
    assert asked["cases"] == 0
    # The altered case does not say any more which set it was of.
    of_set = await ended_well(replaying(database, "--criteria-set", "spine-tumor-decompression"))
    assert 0 < of_set["cases"] < CASES


async def ended_well(command: Killable) -> dict[str, Any]:
    await command.start()
    code, err = await command.end()
    assert code == 0, err
    found: dict[str, Any] = json.loads(command.output)
    return found


def done(file: Path) -> int:
    """The cases that a progress has; any moment's file can be read."""
    return int(json.loads(file.read_text())["found"]["cases"]) if file.exists() else 0


def more_than(file: Path, cases: int) -> bool:
    return done(file) > cases


def all_gone(processes: list[psutil.Process]) -> bool:
    return not [process for process in processes if alive(process)]


async def test_a_replay_that_is_killed_goes_on_where_it_was(
    database: str, postgres: str, migrated_template: str, tmp_path: Path
) -> None:
    whole = await ended(replaying(database, "--jobs", "2"))
    file = tmp_path / "progress.json"
    command = replaying(database, "--jobs", "2", "--slice", "1", "--resume", str(file))
    for least in (0, CASES // 4):
        await command.start()
        await eventually(partial(more_than, file, least), 60, interval=0.001)
        processes = command.children()
        await command.kill_when(lambda: True)
        assert done(file) < CASES
        await eventually(partial(all_gone, processes), 20)
    assert await ended(command) == whole
    # A finished one is told again, and nothing is replayed.
    assert await ended(command) == whole
    refused = replaying(database, "--payer", "P", "--resume", str(file))
    await refused.start()
    code, err = await refused.end()
    assert (code, "other options" in err) == (3, True)
    async with fresh_database(postgres, migrated_template) as elsewhere:
        # A copy of a template has its id; an installation has its own.
        await execute(
            elsewhere, "SET session_replication_role = replica; UPDATE installation SET id = gen_random_uuid()"
        )
        refused = replaying(elsewhere, "--resume", str(file))
        await refused.start()
        code, err = await refused.end()
        assert (code, "another installation" in err) == (3, True)
    (tmp_path / "other.json").write_text("no progress")
    refused = replaying(database, "--resume", str(tmp_path / "other.json"))
    await refused.start()
    code, err = await refused.end()
    assert (code, "no progress" in err) == (2, True)


async def test_a_process_of_a_replay_that_is_killed_ends_it_with_a_sentence(database: str, tmp_path: Path) -> None:
    whole = await ended(replaying(database, "--jobs", "2"))
    file = tmp_path / "progress.json"
    command = replaying(database, "--jobs", "2", "--slice", "1", "--resume", str(file))
    await command.start()
    await eventually(partial(more_than, file, 0), 60, interval=0.001)
    for process in command.children():
        if "spawn_main" in " ".join(process.cmdline()):
            process.kill()
            break
    else:
        pytest.fail("It had no processes.")
    code, err = await command.end()
    assert code == 70 and "ended from outside" in err and "Traceback" not in err
    assert await ended(command) == whole


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
