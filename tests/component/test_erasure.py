"""Erasure and the rotation of the master key, on the real PostgreSQL: what goes, what stays, and that all still verifies."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import flow
from shared.case.history import ContentUnavailableError
from shared.case.states import IllegalTransitionError
from shared.journal.commands import CaseNotFoundError
from shared.journal.contents import verify_contents, verify_projection
from shared.journal.crypto import KeyUnavailableError, MasterKey
from shared.journal.documents import StoredDocument, read_documents, store_documents
from shared.journal.erasure import erase, keys_by_master, rotate
from shared.journal.store import read_histories
from shared.journal.verify import verify
from shared.platform.database import make_engine
from shared.platform.settings import Settings
from tests.support.cases import Happening, write_case

SUBMITTED, CANCELLED = Happening(flow.CASE_SUBMITTED), Happening(flow.CASE_CANCELLED)


@pytest_asyncio.fixture(loop_scope="session")
async def owner(settings: Settings) -> AsyncIterator[AsyncEngine]:
    made = make_engine(settings, "owner", 4)
    yield made
    await made.dispose()


async def store(engine: AsyncEngine, master: MasterKey, case_id: UUID, *contents: bytes) -> list[str]:
    documents = [StoredDocument(f"sha256:{hashlib.sha256(c).hexdigest()}", "text/plain", c) for c in contents]
    async with engine.begin() as connection:
        history = (await read_histories(connection, master, [case_id]))[case_id]
        assert history.key is not None
        await store_documents(connection, master, {case_id: history.key}, [(case_id, d) for d in documents])
    return [d.id for d in documents]


async def problems(engine: AsyncEngine, master: MasterKey) -> list[str]:
    found = [p.message for p in (await verify(engine)).problems]
    async with engine.connect() as connection:
        found += [p.message async for p in verify_contents(connection, master)]
        return found + [p.message async for p in verify_projection(connection)]


async def test_an_erased_case_can_be_verified_and_never_read_again(
    engine: AsyncEngine, owner: AsyncEngine, master: MasterKey
) -> None:
    case = await write_case(engine, master, [SUBMITTED, CANCELLED])
    other = await write_case(engine, master, [SUBMITTED])
    [own, shared] = await store(engine, master, case, b"of this case alone", b"of both cases")
    await store(engine, master, other, b"of both cases")
    await erase(owner, master, case, "member_request", "operator:test")

    async with engine.connect() as connection:
        histories = await read_histories(connection, master, [case, other], [flow.CASE_SUBMITTED])
        documents = set((await connection.execute(text("SELECT id FROM documents"))).scalars())
        left = await read_documents(connection, {other: histories[other].key or b""}, [other])
    assert histories[case].state == "erased" and histories[case].key is None
    with pytest.raises(ContentUnavailableError):
        histories[case].all_of(flow.CASE_SUBMITTED)[0].data()
    assert own not in documents and left[other][shared].data == b"of both cases"
    assert await problems(engine, master) == []


async def test_its_reason_stays_readable_and_nothing_can_be_added(
    engine: AsyncEngine, owner: AsyncEngine, master: MasterKey
) -> None:
    case = await write_case(engine, master, [SUBMITTED, CANCELLED])
    await erase(owner, master, case, "court_order", "operator:test")
    async with engine.connect() as connection:
        history = (await read_histories(connection, master, [case]))[case]
    event = history.latest(flow.CASE_ERASED)
    assert event is not None and event.public == '{"reason":"court_order"}' and event.actor == "operator:test"
    with pytest.raises(CaseNotFoundError):
        await erase(owner, master, case, "court_order", "operator:test")


async def test_a_case_under_way_is_not_erased(engine: AsyncEngine, owner: AsyncEngine, master: MasterKey) -> None:
    case = await write_case(engine, master, [SUBMITTED])
    with pytest.raises(IllegalTransitionError):
        await erase(owner, master, case, "member_request", "operator:test")
    async with engine.connect() as connection:
        assert (await read_histories(connection, master, [case]))[case].key is not None


async def test_two_erasures_at_once_have_one_effect(engine: AsyncEngine, owner: AsyncEngine, master: MasterKey) -> None:
    case = await write_case(engine, master, [SUBMITTED, CANCELLED])
    erasing = (erase(owner, master, case, "member_request", f"operator:{n}") for n in range(2))
    results = await asyncio.gather(*erasing, return_exceptions=True)
    refused = [r for r in results if isinstance(r, CaseNotFoundError | IllegalTransitionError)]
    assert len(refused) == 1
    assert await problems(engine, master) == []


async def test_no_service_may_erase(engine: AsyncEngine, master: MasterKey) -> None:
    case = await write_case(engine, master, [SUBMITTED, CANCELLED])
    with pytest.raises(DBAPIError, match="permission denied"):
        await erase(engine, master, case, "member_request", "operator:test")
    async with engine.connect() as connection:
        history = (await read_histories(connection, master, [case]))[case]
    assert history.state == "cancelled" and history.key is not None


async def test_a_rotation_wraps_every_key_and_touches_no_event(
    engine: AsyncEngine, owner: AsyncEngine, master: MasterKey
) -> None:
    cases = [await write_case(engine, master, [SUBMITTED]) for _ in range(3)]
    async with engine.connect() as connection:
        before = (await connection.execute(text("SELECT hash FROM journal ORDER BY position"))).all()
        counted = sum((await keys_by_master(connection)).values())
    newer = MasterKey(b"\x09" * 32, "2", {"1": bytes(range(32))})
    assert await rotate(owner, newer) == counted
    assert await rotate(owner, newer) == 0

    alone = MasterKey(b"\x09" * 32, "2")
    async with engine.connect() as connection:
        assert await keys_by_master(connection) == {"2": counted}
        assert (await connection.execute(text("SELECT hash FROM journal ORDER BY position"))).all() == before
        read = await read_histories(connection, alone, cases, [flow.CASE_SUBMITTED])
    assert all(history.all_of(flow.CASE_SUBMITTED)[0].data() for history in read.values())
    assert await problems(engine, alone) == []
    # Back again, for the other tests of this module.
    await rotate(owner, MasterKey(bytes(range(32)), "1", {"2": b"\x09" * 32}))


async def test_a_rotation_that_lacks_a_key_says_so_and_loses_nothing(
    engine: AsyncEngine, owner: AsyncEngine, master: MasterKey
) -> None:
    case = await write_case(engine, master, [SUBMITTED])
    with pytest.raises(KeyUnavailableError):
        await rotate(owner, MasterKey(b"\x07" * 32, "3"))
    async with engine.connect() as connection:
        assert (await read_histories(connection, master, [case]))[case].key is not None


async def test_while_it_goes_on_both_keys_open(engine: AsyncEngine, owner: AsyncEngine, master: MasterKey) -> None:
    old = await write_case(engine, master, [SUBMITTED])
    both = MasterKey(b"\x05" * 32, "5", {"1": bytes(range(32))})
    new = await write_case(engine, both, [SUBMITTED])
    async with engine.connect() as connection:
        histories = await read_histories(connection, both, [old, new])
    assert all(history.key is not None for history in histories.values())
    await rotate(owner, MasterKey(bytes(range(32)), "1", {"5": b"\x05" * 32}))
