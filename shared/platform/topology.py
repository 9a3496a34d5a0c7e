"""The processes of ``priorauth up``: which there are, what each needs, and in which order they stop."""

import base64
import json
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from aiokafka.errors import KafkaError

from shared import flow
from shared.journal.checkpoint import generate_key
from shared.journal.migrate import upgrade
from shared.messaging.topics import create_topics
from shared.platform.data_dir import CONSOLE_FILE, CONSOLE_READER
from shared.platform.database import is_unavailable
from shared.platform.embedded.kafka import EmbeddedKafka
from shared.platform.embedded.postgres import EmbeddedPostgres
from shared.platform.embedded.server import EmbeddedServer, choose_port, is_free
from shared.platform.files import write_atomically
from shared.platform.settings import Settings
from shared.platform.supervisor.process import Command, SupervisorError
from shared.platform.supervisor.supervisor import ProcessSpec, Step, Supervisor, http_ready

INNER = tuple(name for name in flow.PROCESSES if name != flow.INTAKE.name)
"""Every process but intake, which is the door: the last to open and the first to close."""
NAMES = (flow.INTAKE.name, *INNER)


class ServerUnreachableError(SupervisorError):
    """PostgreSQL or Kafka cannot be reached where the settings say that it is."""


@dataclass(slots=True)
class Addresses:
    """Where everything listens; complete once the first step has run."""

    database_url: str
    kafka: str
    ports: dict[str, int] = field(default_factory=dict)

    def url(self, service: str) -> str:
        """A service's base address."""
        return f"http://127.0.0.1:{self.ports[service]}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a supervisor of the whole platform is made from."""

    data_dir: Path
    nodes: tuple[ProcessSpec | Step, ...]
    stop_order: tuple[tuple[str, ...], ...]
    addresses: Addresses

    def facts(self) -> dict[str, object]:
        """What stands in ``run.json`` beside the process ids."""
        return {
            "base_url": self.addresses.url(flow.INTAKE.name),
            "database_url": self.addresses.database_url,
            "kafka": self.addresses.kafka,
            "urls": {name: self.addresses.url(name) for name in NAMES},
        }

    def supervisor(self) -> Supervisor:
        """The supervisor that runs it."""
        return Supervisor(self.data_dir, self.nodes, stop_order=self.stop_order, facts=self.facts)


def process_specs(
    data_dir: Path, *, embedded: bool, port: int, settings: Settings, settings_env: Mapping[str, str] | None = None
) -> Plan:
    """The plan for a data directory.

    ``port`` is intake's (0: the last one used, or any free one). ``settings_env`` is added to the services'
    environment, over this process's own. With ``embedded``, PostgreSQL and Kafka are among the processes, their
    addresses take the place of those in ``settings``, and a master key and a token for the console's pages are
    generated unless the settings have them. The console's decisions go to the determination service beside it.
    """
    data_dir = data_dir.resolve()
    addresses = Addresses(settings.database_url.get_secret_value(), settings.kafka_bootstrap_servers)
    env = {**(settings_env or {})}
    key_file = data_dir / "master.key"
    if embedded and (key_file.exists() or settings.master_key is None):
        env.setdefault("PRIORAUTH_MASTER_KEY", master_key(key_file))
    if embedded and not settings.console_tokens:
        env.setdefault("PRIORAUTH_CONSOLE_TOKENS", f"{CONSOLE_READER}:{master_key(data_dir / CONSOLE_FILE)}")

    if embedded and settings.checkpoint_dir is None:
        env |= {"PRIORAUTH_CHECKPOINT_DIR": str(data_dir / "checkpoints")}
        env |= {"PRIORAUTH_CHECKPOINT_KEY": str(checkpoint_key(data_dir / "checkpoint.key"))}

    async def choose() -> None:
        _choose_ports(addresses, data_dir / "ports.json", port)

    servers = _Servers(EmbeddedPostgres(data_dir), EmbeddedKafka(data_dir)) if embedded else None
    nodes: list[ProcessSpec | Step] = [Step("addresses", choose), *_steps(settings, addresses, servers)]
    nodes += [_service(name, addresses, env, ("migrate", "topics"), embedded) for name in INNER]
    nodes.append(_service(flow.INTAKE.name, addresses, env, INNER, embedded))
    stop_order = [(name,) for name in NAMES]
    if servers is not None:
        nodes += [_server(servers.postgres), _server(servers.kafka)]
        stop_order += [(servers.kafka.name,), (servers.postgres.name,)]
    return Plan(data_dir, tuple(nodes), tuple(stop_order), addresses)


def master_key(file: Path) -> str:
    """The 32 random bytes in a file (base64, mode 0600), made when there is none. Who loses the key loses the cases."""
    if not file.exists():
        write_atomically(file, base64.b64encode(secrets.token_bytes(32)).decode() + "\n", 0o600)
    return file.read_text(encoding="utf-8").strip()


def checkpoint_key(file: Path) -> Path:
    """The key that signs the checkpoints of an embedded installation, made with its public half where there is none."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        generate_key(file)
    return file


@dataclass(frozen=True, slots=True)
class _Servers:
    postgres: EmbeddedPostgres
    kafka: EmbeddedKafka


def _server(server: EmbeddedServer) -> ProcessSpec:
    return ProcessSpec(
        server.name,
        command=server.command,
        ready=server.ready,
        after=("addresses",),
        prepare=server.prepare,
        start_timeout=server.start_timeout,
        stop_timeout=server.stop_timeout,
    )


def _steps(settings: Settings, addresses: Addresses, servers: _Servers | None) -> tuple[Step, Step]:
    async def migrate() -> None:
        if servers is not None:
            addresses.database_url = servers.postgres.address
        await _reach("PostgreSQL", "PRIORAUTH_DATABASE_URL", partial(upgrade, addresses.database_url))

    async def topics() -> None:
        current = settings
        if servers is not None:
            addresses.kafka = servers.kafka.address
            local = {"kafka_bootstrap_servers": addresses.kafka, "kafka_security_protocol": "PLAINTEXT"}
            current = settings.model_copy(update={**local, "kafka_replication_factor": 1})
        await _reach("Kafka", "PRIORAUTH_KAFKA_BOOTSTRAP_SERVERS", partial(create_topics, current))

    return (
        Step("migrate", migrate, after=("addresses", "postgres") if servers else ("addresses",)),
        Step("topics", topics, after=("addresses", "kafka") if servers else ("addresses",)),
    )


async def _reach(server: str, setting: str, work: Callable[[], Awaitable[object]]) -> None:
    try:
        await work()
    except Exception as error:  # Drivers raise errors of many kinds; those that are not about reaching it go on.
        if isinstance(error, KafkaError) or is_unavailable(error):
            raise ServerUnreachableError(f"{server} cannot be reached; see {setting}.") from error
        raise


def _service(
    name: str, addresses: Addresses, env: Mapping[str, str], after: tuple[str, ...], embedded: bool
) -> ProcessSpec:
    def command() -> Command:
        own = {
            "PRIORAUTH_DATABASE_URL": addresses.database_url,
            "PRIORAUTH_KAFKA_BOOTSTRAP_SERVERS": addresses.kafka,
            "PRIORAUTH_HTTP_PORT": str(addresses.ports[name]),
        }
        if embedded:
            own["PRIORAUTH_KAFKA_SECURITY_PROTOCOL"] = "PLAINTEXT"
        if name == flow.CONSOLE.name:
            own["PRIORAUTH_DETERMINATION_URL"] = addresses.url(flow.DETERMINATION.name)
        return Command((sys.executable, "-m", "services.cli.run", name), env={**env, **own})

    async def ready() -> bool:
        return await http_ready(addresses.ports[name])

    return ProcessSpec(name, command=command, ready=ready, after=after, stop_timeout=30.0)


def _choose_ports(addresses: Addresses, file: Path, port: int) -> None:
    """Gives every service the port that it had last if it is free; links and dashboards then stay good."""
    last: dict[str, int] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    ports: dict[str, int] = {}
    if port:
        if not is_free(port):
            raise SupervisorError(f"Port {port} on 127.0.0.1 is in use; choose another with --port.")
        ports[flow.INTAKE.name] = port
    for name in NAMES:
        if name not in ports:
            ports[name] = choose_port(last.get(name), frozenset(ports.values()))
    write_atomically(file, json.dumps(ports))
    addresses.ports.update(ports)
