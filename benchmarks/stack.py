"""The real servers in a temporary folder, and the services as processes of their own."""

import asyncio
import base64
import secrets
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

import psutil

from shared import flow
from shared.flow import RELAY
from shared.journal.migrate import upgrade
from shared.messaging.topics import create_topics
from shared.platform.embedded.kafka import EmbeddedKafka
from shared.platform.embedded.postgres import EmbeddedPostgres
from shared.platform.embedded.server import choose_port
from shared.platform.settings import Settings
from shared.platform.supervisor.process import Child, Command
from shared.platform.supervisor.supervisor import http_ready
from shared.platform.topology import NAMES

ROOT: Final = Path(__file__).resolve().parents[1]
_START_SECONDS = 90.0


class BenchmarkError(Exception):
    """The run cannot be trusted. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class Running:
    """A service's process and the port of its HTTP side."""

    child: Child
    port: int


class Stack:
    """PostgreSQL and Kafka while the context lasts; the services between ``start_services`` and ``stop_services``."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.postgres = EmbeddedPostgres(data_dir)
        self.kafka = EmbeddedKafka(data_dir)
        self._services: dict[str, Running] = {}
        self._settings: Settings | None = None

    async def __aenter__(self) -> "Stack":
        try:
            database = await self.postgres.start()
            bootstrap = await self.kafka.start()
            key = base64.b64encode(secrets.token_bytes(32)).decode()
            self._settings = Settings.model_validate(
                {"database_url": database, "kafka_bootstrap_servers": bootstrap, "master_key": key}
            )
            self._environment = {
                "PRIORAUTH_DATABASE_URL": database,
                "PRIORAUTH_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
                "PRIORAUTH_MASTER_KEY": key,
            }
            await upgrade(self.settings.sqlalchemy_url)
            await create_topics(self.settings)
        except BaseException:
            await self._stop_servers()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_services()
        await self._stop_servers()

    @property
    def settings(self) -> Settings:
        """The settings that the services run under: the shipped ones, but for addresses and the key."""
        if self._settings is None:
            raise BenchmarkError("The servers do not run.")
        return self._settings

    @property
    def database_url(self) -> str:
        """``postgresql://``, as libpq and asyncpg take it."""
        return self.postgres.address.replace("+asyncpg", "")

    @property
    def pids(self) -> dict[str, int]:
        """Every process of the flow by name."""
        services = {name: running.child.pid for name, running in self._services.items()}
        return {**services, "postgres": self.postgres.pid, "kafka": self.kafka.pid}

    @property
    def intake_port(self) -> int:
        """Where intake listens on the loopback interface."""
        return self._services[flow.INTAKE.name].port

    async def start_services(self, names: Sequence[str] = NAMES) -> None:
        """Starts each as ``priorauth run NAME`` and waits until all are ready, which includes their partitions."""
        taken: set[int] = set()
        for name in names:
            port = choose_port(taken=frozenset(taken))
            taken.add(port)
            command = Command(
                (sys.executable, "-m", "services.cli.run", name),
                env={**self._environment, "PRIORAUTH_HTTP_PORT": str(port)},
                cwd=ROOT,
            )
            log, record = self.data_dir / "logs" / f"{name}.log", self.data_dir / "pids" / f"{name}.json"
            self._services[name] = Running(await Child.spawn(command, log=log, record=record), port)
        await asyncio.gather(*(self._until_ready(name) for name in names))

    async def stop_services(self) -> None:
        """Ends the services in the order of the flow."""
        services, self._services = self._services, {}
        for running in services.values():
            # A stopped process would not see the request to end.
            if running.child.returncode is None:
                running.child.process.send_signal(signal.SIGCONT)
        await asyncio.gather(*(running.child.stop(30.0) for running in services.values()))

    def hold_relay(self) -> None:
        """Halts the relay where it stands, so that a backlog can grow behind it."""
        self._services[RELAY].child.process.send_signal(signal.SIGSTOP)

    def release_relay(self) -> None:
        """Lets it go on."""
        self._services[RELAY].child.process.send_signal(signal.SIGCONT)

    def check_alive(self) -> None:
        """Raises BenchmarkError where a service has ended."""
        for name, running in self._services.items():
            if running.child.returncode is not None or not psutil.pid_exists(running.child.pid):
                raise BenchmarkError(f"{name} ended during the run: {self._tail(name)}")

    async def _until_ready(self, name: str) -> None:
        running = self._services[name]
        deadline = time.monotonic() + _START_SECONDS
        while not await http_ready(running.port):
            if running.child.returncode is not None or time.monotonic() > deadline:
                raise BenchmarkError(f"{name} did not get ready: {self._tail(name)}")
            await asyncio.sleep(0.1)

    def _tail(self, name: str) -> str:
        log = self.data_dir / "logs" / f"{name}.log"
        return log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.exists() else "it left no log"

    async def _stop_servers(self) -> None:
        await self.kafka.stop()
        await self.postgres.stop()
