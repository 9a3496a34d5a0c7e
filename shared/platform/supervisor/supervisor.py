"""Starts processes in the order of their needs, keeps them running, and stops them in the order of the flow."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.platform.files import write_atomically
from shared.platform.logs import get_logger
from shared.platform.supervisor.process import Child, Command, SupervisorError, end_leftover

log = get_logger()

FIRST_BACKOFF_SECONDS = 0.1
MAX_BACKOFF_SECONDS = 5.0
HEALTHY_AFTER_SECONDS = 10.0
_STARTS_BEFORE_GIVING_UP = 3
_POLL_SECONDS = (0.05, 0.25)
"""The first and the longest pause between two questions whether a process is ready: asking costs it time too."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A process to keep running.

    ``command`` is asked for before every start, after ``prepare``; ``ready`` is polled until true before those that
    name this one in ``after`` are started. ``prepare`` may raise: then nothing is started, or, later, it is tried
    again with backoff.
    """

    name: str
    command: Callable[[], Command]
    ready: Callable[[], Awaitable[bool]]
    after: tuple[str, ...] = ()
    prepare: Callable[[], Awaitable[None]] | None = None
    start_timeout: float = 60.0
    stop_timeout: float = 20.0


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do once between the starts of processes, such as a migration."""

    name: str
    run: Callable[[], Awaitable[None]]
    after: tuple[str, ...] = ()


class Supervisor:
    """Runs processes as children, under ``directory`` for the lock, the records, the logs and ``run.json``.

    ``stop_order`` names groups of processes: those of a group are stopped together, one group after the other.
    ``facts`` stand in ``run.json`` beside the process ids; they are asked for when the file is written.
    """

    def __init__(
        self,
        directory: Path,
        nodes: Sequence[ProcessSpec | Step],
        *,
        stop_order: Sequence[Sequence[str]],
        facts: Callable[[], Mapping[str, object]],
    ) -> None:
        self.directory = directory.resolve()
        self.run_file = self.directory / "run.json"
        self._nodes = nodes
        self._specs = [node for node in nodes if isinstance(node, ProcessSpec)]
        self._stop_order = stop_order
        self._facts = facts
        self._up = {node.name: asyncio.Event() for node in nodes}
        self._children: dict[str, Child] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._wanted = {spec.name for spec in self._specs}
        self._lock = contextlib.ExitStack()
        self._holds_lock = False
        named = [name for group in stop_order for name in group]
        if sorted(named) != sorted(self._wanted):
            raise ValueError("stop_order must name every process once")

    @property
    def pids(self) -> dict[str, int]:
        """The ids of the processes that run now."""
        return {name: child.pid for name, child in self._children.items() if child.returncode is None}

    async def run(self, on_ready: Callable[[], Awaitable[None]] | None = None) -> None:
        """Starts everything, waits for SIGTERM or SIGINT (or for ``on_ready``, where given, to return), and stops.

        Raises SupervisorError if it cannot be brought up; what had been started is stopped then too.
        """
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        try:
            work = asyncio.create_task(self._start_and(on_ready, ended))
            told = asyncio.create_task(ended.wait())
            await asyncio.wait([work, told], return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            if not work.done():
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work
            else:
                work.result()
        finally:
            await self.stop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    async def _start_and(self, on_ready: Callable[[], Awaitable[None]] | None, ended: asyncio.Event) -> None:
        await self.start()
        await (on_ready() if on_ready is not None else ended.wait())

    async def start(self) -> None:
        """Brings everything up; ``run.json`` is there before the last process is ready. On failure, stops it all."""
        self._lock.enter_context(_only_one(self.directory))
        self._holds_lock = True
        try:
            self.run_file.unlink(missing_ok=True)
            await self._end_leftovers()
            async with asyncio.TaskGroup() as group:
                for node in self._nodes:
                    group.create_task(self._bring_up(node), name=f"start {node.name}")
        except BaseExceptionGroup as errors:
            await self.stop()
            raise errors.exceptions[0] from None
        except BaseException:  # Also when cancelled: no child may outlive a start that did not succeed.
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stops every process, group by group, and lets go of the directory; without effect the second time."""
        if not self._holds_lock:  # Then the directory, with its run.json, belongs to another supervisor.
            return
        for group in self._stop_order:
            await asyncio.gather(*(self._end(spec) for spec in self._specs if spec.name in group))
        self.run_file.unlink(missing_ok=True)
        self._holds_lock = False
        self._lock.close()

    async def _end(self, spec: ProcessSpec) -> None:
        self._wanted.discard(spec.name)
        keeper = self._keepers.pop(spec.name, None)
        if keeper is not None:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        child = self._children.pop(spec.name, None)
        if child is not None:
            await child.stop(spec.stop_timeout)
            log.info("process stopped", process=spec.name, code=child.returncode)

    async def _end_leftovers(self) -> None:
        """Ends what a killed supervisor of this directory left running: the flow's processes first, servers last."""
        for group in self._stop_order:
            ended = await asyncio.gather(*(end_leftover(self._record(name)) for name in group))
            for name, was_there in zip(group, ended, strict=True):
                if was_there:
                    log.warning("ended a process of an earlier run", process=name)

    async def _bring_up(self, node: ProcessSpec | Step) -> None:
        for name in node.after:
            await self._up[name].wait()
        if isinstance(node, Step):
            await node.run()
        else:
            if node.prepare is not None:
                await node.prepare()
            self._keepers[node.name] = asyncio.create_task(self._keep(node), name=f"keep {node.name}")
            await self._until_ready(node)
        log.info("ready", process=node.name)
        self._up[node.name].set()

    async def _until_ready(self, spec: ProcessSpec) -> None:
        deadline = time.monotonic() + spec.start_timeout
        keeper = self._keepers[spec.name]
        pause, longest = _POLL_SECONDS
        while not (spec.name in self.pids and await spec.ready()):
            if keeper.done() or time.monotonic() > deadline:
                raise SupervisorError(f"{spec.name} did not start; {self._log(spec.name)} says why.")
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, longest)

    async def _keep(self, spec: ProcessSpec) -> None:
        """Runs the process, and again whenever it ends. Ends itself only if the process never gets ready."""
        backoff = 0.0
        starts = 0
        while self._up[spec.name].is_set() or starts < _STARTS_BEFORE_GIVING_UP:
            starts += 1
            began = time.monotonic()
            code = await self._once(spec, first=starts == 1)
            healthy = time.monotonic() - began >= HEALTHY_AFTER_SECONDS
            backoff = FIRST_BACKOFF_SECONDS if healthy else _next(backoff)
            log.warning("process ended, starting it again", process=spec.name, code=code, seconds=backoff)
            await asyncio.sleep(backoff)

    async def _once(self, spec: ProcessSpec, *, first: bool) -> int | None:
        try:
            if spec.prepare is not None and not first:
                await spec.prepare()
            child = await Child.spawn(spec.command(), log=self._log(spec.name), record=self._record(spec.name))
        except Exception as error:  # Whatever keeps it from starting now may pass; the first start has checked it.
            log.error("process cannot be started", process=spec.name, exc_info=error)
            return None
        self._children[spec.name] = child
        self._write_run_file()
        return await child.wait()

    def _write_run_file(self) -> None:
        """Writes ``run.json`` once every process has been started; it holds a password, so only we may read it."""
        if self._wanted <= self._children.keys():
            processes = {name: self._children[name].pid for name in sorted(self._children)}
            content = json.dumps({**self._facts(), "processes": processes}, indent=2)
            write_atomically(self.run_file, content + "\n", 0o600)

    def _log(self, name: str) -> Path:
        return self.directory / "logs" / f"{name}.log"

    def _record(self, name: str) -> Path:
        return self.directory / "pids" / f"{name}.json"


def _next(backoff: float) -> float:
    return min(max(backoff * 2, FIRST_BACKOFF_SECONDS), MAX_BACKOFF_SECONDS)


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    """Holds the directory's lock, which the kernel lets go of when this process ends, however it ends."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "supervisor.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SupervisorError(
                f"priorauth already runs in {directory}; stop it, or choose another --data-dir."
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


async def http_ready(port: int, path: str = "/readyz", within: float = 5.0) -> bool:
    """Whether a server on the loopback interface answers 200."""
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return status.split()[1:2] == [b"200"]
