"""``priorauth run SERVICE``, and ``python -m services.cli.run SERVICE``, which loads that service and nothing else."""

import importlib
import sys
from typing import Annotated

import typer
from pydantic import ValidationError

from services.cli.errors import USAGE, fail, guarded
from shared import flow
from shared.journal.checkpoint import CheckpointError
from shared.platform.service import run_service
from shared.platform.settings import get_settings
from shared.policy import PolicyError


def run_command(service: Annotated[str, typer.Argument(help=f"One of {', '.join(flow.PROCESSES)}.")]) -> None:
    """Runs one service until it is told to stop."""
    if service not in flow.PROCESSES:
        fail(USAGE, f"There is no service {service}; choose one of {', '.join(flow.PROCESSES)}.")
    try:
        run_service(service, importlib.import_module(f"services.{service}.app").build, get_settings())
    except ValidationError as error:
        fail(USAGE, f"Settings cannot be used: {', '.join(str(e['loc'][0]) for e in error.errors() if e['loc'])}.")
    except (PolicyError, CheckpointError) as error:
        fail(USAGE, str(error))


if __name__ == "__main__":
    guarded(lambda **_: run_command(sys.argv[1] if len(sys.argv) > 1 else ""))
