"""What `priorauth up` runs follows from the flow."""

import base64
import json
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from shared import flow
from shared.platform.settings import Settings
from shared.platform.supervisor.process import SupervisorError
from shared.platform.supervisor.supervisor import ProcessSpec, Step
from shared.platform.topology import Plan, ServerUnreachableError, master_key, process_specs


def plan_for(folder: Path, *, embedded: bool = True, port: int = 0, **settings: Any) -> Plan:
    return process_specs(folder, embedded=embedded, port=port, settings=Settings(**settings))


def by_name(plan: Plan) -> dict[str, ProcessSpec | Step]:
    return {node.name: node for node in plan.nodes}


def test_every_service_of_the_flow_runs_and_intake_opens_last_and_closes_first(tmp_path: Path) -> None:
    plan = plan_for(tmp_path)
    nodes = by_name(plan)
    processes = {name for name, node in nodes.items() if isinstance(node, ProcessSpec)}
    assert processes == {*flow.PROCESSES, "kafka", "postgres"}
    assert set(nodes["intake"].after) == processes - {"intake", "kafka", "postgres"}
    for name in nodes["intake"].after:
        assert nodes[name].after == ("migrate", "topics")
    stopped = [name for group in plan.stop_order for name in group]
    assert stopped[:5] == [service.name for service in flow.PIPELINE]
    assert stopped[-4:] == ["relay", "keeper", "kafka", "postgres"]


def test_without_embedded_servers_only_the_services_run(tmp_path: Path) -> None:
    plan = plan_for(tmp_path, embedded=False)
    assert {"kafka", "postgres"}.isdisjoint(by_name(plan))
    assert not (tmp_path / "master.key").exists()


async def test_services_keep_their_ports_and_learn_where_the_servers_are(tmp_path: Path) -> None:
    plans = [plan_for(tmp_path, embedded=False, database_url="postgresql://u@db/p") for _ in range(2)]
    for plan in plans:
        step = by_name(plan)["addresses"]
        assert isinstance(step, Step)
        await step.run()
    first, second = (plan.facts() for plan in plans)
    assert first == second
    assert first["database_url"] == "postgresql://u@db/p"
    assert len(set(json.loads((tmp_path / "ports.json").read_text()).values())) == len(flow.PROCESSES)
    console = by_name(plans[0])["console"]
    assert isinstance(console, ProcessSpec)
    command = console.command()
    assert command.argv[-1] == "console"
    assert command.env["PRIORAUTH_DATABASE_URL"] == "postgresql://u@db/p"
    assert plans[0].addresses.url("console").endswith(command.env["PRIORAUTH_HTTP_PORT"])


async def test_a_port_in_use_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SupervisorError, match=rf"Port {port} on 127\.0\.0\.1 is in use; choose another"):
            await plan_for(tmp_path, port=port).supervisor().run()
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize("server", ["PostgreSQL", "Kafka"])
async def test_a_server_that_is_away_is_named_with_its_setting(tmp_path: Path, server: str, closed_port: int) -> None:
    away = f"127.0.0.1:{closed_port}"
    plan = plan_for(tmp_path, embedded=False, database_url=f"postgresql://u@{away}/p", kafka_bootstrap_servers=away)
    step = by_name(plan)["migrate" if server == "PostgreSQL" else "topics"]
    assert isinstance(step, Step)
    with pytest.raises(ServerUnreachableError, match=rf"{server} cannot be reached; see PRIORAUTH_\w+\."):
        await step.run()


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_the_master_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    key = master_key(file)
    assert len(base64.b64decode(key, validate=True)) == 32
    assert master_key(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
