"""``priorauth run``, ``migrate``, ``topics``, ``up`` and ``demo``."""

from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from services.cli.demo import demo
from services.cli.errors import UNREACHABLE, fail
from services.cli.output import print_lines
from services.cli.run import run_command
from services.cli.target import DataDir, run, settings_for
from services.cli.up import up
from services.console.store import rebuild
from shared import flow
from shared.journal.migrate import downgrade, upgrade
from shared.messaging.topics import create_topics
from shared.platform.database import make_engine
from shared.platform.settings import Settings

console_app = typer.Typer(no_args_is_help=True, help="The console's projection.")


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("run")(run_command)
    app.command("migrate")(migrate)
    app.command("topics")(topics)
    app.add_typer(console_app, name="console")
    app.command("up")(up)
    app.command("demo")(demo)


def migrate(
    revision: Annotated[str, typer.Argument(help="The revision to go to.")] = "head",
    down: Annotated[bool, typer.Option("--down", help="Go back to the revision instead.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Brings the database's schema up to date."""
    url = settings_for(data_dir).sqlalchemy_url
    run(downgrade(url, revision) if down else upgrade(url, revision))
    print_lines(f"The database is at {revision}.")


@console_app.command("rebuild")
def rebuild_console(data_dir: DataDir = None) -> None:
    """Builds the console's projection anew from the journal; the console may go on meanwhile."""
    number = run(_rebuild(settings_for(data_dir)))
    print_lines(f"{number} cases were projected.")


async def _rebuild(settings: Settings) -> int:
    engine = make_engine(settings, "service", 1)
    try:
        return await rebuild(engine)
    finally:
        await engine.dispose()


def topics(data_dir: DataDir = None) -> None:
    """Creates the Kafka topics that are not there yet."""
    settings = settings_for(data_dir)
    try:
        made = run(create_topics(settings))
    except (KafkaError, OSError):
        fail(UNREACHABLE, f"Kafka cannot be reached at {settings.kafka_bootstrap_servers}.")
    print_lines(f"{len(made)} topics created, {len(flow.ALL_TOPICS) - len(made)} were there.")
