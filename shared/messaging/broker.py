"""The one place that makes FastStream brokers, subscribers and publishers, all from ``shared/flow.py``."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLPlaintext

from shared import flow
from shared.events.envelope import EventMessage, decode_message
from shared.platform import telemetry
from shared.platform.logs import get_logger
from shared.platform.settings import Settings

log = get_logger()
Consume = Callable[[Sequence[EventMessage]], Awaitable[None]]

_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 5.0
_POLL_MS: Final = 2
"""FastStream waits this long for records and, when there are none, sleeps as long again."""


def make_broker(settings: Settings, client_id: str) -> KafkaBroker:
    """A broker with an idempotent producer. Topics are made at deploy time, never by a stray message."""
    return KafkaBroker(
        settings.kafka_bootstrap_servers.split(","),
        client_id=f"priorauth-{client_id}",
        security=_security(settings),
        enable_idempotence=True,
        acks="all",
        linger_ms=0,
        max_batch_size=256 * 1024,
        allow_auto_create_topics=False,
        request_timeout_ms=10_000,
        metadata_max_age_ms=5_000,  # How soon topics that are made later are noticed.
        graceful_timeout=15.0,
        apply_types=False,
        logger=logging.getLogger("faststream"),
        log_level=logging.DEBUG,
        description="priorauth: one topic per event type, key = case id.",
        protocol="kafka",
        specification_url="kafka:9092",
    )


def subscribe(broker: KafkaBroker, service: flow.ServiceFlow, consume: Consume, settings: Settings) -> Any:
    """Subscribes a service to its topics in batches. Offsets are committed after ``consume`` returned."""
    topics = flow.topics_of(service.name)

    async def decode(message: Any) -> list[EventMessage]:
        return await _decode_batch(broker, message.raw_message)

    async def handle(events: list[EventMessage]) -> None:
        await _until_done(service.name, consume, events)

    handle.__doc__ = f"What {service.name} reads, in batches."
    subscriber = broker.subscriber(
        *topics,
        batch=True,
        group_id=f"priorauth.{service.name}",
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.ACK,
        max_records=settings.batch_size,
        batch_timeout_ms=_POLL_MS,
        fetch_max_wait_ms=settings.fetch_max_wait_ms,
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_500,
        max_poll_interval_ms=600_000,
        decoder=decode,
        title=service.name,
    )
    subscriber(handle)
    return subscriber


def describe_publishers(broker: KafkaBroker, event_types: Sequence[str]) -> None:
    """Declares what is published, for the AsyncAPI document."""
    for event_type in event_types:
        broker.publisher(flow.topic(event_type), schema=EventMessage, title=event_type)


async def _until_done(service: str, consume: Consume, events: list[EventMessage]) -> None:
    """Repeats a batch that raised: acknowledging it would make its messages disappear without an effect.

    ``consume`` deals with what it expects, so this is a fault of our own that operators must see; what the batch has
    done already is not done twice.
    """
    wait = _FIRST_WAIT
    while True:
        try:
            await consume(events)
        except Exception as error:
            telemetry.HANDLER_RETRIES.labels(service).inc()
            log.error("batch failed as a whole, trying again", seconds=wait, exc_info=error)
        else:
            return
        await asyncio.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT)


async def _decode_batch(broker: KafkaBroker, records: Sequence[Any]) -> list[EventMessage]:
    events: list[EventMessage] = []
    for record in records:
        try:
            events.append(decode_message(record.value or b""))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            await _set_aside(broker, record)
    return events


async def _set_aside(broker: KafkaBroker, record: Any) -> None:
    """A message that names no case cannot quarantine one; its bytes go to a topic of their own, none is dropped."""
    log.error("unreadable message set aside", topic=record.topic, partition=record.partition, offset=record.offset)
    telemetry.MESSAGES_HANDLED.labels("messaging", "unreadable").inc()
    headers = {"x-topic": record.topic, "x-partition": str(record.partition), "x-offset": str(record.offset)}
    wait = _FIRST_WAIT
    while True:
        try:
            await broker.publish(record.value or b"", topic=flow.UNREADABLE_TOPIC, headers=headers)
        except (KafkaError, OSError) as error:
            # Raising would acknowledge the whole batch, the messages beside this one included.
            log.warning("kafka away, waiting", seconds=wait, exc_info=error)
        else:
            return
        await asyncio.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT)


class KafkaPublisher:
    """Publishes a batch under its keys and waits until Kafka has all of it."""

    def __init__(self, broker: KafkaBroker) -> None:
        self._broker = broker

    async def publish(self, messages: Sequence[tuple[str, bytes, bytes, dict[str, str]]]) -> None:
        """Sends ``(topic, key, value, headers)`` in order; returns when every one is acknowledged.

        Raises:
            KafkaError: Kafka did not take all of them; the caller sends the batch again.
        """
        pending: list[asyncio.Future[Any]] = []
        try:
            for topic, key, value, headers in messages:
                sent = await self._broker.publish(value, topic=topic, key=key, headers=headers, no_confirm=True)
                if not isinstance(sent, asyncio.Future):
                    raise TypeError("publish(no_confirm=True) did not return a future.")
                pending.append(sent)
            await asyncio.gather(*pending)
        finally:
            # A failure leaves the others' results unread; asking for them keeps asyncio from complaining.
            for future in pending:
                with contextlib.suppress(BaseException):
                    future.exception() if future.done() else future.cancel()


def client_options(settings: Settings) -> dict[str, Any]:
    """Connection options for aiokafka's own clients (admin, readiness)."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.startswith("SASL") and settings.kafka_sasl_password is not None:
        options |= {
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": settings.kafka_sasl_password.get_secret_value(),
        }
    if settings.kafka_security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    return options


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(settings.kafka_ssl_ca_file) if settings.kafka_ssl_ca_file else None)


def _security(settings: Settings) -> BaseSecurity | None:
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        return None
    context = _ssl_context(settings) if protocol.endswith("SSL") else None
    if protocol == "SSL":
        return BaseSecurity(ssl_context=context, use_ssl=True)
    password = settings.kafka_sasl_password.get_secret_value() if settings.kafka_sasl_password else ""
    return SASLPlaintext(settings.kafka_sasl_username or "", password, ssl_context=context, use_ssl=context is not None)
