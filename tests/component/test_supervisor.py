"""The supervisor, with real child processes: order, restarts, an orderly end, and life after a kill."""

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from shared.platform.supervisor import supervisor as module
from shared.platform.supervisor.process import Child, Command, SupervisorError, end_leftover, rotate
from tests.support.servers import eventually
from tests.support.supervised import events, platform

ROOT = Path(__file__).parents[2]


def run_file(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return content


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@asynccontextmanager
async def supervised(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A supervisor that is a process of its own, all up."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.supervised", str(folder), cwd=ROOT, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await eventually(lambda: (folder / "run.json").exists() and (folder / "door.up").exists())
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def test_processes_start_in_the_order_of_their_needs_and_stop_from_the_door_inwards(tmp_path: Path) -> None:
    supervisor = platform(tmp_path)
    await supervisor.start()
    assert events(tmp_path) == ["start store", "ran migrate", "start worker", "start door"]
    content = run_file(tmp_path)
    assert content == {"base_url": "http://127.0.0.1:1", "processes": supervisor.pids}
    for name, pid in content["processes"].items():
        assert (tmp_path / f"{name}.up").read_text() == str(pid)
    assert stat.S_IMODE((tmp_path / "run.json").stat().st_mode) == 0o600

    await supervisor.stop()
    assert events(tmp_path)[4:] == ["stop door", "stop worker", "stop store"]
    assert not any(alive(pid) for pid in content["processes"].values())
    assert not (tmp_path / "run.json").exists()


async def test_a_killed_process_is_started_again_and_run_json_names_the_new_one(tmp_path: Path) -> None:
    supervisor = platform(tmp_path)
    await supervisor.start()
    try:
        before = run_file(tmp_path)["processes"]
        os.kill(before["worker"], signal.SIGKILL)
        await eventually(lambda: run_file(tmp_path)["processes"]["worker"] != before["worker"])
        await eventually(lambda: events(tmp_path).count("start worker") == 2)
        after = run_file(tmp_path)["processes"]
        assert alive(after["worker"])
        assert (after["store"], after["door"]) == (before["store"], before["door"])
        assert events(tmp_path).count("ran migrate") == 1
    finally:
        await supervisor.stop()
    assert not alive(after["worker"])


def test_backoff_doubles_to_five_seconds() -> None:
    pauses = [0.0]
    for _ in range(9):
        pauses.append(module._next(pauses[-1]))
    assert pauses[1:] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


async def test_a_process_that_never_gets_ready_ends_the_start_with_its_log_named(tmp_path: Path) -> None:
    supervisor = platform(tmp_path, worker="broken")
    with pytest.raises(SupervisorError, match=r"worker did not start; .*logs/worker\.log says why\."):
        await supervisor.start()
    assert events(tmp_path).count("start worker") == 3
    assert "start door" not in events(tmp_path)
    assert events(tmp_path)[-1] == "stop store"
    assert supervisor.pids == {}
    again = platform(tmp_path)
    await again.start()
    await again.stop()


async def test_a_process_that_ignores_the_request_to_stop_is_killed(tmp_path: Path) -> None:
    supervisor = platform(tmp_path, worker="stubborn")
    await supervisor.start()
    pid = supervisor.pids["worker"]
    await supervisor.stop()
    assert not alive(pid)
    assert events(tmp_path)[-2:] == ["stop worker", "stop store"]


async def test_a_directory_has_one_supervisor(tmp_path: Path) -> None:
    first = platform(tmp_path)
    await first.start()
    try:
        content = run_file(tmp_path)
        second = platform(tmp_path)
        with pytest.raises(SupervisorError, match=r"already runs in .*; stop it, or choose another --data-dir\."):
            await second.run()
        assert run_file(tmp_path) == content
        assert set(first.pids) == {"store", "worker", "door"}
    finally:
        await first.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_everything_in_order(tmp_path: Path, number: signal.Signals) -> None:
    async with supervised(tmp_path) as process:
        pids = run_file(tmp_path)["processes"].values()
        process.send_signal(number)
        assert await process.wait() == 0
    assert events(tmp_path)[-3:] == ["stop door", "stop worker", "stop store"]
    assert not any(alive(pid) for pid in pids)


async def test_after_a_kill_of_the_supervisor_the_next_start_continues_alone(tmp_path: Path) -> None:
    async with supervised(tmp_path) as process:
        first: Mapping[str, int] = run_file(tmp_path)["processes"]
        process.kill()
        await process.wait()
        if sys.platform == "linux":
            await eventually(lambda: not any(alive(pid) for pid in first.values()))
        (tmp_path / "door.up").unlink()
        async with supervised(tmp_path):
            second = await eventually(lambda: set(first.values()).isdisjoint(run_file(tmp_path)["processes"].values()))
            assert second
            assert not any(alive(pid) for pid in first.values())
            assert all(alive(pid) for pid in run_file(tmp_path)["processes"].values())


def sleeper() -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", "import signal; signal.pause()")


async def test_a_leftover_is_ended_only_if_it_is_the_recorded_process(tmp_path: Path) -> None:
    record = tmp_path / "pids" / "worker.json"
    child = await Child.spawn(Command(sleeper()), log=tmp_path / "logs" / "worker.log", record=record)
    content = record.read_text()

    stranger = await asyncio.create_subprocess_exec(*sleeper(), "another")
    try:
        record.write_text(json.dumps({**json.loads(content), "pid": stranger.pid}))
        assert not await end_leftover(record)
        assert alive(stranger.pid)
        assert not record.exists()
    finally:
        stranger.kill()
        await stranger.wait()

    record.write_text(json.dumps({**json.loads(content), "started": 1.0}))
    assert not await end_leftover(record)
    assert child.returncode is None

    record.write_text(content)
    assert await end_leftover(record)
    assert await child.wait() == -signal.SIGTERM


async def test_a_command_that_does_not_exist_says_so_in_its_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "nothing.log"
    child = await Child.spawn(Command(("/nowhere/program",)), log=log, record=tmp_path / "nothing.json")
    assert await child.wait() == 1
    assert log.read_text() == "/nowhere/program cannot be started: No such file or directory.\n"


def test_a_large_log_makes_room(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_text("small")
    rotate(log)
    assert log.read_text() == "small"
    os.truncate(log, 11 * 1024 * 1024)
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "worker.log.1").stat().st_size == 11 * 1024 * 1024


def test_the_stop_order_names_every_process_once(tmp_path: Path) -> None:
    supervisor = platform(tmp_path)
    with pytest.raises(ValueError, match="every process once"):
        module.Supervisor(tmp_path, supervisor._specs, stop_order=[("door",)], facts=dict)
