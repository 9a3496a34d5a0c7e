"""``priorauth audit``: needs the database only, in a role that may only read. Each command is a module of its own."""

from importlib import import_module
from typing import Final

import typer

_COMMANDS: Final = {
    "verify": "audit_verify.verify_command",
    "checkpoint": "audit_checkpoint.checkpoint_command",
    "consistency": "audit_checkpoint.consistency_command",
    "keygen": "audit_checkpoint.keygen_command",
    "as-of": "audit_as_of.as_of_command",
    "replay": "audit_replay.replay_command",
    "what-if": "audit_what_if.what_if_command",
    "export": "audit_bundle.export_command",
    "check": "audit_bundle.check_command",
    "accesses": "audit_access.accesses_command",
}


def make_app(command: str | None = None) -> typer.Typer:
    """The group, or as much of it as one command needs: a replay's policies take longer to load than a key to make."""
    app = typer.Typer(no_args_is_help=True, help=__doc__)
    # A callback makes a group of it even where it has a single command.
    app.callback()(lambda: None)
    for name in [command] if command in _COMMANDS else _COMMANDS:
        module, function = _COMMANDS[str(name)].split(".")
        app.command(name)(getattr(import_module(f"services.cli.{module}"), function))
    return app
