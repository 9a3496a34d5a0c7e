"""kill -9 while a partition is archived: the journal is whole at any moment, in the table or in its file, and never in half."""

import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared import flow
from shared.case.history import History, Proposed
from shared.case.ids import case_id_at
from shared.events.model import CaseSubmitted
from shared.journal.archives import archive_records, open_archives
from shared.journal.spans import ALL
from shared.journal.store import add_keys, append
from shared.journal.verify import Verification, verify_within
from shared.platform.settings import with_driver
from tests.support.consuming import MASTER, NOW, PUBLIC, accept
from tests.support.killing import Killable
from tests.support.months import end_first, publish_all
from tests.support.servers import eventually, fresh_database

CASES = 4000
PARTITION = "journal_first"


@pytest_asyncio.fixture(loop_scope="session")
async def database(postgres: str, migrated_template: str) -> AsyncIterator[str]:
    """A journal of cancelled cases, large enough that archiving it takes a while, whose first partition is over."""
    async with fresh_database(postgres, migrated_template) as url:
        engine = create_async_engine(with_driver(url))
        for batch in range(CASES // 500):
            async with engine.begin() as connection:
                await _add(connection, batch)
        async with engine.begin() as connection:
            await end_first(connection)
            await publish_all(connection)
        await engine.dispose()
        yield url


async def _add(connection: AsyncConnection, batch: int) -> None:
    start = datetime.now(UTC) - timedelta(days=2)
    ids = [case_id_at(start + timedelta(seconds=batch * 500 + i)) for i in range(500)]
    keys = await add_keys(connection, MASTER, ids)
    histories = {case_id: History(case_id, "P", keys[case_id]) for case_id in ids}
    events = []
    for kind in (flow.CASE_SUBMITTED, flow.CASE_CANCELLED):
        data = CaseSubmitted(os.urandom(2000), (), (), (), None, "standard", NOW, NOW)
        events += [accept(h, Proposed(kind, data, PUBLIC), "intake", uuid4()) for h in histories.values()]
    await append(connection, events, histories)


class Archiving(Killable):
    """The command, and what lies in its folder."""

    def __init__(self, database: str, folder: Path) -> None:
        super().__init__(database, "journal", "archive", PARTITION, "--to", str(folder), "--older-than", "0")
        self.folder = folder

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()} if self.folder.exists() else set()


async def _whole(engine: AsyncEngine, folder: Path) -> Verification:
    async with engine.connect() as connection:
        archives = await open_archives(connection, folder)
        found = await verify_within(connection, ALL, archives)
    assert found.problems == []
    assert (found.cases, found.events) == (CASES, CASES * 2)
    return found


async def test_whenever_it_is_killed_the_journal_is_whole_and_the_next_run_ends_it(
    database: str, tmp_path: Path
) -> None:
    engine = create_async_engine(with_driver(database))
    work = Archiving(database, tmp_path / "archives")
    draft, file = f".{PARTITION}.1.parquet.draft", f"{PARTITION}.1.parquet"
    moments: list[Callable[[], bool]] = [
        lambda: draft in work.files(),
        lambda: draft in work.files() and (work.folder / draft).stat().st_size > 2_000_000,
        lambda: file in work.files(),
    ]
    try:
        for moment in moments:
            await work.start()
            await work.kill_when(moment)
            async with engine.connect() as connection:
                assert await archive_records(connection) == []
            await _whole(engine, work.folder)
            (work.folder / file).unlink(missing_ok=True)
        await work.start()
        assert await work.end() == (0, "")
        assert work.files() == {file}
        await _whole(engine, work.folder)
        async with engine.connect() as connection:
            [record] = await archive_records(connection)
            assert record.events == CASES * 2
            assert await connection.scalar(text("SELECT count(*) FROM journal")) == 0
    finally:
        await engine.dispose()


async def test_it_waits_for_whoever_reads_and_nobody_waits_behind_it(database: str, tmp_path: Path) -> None:
    engine = create_async_engine(with_driver(database))
    work = Archiving(database, tmp_path / "archives")
    try:
        async with engine.connect() as reader:
            await reader.execute(text(f"SELECT count(*) FROM {PARTITION}"))
            await work.start()
            await eventually(lambda: f"{PARTITION}.1.parquet" in work.files(), 60)
            # The reader holds the partition; another one is let in while the command waits, within its lock's one second.
            async with engine.connect() as other:
                await other.execute(text("SET statement_timeout = '10s'"))
                assert await other.scalar(text("SELECT count(*) FROM journal")) == CASES * 2
        assert await work.end() == (0, "")
        await _whole(engine, work.folder)
    finally:
        await engine.dispose()
