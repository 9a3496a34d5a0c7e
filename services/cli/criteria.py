"""``priorauth criteria``: the criteria sets, for those who write them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.errors import REFUSED, fail
from services.cli.output import print_json, print_lines
from services.cli.target import AsJson
from services.criteria_evaluation.policy import Policy, load_policy
from shared.policy import PolicyError

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """The sets that ship with the code."""
    _print(_load(None), as_json)


@app.command("check")
def check(
    directory: Annotated[Path, typer.Argument(help="A folder of criteria sets (*.yaml).")], as_json: AsJson = False
) -> None:
    """Loads a folder of sets as the service would at its start; the first thing that is wrong ends it."""
    _print(_load(directory), as_json)


def _load(directory: Path | None) -> Policy:
    try:
        return load_policy(directory)
    except PolicyError as error:
        fail(REFUSED, str(error))


def _print(policy: Policy, as_json: bool) -> None:
    sets: list[dict[str, Any]] = [
        {"id": s.id, "version": s.version, "title": s.ref.title, "digest": s.ref.digest} for s in policy.criteria_sets
    ]
    if as_json:
        print_json(sets)
    else:
        print_lines(*(f"{s['id']}  {s['version']}  {s['digest'][:19]}  {s['title']}" for s in sets))
