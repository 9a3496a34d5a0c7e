"""The access log: in a chain of its own, appended by whoever shows content, changed by nobody."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.journal.access import last_access, read_accesses, record_access, verify_accesses
from shared.platform.database import make_engine
from shared.platform.settings import Settings, with_driver

AT = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
CASE = UUID(int=5)


@pytest_asyncio.fixture(loop_scope="session")
async def superuser(database: str) -> AsyncIterator[AsyncEngine]:
    made = create_async_engine(with_driver(database))
    yield made
    await made.dispose()


async def record(engine: AsyncEngine, who: str, case_id: UUID | None = CASE) -> None:
    async with engine.begin() as connection:
        await record_access(connection, who=who, action="case page", why="review", at=AT, case_id=case_id)


async def test_many_writers_at_once_make_one_chain(engine: AsyncEngine, superuser: AsyncEngine) -> None:
    await asyncio.gather(*(record(engine, f"console:reader-{n}") for n in range(20)))
    await record(engine, "operator:night", None)
    async with engine.connect() as connection:
        entries = [a async for a in read_accesses(connection)]
        assert [a.number for a in entries] == list(range(1, 22))
        assert len([a async for a in read_accesses(connection, CASE)]) == 20
        assert [p async for p in verify_accesses(connection, await last_access(connection))] == []


@pytest.mark.parametrize("role", ["service", "auditor"])
async def test_whoever_writes_it_can_change_nothing(settings: Settings, role: str) -> None:
    made = make_engine(settings, "service" if role == "service" else "auditor", 1)
    try:
        for statement in ("UPDATE access_log SET who = 'x'", "DELETE FROM access_log"):
            with pytest.raises(DBAPIError):
                async with made.begin() as connection:
                    await connection.execute(text("SET TRANSACTION READ WRITE"))
                    await connection.execute(text(statement))
        async with made.begin() as connection:
            await connection.execute(text("SET TRANSACTION READ WRITE"))
            await record_access(connection, who=role, action="replay", why="replay", at=AT)
    finally:
        await made.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_log SET who = 'console:somebody' WHERE number = 3",
        "UPDATE access_log SET at = at + interval '1 second' WHERE number = 3",
        "UPDATE access_log SET case_id = NULL WHERE number = 1",
        "DELETE FROM access_log WHERE number = 2",
        "DELETE FROM access_log WHERE number = (SELECT max(number) FROM access_log)",
        "DELETE FROM access_log",
    ],
)
async def test_what_a_superuser_changes_is_found(engine: AsyncEngine, superuser: AsyncEngine, statement: str) -> None:
    for n in range(3):
        await record(engine, f"console:r{n}")
    async with superuser.connect() as connection:
        sealed = await last_access(connection)
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text(statement))
        assert [p async for p in verify_accesses(connection, sealed)]
        await connection.rollback()
        assert [p async for p in verify_accesses(connection, sealed)] == []
