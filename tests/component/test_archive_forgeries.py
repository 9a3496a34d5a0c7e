"""Archives that somebody wrote anew: what the file and the database say fits, and the checkpoints tell all the same."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from shared import flow
from shared.journal.archive_file import ArchiveFile, ArchiveWriter
from shared.journal.archives import archive_records, open_archives
from shared.journal.chain import hash_of
from shared.journal.problems import ArchiveError
from shared.journal.rows import StoredRow
from tests.support.archived import Journal


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
    archived: Journal, change: Callable[[list[StoredRow]], list[StoredRow]], kind: str
) -> None:
    async with archived.owner.connect() as connection:
        archives = await open_archives(connection, archived.archives)
        assert archives is not None
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
