"""The journal on the real PostgreSQL: what it takes, what it refuses, and to whom."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import flow
from shared.case.history import ContentUnavailableError, History, Proposed
from shared.case.ids import new_case_id
from shared.events.model import CaseDetermined
from shared.journal.commands import append_one
from shared.journal.crypto import KeyUnavailableError, MasterKey
from shared.journal.documents import StoredDocument, read_documents, store_documents
from shared.journal.migrate import downgrade, upgrade
from shared.journal.store import ConcurrentAppendError, add_keys, append, check_master_key, read_histories
from shared.journal.verify import verify
from shared.platform.database import make_engine
from tests.support.consuming import MASTER, accept, history_of, settings_of, submit, submitted
from tests.support.servers import fresh_database


@pytest_asyncio.fixture(loop_scope="session")
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(settings_of(database))
    yield engine
    await engine.dispose()


async def test_the_schema_goes_up_and_down_and_up_again(postgres: str) -> None:
    async with fresh_database(postgres) as url:
        await asyncio.gather(upgrade(url), upgrade(url))
        await downgrade(url)
        engine = make_engine(settings_of(url))
        try:
            async with engine.connect() as connection:
                left = await connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
                assert [row[0] for row in left] == ["alembic_version"]
        finally:
            await engine.dispose()
        await upgrade(url)


async def test_what_is_appended_is_read_back_and_is_encrypted_at_rest(engine: AsyncEngine) -> None:
    [message] = await submit(engine)
    history = await history_of(engine, message.case_id, [flow.CASE_SUBMITTED])
    [event] = history.all_of(flow.CASE_SUBMITTED)
    assert event.data() == submitted()
    with pytest.raises(ContentUnavailableError):
        (await history_of(engine, message.case_id)).all_of(flow.CASE_SUBMITTED)[0].data()
    async with engine.connect() as connection:
        stored = (await connection.execute(text("SELECT data FROM journal LIMIT 1"))).scalar_one()
    assert b"standard" not in stored


async def test_two_writers_of_one_sequence_cannot_both_succeed(engine: AsyncEngine) -> None:
    [message] = await submit(engine)
    first, second = await history_of(engine, message.case_id), await history_of(engine, message.case_id)
    for history, accepted in ((first, True), (second, False)):
        event = accept(history, Proposed(flow.CASE_CANCELLED, CaseDetermined()), "intake")
        if accepted:
            async with engine.begin() as connection:
                await append(connection, [event], {history.case_id: history})
        else:
            with pytest.raises(ConcurrentAppendError):
                async with engine.begin() as connection:
                    await append(connection, [event], {history.case_id: history})
    assert (await history_of(engine, message.case_id)).sequence == 2


async def test_a_cause_has_its_effect_once_for_a_consumer(engine: AsyncEngine) -> None:
    [message] = await submit(engine)
    cause = uuid4()
    for _ in range(2):
        await append_one(
            engine,
            MASTER,
            message.case_id,
            lambda _: Proposed(flow.INFORMATION_RECEIVED, submitted()),
            actor="system:intake",
            consumer="intake",
            causation_id=cause,
        )
    assert (await history_of(engine, message.case_id)).sequence == 2


@pytest.mark.parametrize("role", ["migrator", "service"])
@pytest.mark.parametrize("statement", ["UPDATE journal SET payer = 'x'", "DELETE FROM journal", "TRUNCATE journal"])
async def test_nobody_changes_the_journal(database: str, role: str, statement: str) -> None:
    await submit_one(database)
    url = settings_of(database)
    engine = make_engine(
        url if role == "service" else url.model_copy(update={"service_database_url": url.database_url})
    )
    try:
        with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
            async with engine.begin() as connection:
                await connection.execute(text(statement))
    finally:
        await engine.dispose()


async def submit_one(database: str) -> None:
    engine = make_engine(settings_of(database))
    try:
        await submit(engine)
    finally:
        await engine.dispose()


async def test_the_database_itself_refuses_a_denial_by_a_machine(engine: AsyncEngine) -> None:
    [message] = await submit(engine)
    denial = """
        INSERT INTO journal (case_id, sequence, event_id, type, state_before, state_after, actor, payer, consumer,
            causation_id, occurred_at, recorded_at, code_version, public, data, previous_hash, hash)
        VALUES (:case_id, 2, gen_random_uuid(), :type, 'in_review', :after, :actor, 'P', 'x', gen_random_uuid(), now(),
            now(), 'test', '{}', '', decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'))
        """
    by_machine = [
        (flow.CASE_DENIED, "denied", "system:determination"),
        (flow.CASE_PARTLY_APPROVED, "partly_approved", "operator:cli"),
        ("case.refused.v9", "denied", "system:determination"),
    ]
    for type_, after, actor in by_machine:
        with pytest.raises(DBAPIError, match="journal_no_machine_denial"):
            async with engine.begin() as connection:
                values = {"case_id": message.case_id, "type": type_, "after": after, "actor": actor}
                await connection.execute(text(denial), values)
    async with engine.connect() as connection:
        values = {"case_id": message.case_id, "type": flow.CASE_DENIED, "after": "denied", "actor": "clinician:3"}
        assert (await connection.execute(text(denial), values)).rowcount == 1


async def test_the_auditor_reads_and_writes_nothing(database: str) -> None:
    await submit_one(database)
    engine = make_engine(settings_of(database), "auditor")
    try:
        assert (await verify(engine)).events > 0
        with pytest.raises(DBAPIError, match=r"read-only|permission denied"):
            async with engine.begin() as connection:
                await connection.execute(text("DELETE FROM case_keys"))
    finally:
        await engine.dispose()


async def test_verify_finds_what_a_superuser_changed(postgres: str, migrated_template: str) -> None:
    changes = {
        "payer = 'OTHER'": "hash",
        "data = data || '\\x00'::bytea": "hash",
        "state_after = 'approved'": "hash",
        "hash = decode(repeat('01', 32), 'hex')": "hash",
    }
    async with fresh_database(postgres, migrated_template) as url:
        engine = make_engine(
            settings_of(url).model_copy(update={"service_database_url": settings_of(url).database_url})
        )
        try:
            for change, kind in changes.items():
                [message] = await submit(engine)
                async with engine.begin() as connection:
                    await connection.execute(text("ALTER TABLE journal DISABLE TRIGGER USER"))
                    statement = f"UPDATE journal SET {change} WHERE case_id = :case_id"
                    await connection.execute(text(statement), {"case_id": message.case_id})
                    await connection.execute(text("ALTER TABLE journal ENABLE TRIGGER USER"))
                found = await verify(engine, message.case_id)
                assert kind in {p.kind for p in found.problems}, change
        finally:
            await engine.dispose()


async def test_a_document_is_stored_once_and_opens_for_each_of_its_cases(engine: AsyncEngine) -> None:
    document = StoredDocument("sha256:" + "ab" * 32, "text/plain", b"a chart note")
    case_ids = [new_case_id(), new_case_id()]
    keys: dict[UUID, bytes] = {}
    for case_id in case_ids:
        async with engine.begin() as connection:
            keys |= await add_keys(connection, MASTER, [case_id])
            await store_documents(connection, MASTER, keys, [(case_id, document)])
    async with engine.connect() as connection:
        found = await read_documents(connection, keys, case_ids)
        count = (
            await connection.execute(text("SELECT count(*) FROM documents WHERE id = :id"), {"id": document.id})
        ).scalar_one()
        stored = (
            await connection.execute(text("SELECT data FROM documents WHERE id = :id"), {"id": document.id})
        ).scalar_one()
    assert count == 1
    assert document.data not in stored
    assert [found[case_id][document.id] for case_id in case_ids] == [document, document]


async def test_a_wrong_master_key_is_noticed_at_the_start(engine: AsyncEngine) -> None:
    [message] = await submit(engine)
    other = MasterKey(bytes(32))
    async with engine.connect() as connection:
        await check_master_key(connection, MASTER)
        with pytest.raises(KeyUnavailableError):
            await check_master_key(connection, other)
        history = (await read_histories(connection, other, [message.case_id], [flow.CASE_SUBMITTED]))[message.case_id]
    assert isinstance(history, History)
    assert history.key is None
