"""Exit codes, and errors as one sentence on standard error."""

import sys
from collections.abc import Callable
from typing import Final, NoReturn

import click
import typer

CHECK_FAILED: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
UNREACHABLE: Final = 4


class CommandError(Exception):
    """Ends a command with an exit code and one sentence."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def fail(code: int, message: str) -> NoReturn:
    """Ends the command."""
    raise CommandError(code, message)


def guarded(app: Callable[..., object]) -> None:
    """Runs the application; what goes wrong is one sentence and an exit code, never a traceback."""
    try:
        app(standalone_mode=False)
    except CommandError as error:
        _end(error.code, str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        _end(USAGE, error.format_message())
    except click.ClickException as error:
        _end(USAGE, error.format_message())
    except (click.Abort, KeyboardInterrupt):
        _end(130, "Stopped.")
    except typer.Exit as error:
        sys.exit(error.exit_code)


def _end(code: int, message: str) -> NoReturn:
    sys.stderr.write(message.rstrip() + "\n")
    sys.exit(code)
