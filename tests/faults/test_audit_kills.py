"""kill -9 of what touches keys and makes bundles: each is done whole, or it is as if it had never begun."""

import base64
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared import flow
from shared.case.ids import new_case_id
from shared.journal.bundle import check_bundle
from shared.journal.contents import verify_contents
from shared.journal.crypto import MasterKey, new_key
from shared.journal.documents import StoredDocument, store_documents
from shared.journal.erasure import keys_by_master
from shared.journal.store import read_histories
from shared.journal.verify import verify
from shared.platform.settings import with_driver
from tests.support.cases import Happening, write_case
from tests.support.consuming import MASTER
from tests.support.killing import Killable
from tests.support.servers import fresh_database

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
KEY = {"PRIORAUTH_MASTER_KEY": base64.b64encode(OLD).decode()}
KEYS = 20_000
DOCUMENT_BYTES = 40_000_000


@pytest_asyncio.fixture(loop_scope="session")
async def database(postgres: str, migrated_template: str) -> AsyncIterator[str]:
    async with fresh_database(postgres, migrated_template) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def owner(database: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(with_driver(database))
    yield engine
    await engine.dispose()


async def closed_case(engine: AsyncEngine, document: bytes = b"a chart") -> UUID:
    """A case that was cancelled, with a document."""
    case_id = await write_case(engine, MASTER, [Happening(flow.CASE_SUBMITTED), Happening(flow.CASE_CANCELLED)])
    async with engine.begin() as connection:
        key = (await read_histories(connection, MASTER, [case_id]))[case_id].key
        assert key is not None
        stored = StoredDocument(f"sha256:{hashlib.sha256(document).hexdigest()}", "text/plain", document)
        await store_documents(connection, MASTER, {case_id: key}, [(case_id, stored)])
    return case_id


async def test_a_rotation_that_is_killed_leaves_every_key_to_one_of_the_two_and_goes_on(
    database: str, owner: AsyncEngine
) -> None:
    ids = [new_case_id() for _ in range(KEYS)]
    plain = {case_id: new_key() for case_id in ids}
    async with owner.begin() as connection:
        await connection.execute(
            text("INSERT INTO case_keys SELECT *, '1' FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS bytea[]))"),
            {"ids": ids, "keys": [MASTER.wrap(plain[case_id], case_id) for case_id in ids]},
        )
    env = {
        "PRIORAUTH_MASTER_KEY": base64.b64encode(NEW).decode(),
        "PRIORAUTH_MASTER_KEY_ID": "2",
        "PRIORAUTH_PREVIOUS_MASTER_KEYS": f"1:{KEY['PRIORAUTH_MASTER_KEY']}",
    }
    both = MasterKey(NEW, "2", {"1": OLD})
    rotation = Killable(database, "keys", "rotate", env=env)

    async def counts() -> dict[str, int]:
        async with owner.connect() as connection:
            return await keys_by_master(connection)

    for share in (0, 0.4):
        await rotation.start()

        async def under_way(least: float = share * KEYS) -> bool:
            return (await counts()).get("2", 0) > least

        await rotation.kill_when(under_way)
        assert 0 < (await counts())["1"] < KEYS
        async with owner.connect() as connection:
            rows = (await connection.execute(text("SELECT case_id, wrapped_key FROM case_keys"))).all()
        assert {row[0]: both.open(row[1], row[0]) for row in rows} == plain
    await rotation.start()
    assert await rotation.end() == (0, "")
    assert await counts() == {"2": KEYS}


async def test_an_erasure_that_is_killed_has_not_happened(database: str, owner: AsyncEngine) -> None:
    case_id = await closed_case(owner)
    erasure = Killable(database, "cases", "erase", str(case_id), "--reason", "member_request", env=KEY)
    async with owner.connect() as watcher, owner.connect() as holder:
        # Whoever holds the way to the document keeps the erasure waiting in the middle of its transaction.
        await holder.execute(text("SELECT FROM document_keys WHERE case_id = :id FOR UPDATE"), {"id": case_id})
        await erasure.start()

        async def waiting() -> bool:
            await watcher.rollback()
            found = await watcher.scalar(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                )
            )
            return bool(found)

        await erasure.kill_when(waiting)
        await holder.rollback()
    async with owner.connect() as connection:
        history = (await read_histories(connection, MASTER, [case_id]))[case_id]
        assert (history.state, history.key is not None) == ("cancelled", True)
        assert [p async for p in verify_contents(connection, MASTER)] == []
    await erasure.start()
    assert await erasure.end() == (0, "")
    assert (await verify(owner)).problems == []
    async with owner.connect() as connection:
        assert [p async for p in verify_contents(connection, MASTER)] == []
        history = (await read_histories(connection, MASTER, [case_id]))[case_id]
        assert (history.state, history.key) == ("erased", None)
        assert await connection.scalar(text("SELECT count(*) FROM documents")) == 0


async def test_an_export_that_is_killed_leaves_no_bundle_under_its_name(
    database: str, owner: AsyncEngine, tmp_path: Path
) -> None:
    case_id = await closed_case(owner, os.urandom(DOCUMENT_BYTES))
    bundle = tmp_path / "case.zip"
    export = Killable(database, "audit", "export", "--case", str(case_id), "--out", str(bundle), env=KEY)

    async def read_begun() -> bool:
        async with owner.connect() as connection:
            return bool(await connection.scalar(text("SELECT count(*) FROM access_log")))

    def writing() -> bool:
        return any(path.name.startswith(".case.zip") for path in tmp_path.iterdir())

    for moment in (read_begun, writing):
        await export.start()
        await export.kill_when(moment)
        assert not bundle.exists()
    await export.start()
    assert await export.end() == (0, "")
    problems, _ = check_bundle(bundle.read_bytes())
    assert problems == []
    assert bundle.stat().st_mode & 0o077 == 0
