"""Processes that are started before their servers: alive at once, not ready, and ready by themselves later."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from shared.journal.migrate import upgrade
from shared.messaging.topics import create_topics
from shared.platform.embedded.kafka import EmbeddedKafka
from shared.platform.embedded.postgres import EmbeddedPostgres
from shared.platform.embedded.server import choose_port
from tests.support.consuming import settings_of
from tests.support.requests import as_body
from tests.support.running import FHIR, ROOT
from tests.support.servers import eventually
from tests.support.spine import spine_request

SERVICES = ("intake", "criteria_evaluation", "relay")


@asynccontextmanager
async def running(name: str, port: int, env: dict[str, str], log: Path) -> AsyncIterator[str]:
    """``priorauth run NAME``; gives its address."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PRIORAUTH_")}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.cli.main",
            "run",
            name,
            cwd=ROOT,
            env={**clean, **env, "PRIORAUTH_HTTP_PORT": str(port)},
            stdout=output,
            stderr=output,
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        code = await asyncio.wait_for(process.wait(), 45)
    assert code == 0, f"see {log}"


async def test_processes_wait_for_their_servers_and_go_on_by_themselves(tmp_path: Path) -> None:
    postgres, kafka = EmbeddedPostgres(tmp_path), EmbeddedKafka(tmp_path)
    await asyncio.gather(postgres.prepare(), kafka.prepare())
    env = {
        "PRIORAUTH_DATABASE_URL": postgres.address,
        "PRIORAUTH_KAFKA_BOOTSTRAP_SERVERS": kafka.address,
        "PRIORAUTH_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
    }
    ports: set[int] = set()
    while len(ports) < len(SERVICES):
        ports.add(choose_port(taken=frozenset(ports)))
    started = [running(n, p, env, tmp_path / f"{n}.log") for n, p in zip(SERVICES, ports, strict=True)]
    async with started[0] as intake, started[1] as consumer, started[2] as relay, httpx.AsyncClient() as client:

        async def status(url: str, path: str = "readyz") -> int:
            try:
                return (await client.get(f"{url}/{path}", timeout=10)).status_code
            except httpx.TransportError:
                return 0

        async def all_are(path: str, wanted: int, *urls: str) -> bool:
            return [await status(url, path) for url in urls] == [wanted] * len(urls)

        await eventually(lambda: all_are("livez", 200, intake, consumer, relay), 60)
        assert await all_are("readyz", 503, intake, consumer, relay)
        try:
            await postgres.start()
            await upgrade(postgres.address)
            await eventually(lambda: all_are("readyz", 200, intake), 30)
            assert await all_are("readyz", 503, consumer, relay), "Kafka is still away"
            answer = await client.post(
                f"{intake}/fhir/Claim/$submit",
                content=as_body(spine_request(1)),
                headers={"Content-Type": FHIR, "Prefer": "wait=0"},
            )
            assert answer.status_code == 200

            await kafka.start()
            await create_topics(settings_of(postgres.address, kafka.address))
            await eventually(lambda: all_are("readyz", 200, intake, consumer, relay), 60)

            async def evaluated() -> bool:
                case = (await client.get(f"{intake}/cases/{answer.headers['x-case-id']}")).json()
                return bool(case["state"] == "criteria_evaluated")

            await eventually(evaluated, 30)
        finally:
            await asyncio.gather(kafka.stop(), postgres.stop())
