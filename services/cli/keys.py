"""``priorauth keys`` and ``priorauth cases erase``: what is done to keys, by the owner of the database."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from services.cli.errors import REFUSED, fail
from services.cli.output import print_json, print_lines
from services.cli.target import ArchiveDir, AsJson, DataDir, archives_of, engine_in, master_key, run, settings_for
from shared.case.states import IllegalTransitionError
from shared.journal.commands import CaseNotFoundError
from shared.journal.crypto import MasterKey
from shared.journal.erasure import REASONS, Reason, erase, keys_by_master, rotate
from shared.platform.settings import Settings

app = typer.Typer(no_args_is_help=True, help=__doc__)


def erase_command(
    case_id: UUID,
    reason: Annotated[str, typer.Option(help=f"One of {', '.join(REASONS)}; it stands in the journal.")],
    by: Annotated[str, typer.Option(help="Who erases, as an id without blanks; it stands in the journal.")] = "cli",
    archives: ArchiveDir = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Destroys a case's key: its clinical content can never be read again, and the journal still verifies."""
    chosen = next((known for known in REASONS if known == reason), None)
    if chosen is None:
        raise typer.BadParameter(f"must be one of {', '.join(REASONS)}.", param_hint="--reason")
    if not by or not by.replace("-", "").replace("_", "").isalnum():
        raise typer.BadParameter("must be an id of letters, digits, - and _.", param_hint="--by")
    settings = settings_for(data_dir)
    run(_erase(settings, master_key(settings), case_id, chosen, by, archives or settings.archive_dir))
    if as_json:
        print_json({"id": str(case_id), "state": "erased", "reason": chosen})
    else:
        print_lines(f"{case_id} is erased. Copies outside of this installation (bundles, letters) are not.")


async def _erase(
    settings: Settings, master: MasterKey, case_id: UUID, reason: Reason, by: str, folder: Path | None
) -> None:
    async with engine_in(settings, "owner") as engine:
        async with engine.connect() as connection:
            archives = await archives_of(connection, folder, case_id)
        try:
            await erase(engine, master, case_id, reason, f"operator:{by}", archives)
        except CaseNotFoundError:
            fail(REFUSED, f"There is no case {case_id} with a key: it does not exist, or it was erased before.")
        except IllegalTransitionError:
            fail(REFUSED, "The case has not come to its end: decide or cancel it first.")


@app.command("rotate")
def rotate_command(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Wraps every case key under PRIORAUTH_MASTER_KEY; PRIORAUTH_PREVIOUS_MASTER_KEYS opens what it wrapped before."""
    settings = settings_for(data_dir)
    wrapped, counts = run(_rotate(settings, master_key(settings)))
    if as_json:
        print_json({"wrapped": wrapped, "keys": counts})
    else:
        print_lines(f"{wrapped} keys wrapped under master key {settings.master_key_id}.")


async def _rotate(settings: Settings, master: MasterKey) -> tuple[int, dict[str, int]]:
    async with engine_in(settings, "owner") as engine:
        wrapped = await rotate(engine, master)
        async with engine.connect() as connection:
            return wrapped, await keys_by_master(connection)


@app.command("status")
def status_command(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Shows how many case keys each master key wraps."""
    counts = run(_status(settings_for(data_dir)))
    if as_json:
        print_json({"keys": counts})
    else:
        print_lines(*(f"{name}: {count}" for name, count in counts.items()))


async def _status(settings: Settings) -> dict[str, int]:
    async with engine_in(settings, "auditor") as engine, engine.connect() as connection:
        return await keys_by_master(connection)
