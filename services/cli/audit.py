"""``priorauth audit``: needs the database only, in a role that may only read."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from services.cli.answers import make_answers
from services.cli.audit_as_of import as_of_command
from services.cli.audit_bundle import check_command, export_command
from services.cli.audit_verify import checkpoint_command, keygen_command, verify_command
from services.cli.errors import CHECK_FAILED
from services.cli.instants import as_utc
from services.cli.output import print_json, print_lines
from services.cli.target import AsJson, DataDir, master_key, run, settings_for
from shared.journal.crypto import MasterKey
from shared.journal.replay import Replay, replay
from shared.platform.database import make_engine
from shared.platform.settings import Settings

app = typer.Typer(no_args_is_help=True, help=__doc__)
Case = Annotated[UUID | None, typer.Option("--case", help="One case only.")]


app.command("verify")(verify_command)
app.command("checkpoint")(checkpoint_command)
app.command("keygen")(keygen_command)
app.command("as-of")(as_of_command)
app.command("export")(export_command)
app.command("check")(check_command)


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
    found = run(
        _replay(settings, master_key(settings), case, since and as_utc(since), until and as_utc(until))
    ).as_dict()
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
