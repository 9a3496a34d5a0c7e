"""Archives on the real PostgreSQL: what may be archived, and that an audit reads both halves of a journal as one."""

import shutil

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import flow
from shared.case.history import Proposed
from shared.events.model import CaseDetermined
from shared.journal.archives import archive_records, open_archives
from shared.journal.archiving import ArchiveRefusedError, archive
from shared.journal.bundle import read_events
from shared.journal.commands import CaseNotFoundError, append_one
from shared.journal.erasure import erase
from shared.journal.problems import ArchiveError
from shared.journal.spans import ALL, case_batches, spans
from shared.journal.store import read_histories
from shared.journal.verify import verify_within
from tests.support.archived import LATER, NOW, Journal
from tests.support.console import ASKED
from tests.support.consuming import MASTER
from tests.support.months import end_first, publish_all


async def rows_of(connection: AsyncConnection) -> int:
    return int(await connection.scalar(text("SELECT count(*) FROM journal")) or 0)


async def test_the_journal_is_one_over_table_and_archive(archived: Journal) -> None:
    assert await archived.problems() == []
    async with archived.owner.connect() as connection:
        archives = await open_archives(connection, archived.archives)
        assert archives is not None
        [record] = await archive_records(connection)
        found = await verify_within(connection, ALL, archives)
        assert (found.cases, found.events) == (4, record.events + await rows_of(connection))
        assert record.cases == 3
        ids = [case_id async for batch in case_batches(connection, ALL, archives, size=2) for case_id in batch]
        assert len(ids) == 4 and ids == sorted(ids)
        live = [case_id async for batch in case_batches(connection) for case_id in batch]
        assert live == ids[3:]
        parts = await spans(connection, archives, size=1)
        assert sum([(await verify_within(connection, part, archives)).cases for part in parts]) == 4
        histories = await read_histories(connection, MASTER, ids, [flow.CASE_SUBMITTED], archives)
        assert {len(h.events) for h in histories.values()} == {5}
        assert all(h.all_of(flow.CASE_SUBMITTED)[0].data() for h in histories.values())
        assert len(await read_events(connection, ids[0], archives)) == 5


async def test_services_do_not_see_an_archived_case_and_cannot_add_to_it(archived: Journal) -> None:
    async with archived.owner.connect() as connection:
        [record] = await archive_records(connection)
        assert await read_histories(connection, MASTER, [record.first_case]) == {}
    with pytest.raises(CaseNotFoundError):
        await append_one(
            archived.workshop.engine,
            MASTER,
            record.first_case,
            lambda _: Proposed(flow.CASE_CANCELLED, CaseDetermined()),
            actor="system:intake",
            consumer="intake",
            causation_id=record.first_case,
        )


async def test_the_same_request_is_known_after_its_case_was_archived(archived: Journal) -> None:
    async with archived.owner.connect() as connection:
        before = await rows_of(connection)
        [record] = await archive_records(connection)
    archived.requests = 0
    again = await archived.approve()
    async with archived.owner.connect() as connection:
        assert await rows_of(connection) == before
    assert again == record.first_case


async def test_an_archived_case_is_erased_and_everything_verifies(archived: Journal) -> None:
    async with archived.owner.connect() as connection:
        archives = await open_archives(connection, archived.archives)
        [record] = await archive_records(connection)
    case_id = record.first_case
    await erase(archived.owner, MASTER, case_id, "court_order", "operator:test", archives)
    assert await archived.problems() == []
    async with archived.owner.connect() as connection:
        history = (await read_histories(connection, MASTER, [case_id], [flow.CASE_SUBMITTED], archives))[case_id]
    assert (history.state, history.sequence, history.key) == ("erased", 6, None)
    with pytest.raises(CaseNotFoundError):
        await erase(archived.owner, MASTER, case_id, "court_order", "operator:test", archives)
    # What came after the archive goes into a second one.
    async with archived.owner.begin() as connection:
        await publish_all(connection)
    await archived.archive()
    assert await archived.problems() == []
    async with archived.owner.connect() as connection:
        names = [r.name for r in await archive_records(connection)]
    assert names == ["journal_first.1", "journal_first.2"]


async def test_what_is_under_way_is_not_archived(journal: Journal) -> None:
    await journal.approve()
    with pytest.raises(ArchiveRefusedError, match="not over"):
        await archive(journal.owner, "journal_first", journal.archives, closed_before=NOW, now=NOW)
    with pytest.raises(ArchiveRefusedError, match="no partition"):
        await archive(journal.owner, "journal_1999_01", journal.archives, closed_before=NOW, now=NOW)
    await journal.workshop.finish(await journal.workshop.submit(ASKED.read_bytes()))
    async with journal.owner.begin() as connection:
        await end_first(connection)
    with pytest.raises(ArchiveRefusedError, match="1 of its cases have not come to their end"):
        await journal.archive()
    async with journal.owner.connect() as connection:
        assert await rows_of(connection) == 10
    assert not journal.archives.exists()


@pytest.mark.parametrize(
    ("reason", "undo"),
    [
        ("were not published", "DELETE FROM relay_cursors"),
        (
            "were not delivered",
            "INSERT INTO notification_deliveries SELECT event_id, case_id, 5, 0, now() FROM journal LIMIT 1",
        ),
    ],
)
async def test_what_others_still_need_is_not_archived(journal: Journal, reason: str, undo: str) -> None:
    await journal.approve()
    await journal.over()
    async with journal.owner.begin() as connection:
        await connection.execute(text(undo))
    with pytest.raises(ArchiveRefusedError, match=reason):
        await journal.archive()


async def test_young_events_are_not_archived(journal: Journal) -> None:
    await journal.approve()
    await journal.over()
    with pytest.raises(ArchiveRefusedError, match="younger"):
        await archive(journal.owner, "journal_first", journal.archives, closed_before=NOW, now=LATER)


async def test_an_audit_says_what_it_lacks(archived: Journal) -> None:
    async with archived.owner.connect() as connection:
        with pytest.raises(ArchiveError, match="--archives"):
            await open_archives(connection, None)
        [record] = await archive_records(connection)
        path = archived.archives / record.file
        shutil.move(path, archived.folder / "away")
        with pytest.raises(ArchiveError, match="is not in the folder"):
            await open_archives(connection, archived.archives)
        live = [case_id async for batch in case_batches(connection) for case_id in batch]
        assert await open_archives(connection, archived.archives, live[0]) is None


async def test_a_file_that_was_left_by_a_run_that_died_is_written_anew(journal: Journal) -> None:
    await journal.approve()
    await journal.over()
    journal.archives.mkdir()
    (journal.archives / "journal_first.1.parquet").write_bytes(b"half of it")
    (journal.archives / ".journal_first.1.parquet.draft").write_bytes(b"a part of it")
    await journal.seal()
    await journal.archive()
    assert await journal.problems() == []
    assert [p.name for p in journal.archives.iterdir()] == ["journal_first.1.parquet"]
