"""A child process: how it is started, recorded, stopped, and found again after its parent was killed."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from shared.platform.files import write_atomically

_CHILD = Path(__file__).with_name("child.py")
_LOG_LIMIT_BYTES = 10 * 1024 * 1024
_CLOCK_TOLERANCE_SECONDS = 5.0


class SupervisorError(Exception):
    """The processes cannot be brought up. The message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account to run a command under, where the parent is root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. ``argv[0]`` is an absolute path; ``env`` is added to this process's environment.

    ``stop_signal`` asks the process for an orderly end; ``death_signal`` is what it gets when its parent vanishes.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL

    def wrapped(self) -> tuple[str, ...]:
        """The command line that ties the process to this one and then becomes ``argv``."""
        options = ["--parent", str(os.getpid()), "--death-signal", str(int(self.death_signal))]
        if self.account is not None:
            options += ["--uid", str(self.account.uid), "--gid", str(self.account.gid)]
        return (sys.executable, "-I", "-S", str(_CHILD), *options, "--", *self.argv)


class Child:
    """A running child in a session of its own, recorded in ``record`` while it lives."""

    def __init__(self, command: Command, process: asyncio.subprocess.Process, record: Path) -> None:
        self.command = command
        self.process = process
        self.record = record

    @property
    def pid(self) -> int:
        """The process's id, the same before and after it became the command."""
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self.process.returncode

    @classmethod
    async def spawn(cls, command: Command, *, log: Path, record: Path) -> "Child":
        """Starts a command with its output appended to ``log``."""
        log.parent.mkdir(parents=True, exist_ok=True)
        rotate(log)
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *command.wrapped(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **command.env},
                cwd=command.cwd,
                start_new_session=True,
            )
        with contextlib.suppress(psutil.NoSuchProcess):
            _write_record(record, process.pid, command)
        return cls(command, process, record)

    async def wait(self) -> int:
        """Waits for the end and forgets the record; gives the return code."""
        code = await self.process.wait()
        self.record.unlink(missing_ok=True)
        return code

    async def stop(self, patience: float) -> int:
        """Asks for an orderly end, and kills the whole group if it takes more than ``patience`` seconds."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.command.stop_signal)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), patience)
        # Also after an orderly end: what the process itself had started must not outlive it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        return await self.wait()


def rotate(log: Path) -> None:
    """Moves a log that has grown large to ``NAME.1``, in the place of an older one."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_name(log.name + ".1"))


def _write_record(record: Path, pid: int, command: Command) -> None:
    content = {
        "pid": pid,
        "started": psutil.Process(pid).create_time(),
        "argv": command.argv,
        "stop_signal": int(command.stop_signal),
    }
    write_atomically(record, json.dumps(content))


async def end_leftover(record: Path, patience: float = 10.0) -> bool:
    """Ends the process that a killed parent left behind; gives whether there was one."""
    found = await asyncio.to_thread(_find_leftover, record)
    if found is not None:
        await asyncio.to_thread(_end, *found, patience)
    await asyncio.to_thread(record.unlink, missing_ok=True)
    return found is not None


def _find_leftover(record: Path) -> tuple[psutil.Process, int] | None:
    """The recorded process and the signal that ends it, if it still runs.

    A process id alone proves nothing, since ids are used again: the command line and the start time must agree too.
    """
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
        process = psutil.Process(content["pid"])
        argv = content["argv"]
        same = process.cmdline()[-len(argv) :] == argv
        same = same and abs(process.create_time() - content["started"]) < _CLOCK_TOLERANCE_SECONDS
    except (FileNotFoundError, psutil.Error, ValueError, KeyError):
        return None
    return (process, content["stop_signal"]) if same else None


def _end(process: psutil.Process, stop_signal: int, patience: float) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(stop_signal)
        if not _wait(process, patience):
            process.kill()
            _wait(process, patience)


def _wait(process: psutil.Process, patience: float) -> bool:
    """Whether the process ends in time. Its parent may be one that never collects it, so a zombie has ended."""
    deadline = time.monotonic() + patience
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
