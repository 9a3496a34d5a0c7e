"""``priorauth audit as-of``: a case as it was known at an instant, and what changed until another."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from services.cli.errors import REFUSED, fail
from services.cli.instants import as_utc
from services.cli.output import print_json, print_lines
from services.cli.target import ArchiveDir, AsJson, DataDir, archives_of, engine_in, run, settings_for
from shared.case.as_of import By, difference, view_as_of
from shared.case.history import History
from shared.journal.store import read_histories
from shared.platform.settings import Settings


def as_of_command(
    case: Annotated[UUID, typer.Option("--case", help="The case.")],
    at: Annotated[datetime, typer.Option("--at", help="The instant (UTC where no zone is given).")],
    by: Annotated[
        str, typer.Option("--by", help="recorded: what the journal had; effective: what had happened.")
    ] = "recorded",
    until: Annotated[datetime | None, typer.Option("--until", help="Show what changed from --at until then.")] = None,
    archives: ArchiveDir = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Shows a case as it was known at an instant."""
    if by not in ("recorded", "effective"):
        raise typer.BadParameter("must be recorded or effective.", param_hint="--by")
    history = run(_read(settings_for(data_dir), case, archives))
    kind: By = "recorded" if by == "recorded" else "effective"
    view = view_as_of(history, as_utc(at), kind)
    changes = None
    if until is not None:
        changes = difference(view, view_as_of(history, as_utc(until), kind))
    if as_json:
        print_json(view if changes is None else view | {"difference": changes})
    else:
        print_lines(*_lines(view, changes))


async def _read(settings: Settings, case: UUID, folder: Path | None) -> History:
    async with engine_in(settings, "auditor") as engine, engine.connect() as connection:
        archives = await archives_of(connection, folder or settings.archive_dir, case)
        histories = await read_histories(connection, None, [case], archives=archives)
    if case not in histories:
        fail(REFUSED, f"There is no case {case}.")
    return histories[case]


def _lines(view: dict[str, Any], changes: dict[str, Any] | None) -> list[str]:
    case = view["view"]
    if case is None:
        lines = [f"{view['case']} was not known at {view['at']}, by {view['by']} time."]
    else:
        lines = [f"{view['case']} at {view['at']}, by {view['by']} time: {case['state']}, due {case['due_at']}"]
        lines += [f"  {_event(e)}" for e in case["timeline"]]
    lines += [
        f"  late: {e['sequence']:>3} {e['type']} happened {e['occurred_at']}, recorded {e['recorded_at']}"
        for e in view["late"]
    ]
    if changes is not None:
        lines.append(f"until {changes['to']}:")
        lines += [f"  + {_event(e)}" for e in changes["events"]]
        lines += [f"  {key}: {old} -> {new}" for key, (old, new) in changes["changed"].items() if key != "items"]
    return lines


def _event(event: dict[str, Any]) -> str:
    return f"{event['sequence']:>3} {event['recorded_at']}  {event['type']:<32} {event['actor']}"
