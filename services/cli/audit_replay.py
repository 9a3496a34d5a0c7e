"""``priorauth audit replay``: every answer of the machine made again, and compared with what was stored."""

from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from services.cli.answers import make_answers
from services.cli.audit_access import Why, note_access
from services.cli.errors import CHECK_FAILED
from services.cli.instants import as_utc
from services.cli.output import print_json, print_lines
from services.cli.past_policies import PastPolicies
from services.cli.target import AsJson, DataDir, engine_in, master_key, run, settings_for
from shared.journal.crypto import MasterKey
from shared.journal.replay import Replay, replay
from shared.platform.settings import Settings

Since = Annotated[datetime | None, typer.Option("--from", help="Submitted at or after (UTC).")]
Until = Annotated[datetime | None, typer.Option("--to", help="Submitted before (UTC).")]


def replay_command(
    case: Annotated[UUID | None, typer.Option("--case", help="One case only.")] = None,
    since: Since = None,
    until: Until = None,
    criteria: Annotated[list[Path] | None, typer.Option(help="A folder of earlier criteria sets; repeatable.")] = None,
    evidence: Annotated[list[Path] | None, typer.Option(help="A folder of earlier evidence; repeatable.")] = None,
    why: Why = "replay",
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
    period = (since and as_utc(since), until and as_utc(until))
    found = run(_replay(settings, master_key(settings), past, case, period, why)).as_dict()
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
    period: tuple[datetime | None, datetime | None],
    why: str,
) -> Replay:
    async with engine_in(settings, "auditor") as engine:
        await note_access(engine, "replay", why, case)
        return await replay(engine, master, make_answers(past), case_id=case, since=period[0], until=period[1])
