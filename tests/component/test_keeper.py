"""The keeper on the real PostgreSQL: seals appear by themselves, and what goes wrong is told and tried again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.keeper.keep import Keeper
from shared.journal.checkpoint import Checkpoint, CheckpointError, CheckpointFiles, generate_key, load_private_key
from shared.journal.partitions import partitions_of
from shared.journal.sealing import verify_checkpoints
from shared.platform import telemetry
from shared.platform.database import make_engine
from shared.platform.settings import with_driver
from tests.support.consuming import settings_of, submit
from tests.support.months import end_first
from tests.support.servers import eventually


@pytest.fixture
def seals(tmp_path: Path) -> dict[str, Any]:
    generate_key(tmp_path / "key.pem")
    return {
        "checkpoint_dir": tmp_path / "seals",
        "checkpoint_key": tmp_path / "key.pem",
        "checkpoint_seconds": 1,
        "master_key": "",
    }


@pytest_asyncio.fixture(loop_scope="session")
async def auditor(database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(settings_of(database), "auditor", 1)
    yield engine
    await engine.dispose()


@asynccontextmanager
async def keeping(keeper: Keeper) -> AsyncIterator[None]:
    task = asyncio.create_task(keeper.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def newest(seals: dict[str, Any]) -> Checkpoint | None:
    key = load_private_key(seals["checkpoint_key"]).public_key()
    return CheckpointFiles(seals["checkpoint_dir"]).last(key)


async def test_what_is_appended_is_sealed_without_anyone_asking(
    engine: AsyncEngine, auditor: AsyncEngine, database: str, seals: dict[str, Any]
) -> None:
    [first] = await submit(engine)

    async def sealed(size: int) -> bool:
        checkpoint = newest(seals)
        return checkpoint is not None and checkpoint.size >= size

    async with keeping(Keeper(settings_of(database, **seals), auditor)):
        await eventually(lambda: sealed(1))
        await submit(engine, 2)
        await eventually(lambda: sealed(3))
    files = CheckpointFiles(seals["checkpoint_dir"])
    public = load_private_key(seals["checkpoint_key"]).public_key()
    async with auditor.connect() as connection:
        assert [p async for p in verify_checkpoints(connection, files, public)] == []
    assert first.case_id in {leaf[0] for _, leaves in files.read(public) for leaf in leaves}


async def test_the_partitions_to_come_are_made(database: str, auditor: AsyncEngine) -> None:
    owner = create_async_engine(with_driver(database))
    try:
        async with owner.begin() as connection:
            await end_first(connection)
            assert len(await partitions_of(connection)) == 2

        async def made() -> bool:
            async with owner.connect() as connection:
                return len(await partitions_of(connection)) > 2

        async with keeping(Keeper(settings_of(database), auditor)):
            await eventually(made)
    finally:
        await owner.dispose()


async def test_a_folder_of_another_installation_is_left_alone_and_told(
    engine: AsyncEngine, auditor: AsyncEngine, database: str, seals: dict[str, Any]
) -> None:
    await submit(engine)
    keeper = Keeper(settings_of(database, **seals), auditor)
    await keeper.seal()
    owner = create_async_engine(with_driver(database))
    async with owner.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text("UPDATE installation SET id = gen_random_uuid()"))
    await owner.dispose()
    await submit(engine)
    before = newest(seals)
    failures = telemetry.KEEPER_FAILURES.labels("checkpoints")._value.get()

    async def told() -> bool:
        return bool(telemetry.KEEPER_FAILURES.labels("checkpoints")._value.get() > failures)

    async with keeping(keeper):
        await eventually(told)
    assert newest(seals) == before


@pytest.mark.parametrize("missing", ["checkpoint_dir", "checkpoint_key"])
def test_a_folder_and_a_key_go_together(database: str, seals: dict[str, Any], missing: str) -> None:
    with pytest.raises(CheckpointError, match="go together"):
        Keeper(settings_of(database, **(seals | {missing: None})), create_async_engine(with_driver(database)))


def test_a_key_that_cannot_be_read_is_refused_at_start(database: str, seals: dict[str, Any]) -> None:
    seals["checkpoint_key"].write_text("no key")
    with pytest.raises(CheckpointError, match="private key"):
        Keeper(settings_of(database, **seals), create_async_engine(with_driver(database)))
