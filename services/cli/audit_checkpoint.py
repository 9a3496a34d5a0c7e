"""``priorauth audit checkpoint``, ``prove`` and ``keygen``: the seals on the journal, and the key that makes them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.errors import CHECK_FAILED, REFUSED, USAGE, fail
from services.cli.output import print_json, print_lines
from services.cli.target import AsJson, DataDir, engine_in, run, settings_for
from shared.journal.checkpoint import (
    Checkpoint,
    CheckpointError,
    CheckpointFiles,
    generate_key,
    load_private_key,
    load_public_key,
    summary,
)
from shared.journal.consistency import check_consistency, prove_consistency
from shared.journal.sealing import make_checkpoints
from shared.platform.files import write_whole
from shared.platform.settings import Settings


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


def consistency_command(
    earlier: Annotated[
        Path, typer.Argument(help="A signed checkpoint that was kept (NNNNNN.json), or a proof to check.")
    ],
    public_key: Annotated[Path, typer.Option(help="The public key (PEM) of the checkpoints.")],
    checkpoints: Annotated[
        Path | None,
        typer.Option(help="The folder whose newest checkpoint is to begin with it; without, a proof is checked."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Keep the proof in this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Shows that the newest checkpoint begins with all that an earlier one sealed, from the files alone."""
    try:
        key, raw = load_public_key(public_key), earlier.read_bytes()
        proof = prove_consistency(raw, CheckpointFiles(checkpoints), key) if checkpoints is not None else raw
        before, after, shown = check_consistency(proof, key)
        if out is not None:
            write_whole(out, proof)
    except CheckpointError as error:
        fail(REFUSED, str(error))
    except FileExistsError:
        fail(REFUSED, f"{out} is there already; name another file.")
    except OSError as error:
        fail(USAGE, f"{error.filename or earlier} cannot be read or written ({error.strerror}).")
    if as_json:
        print_json({"consistent": shown, "earlier": summary(before), "later": summary(after)})
    else:
        verb = "begins" if shown else "DOES NOT BEGIN"
        print_lines(
            f"Checkpoint {after.number} ({after.size} events, {after.made_at}) {verb} with all "
            f"{before.size} events of checkpoint {before.number} ({before.made_at})."
        )
    if not shown:
        raise typer.Exit(CHECK_FAILED)


def keygen_command(
    file: Annotated[
        Path, typer.Argument(help="Where the private key goes; the public one lies beside it as FILE.pub.")
    ],
    if_missing: Annotated[bool, typer.Option(help="Leave a key that is there as it is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Makes the key that signs checkpoints (Ed25519)."""
    try:
        if not (if_missing and file.exists()):
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
