"""``priorauth audit verify``: whether the journal, its archives and what stands beside them are as they were written."""

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import SecretBytes
from sqlalchemy.ext.asyncio import AsyncConnection

from services.cli.errors import CHECK_FAILED, REFUSED, USAGE, fail
from services.cli.output import print_json, print_lines
from services.cli.spread import CORES, Jobs, spread
from services.cli.target import ArchiveDir, AsJson, DataDir, archives_of, engine_in, master_secret, run, settings_for
from shared.journal.access import verify_accesses
from shared.journal.archives import Archives
from shared.journal.checkpoint import CheckpointError, CheckpointFiles, load_public_key
from shared.journal.contents import verify_causes, verify_contents, verify_projection
from shared.journal.sealing import verify_checkpoints
from shared.journal.spans import Span, export_snapshot, import_snapshot, span_of, spans
from shared.journal.verify import Verification, verify_within
from shared.platform.keys import master_of
from shared.platform.settings import Settings

Seals = tuple[Path, Ed25519PublicKey]


@dataclass(frozen=True, slots=True)
class Chains:
    """What a process needs to verify the chains of a range of cases, and their contents where there is a master key."""

    settings: Settings
    folder: Path | None
    master: SecretBytes | None
    case: UUID | None = None
    snapshot: str | None = None


def verify_command(
    case: Annotated[UUID | None, typer.Option("--case", help="One case only.")] = None,
    checkpoints: Annotated[
        Path | None, typer.Option(help="A folder of checkpoints to hold the journal against.")
    ] = None,
    public_key: Annotated[Path | None, typer.Option(help="The public key (PEM) of those checkpoints.")] = None,
    contents: Annotated[
        bool, typer.Option(help="Open keys, contents and documents too; needs the master key.")
    ] = False,
    jobs: Jobs = CORES,
    archives: ArchiveDir = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Recomputes every hash chain and checks what must hold of each event, and of what stands beside the journal."""
    settings = settings_for(data_dir)
    seals = _seals(checkpoints, public_key)
    chains = Chains(settings, archives or settings.archive_dir, master_secret(settings) if contents else None, case)
    found = run(_verify(chains, seals, 1 if case is not None else jobs)).as_dict()
    if as_json:
        print_json(found)
    else:
        verdict = "intact" if found["intact"] else f"{len(found['problems'])} problems"
        print_lines(f"{found['cases']} cases, {found['events']} events: {verdict}")
        print_lines(*(f"{p['case']} #{p['sequence']} {p['kind']}: {p['message']}".strip() for p in found["problems"]))
    if not found["intact"]:
        raise typer.Exit(CHECK_FAILED)


def _seals(checkpoints: Path | None, public_key: Path | None) -> Seals | None:
    if checkpoints is None and public_key is None:
        return None
    if checkpoints is None or public_key is None:
        fail(
            USAGE, "--checkpoints and --public-key go together: without the key a forged checkpoint could not be told."
        )
    try:
        return checkpoints, load_public_key(public_key)
    except CheckpointError as error:
        fail(REFUSED, str(error))


async def _verify(chains: Chains, seals: Seals | None, jobs: int) -> Verification:
    async with engine_in(chains.settings, "auditor") as engine, engine.connect() as connection:
        # One snapshot for everything, so that what live services write meanwhile is no false alarm.
        await connection.execution_options(isolation_level="REPEATABLE READ")
        archives = await archives_of(connection, chains.folder, chains.case)
        found = await _chains(connection, chains, archives, jobs)
        if archives is not None:
            found.problems += archives.problems()
        if chains.case is None:
            found.problems += [p async for p in verify_projection(connection)]
            found.problems += [p async for p in verify_causes(connection)]
        if seals is None and chains.case is None:
            found.problems += [p async for p in verify_accesses(connection)]
        if seals is not None:
            sealed = verify_checkpoints(connection, CheckpointFiles(seals[0]), seals[1], archives)
            found.problems += [p async for p in sealed if chains.case is None or p.case in ("", str(chains.case))]
        return found


async def _chains(connection: AsyncConnection, chains: Chains, archives: Archives | None, jobs: int) -> Verification:
    """In so many processes, each with a range of cases after the other, on the snapshot of this connection."""
    parts = await spans(connection, archives) if jobs > 1 else []
    if len(parts) < 2:
        return await _part(connection, chains, archives, span_of(chains.case))
    snapshot = await export_snapshot(connection)
    work = partial(_verify_part, Chains(chains.settings, chains.folder, chains.master, None, snapshot))
    found = Verification()
    # In a thread, so that the loop of this connection, whose snapshot the others read, is not one that waits.
    await asyncio.to_thread(spread, "verify", work, parts, jobs, lambda _, part: found.add(part))
    return found


def _verify_part(chains: Chains, span: Span) -> Verification:
    return run(_in_snapshot(chains, span))


async def _in_snapshot(chains: Chains, span: Span) -> Verification:
    async with engine_in(chains.settings, "auditor") as engine, engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        if chains.snapshot is not None:
            await import_snapshot(connection, chains.snapshot)
        return await _part(connection, chains, await archives_of(connection, chains.folder, None), span)


async def _part(connection: AsyncConnection, chains: Chains, archives: Archives | None, span: Span) -> Verification:
    found = await verify_within(connection, span, archives)
    if chains.master is not None:
        master = master_of(chains.settings, chains.master)
        found.problems += [p async for p in verify_contents(connection, master, span, archives)]
    return found
