"""Publishes the journal to Kafka. It is a process of its own, and no service: it adds nothing to a case."""

from fastapi import FastAPI

from shared import flow
from shared.journal.relay import Relay
from shared.messaging.broker import KafkaPublisher, describe_publishers
from shared.platform.service import Runtime


def build(runtime: Runtime) -> FastAPI:
    """Wires the relay. A second one is ready too: it waits for the lease."""
    broker = runtime.with_broker()
    describe_publishers(broker, flow.EVENT_TYPES)
    relay = Relay(runtime.settings, KafkaPublisher(broker))
    runtime.background.append(relay.run)

    async def connected() -> bool:
        return relay.connected

    runtime.checks["lease"] = connected
    return runtime.api("priorauth relay")
