"""``priorauth audit``: needs the database only, in a role that may only read."""

from datetime import datetime
from pathlib import Path
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
from services.cli.past_policies import PastPolicies
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
    criteria: Annotated[list[Path] | None, typer.Option(help="A folder of earlier criteria sets; repeatable.")] = None,
    evidence: Annotated[list[Path] | None, typer.Option(help="A folder of earlier evidence; repeatable.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Makes every answer of the machine again and compares it byte for byte with what was stored.

    Each answer is made by the policy that its event names. Where that is no longer in force, name the folder that has it.
    """
    settings = settings_for(data_dir)
    past = PastPolicies(
        settings.criteria_dir,
        settings.evidence_dir,
        earlier_criteria=criteria or (),
        earlier_evidence=evidence or (),
    )
    found = run(
        _replay(settings, master_key(settings), past, case, since and as_utc(since), until and as_utc(until))
    ).as_dict()
    if as_json:
        print_json(found)
    else:
        gone = f", {found['policy_gone']} whose policy is gone" if found["policy_gone"] else ""
        print_lines(f"{found['cases']} cases replayed: {found['same']} same, {found['different']} different{gone}")
        print_lines(
            *(f"{d['case']} #{d['sequence']} {d['type']}: {', '.join(d['paths'])}" for d in found["differences"])
        )
        print_lines(*(f"{g['case']} #{g['sequence']} {g['type']}: not at hand is {g['policy']}" for g in found["gone"]))
    if found["different"] or found["policy_gone"]:
        raise typer.Exit(CHECK_FAILED)


async def _replay(
    settings: Settings,
    master: MasterKey,
    past: PastPolicies,
    case: UUID | None,
    since: datetime | None,
    until: datetime | None,
) -> Replay:
    engine = make_engine(settings, "auditor", 1)
    try:
        return await replay(engine, master, make_answers(past), case_id=case, since=since, until=until)
    finally:
        await engine.dispose()
