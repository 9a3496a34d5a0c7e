"""``priorauth audit verify``, ``checkpoint`` and ``keygen``: whether the journal is as it was written, and the seals on it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.cli.errors import CHECK_FAILED, REFUSED, USAGE, fail
from services.cli.output import print_json, print_lines
from services.cli.target import AsJson, DataDir, engine_in, master_key, run, settings_for
from shared.journal.access import verify_accesses
from shared.journal.checkpoint import (
    Checkpoint,
    CheckpointError,
    CheckpointFiles,
    generate_key,
    load_private_key,
    load_public_key,
    summary,
)
from shared.journal.contents import verify_contents, verify_projection
from shared.journal.crypto import MasterKey
from shared.journal.sealing import make_checkpoints, verify_checkpoints
from shared.journal.verify import Verification, verify_within
from shared.platform.settings import Settings

Seals = tuple[Path, Ed25519PublicKey]


def verify_command(
    case: Annotated[UUID | None, typer.Option("--case", help="One case only.")] = None,
    checkpoints: Annotated[
        Path | None, typer.Option(help="A folder of checkpoints to hold the journal against.")
    ] = None,
    public_key: Annotated[Path | None, typer.Option(help="The public key (PEM) of those checkpoints.")] = None,
    contents: Annotated[
        bool, typer.Option(help="Open keys, contents and documents too; needs the master key.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Recomputes every hash chain and checks what must hold of each event, and of what stands beside the journal."""
    settings = settings_for(data_dir)
    seals = _seals(checkpoints, public_key)
    master = master_key(settings) if contents else None
    found = run(_verify(settings, case, seals, master)).as_dict()
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


async def _verify(settings: Settings, case: UUID | None, seals: Seals | None, master: MasterKey | None) -> Verification:
    async with engine_in(settings, "auditor") as engine, engine.connect() as connection:
        # One snapshot for everything, so that what live services write meanwhile is no false alarm.
        await connection.execution_options(isolation_level="REPEATABLE READ")
        found = await verify_within(connection, case)
        if case is None:
            found.problems += [p async for p in verify_projection(connection)]
        if seals is None and case is None:
            found.problems += [p async for p in verify_accesses(connection)]
        if seals is not None:
            sealed = verify_checkpoints(connection, CheckpointFiles(seals[0]), seals[1])
            found.problems += [p async for p in sealed if case is None or p.case in ("", str(case))]
        if master is not None:
            found.problems += [p async for p in verify_contents(connection, master, case)]
        return found


def checkpoint_command(
    to: Annotated[
        Path, typer.Option("--to", help="The folder of checkpoints, on a disk that the database's owner does not rule.")
    ],
    key: Annotated[Path, typer.Option("--key", help="The private key (PEM) that signs, of `audit keygen`.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Seals what has been appended since the last checkpoint."""
    made = [summary(c) for c in run(_checkpoint(settings_for(data_dir), to, key))]
    if as_json:
        print_json({"checkpoints": made})
    else:
        print_lines(*(f"checkpoint {c['number']}: {c['size']} events, root {c['root']}" for c in made))
        if not made:
            print_lines("Nothing has been appended since the last checkpoint.")


async def _checkpoint(settings: Settings, to: Path, key: Path) -> list[Checkpoint]:
    async with engine_in(settings, "auditor") as engine:
        try:
            private = load_private_key(key)
            return [c async for c in make_checkpoints(engine, CheckpointFiles(to), private, datetime.now(UTC))]
        except CheckpointError as error:
            fail(REFUSED, str(error))
        except FileExistsError:
            fail(REFUSED, f"Another process is writing checkpoints to {to}; let one process make them.")


def keygen_command(
    file: Annotated[
        Path, typer.Argument(help="Where the private key goes; the public one lies beside it as FILE.pub.")
    ],
    as_json: AsJson = False,
) -> None:
    """Makes the key that signs checkpoints (Ed25519)."""
    try:
        generate_key(file)
    except FileExistsError:
        fail(REFUSED, f"{file} is there already, and a key is never replaced.")
    except OSError as error:
        fail(USAGE, f"{file} cannot be written ({error.strerror}).")
    result: dict[str, Any] = {"private_key": str(file), "public_key": f"{file}.pub"}
    if as_json:
        print_json(result)
    else:
        print_lines(
            f"Keep {file} where only the process that makes checkpoints reads it; give {file}.pub to your auditors."
        )
