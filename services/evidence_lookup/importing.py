"""Imports files of bibliographic records, batch by batch, so that an interrupted import goes on where it was."""

import gzip
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast, get_args

from sqlalchemy.ext.asyncio import AsyncEngine

from services.evidence_lookup.domain.search.citations import read_beir, read_medline, read_ris
from services.evidence_lookup.domain.search.pubmed import read_pubmed
from services.evidence_lookup.domain.search.records import Broken, Change, FormatError, Records
from services.evidence_lookup.store import ImportRun, apply, find_run

Format = Literal["pubmed", "medline", "ris", "beir"]
FORMATS: Final[tuple[str, ...]] = get_args(Format)
BATCH: Final = 1000
"""Records that are committed together."""
_GZIP: Final = b"\x1f\x8b"
_READERS: Final[dict[Format, Callable[[BinaryIO, int], Records]]] = {
    "pubmed": read_pubmed,
    "medline": read_medline,
    "ris": read_ris,
    "beir": read_beir,
}
_SUFFIXES: Final[dict[str, Format]] = {
    ".xml": "pubmed",
    ".nbib": "medline",
    ".medline": "medline",
    ".ris": "ris",
    ".jsonl": "beir",
}
_REPORTED: Final = 20


class ImportRefusedError(Exception):
    """A file that cannot be imported. The text names it, why, and what was stored of it."""


@dataclass(slots=True)
class Imported:
    """A run, whether anything of it was new, and the first of the records that were skipped, with their reasons."""

    run: ImportRun
    repeated: bool = False
    skipped: list[tuple[int, str]] = field(default_factory=list)


def format_of(path: Path) -> Format:
    """The format that a file's name tells.

    Raises:
        ImportRefusedError: it tells none.
    """
    suffixes = [s for s in path.suffixes if s != ".gz"]
    found = _SUFFIXES.get(suffixes[-1].lower()) if suffixes else None
    if found is None:
        raise ImportRefusedError(f"{path}: its name does not tell its format; give --format {'|'.join(FORMATS)}.")
    return found


async def import_file(
    engine: AsyncEngine,
    path: Path,
    format_: Format | None = None,
    progress: Callable[[ImportRun], None] | None = None,
    batch: int = BATCH,
) -> Imported:
    """Imports a file, from where an earlier import of the same bytes stopped; a finished one is not read again.

    Raises:
        ImportRefusedError: it cannot be read, is of another format (then nothing is stored), or ends too early.
    """
    chosen = format_ or format_of(path)
    try:
        with path.open("rb") as file:
            digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise ImportRefusedError(f"{path} cannot be read.") from error
    run = await find_run(engine, digest, chosen) or ImportRun(digest, chosen, path.name)
    imported = Imported(run, repeated=run.finished)
    if run.finished:
        return imported
    try:
        with _open(path) as stream:
            await _import(engine, _READERS[chosen](stream, run.records), imported, progress, batch)
    except FormatError as error:
        raise ImportRefusedError(f"{path} is no {chosen} file: {error}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        stored = imported.run.records
        raise ImportRefusedError(f"{path} ends too early or is damaged; {stored} records of it are stored.") from error
    return imported


async def _import(
    engine: AsyncEngine,
    records: Records,
    imported: Imported,
    progress: Callable[[ImportRun], None] | None,
    batch: int,
) -> None:
    changes: list[Change] = []
    place = imported.run.records
    waiting = 0
    for record in records:
        place = record.place
        changes += record.changes
        waiting += 1
        if len(imported.skipped) < _REPORTED:
            imported.skipped += [(place, c.reason) for c in record.changes if isinstance(c, Broken)]
        if waiting >= batch:
            await _commit(engine, imported, changes, place, False, progress)
            changes, waiting = [], 0
    await _commit(engine, imported, changes, place, True, progress)


async def _commit(
    engine: AsyncEngine,
    imported: Imported,
    changes: list[Change],
    place: int,
    finished: bool,
    progress: Callable[[ImportRun], None] | None,
) -> None:
    run = imported.run.after(changes, place, finished)
    await apply(engine, changes, run)
    imported.run = run
    if progress is not None:
        progress(run)


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        zipped = file.read(2) == _GZIP
    return cast(BinaryIO, gzip.open(path, "rb")) if zipped else path.open("rb")
