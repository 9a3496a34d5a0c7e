"""``priorauth``: the command line. Each group of commands is a module; this one only puts them together."""

import typer

from services.cli import audit, cases, criteria, evidence, keys, offline, replay, servers
from services.cli.errors import guarded

app = typer.Typer(
    name="priorauth", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
servers.add_to(app)
offline.add_to(app)
cases.add_to(app)
app.add_typer(criteria.app, name="criteria")
app.add_typer(evidence.app, name="evidence")
app.add_typer(audit.app, name="audit")
app.add_typer(replay.app, name="replay")
app.add_typer(keys.app, name="keys")


def main() -> None:
    """The console script."""
    guarded(app)


if __name__ == "__main__":
    main()
