"""What may stand in a topic although the relay did not put it there, or in another order than it was made."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest_asyncio
from aiokafka import AIOKafkaProducer

from shared import flow
from shared.case.history import Proposed
from shared.events.envelope import encode_message
from shared.journal.commands import append_one
from shared.messaging.broker import make_broker, subscribe
from shared.messaging.consumer import Consumer
from shared.platform.database import make_engine
from tests.flow.test_cases import APPROVED, NOTIFIED
from tests.support.consuming import MASTER, Evaluator, history_of, message_for, settings_of, submit, submitted
from tests.support.running import Platform, Provider, types_of
from tests.support.servers import eventually, everything_in_kafka
from tests.support.spine import spine_request

GARBAGE = (b"\xff\x00 no JSON", b"{}", b'{"event_id": "not a uuid"}', None)


@pytest_asyncio.fixture(loop_scope="session")
async def producer(platform: Platform) -> AsyncIterator[AIOKafkaProducer]:
    """Somebody else with access to the platform's Kafka."""
    made = AIOKafkaProducer(bootstrap_servers=platform.run["kafka"])
    await made.start()
    yield made
    await made.stop()


async def test_unreadable_messages_are_set_aside_and_the_partitions_move_on(
    platform: Platform, provider: Provider, producer: AIOKafkaProducer
) -> None:
    topic = flow.topic(flow.EVIDENCE_ATTACHED)
    sent = [await producer.send_and_wait(topic, value, key=b"no case", partition=n) for n, value in enumerate(GARBAGE)]
    cases = await asyncio.gather(*(provider.submit(spine_request(7_800 + n), wait=0) for n in range(12)))
    for case_id, _ in cases:
        assert types_of(await provider.until(case_id, *NOTIFIED)) == APPROVED

    async def set_aside() -> bool:
        records = await everything_in_kafka(platform.run["kafka"], [flow.UNREADABLE_TOPIC])
        headers = [({k: v.decode() for k, v in r.headers}, r.value) for r in records]
        found = {(h["x-topic"], h["x-partition"], h["x-offset"]): value for h, value in headers}
        wanted = {(topic, str(s.partition), str(s.offset)): v or b"" for s, v in zip(sent, GARBAGE, strict=True)}
        return wanted.items() <= found.items()

    await eventually(set_aside, interval=0.2)


async def test_a_message_that_names_no_event_of_the_journal_has_no_effect(
    platform: Platform, provider: Provider, producer: AIOKafkaProducer
) -> None:
    case_id, _ = await provider.submit(spine_request(7_820, "clinical_review"))
    case = await provider.until(case_id, "case.referred", *NOTIFIED)
    forged = {
        "event_id": str(uuid4()),
        "case_id": case_id,
        "sequence": len(case["timeline"]) + 1,
        "type": flow.CASE_APPROVED,
        "state_before": "in_review",
        "state_after": "approved",
        "actor": "system:determination",
        "payer": "HEALTHPLAN7",
        "occurred_at": datetime.now(UTC),
        "recorded_at": datetime.now(UTC),
        "public": {},
    }
    await producer.send_and_wait(flow.topic(flow.CASE_APPROVED), encode_message(forged), key=case_id.encode())
    await eventually(lambda: "names no event" in (platform.data_dir / "logs" / "notification.log").read_text())
    assert await provider.case(case_id) == case


async def test_information_that_overtakes_its_submission_is_answered_once(database: str, topics: str) -> None:
    settings = settings_of(database, topics)
    engine = make_engine(settings)
    broker = make_broker(settings, "test")
    evaluator = Evaluator()
    consumer = Consumer(flow.CRITERIA_EVALUATION, evaluator, engine, MASTER)
    subscribe(broker, flow.CRITERIA_EVALUATION, consumer.consume, settings)
    await broker.start()
    try:
        [first, marker] = await submit(engine, 2)
        history = await append_one(
            engine,
            MASTER,
            first.case_id,
            lambda _: Proposed(flow.INFORMATION_RECEIVED, submitted()),
            actor="system:intake",
            consumer="intake",
            causation_id=uuid4(),
        )
        second = message_for(history.events[-1])

        async def state(case_id: UUID) -> str:
            return (await history_of(engine, case_id)).state

        key = str(first.case_id).encode()
        await broker.publish(encode_message(second), topic=flow.topic(second.type), key=key)
        await eventually(lambda: second.event_id in evaluator.handled)
        for message in (first, marker):
            await broker.publish(encode_message(message), topic=flow.topic(message.type), key=key)
        await eventually(lambda: marker.event_id in evaluator.handled)
        assert evaluator.handled == [second.event_id, marker.event_id]
        assert await state(first.case_id) == "criteria_evaluated"
        types = [e.type for e in (await history_of(engine, first.case_id)).events]
        assert types == [flow.CASE_SUBMITTED, flow.INFORMATION_RECEIVED, flow.CRITERIA_EVALUATED]
    finally:
        await broker.stop()
        await engine.dispose()
