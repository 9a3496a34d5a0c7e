"""Files of archived events: what was written is read back, one case without the others, and a damaged file is refused."""

import hashlib
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.journal import archive_file
from shared.journal.archive_file import ArchiveFile, ArchiveWriter
from shared.journal.problems import ArchiveError
from shared.journal.rows import StoredRow

AT = datetime(2026, 11, 1, 12, 0, 0, 123_456, tzinfo=UTC)


def row(case: int, sequence: int, data: bytes = b"closed") -> StoredRow:
    case_id = UUID(int=case << 80)
    digest = hashlib.sha256(case_id.bytes + bytes([sequence])).digest()
    at = AT + timedelta(microseconds=case)
    place = (case * 10 + sequence, case * 7)
    names = ("case.submitted.v1", "new", "submitted", "system:intake", "Größe", "intake")
    return StoredRow(
        case_id, sequence, case_id, *names, case_id, at, at, None, "1", '{"ä":1}', digest, digest, data, *place
    )


def written(path: Path, rows: list[StoredRow]) -> ArchiveFile:
    with ArchiveWriter(path, "journal_2026_11.1", "journal_2026_11", "installation") as writer:
        for each in rows:
            writer.add(each)
        writer.close()
    return ArchiveFile(path)


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_file, "_GROUP_ROWS", 10)


CASES = [row(case, sequence) for case in range(1, 40) for sequence in range(1, case % 5 + 2)]


def test_what_was_written_is_read_back(tmp_path: Path, small_groups: None) -> None:
    file = written(tmp_path / "a.parquet", CASES)
    assert list(file.rows()) == CASES
    held = file.holding
    assert (held.cases, held.events, held.installation) == (39, len(CASES), "installation")
    assert (held.first_case, held.last_case) == (str(CASES[0].case_id), str(CASES[-1].case_id))
    assert file.digest() == held.digest and len(held.groups) > 5
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]


def test_a_row_group_never_cuts_a_case(tmp_path: Path, small_groups: None) -> None:
    file = written(tmp_path / "a.parquet", CASES)
    groups = [{r.case_id for r in file._group(i)} for i in range(len(file.holding.groups))]
    assert all(a.isdisjoint(b) for a, b in pairwise(groups))


def test_one_case_or_a_range_is_read_alone(tmp_path: Path, small_groups: None) -> None:
    file = written(tmp_path / "a.parquet", CASES)
    for case in (1, 17, 39):
        wanted = UUID(int=case << 80)
        assert list(file.rows_of([wanted])) == [r for r in CASES if r.case_id == wanted]
    assert list(file.rows_of([UUID(int=0), UUID(int=5), UUID(int=(1 << 128) - 1)])) == []
    first, before = UUID(int=7 << 80), UUID(int=23 << 80)
    assert list(file.rows(first, before)) == [r for r in CASES if first <= r.case_id < before]
    assert sorted(file.columns(("case_id", "position"))) == sorted((r.case_id, r.position) for r in CASES)


@given(
    st.lists(st.integers(1, 60), min_size=1, unique=True), st.integers(1, 12), st.integers(0, 61), st.integers(0, 61)
)
def test_every_range_of_every_file_is_what_it_should_be(
    tmp_path_factory: pytest.TempPathFactory, cases: list[int], size: int, first: int, before: int
) -> None:
    rows = [row(case, sequence) for case in sorted(cases) for sequence in (1, 2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive_file, "_GROUP_ROWS", size)
        file = written(tmp_path_factory.mktemp("archive") / "a.parquet", rows)
    low, high = UUID(int=first << 80), UUID(int=before << 80)
    assert list(file.rows(low, high)) == [r for r in rows if low <= r.case_id < high]
    assert list(file.rows(low)) == [r for r in rows if r.case_id >= low]


def test_other_software_reads_the_file(tmp_path: Path) -> None:
    written(tmp_path / "a.parquet", CASES)
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names == list(StoredRow._fields)
    assert table.column("recorded_at")[0].as_py() == AT + timedelta(microseconds=1)


def test_an_error_on_the_way_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), ArchiveWriter(tmp_path / "a.parquet", "a", "b", "c") as writer:
        writer.add(CASES[0])
        raise RuntimeError
    with (
        pytest.raises(ArchiveError, match="nothing to archive"),
        ArchiveWriter(tmp_path / "a.parquet", "a", "b", "c") as writer,
    ):
        writer.close()
    assert list(tmp_path.iterdir()) == []


def cut(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def no_file_of_ours(raw: bytes) -> bytes:
    return b"PAR1" + bytes(100)


@pytest.mark.parametrize("change", [cut, no_file_of_ours, lambda raw: b""])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "a.parquet"
    written(path, CASES)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ArchiveError, match=r"a\.parquet cannot be read"):
        ArchiveFile(path)
    path.unlink()
    with pytest.raises(ArchiveError, match="is not in the folder"):
        ArchiveFile(path)


def test_a_damaged_page_is_an_error_and_never_another_content(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = [row(case, 1, data=random.Random(case).randbytes(4000)) for case in range(1, 30)]
    written(path, rows)
    raw = path.read_bytes()
    refused = 0
    for at in range(8, len(raw) // 2, len(raw) // 100):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        try:
            assert list(ArchiveFile(path).rows()) == rows, f"byte {at}"
        except ArchiveError:
            refused += 1
    assert refused > 40


def test_a_files_digest_is_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    file = written(path, CASES)
    assert file.file_digest() == hashlib.sha256(path.read_bytes()).hexdigest()
