"""A file of archived events: Parquet, sorted by case and sequence, every column as it was stored, zstd.

A row group holds whole cases. The file's metadata has, under ``priorauth.archive``, what it holds and the first case of
each row group, so that one case is read without the others. Pages carry checksums. The content stays encrypted under the
cases' keys, which never leave the database: erasing a key erases what an archive has of its case too.
Format: Apache Parquet, https://parquet.apache.org/docs/file-format/.
"""

import bisect
import hashlib
import json
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from shared.journal.chain import microseconds
from shared.journal.problems import ArchiveError
from shared.journal.rows import StoredRow

SCHEMA: Final = "priorauth.archive/1"
_KEY: Final = "priorauth.archive"
_GROUP_ROWS: Final = 4096
_GROUP_BYTES: Final = 32 << 20
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UUID, _TEXT = pa.binary(16), pa.string()
_INSTANT: Final = pa.timestamp("us", tz="UTC")
_KINDS: Final = {
    **dict.fromkeys(StoredRow._fields, _TEXT),
    **dict.fromkeys(("case_id", "event_id", "causation_id"), _UUID),
    **dict.fromkeys(("previous_hash", "hash"), pa.binary(32)),
    **dict.fromkeys(("occurred_at", "recorded_at"), _INSTANT),
    **dict.fromkeys(("transaction_id", "position"), pa.int64()),
    "sequence": pa.int32(),
    "data": pa.binary(),
}
_COLUMNS: Final = pa.schema([pa.field(name, kind, nullable=name == "traceparent") for name, kind in _KINDS.items()])


@dataclass(frozen=True, slots=True)
class Holding:
    """What a file holds. ``digest`` is the SHA-256 over each event's case, sequence, hash and place, in order, in hex."""

    name: str
    partition: str
    installation: str
    cases: int
    events: int
    first_case: str
    last_case: str
    digest: str
    groups: tuple[str, ...]


class ArchiveWriter:
    """Writes a file beside its place; ``close`` brings it to disk and gives it its name, an error leaves nothing."""

    def __init__(self, path: Path, name: str, partition: str, installation: str) -> None:
        self._path, self._draft = path, path.with_name(f".{path.name}.draft")
        self._about = (name, partition, installation)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(
            self._draft, _COLUMNS, compression="zstd", write_page_checksum=True, use_dictionary=["type", "payer"]
        )
        self._rows: list[StoredRow] = []
        self._bytes = 0
        self._groups: list[str] = []
        self._digest = hashlib.sha256()
        self._cases = self._events = 0
        self._first = self._last = UUID(int=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: object, *_: object) -> None:
        if error is not None:
            self._writer.close()
        self._draft.unlink(missing_ok=True)

    def add(self, row: StoredRow) -> None:
        """Takes the next event; events come sorted by case and sequence."""
        if row.case_id != self._last:
            if len(self._rows) >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
                self._flush()
            self._cases += 1
            self._first = self._first if self._events else row.case_id
            self._last = row.case_id
        self._rows.append(row)
        self._bytes += len(row.data) + len(row.public)
        self._events += 1
        self._digest.update(_leaf(row))

    def _flush(self) -> None:
        self._groups.append(str(self._rows[0].case_id))
        columns = list(zip(*self._rows, strict=True))
        arrays = [pa.array(map(_stored, values), f.type) for values, f in zip(columns, _COLUMNS, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=_COLUMNS), row_group_size=len(self._rows))
        self._rows, self._bytes = [], 0

    def close(self) -> Holding:
        """Ends the file.

        Raises:
            ArchiveError: there was no event.
        """
        if not self._events:
            raise ArchiveError("There is nothing to archive.")
        self._flush()
        name, partition, installation = self._about
        holding = Holding(
            name,
            partition,
            installation,
            self._cases,
            self._events,
            str(self._first),
            str(self._last),
            self._digest.hexdigest(),
            tuple(self._groups),
        )
        self._writer.add_key_value_metadata({_KEY: json.dumps({"schema": SCHEMA, **asdict(holding)})})
        self._writer.close()
        _to_disk(self._draft)
        self._draft.replace(self._path)
        _to_disk(self._path.parent)
        return holding


def _stored(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.bytes
    return microseconds(value) if isinstance(value, datetime) else value


def _leaf(row: StoredRow) -> bytes:
    numbers = (row.sequence, row.transaction_id, row.position)
    return row.case_id.bytes + b"".join(n.to_bytes(8, "big") for n in numbers) + row.hash


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class ArchiveFile:
    """Reads a file. Every method raises ArchiveError where the file is damaged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._reading():
            self._file = pq.ParquetFile(path, page_checksum_verification=True)
            about = json.loads((self._file.metadata.metadata or {})[_KEY.encode()])
            if about.pop("schema") != SCHEMA or not self._file.schema_arrow.equals(_COLUMNS):
                raise ArchiveError(f"{path.name} is an archive of another kind.")
            self.holding = Holding(**(about | {"groups": tuple(about["groups"])}))
        self._firsts = [UUID(first) for first in self.holding.groups]

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except ArchiveError:
            raise
        except FileNotFoundError as error:
            raise ArchiveError(f"{self.path.name} is not in the folder of archives.") from error
        except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
            raise ArchiveError(f"{self.path.name} cannot be read: it is damaged, or no archive.") from error

    def rows(self, first: UUID | None = None, before: UUID | None = None) -> Iterator[StoredRow]:
        """The events of the cases from ``first`` until before ``before``, a row group at a time."""
        start = max(bisect.bisect_right(self._firsts, first) - 1, 0) if first is not None else 0
        for group in range(start, len(self._firsts)):
            if before is not None and self._firsts[group] >= before:
                return
            for row in self._group(group):
                if (first is None or row.case_id >= first) and (before is None or row.case_id < before):
                    yield row

    def rows_of(self, cases: Collection[UUID]) -> Iterator[StoredRow]:
        """The events of these cases, in order."""
        wanted = frozenset(cases)
        for group in self._groups_of(wanted):
            yield from (row for row in self._group(group) if row.case_id in wanted)

    def columns(self, names: Sequence[str], cases: Collection[UUID] | None = None) -> Iterator[tuple[Any, ...]]:
        """Some columns of all events, or of those row groups that may hold these cases: small where ``data`` is left out."""
        groups = range(len(self._firsts)) if cases is None else self._groups_of(cases)
        for group in groups:
            with self._reading():
                table = self._file.read_row_group(group, columns=list(names))
                columns = [_values(table.column(name)) for name in names]
            yield from zip(*columns, strict=True)

    def digest(self) -> str:
        """The digest of what the file really holds, over everything in it."""
        found = hashlib.sha256()
        for row in self.rows():
            found.update(_leaf(row))
        return found.hexdigest()

    def file_digest(self) -> str:
        """The SHA-256 of the file as it lies there, in hex."""
        with self._reading(), self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _groups_of(self, cases: Collection[UUID]) -> list[int]:
        # Every group whose range a case can lie in; a case before the first group or behind the last is found by none.
        return sorted({at for case in cases if (at := bisect.bisect_right(self._firsts, case) - 1) >= 0})

    def _group(self, group: int) -> list[StoredRow]:
        with self._reading():
            table = self._file.read_row_group(group)
            columns = [_values(table.column(name)) for name in StoredRow._fields]
            return [StoredRow(*values) for values in zip(*columns, strict=True)]


def _values(column: Any) -> list[Any]:
    kind = column.type
    if kind == _INSTANT:
        return [_EPOCH + timedelta(microseconds=value) for value in column.cast(pa.int64()).to_pylist()]
    values: list[Any] = column.to_pylist()
    return [UUID(bytes=value) for value in values] if kind == _UUID else values
