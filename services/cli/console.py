"""``priorauth console``: the projection, and the way in to the pages."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

import typer

from services.cli.errors import USAGE, fail
from services.cli.output import print_json, print_lines
from services.cli.target import AsJson, DataDir, engine_in, run, running, settings_for
from services.console.access import LINK_SECONDS, new_pass, tokens
from services.console.store import rebuild
from shared import flow
from shared.platform.settings import Settings

console_app = typer.Typer(no_args_is_help=True, help="The console: its pages and its projection.")


@console_app.command("link")
def link(
    who: Annotated[str | None, typer.Option("--as", help="Whom it signs in; without it, the first token's.")] = None,
    case: Annotated[UUID | None, typer.Option(help="The case whose page it opens.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of the console.", envvar="PRIORAUTH_CONSOLE_URL")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Prints a link that signs somebody in once, for those who hold the master key and the tokens."""
    settings = settings_for(data_dir)
    if settings.master_key is None:
        fail(USAGE, "Set PRIORAUTH_MASTER_KEY to the base64 key that the services use, or name --data-dir.")
    known = tokens(settings)
    if who is None:
        who = next(iter(known), None)
    if who is None or who not in known:
        fail(USAGE, "Nobody of that name has a token: see PRIORAUTH_CONSOLE_TOKENS and PRIORAUTH_CLINICIAN_TOKENS.")
    base = url or (running(data_dir).urls.get(flow.CONSOLE.name) if data_dir is not None else None)
    if not base:
        fail(USAGE, "Name the console's address with --url, or a running installation with --data-dir.")
    address = entry_link(settings, base, who, case)
    if as_json:
        print_json({"url": address, "who": who, "seconds": LINK_SECONDS})
    else:
        print_lines(address)


def entry_link(settings: Settings, base_url: str, who: str, case: UUID | None) -> str:
    """The address that lets ``who`` in once, to a case's page or to the list."""
    query = f"?{urlencode({'case': str(case)})}" if case is not None else ""
    return f"{base_url.rstrip('/')}/ui/enter/{new_pass(settings, 'link', who, LINK_SECONDS)}{query}"


@console_app.command("rebuild")
def rebuild_console(data_dir: DataDir = None) -> None:
    """Builds the console's projection anew from the journal; the console may go on meanwhile."""
    number = run(_rebuild(settings_for(data_dir)))
    print_lines(f"{number} cases were projected.")


async def _rebuild(settings: Settings) -> int:
    async with engine_in(settings, "service") as engine:
        return await rebuild(engine)
