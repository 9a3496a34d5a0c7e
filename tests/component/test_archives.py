"""Archives on the real PostgreSQL: what may be archived, and that an audit reads both halves of a journal as one."""

import json
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared import flow
from shared.case.history import Proposed
from shared.events.model import CaseDetermined
from shared.journal.archive_file import ArchiveFile, ArchiveWriter
from shared.journal.archives import Archives, archive_records, open_archives
from shared.journal.archiving import ArchiveRefusedError, archive
from shared.journal.bundle import read_events
from shared.journal.chain import hash_of
from shared.journal.checkpoint import CheckpointFiles
from shared.journal.commands import CaseNotFoundError, append_one
from shared.journal.contents import verify_causes, verify_contents, verify_projection
from shared.journal.erasure import erase
from shared.journal.problems import ArchiveError, Problem
from shared.journal.rows import StoredRow
from shared.journal.sealing import make_checkpoints, verify_checkpoints
from shared.journal.spans import ALL, case_batches, spans
from shared.journal.store import read_histories
from shared.journal.verify import verify_within
from shared.platform.database import make_engine
from shared.platform.settings import with_driver
from tests.support.console import APPROVED, ASKED, Workshop
from tests.support.consuming import MASTER, settings_of
from tests.support.months import end_first, publish_all
from tests.support.servers import fresh_database

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=400)


class Journal:
    """A database whose first partition is over, with approved cases in it and one in the open partition."""

    def __init__(self, owner: AsyncEngine, workshop: Workshop, folder: Path) -> None:
        self.owner, self.workshop, self.folder = owner, workshop, folder
        self.key = Ed25519PrivateKey.generate()
        self.files = CheckpointFiles(folder / "checkpoints")
        self.archives = folder / "archives"
        self.requests = 0

    async def approve(self) -> UUID:
        """A new case; the same request again would be the same one."""
        self.requests += 1
        body = json.loads(APPROVED.read_text())
        body["identifier"]["value"] = f"archives-{self.requests}"
        return await self.workshop.finish(await self.workshop.submit(json.dumps(body).encode()))

    async def over(self) -> None:
        async with self.owner.begin() as connection:
            await end_first(connection)
            await publish_all(connection)
            await connection.execute(text("DELETE FROM notification_deliveries"))

    async def seal(self) -> None:
        assert [c async for c in make_checkpoints(self.owner, self.files, self.key, NOW)]

    async def archive(self) -> None:
        await archive(self.owner, "journal_first", self.archives, closed_before=LATER, now=LATER)

    async def problems(self) -> list[Problem]:
        """All that an audit with the master key and the checkpoints finds."""
        async with self.owner.connect() as connection:
            archives = await open_archives(connection, self.archives)
            found = (await verify_within(connection, ALL, archives)).problems
            found += [p async for p in verify_contents(connection, MASTER, ALL, archives)]
            found += [p async for p in verify_projection(connection)]
            found += [p async for p in verify_causes(connection)]
            seals = verify_checkpoints(connection, self.files, self.key.public_key(), archives)
            return found + [p async for p in seals] + list(archives.problems() if archives else ())


@pytest_asyncio.fixture(loop_scope="session")
async def journal(postgres: str, migrated_template: str, tmp_path: Path) -> AsyncIterator[Journal]:
    async with fresh_database(postgres, migrated_template) as url:
        service, owner = make_engine(settings_of(url)), create_async_engine(with_driver(url))
        yield Journal(owner, Workshop(service, MASTER), tmp_path)
        await service.dispose()
        await owner.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def archived(journal: Journal) -> Journal:
    """The same after the first partition went into a file, sealed before."""
    for _ in range(3):
        await journal.approve()
    await journal.over()
    await journal.approve()
    await journal.seal()
    await journal.archive()
    return journal


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
        parts = await spans(connection, 4, archives)
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


async def forge(journal: Journal, rows: list[StoredRow]) -> None:
    """A superuser replaces the file and all that the database says of it."""
    async with journal.owner.begin() as connection:
        [record] = await archive_records(connection)
        path = journal.archives / record.file
        installation = ArchiveFile(path).holding.installation
        with ArchiveWriter(path, record.name, record.partition, installation) as writer:
            for row in rows:
                writer.add(row)
            writer.close()
        forged = ArchiveFile(path)
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(
            text("UPDATE journal_archives SET digest = :digest, events = :events, cases = :cases"),
            {"digest": forged.file_digest(), "events": forged.holding.events, "cases": forged.holding.cases},
        )


def rehashed(rows: list[StoredRow]) -> list[StoredRow]:
    made: list[StoredRow] = []
    for row in rows:
        previous = made[-1].hash if made and made[-1].case_id == row.case_id else bytes(32)
        row = row._replace(previous_hash=previous)
        made.append(row._replace(hash=hash_of(row)))
    return made


def edit(rows: list[StoredRow]) -> list[StoredRow]:
    return rehashed([rows[0]._replace(payer="another payer"), *rows[1:]])


def cut_tail(rows: list[StoredRow]) -> list[StoredRow]:
    return rows[:-1]  # Of the last case of the file.


def delete_case(rows: list[StoredRow]) -> list[StoredRow]:
    return [row for row in rows if row.case_id != rows[0].case_id]


def insert(rows: list[StoredRow]) -> list[StoredRow]:
    last = rows[-1]
    extra = last._replace(sequence=last.sequence + 1, type=flow.CASE_QUARANTINED, state_before=last.state_after)
    return rehashed([*rows, extra])


def move(rows: list[StoredRow]) -> list[StoredRow]:
    return [rows[0]._replace(transaction_id=rows[0].transaction_id + 1000), *rows[1:]]


@pytest.mark.parametrize(
    ("change", "kind"),
    [(edit, "rewritten"), (cut_tail, "missing"), (delete_case, "missing"), (insert, "inserted"), (move, "order")],
)
async def test_an_archive_that_was_written_anew_with_all_its_hashes_is_found_by_the_checkpoints(
    archived: Journal, change: object, kind: str
) -> None:
    async with archived.owner.connect() as connection:
        archives = await open_archives(connection, archived.archives)
        assert isinstance(archives, Archives) and callable(change)
        rows = list(archives.rows())
    await forge(archived, change(rows))
    assert kind in {p.kind for p in await archived.problems()}


async def test_a_file_that_was_altered_is_named(archived: Journal) -> None:
    [path] = archived.archives.iterdir()
    raw = path.read_bytes()
    path.write_bytes(raw[:-2000] + bytes([raw[-2000] ^ 1]) + raw[-1999:])
    try:
        kinds = {p.kind for p in await archived.problems()}
    except ArchiveError as error:
        assert path.name in str(error)
    else:
        assert "archive" in kinds
