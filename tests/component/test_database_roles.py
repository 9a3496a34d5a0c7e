"""The database's logins as a deployment makes them, on a cluster of their own: roles belong to the whole server."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from shared.journal.migrate import downgrade, upgrade
from shared.platform.embedded.postgres import EmbeddedPostgres, binaries

ROLES = Path(__file__).resolve().parents[2] / "deploy" / "postgres" / "roles.sh"
OWNER, APP, AUDIT = "priorauth_owner", "priorauth_app", "priorauth_audit"
GUARDED = "UPDATE journal SET actor = 'system:nobody'"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """``host:port`` of a migrated server whose logins ``roles.sh`` made; each login's password is its name."""
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("roles"))
    try:
        url = urlsplit(await postgres.start())
        connection = await asyncpg.connect(url.geturl().replace("+asyncpg", ""), database="postgres")
        await connection.execute("DROP DATABASE priorauth")
        await connection.close()
        await asyncio.to_thread(
            subprocess.run,
            ["sh", str(ROLES)],
            env={
                "PATH": f"{binaries()}:{os.environ['PATH']}",
                "PGHOST": str(url.hostname),
                "PGPORT": str(url.port),
                "PGPASSWORD": str(url.password),
                "POSTGRES_USER": str(url.username),
                "POSTGRES_OWNER_PASSWORD": OWNER,
                "POSTGRES_SERVICE_PASSWORD": APP,
                "POSTGRES_AUDITOR_PASSWORD": AUDIT,
            },
            check=True,
        )
        await upgrade(url_of(f"{url.hostname}:{url.port}", OWNER))
        yield f"{url.hostname}:{url.port}"
    finally:
        await postgres.stop()


def url_of(server: str, login: str) -> str:
    return f"postgresql://{login}:{login}@{server}/priorauth"


async def attempt(server: str, login: str, *statements: str) -> None:
    connection = await asyncpg.connect(url_of(server, login))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("login", [OWNER, APP, AUDIT])
async def test_every_login_reads_the_journal(server: str, login: str) -> None:
    connection = await asyncpg.connect(url_of(server, login))
    try:
        assert await connection.fetchval("SELECT count(*) FROM journal") == 0
    finally:
        await connection.close()


@pytest.mark.parametrize("statement", [GUARDED, "DELETE FROM journal", "TRUNCATE journal", "DROP TABLE journal"])
async def test_a_service_can_change_nothing_of_the_journal(server: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await attempt(server, APP, statement)


async def test_a_service_writes_its_own_tables(server: str) -> None:
    connection = await asyncpg.connect(url_of(server, APP))
    try:
        assert await connection.execute("DELETE FROM notification_deliveries") == "DELETE 0"
    finally:
        await connection.close()


@pytest.mark.parametrize("statement", ["DELETE FROM notification_deliveries", "CREATE TABLE extra (id integer)"])
async def test_an_auditor_writes_nothing(server: str, statement: str) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await attempt(server, AUDIT, statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await attempt(server, AUDIT, "SET default_transaction_read_only = off", statement)


async def test_the_triggers_refuse_the_owner_too(server: str) -> None:
    with pytest.raises(asyncpg.RestrictViolationError):
        await attempt(server, OWNER, "TRUNCATE journal")


async def test_the_owner_is_no_superuser_and_can_still_go_down_and_up(server: str) -> None:
    connection = await asyncpg.connect(url_of(server, OWNER))
    try:
        assert not await connection.fetchval("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = user")
    finally:
        await connection.close()
    await downgrade(url_of(server, OWNER))
    await upgrade(url_of(server, OWNER))
    await attempt(server, APP, "SELECT count(*) FROM journal")
