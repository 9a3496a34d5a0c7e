"""Creates the topics of ``shared/flow.py`` with their partition count, at deploy time."""

from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from shared import flow
from shared.messaging.broker import client_options
from shared.platform.settings import Settings

_EXISTS = 36


async def create_topics(settings: Settings, names: Sequence[str] = flow.ALL_TOPICS) -> tuple[str, ...]:
    """Makes the topics that are not there yet; returns their names. Existing ones are left as they are.

    Raises:
        KafkaError: Kafka cannot be reached or refuses a topic.
    """
    admin = AIOKafkaAdminClient(**client_options(settings), client_id="priorauth-topics")
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        wanted = [
            NewTopic(
                name,
                num_partitions=settings.kafka_partitions,
                replication_factor=settings.kafka_replication_factor,
                topic_configs={"retention.ms": str(settings.kafka_topic_retention_hours * 3_600_000)},
            )
            for name in names
            if name not in existing
        ]
        if not wanted:
            return ()
        response = await admin.create_topics(wanted)
        for name, code, *_ in response.topic_errors:
            if code not in {0, _EXISTS}:
                raise for_code(code)(f"Topic {name} was refused.")
        return tuple(t.name for t in wanted)
    finally:
        await admin.close()
