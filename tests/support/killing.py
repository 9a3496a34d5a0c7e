"""A command of the command line as a process that can be killed at a moment."""

import asyncio
import inspect
import os
import sys
from collections.abc import Awaitable, Callable, Mapping

import psutil

from tests.support.running import ROOT
from tests.support.servers import eventually


class Killable:
    """``priorauth`` with these arguments, against one database."""

    def __init__(self, database: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self._arguments = arguments
        self._env = {k: v for k, v in os.environ.items() if not k.startswith("PRIORAUTH_")}
        self._env |= {"PRIORAUTH_DATABASE_URL": database, **(env or {})}
        self._process: asyncio.subprocess.Process | None = None
        self.output = ""

    async def start(self) -> None:
        """Runs it."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.cli.main",
            *self._arguments,
            cwd=ROOT,
            env=self._env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def kill_when(self, seen: Callable[[], bool | Awaitable[bool]]) -> None:
        """kill -9 as soon as ``seen`` is true; fails where the command has ended before."""
        process = self._running()

        async def now() -> bool:
            found = seen()
            return bool(await found if inspect.isawaitable(found) else found) or process.returncode is not None

        await eventually(now, 60, interval=0.001)
        assert process.returncode is None, "It ended before it could be killed."
        process.kill()
        await process.wait()

    def children(self) -> list[psutil.Process]:
        """The processes that it has begun."""
        return psutil.Process(self._running().pid).children()

    async def end(self) -> tuple[int, str]:
        """Its exit code and what it wrote to standard error, once it has ended by itself."""
        process = self._running()
        out, err = await process.communicate()
        assert process.returncode is not None
        self.output = out.decode()
        return process.returncode, err.decode()

    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "It was not started."
        return self._process
