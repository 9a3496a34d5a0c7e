"""The servers that tests run against: real ones, embedded unless the environment names others.

A server that cannot start fails the tests that need it; nothing is skipped.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from shared.journal.migrate import upgrade
from shared.platform.embedded.kafka import EmbeddedKafka
from shared.platform.embedded.postgres import EmbeddedPostgres
from tests.support.servers import empty_topics, execute, fresh_database, on_database

# A machine that does something else meanwhile makes a law no less true.
settings.register_profile(
    "priorauth",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # CI judges one commit and must judge it alike each time; elsewhere every run looks at other examples.
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("priorauth")


@pytest.fixture(scope="session")
def servers_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of the embedded servers."""
    return tmp_path_factory.mktemp("servers")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres(servers_dir: Path) -> AsyncIterator[str]:
    """A PostgreSQL server's URL, with the right to create databases; PRIORAUTH_TEST_DATABASE_URL names another."""
    given = os.environ.get("PRIORAUTH_TEST_DATABASE_URL")
    if given:
        yield given
        return
    server = EmbeddedPostgres(servers_dir)
    try:
        yield await server.start()
    finally:
        await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kafka(servers_dir: Path) -> AsyncIterator[str]:
    """Kafka's bootstrap address; PRIORAUTH_TEST_KAFKA names another."""
    given = os.environ.get("PRIORAUTH_TEST_KAFKA")
    if given:
        yield given
        return
    server = EmbeddedKafka(servers_dir)
    try:
        yield await server.start()
    finally:
        await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated_template(postgres: str) -> AsyncIterator[str]:
    """The name of a migrated database that others are copied from; made once, since migrating takes longer."""
    name = f"template_{os.getpid()}"
    await execute(postgres, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await execute(postgres, f'CREATE DATABASE "{name}" TEMPLATE template0')
    await upgrade(on_database(postgres, name))
    yield name
    await execute(postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(postgres: str, migrated_template: str) -> AsyncIterator[str]:
    """The URL of a migrated, empty database that belongs to one test module."""
    async with fresh_database(postgres, migrated_template) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def topics(kafka: str) -> str:
    """Kafka's bootstrap address, with every topic of the flow present and empty for one test module."""
    await empty_topics(kafka)
    return kafka
