"""``priorauth``: the command line. Each group of commands is a module; this one only puts them together."""

import sys
from collections.abc import Callable, Mapping
from typing import Final

import typer

from services.cli.errors import guarded


def _servers(app: typer.Typer) -> None:
    from services.cli import servers

    servers.add_to(app)


def _offline(app: typer.Typer) -> None:
    from services.cli import offline

    offline.add_to(app)


def _cases(app: typer.Typer) -> None:
    from services.cli import cases

    cases.add_to(app)


def _criteria(app: typer.Typer) -> None:
    from services.cli import criteria

    app.add_typer(criteria.app, name="criteria")


def _evidence(app: typer.Typer) -> None:
    from services.cli import evidence

    app.add_typer(evidence.app, name="evidence")


def _audit(app: typer.Typer) -> None:
    from services.cli import audit

    app.add_typer(
        audit.make_app(sys.argv[2] if sys.argv[1:2] == ["audit"] and len(sys.argv) > 2 else None), name="audit"
    )


def _replay(app: typer.Typer) -> None:
    from services.cli import replay

    app.add_typer(replay.app, name="replay")


def _keys(app: typer.Typer) -> None:
    from services.cli import keys

    app.add_typer(keys.app, name="keys")


def _journal(app: typer.Typer) -> None:
    from services.cli import journal

    app.add_typer(journal.app, name="journal")


COMMANDS: Final[Mapping[str, Callable[[typer.Typer], None]]] = {
    **dict.fromkeys(("run", "migrate", "topics", "console", "up", "demo"), _servers),
    "determine": _offline,
    **dict.fromkeys(("submit", "cases"), _cases),
    "criteria": _criteria,
    "evidence": _evidence,
    "audit": _audit,
    "replay": _replay,
    "keys": _keys,
    "journal": _journal,
}
"""Every command, and what adds it with the others of its module."""


def make_app(command: str | None = None) -> typer.Typer:
    """The command line, or as much of it as one command needs: the servers' libraries take more than a second to load."""
    app = typer.Typer(
        name="priorauth", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
    )
    # A callback makes a group of it even where it has a single command.
    app.callback()(lambda: None)
    own = COMMANDS.get(command or "")
    for add_to in [own] if own is not None else dict.fromkeys(COMMANDS.values()):
        add_to(app)
    return app


def main() -> None:
    """The console script."""
    guarded(make_app(sys.argv[1] if len(sys.argv) > 1 else None))


if __name__ == "__main__":
    main()
