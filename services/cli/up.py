"""``priorauth up``: every process of the platform under one supervisor."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from services.cli.errors import REFUSED, UNREACHABLE, CommandError
from services.cli.output import stderr
from services.cli.target import settings_for
from shared.platform.embedded.server import EmbeddedServerError
from shared.platform.supervisor.process import SupervisorError
from shared.platform.topology import Plan, ServerUnreachableError, process_specs

DEFAULT_DIR = Path(".priorauth")


def up(
    embedded: Annotated[bool, typer.Option("--embedded", help="Start PostgreSQL and Kafka too.")] = False,
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept.")] = DEFAULT_DIR,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Intake's port; 0 takes a free one.")] = 0,
) -> None:
    """Runs all services, until SIGTERM or Ctrl-C."""
    plan = process_specs(data_dir, embedded=embedded, port=port, settings=settings_for(None))

    async def ready() -> None:
        stderr.print(f"ready: {plan.addresses.url('intake')} (data in {plan.data_dir})")
        await asyncio.Event().wait()  # Its return would end everything; a signal cancels it.

    supervise(plan, ready)


def supervise(plan: Plan, ready: Callable[[], Awaitable[None]]) -> None:
    """Runs a plan to its end. A server that is away or in use ends the command with one sentence."""
    try:
        asyncio.run(plan.supervisor().run(ready))
    except ServerUnreachableError as error:
        raise CommandError(UNREACHABLE, str(error)) from error
    except (SupervisorError, EmbeddedServerError) as error:
        raise CommandError(REFUSED, str(error)) from error
