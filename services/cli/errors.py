"""Exit codes, and errors as one sentence on standard error."""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn, cast

import click
import typer

from shared.policy import PolicyError

CHECK_FAILED: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
UNREACHABLE: Final = 4
DEFECT: Final = 70
"""EX_SOFTWARE of sysexits.h."""


_TYPERS: Final = cast("type[click.ClickException]", typer.BadParameter.__mro__[2])
_USAGE_ERRORS: Final = (click.ClickException, _TYPERS)
"""Newer versions of Typer bring click along under a name of their own; what they export leads to its base class."""


class CommandError(Exception):
    """Ends a command with an exit code and one sentence."""

    def __init__(self, code: int, message: str) -> None:
        # Both are arguments, so that the error can be handed on by another process.
        super().__init__(code, message)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[1])


def fail(code: int, message: str) -> NoReturn:
    """Ends the command."""
    raise CommandError(code, message)


def guarded(app: Callable[..., object]) -> None:
    """Runs the application; what goes wrong is one sentence and an exit code, never a traceback."""
    try:
        # Outside of its standalone mode click returns the code of an Exit instead of raising it.
        code = app(standalone_mode=False)
    except CommandError as error:
        _end(error.code, str(error))
    except _USAGE_ERRORS as error:
        _end(USAGE, error.format_message())
    except (click.Abort, typer.Abort, KeyboardInterrupt):
        _end(130, "Stopped.")
    except typer.Exit as error:
        sys.exit(error.exit_code)
    except PolicyError as error:
        # Its text names a policy file, its line and the reason, and nothing of a chart.
        _end(REFUSED, str(error))
    except Exception as error:
        # A defect of ours. Its message may quote a chart, so only its kind and place are told.
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        _end(DEFECT, f"This is a defect of priorauth ({type(error).__name__} at {where}); please report it.")
    if isinstance(code, int):
        sys.exit(code)


def _end(code: int, message: str) -> NoReturn:
    sys.stderr.write(message.rstrip() + "\n")
    sys.exit(code)
