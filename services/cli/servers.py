"""``priorauth run``, ``migrate``, ``topics``, ``up`` and ``demo``."""

from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from services.cli.console import console_app
from services.cli.demo import demo
from services.cli.errors import UNREACHABLE, fail
from services.cli.output import print_lines
from services.cli.run import run_command
from services.cli.target import DataDir, run, settings_for
from services.cli.up import up
from shared import flow
from shared.journal.migrate import downgrade, upgrade
from shared.messaging.topics import create_topics


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


def topics(data_dir: DataDir = None) -> None:
    """Creates the Kafka topics that are not there yet."""
    settings = settings_for(data_dir)
    try:
        made = run(create_topics(settings))
    except (KafkaError, OSError):
        fail(UNREACHABLE, f"Kafka cannot be reached at {settings.kafka_bootstrap_servers}.")
    print_lines(f"{len(made)} topics created, {len(flow.ALL_TOPICS) - len(made)} were there.")
