"""``priorauth replay``: the journal published once more, marked so that nobody takes it for new."""

from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from aiokafka.errors import KafkaError

from services.cli.audit_replay import Since, Until
from services.cli.errors import UNREACHABLE, fail
from services.cli.instants import as_utc
from services.cli.output import print_json, print_lines
from services.cli.target import ArchiveDir, AsJson, DataDir, archives_of, run, settings_for
from shared.journal.republish import messages_again
from shared.messaging.broker import KafkaPublisher, make_broker
from shared.messaging.topics import create_topics
from shared.platform.database import make_engine
from shared.platform.settings import Settings

app = typer.Typer(no_args_is_help=True, help=__doc__)
Period = tuple[datetime | None, datetime | None]


@app.callback()
def _group() -> None:
    """Keeps ``publish`` a command of its own although it is the only one."""


@app.command("publish")
def publish_command(
    to_topic: Annotated[
        str,
        typer.Option(help="The topic to publish to; it is made where it is missing. `original` is each event's own."),
    ],
    case: Annotated[UUID | None, typer.Option("--case", help="One case only.")] = None,
    since: Since = None,
    until: Until = None,
    archives: ArchiveDir = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Publishes events of the journal again, in their order, each with the mark that it is a replay."""
    period = (since and as_utc(since), until and as_utc(until))
    topic = None if to_topic == "original" else to_topic
    published = run(_publish(settings_for(data_dir), topic, case, period, archives))
    if as_json:
        print_json({"published": published, "topic": to_topic})
    else:
        print_lines(f"{published} events published to {to_topic}.")


async def _publish(
    settings: Settings, topic: str | None, case: UUID | None, period: Period, folder: Path | None
) -> int:
    engine, broker, published = make_engine(settings, "auditor", 1), make_broker(settings, "replay"), 0
    try:
        async with engine.connect() as connection:
            archives = await archives_of(connection, folder or settings.archive_dir, case)
        if topic is not None:
            await create_topics(settings, [topic])
        await broker.start()
        publisher = KafkaPublisher(broker)
        async with engine.connect() as connection:
            batches = messages_again(
                connection, topic=topic, case_id=case, since=period[0], until=period[1], archives=archives
            )
            async for messages in batches:
                await publisher.publish(messages)
                published += len(messages)
    except KafkaError:
        fail(UNREACHABLE, "Kafka cannot be reached or does not take it: see PRIORAUTH_KAFKA_BOOTSTRAP_SERVERS.")
    finally:
        await broker.stop()
        await engine.dispose()
    return published
