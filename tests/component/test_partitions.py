"""The journal's partitions on the real PostgreSQL: made from the old table, rolled on by the month, and never in the way."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.case.ids import case_id_at
from shared.journal.migrate import downgrade, upgrade
from shared.journal.partitions import partitions_of, roll
from shared.platform.database import make_engine
from shared.platform.settings import with_driver
from tests.support.consuming import settings_of, submit
from tests.support.months import open_since
from tests.support.servers import fresh_database

NOW = datetime.now(UTC)
MONTH = timedelta(days=31)
OLD_ROW = text(
    """
    INSERT INTO journal (case_id, sequence, event_id, type, state_before, state_after, actor, payer, consumer, causation_id,
        occurred_at, recorded_at, code_version, public, data, previous_hash, hash)
    VALUES (:case_id, 1, :case_id, 'case.submitted.v1', 'new', 'submitted', 'system:intake', 'payer', 'intake', :case_id, :at,
        :at, '0', '{}', 'data', :hash, :hash)
    """
)


@pytest_asyncio.fixture(loop_scope="session")
async def owner(postgres: str, migrated_template: str) -> AsyncIterator[AsyncEngine]:
    """A database of its own, as its owner: these tests take its partitions apart."""
    async with fresh_database(postgres, migrated_template) as url:
        engine = create_async_engine(with_driver(url))
        yield engine
        await engine.dispose()


async def put(connection: AsyncConnection, at: datetime) -> UUID:
    case_id = case_id_at(at)
    await connection.execute(OLD_ROW, {"case_id": case_id, "at": at, "hash": bytes(32)})
    return case_id


async def partition_of(connection: AsyncConnection, case_id: UUID) -> Any:
    return await connection.scalar(
        text("SELECT CAST(tableoid AS regclass)::text FROM journal WHERE case_id = :id"), {"id": case_id}
    )


def names_after(at: datetime, months: int) -> list[str]:
    """The names of the month of ``at`` and of those that follow it."""
    count = at.year * 12 + at.month - 1
    return [f"journal_{(count + i) // 12}_{(count + i) % 12 + 1:02}" for i in range(months)]


async def test_a_journal_that_was_one_table_is_the_first_partition_with_its_order_and_causes(postgres: str) -> None:
    async with fresh_database(postgres) as url:
        await upgrade(url, "0005")
        engine = create_async_engine(with_driver(url))
        try:
            async with engine.begin() as connection:
                cases = [await put(connection, NOW - MONTH), await put(connection, NOW)]
            await upgrade(url)
            async with engine.begin() as connection:
                assert [await partition_of(connection, case) for case in cases] == ["journal_first"] * 2
                later = await put(connection, NOW)
                rows = (await connection.execute(text("SELECT case_id FROM journal ORDER BY position"))).scalars().all()
                assert rows == [*cases, later]
                caused = await connection.execute(text("SELECT causation_id FROM journal_causes ORDER BY 1"))
                assert caused.scalars().all() == sorted(cases)
            await downgrade(url, "0005")
            async with engine.connect() as connection:
                rows = (await connection.execute(text("SELECT case_id FROM journal ORDER BY position"))).scalars().all()
                assert rows == [*cases, later]
        finally:
            await engine.dispose()


async def test_the_months_to_come_are_there_and_the_last_partition_takes_whatever_comes(owner: AsyncEngine) -> None:
    async with owner.begin() as connection:
        coming = names_after(NOW.replace(day=1) + MONTH, 1)
        assert [p.name for p in await partitions_of(connection)] == ["journal_first", *coming, "journal_open"]
        assert await partition_of(connection, await put(connection, NOW)) == "journal_first"
        assert await partition_of(connection, await put(connection, NOW.replace(day=1) + MONTH)) == coming[0]
        assert await partition_of(connection, await put(connection, NOW + 4 * MONTH)) == "journal_open"
        assert await roll(connection) == 0


async def test_an_empty_open_partition_becomes_a_month_at_a_time(owner: AsyncEngine) -> None:
    since = NOW.replace(day=1) - 3 * MONTH
    async with owner.begin() as connection:
        await open_since(connection, since)
        made = await roll(connection)
        assert made >= 4
        assert [p.name for p in await partitions_of(connection)] == [*names_after(since, made), "journal_open"]
        assert await roll(connection) == 0


async def test_a_late_roll_closes_the_open_partition_behind_its_newest_case(owner: AsyncEngine) -> None:
    since = NOW.replace(day=1) - 4 * MONTH
    async with owner.begin() as connection:
        await open_since(connection, since)
        old, new = await put(connection, since + timedelta(days=1)), await put(connection, NOW)
        await roll(connection)
        name = names_after(since, 1)[0]
        assert [await partition_of(connection, case) for case in (old, new)] == [name, name]
        assert (await partitions_of(connection))[0].until == datetime.strptime(
            names_after(NOW, 2)[1], "journal_%Y_%m"
        ).replace(tzinfo=UTC)


async def test_a_case_of_a_clock_that_was_wrong_keeps_the_open_partition_open(owner: AsyncEngine) -> None:
    async with owner.begin() as connection:
        await open_since(connection, NOW)
        far = await put(connection, NOW + 40 * MONTH)
        assert await roll(connection) == 0
        assert await partition_of(connection, far) == "journal_open"


@pytest.mark.parametrize("statement", ["TRUNCATE {0}", "DELETE FROM {0}", "UPDATE {0} SET actor = 'system:nobody'"])
async def test_a_partition_is_as_append_only_as_the_journal(owner: AsyncEngine, statement: str) -> None:
    async with owner.begin() as connection:
        await put(connection, NOW)
        await put(connection, NOW + 4 * MONTH)
    for name in ("journal_first", "journal_open"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with owner.begin() as connection:
                await connection.execute(text(statement.format(name)))


async def test_the_auditor_may_roll_and_the_services_may_not(database: str) -> None:
    settings = settings_of(database)
    auditor, service = make_engine(settings, "auditor", 1), make_engine(settings, "service", 1)
    try:
        await submit(service)
        async with auditor.begin() as connection:
            await connection.execute(text("SET TRANSACTION READ WRITE"))
            assert await roll(connection) == 0
        with pytest.raises(DBAPIError, match="permission denied"):
            async with service.begin() as connection:
                await roll(connection)
    finally:
        await auditor.dispose()
        await service.dispose()
