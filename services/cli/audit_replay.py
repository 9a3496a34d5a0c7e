"""``priorauth audit replay``: every answer of the machine made again, and compared with what was stored."""

import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import SecretBytes

from services.cli.answers import make_answers
from services.cli.audit_access import Why, note_access
from services.cli.errors import CHECK_FAILED
from services.cli.instants import as_utc
from services.cli.output import print_json, print_lines
from services.cli.past_policies import Folders, PastPolicies
from services.cli.resume import Resume
from services.cli.spread import CORES, Jobs, spread
from services.cli.target import ArchiveDir, AsJson, DataDir, archives_of, engine_in, master_secret, run, settings_for
from shared.journal.replay import Answer, Replay, replay
from shared.journal.sealing import installation_of
from shared.journal.spans import SPAN_CASES, Chosen, Span, span_of, spans
from shared.platform.keys import master_of
from shared.platform.settings import Settings
from shared.platform.version import CODE_VERSION

Since = Annotated[datetime | None, typer.Option("--from", help="Submitted at or after (UTC).")]
Until = Annotated[datetime | None, typer.Option("--to", help="Submitted before (UTC).")]
Payer = Annotated[str | None, typer.Option(help="Cases of this payer only.")]
OfSet = Annotated[str | None, typer.Option("--criteria-set", help="Cases that this set (id) was last applied to.")]


@dataclass(frozen=True, slots=True)
class Task:
    """What a process needs to replay a range of cases."""

    settings: Settings
    master: SecretBytes
    archives: Path | None
    folders: Folders
    chosen: Chosen
    case: UUID | None = None


def replay_command(
    case: Annotated[UUID | None, typer.Option("--case", help="One case only.")] = None,
    since: Since = None,
    until: Until = None,
    payer: Payer = None,
    criteria_set: OfSet = None,
    criteria: Annotated[list[Path] | None, typer.Option(help="A folder of earlier criteria sets; repeatable.")] = None,
    evidence: Annotated[list[Path] | None, typer.Option(help="A folder of earlier evidence; repeatable.")] = None,
    lexicon: Annotated[list[Path] | None, typer.Option(help="A folder of an earlier lexicon; repeatable.")] = None,
    jobs: Jobs = CORES,
    resume: Annotated[
        Path | None, typer.Option(help="Keep the progress in this file, and go on from it where it is there.")
    ] = None,
    slice_: Annotated[int, typer.Option("--slice", min=1, help="Cases that a process takes at once.")] = SPAN_CASES,
    archives: ArchiveDir = None,
    why: Why = "replay",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Makes every answer of the machine again and compares it byte for byte with what was stored.

    Each answer is made by the policy that its event names. Where that is no longer in force, name the folder that has it.
    """
    settings = settings_for(data_dir)
    folders = Folders.of(settings, criteria, evidence, lexicon)
    chosen = Chosen(since and as_utc(since), until and as_utc(until), payer, criteria_set)
    task = Task(settings, master_secret(settings), archives or settings.archive_dir, folders, chosen, case)
    policies = _policies(folders)  # A folder that cannot be used is told before anything is read.
    progress = Resume(resume, _parameters(task, policies.digest(), run(_installation(settings))))
    if not progress.progress.finished:
        _replay_all(task, progress, jobs, slice_, why)
    found = _result(progress)
    if as_json:
        print_json(found)
    else:
        print_lines(*_lines(found))
    if found["different"] or found["policy_gone"]:
        raise typer.Exit(CHECK_FAILED)


def _parameters(task: Task, policies: str, installation: str) -> dict[str, Any]:
    """What a progress depends on; where one of it is another, the parts would not fit together."""
    chosen = {name: str(value) for name, value in asdict(task.chosen).items() if value is not None}
    return {
        "installation": installation,
        "code": CODE_VERSION,
        "policies": policies,
        "case": str(task.case or ""),
        **chosen,
    }


async def _installation(settings: Settings) -> str:
    async with engine_in(settings, "auditor") as engine, engine.connect() as connection:
        return await installation_of(connection)


def _replay_all(task: Task, progress: Resume, jobs: int, size: int, why: str) -> None:
    # What is submitted after the beginning is left out, also by a run that goes on much later.
    latest = min(filter(None, (task.chosen.until, progress.begun_at())))
    task = replace(task, chosen=replace(task.chosen, until=latest))
    parts = run(_begin(task, progress.progress.following, size, why))
    began = time.monotonic() - progress.progress.seconds
    spread(
        "replay",
        partial(replay_part, task),
        parts,
        jobs,
        lambda part, found: progress.add(part[1] if part is not parts[-1] else None, found, time.monotonic() - began),
    )


async def _begin(task: Task, following: UUID | None, size: int, why: str) -> list[Span]:
    async with engine_in(task.settings, "auditor") as engine:
        await note_access(engine, "replay", why, task.case)
        if task.case is not None:
            return [span_of(task.case)]
        async with engine.connect() as connection:
            archives = await archives_of(connection, task.archives)
            return await spans(connection, archives, first=following or UUID(int=0), size=size)


@cache
def _policies(folders: Folders) -> PastPolicies:
    """Compiled once a process: the policies take longer than many cases."""
    return PastPolicies(folders)


@cache
def _answers(folders: Folders) -> dict[str, Answer]:
    return make_answers(_policies(folders))


def replay_part(task: Task, span: Span) -> Replay:
    """Replays a range in this process, whatever process it is."""
    return run(_part(task, span))


async def _part(task: Task, span: Span) -> Replay:
    async with engine_in(task.settings, "auditor") as engine, engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        archives = await archives_of(connection, task.archives, task.case)
        master = master_of(task.settings, task.master)
        return await replay(connection, master, _answers(task.folders), span, chosen=task.chosen, archives=archives)


def _result(progress: Resume) -> dict[str, Any]:
    found = progress.progress.found
    seconds = progress.progress.seconds
    speed = {"seconds": round(seconds, 3), "events_per_second": round(found.events / seconds) if seconds else None}
    return found.as_dict() | speed


def _lines(found: dict[str, Any]) -> list[str]:
    gone = f", {found['policy_gone']} whose policy is gone" if found["policy_gone"] else ""
    return [
        f"{found['cases']} cases replayed: {found['same']} same, {found['different']} different{gone}",
        *(f"{d['case']} #{d['sequence']} {d['type']}: {', '.join(d['paths'])}" for d in found["differences"]),
        *(f"{g['case']} #{g['sequence']} {g['type']}: not at hand is {g['policy']}" for g in found["gone"]),
    ]
