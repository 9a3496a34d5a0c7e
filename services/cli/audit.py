"""``priorauth audit``: needs the database only, in a role that may only read."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from services.cli.answers import make_answers
from services.cli.errors import CHECK_FAILED
from services.cli.output import print_json, print_lines
from services.cli.target import AsJson, DataDir, master_key, run, settings_for
from shared.journal.crypto import MasterKey
from shared.journal.replay import Replay, replay
from shared.journal.verify import Verification, verify
from shared.platform.database import make_engine
from shared.platform.settings import Settings

app = typer.Typer(no_args_is_help=True, help=__doc__)
Case = Annotated[UUID | None, typer.Option("--case", help="One case only.")]


@app.command("verify")
def verify_command(case: Case = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Recomputes every hash chain and checks what must hold of each event."""
    found = run(_verify(settings_for(data_dir), case)).as_dict()
    if as_json:
        print_json(found)
    else:
        verdict = "intact" if found["intact"] else f"{len(found['problems'])} problems"
        print_lines(f"{found['cases']} cases, {found['events']} events: {verdict}")
        print_lines(*(f"{p['case']} #{p['sequence']} {p['kind']}: {p['message']}" for p in found["problems"]))
    if not found["intact"]:
        raise typer.Exit(CHECK_FAILED)


async def _verify(settings: Settings, case: UUID | None) -> Verification:
    engine = make_engine(settings, "auditor", 1)
    try:
        return await verify(engine, case)
    finally:
        await engine.dispose()


@app.command("replay")
def replay_command(
    case: Case = None,
    since: Annotated[datetime | None, typer.Option("--from", help="Submitted at or after (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option("--to", help="Submitted before (UTC).")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Makes every answer of the machine again and compares it byte for byte with what was stored."""
    settings = settings_for(data_dir)
    found = run(_replay(settings, master_key(settings), case, _utc(since), _utc(until))).as_dict()
    if as_json:
        print_json(found)
    else:
        print_lines(f"{found['cases']} cases replayed: {found['same']} same, {found['different']} different")
        print_lines(
            *(f"{d['case']} #{d['sequence']} {d['type']}: {', '.join(d['paths'])}" for d in found["differences"])
        )
    if found["different"]:
        raise typer.Exit(CHECK_FAILED)


async def _replay(
    settings: Settings, master: MasterKey, case: UUID | None, since: datetime | None, until: datetime | None
) -> Replay:
    engine = make_engine(settings, "auditor", 1)
    try:
        answers = make_answers(settings.criteria_dir)
        return await replay(engine, master, answers, case_id=case, since=since, until=until)
    finally:
        await engine.dispose()


def _utc(instant: datetime | None) -> datetime | None:
    return instant.replace(tzinfo=UTC) if instant is not None and instant.tzinfo is None else instant
