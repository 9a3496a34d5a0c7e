"""``priorauth journal``: the journal's partitions, and the archives that old ones become."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.cli.errors import REFUSED, UNREACHABLE, USAGE, fail
from services.cli.output import print_json, print_lines, stderr
from services.cli.target import AsJson, DataDir, engine_in, run, settings_for
from shared.journal.archives import ArchiveRecord, archive_records
from shared.journal.partitions import content_of, partitions_of, roll
from shared.platform.settings import Settings

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.command("partitions")
def partitions_command(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Lists the partitions, what each holds, and the archives that were made of them."""
    found = run(_partitions(settings_for(data_dir)))
    if as_json:
        print_json(found)
        return
    for part in found["partitions"]:
        period = f"{part['since'] or 'the beginning':<25} {part['until'] or 'on':<25}"
        size = f"{part['events']:>9} events {part['cases']:>8} cases {part['bytes'] / 1e6:>9.1f} MB"
        print_lines(f"{part['name']:<16} {period} {size}")
    print_lines(
        *(
            f"{a['file']:<30} {a['events']:>9} events {a['cases']:>8} cases, archived {a['at']}"
            for a in found["archives"]
        )
    )


async def _partitions(settings: Settings) -> dict[str, Any]:
    async with engine_in(settings, "auditor") as engine, engine.connect() as connection:
        parts = []
        for part in await partitions_of(connection):
            events, cases, size = await content_of(connection, part)
            since, until = (at and at.isoformat() for at in (part.since, part.until))
            parts.append(
                {"name": part.name, "since": since, "until": until, "events": events, "cases": cases, "bytes": size}
            )
        return {"partitions": parts, "archives": [_plain(r) for r in await archive_records(connection)]}


@app.command("roll")
def roll_command(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Makes the partitions up to the month after next. The keeper and every `priorauth up` do the same."""
    made = run(_roll(settings_for(data_dir)))
    if as_json:
        print_json({"made": made})
    else:
        print_lines(f"{made} partitions made." if made else "The partitions to come are there.")


async def _roll(settings: Settings) -> int:
    async with engine_in(settings, "auditor") as engine, engine.begin() as connection:
        await connection.execute(text("SET TRANSACTION READ WRITE"))
        return await roll(connection)


@app.command("archive")
def archive_command(
    partition: Annotated[str, typer.Argument(help="The partition, as `priorauth journal partitions` names it.")],
    to: Annotated[Path, typer.Option("--to", help="The folder of archives.")],
    older_than: Annotated[
        int, typer.Option(min=0, help="Days since the last event that every case of it must have been quiet.")
    ] = 365,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Moves a partition whose cases are all closed into a file, which audits read as they read the table."""
    record = _plain(run(_archive(settings_for(data_dir), partition, to, older_than, _progress(as_json))))
    if as_json:
        print_json(record)
    else:
        print_lines(f"{to / record['file']}: {record['events']} events of {record['cases']} cases.")


def _progress(quiet: bool) -> Callable[[int], None]:
    done = 0

    def tell(events: int) -> None:
        nonlocal done
        done += events
        if not quiet and done % 100_000 < events:
            stderr.print(f"{done} events written")

    return tell


async def _archive(
    settings: Settings, partition: str, folder: Path, older_than: int, progress: Callable[[int], None]
) -> ArchiveRecord:
    try:
        # Loaded here, since PyArrow is large, and an extra.
        from shared.journal.archiving import ArchiveRefusedError, archive
    except ImportError:
        fail(USAGE, "Archives are written with PyArrow: install priorauth[archive].")
    now = datetime.now(UTC)
    async with engine_in(settings, "owner") as engine:
        try:
            return await archive(
                engine, partition, folder, closed_before=now - timedelta(days=older_than), now=now, progress=progress
            )
        except ArchiveRefusedError as error:
            fail(REFUSED, str(error))
        except OSError as error:
            fail(USAGE, f"{folder} cannot be written ({error.strerror}).")
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == "55P03":
                fail(UNREACHABLE, f"{partition} is being read all the time; archive it when no audit runs.")
            raise


def _plain(record: ArchiveRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "file": record.file,
        "partition": record.partition,
        "cases": record.cases,
        "events": record.events,
        "digest": f"sha256:{record.digest}",
        "at": record.archived_at.isoformat(),
    }
