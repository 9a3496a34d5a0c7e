"""The relay's contract on the real PostgreSQL and the real Kafka: nothing skipped, one leader, order, once in effect."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from faststream.kafka import KafkaBroker
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import flow
from shared.case.history import Proposed
from shared.events.envelope import EventMessage, decode_message
from shared.events.model import CaseQuarantined
from shared.journal.commands import append_one
from shared.journal.relay import Relay
from shared.journal.verify import verify
from shared.messaging.broker import KafkaPublisher, make_broker, subscribe
from shared.messaging.consumer import Consumer
from shared.platform import telemetry
from shared.platform.database import make_engine
from shared.platform.settings import Settings
from tests.support.consuming import MASTER, Evaluator, add_cases, history_of, settings_of, submit
from tests.support.servers import eventually, everything_in_kafka, execute

Outgoing = Sequence[tuple[str, bytes, bytes, dict[str, str]]]


class Recorder:
    """Publishes to Kafka and keeps what it published, in order. Fails after the publication when told to."""

    def __init__(self, broker: KafkaBroker) -> None:
        self._kafka = KafkaPublisher(broker)
        self.messages: list[EventMessage] = []
        self.crashes = 0

    async def publish(self, messages: Outgoing) -> None:
        await self._kafka.publish(messages)
        self.messages += [decode_message(value) for _, _, value, _ in messages]
        if self.crashes:
            self.crashes -= 1
            raise ConnectionError("ended between the publication and the cursor")

    def cases(self) -> list[UUID]:
        return [m.case_id for m in self.messages]


@pytest.fixture(scope="module")
def settings(database: str, topics: str) -> Settings:
    return settings_of(database, topics, relay_poll_seconds=0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    made = make_engine(settings)
    yield made
    await made.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def broker(settings: Settings) -> AsyncIterator[KafkaBroker]:
    made = make_broker(settings, "test")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def recorder(broker: KafkaBroker) -> Recorder:
    return Recorder(broker)


@asynccontextmanager
async def relaying(settings: Settings, *recorders: Recorder) -> AsyncIterator[list[Relay]]:
    """A relay for each recorder, all of the same shard."""
    relays = [Relay(settings, recorder) for recorder in recorders]
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield relays
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def ids(messages: Iterable[EventMessage]) -> Iterator[UUID]:
    return (m.case_id for m in messages)


async def test_rows_that_commit_late_are_not_skipped(
    settings: Settings, engine: AsyncEngine, recorder: Recorder
) -> None:
    """The first row takes its position before the second, and commits after the second was already seen."""
    async with relaying(settings, recorder):
        async with engine.begin() as late:
            first = await add_cases(late)
            second = await submit(engine)
            # The relay has looked, found a row that it may not take yet, and says so.
            await eventually(lambda: telemetry.RELAY_LAG._value.get() > 0)
            assert not set(ids(second)) & set(recorder.cases())
        await eventually(lambda: {*ids(first), *ids(second)} <= set(recorder.cases()))
    assert recorder.cases() == [*ids(first), *ids(second)]


async def test_an_older_transaction_whose_row_comes_later_is_not_skipped(
    settings: Settings, engine: AsyncEngine, recorder: Recorder
) -> None:
    """The other way round: the transaction is older, its row has the higher position."""
    async with relaying(settings, recorder):
        async with engine.begin() as older:
            await older.execute(text("SELECT pg_current_xact_id()"))
            first = await submit(engine)
            second = await add_cases(older)
        await eventually(lambda: {*ids(first), *ids(second)} <= set(recorder.cases()))
    assert sorted(recorder.cases()) == sorted([*ids(first), *ids(second)])


async def test_a_rolled_back_transaction_leaves_nothing_and_holds_up_nothing(
    settings: Settings, engine: AsyncEngine, recorder: Recorder
) -> None:
    async with relaying(settings, recorder):
        with pytest.raises(ZeroDivisionError):
            async with engine.begin() as connection:
                gone = await add_cases(connection)
                raise ZeroDivisionError
        kept = await submit(engine, 3)
        await eventually(lambda: set(ids(kept)) <= set(recorder.cases()))
    assert not set(ids(gone)) & set(recorder.cases())


async def test_one_relay_leads_and_another_takes_over(
    settings: Settings, engine: AsyncEngine, broker: KafkaBroker
) -> None:
    recorders = [Recorder(broker), Recorder(broker)]
    async with relaying(settings, *recorders) as relays:
        [leader] = await eventually(lambda: [r for r in relays if r.leader])
        before = await submit(engine, 5)
        published = recorders[relays.index(leader)]
        await eventually(lambda: set(ids(before)) <= set(published.cases()))

        await execute(
            settings.database_url.get_secret_value(),
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        other = next(r for r in relays if r is not leader)
        # Either may win the lease anew; both must not.
        await eventually(lambda: [r.leader for r in relays].count(True) == 1 and all(r.connected for r in relays))
        after = await submit(engine, 5)

        def both() -> set[UUID]:
            return {*recorders[0].cases(), *recorders[1].cases()}

        await eventually(lambda: set(ids(after)) <= both())
        await eventually(lambda: [leader.leader, other.leader].count(True) == 1)
        assert set(ids(before)) <= both()


async def test_the_events_of_a_case_keep_their_order(
    settings: Settings, engine: AsyncEngine, recorder: Recorder, topics: str
) -> None:
    cases = [m.case_id for m in await submit(engine, 5)]

    async def append_several(case_id: UUID) -> None:
        data = CaseQuarantined("test", "", "", "", 1)
        for _ in range(6):
            await append_one(
                engine,
                MASTER,
                case_id,
                lambda _: Proposed(flow.CASE_QUARANTINED, data),
                actor="system:test",
                consumer="test",
                causation_id=uuid4(),
            )

    async with relaying(settings, recorder):
        await asyncio.gather(*map(append_several, cases))
        await eventually(lambda: sum(c in cases for c in recorder.cases()) == 5 * 7)
    for case_id in cases:
        assert [m.sequence for m in recorder.messages if m.case_id == case_id] == list(range(1, 8))
    records = await everything_in_kafka(topics, [flow.topic(flow.CASE_QUARANTINED)])
    for case_id in cases:
        mine = sorted((r for r in records if r.key == str(case_id).encode()), key=lambda r: r.offset)
        assert len({r.partition for r in mine}) == 1
        assert [decode_message(r.value).sequence for r in mine] == list(range(2, 8))


async def test_an_event_published_twice_has_its_effect_once(
    settings: Settings, engine: AsyncEngine, recorder: Recorder, topics: str
) -> None:
    """The relay ends after Kafka has the batch and before its cursor has moved; the next one publishes it again."""
    recorder.crashes = 1
    messages = await submit(engine, 10)
    async with relaying(settings, recorder):
        await eventually(lambda: all(recorder.cases().count(c) >= 2 for c in ids(messages)))
    consuming = make_broker(settings, "test-consumer")
    evaluator = Evaluator()
    consumer = Consumer(flow.CRITERIA_EVALUATION, evaluator, engine, MASTER)
    seen: list[Any] = []

    async def consume(batch: Sequence[EventMessage]) -> None:
        await consumer.consume(batch)
        seen.extend(batch)

    subscribe(consuming, flow.CRITERIA_EVALUATION, consume, settings)
    await consuming.start()
    try:
        await eventually(lambda: all([m.case_id for m in seen].count(c) >= 2 for c in ids(messages)))
    finally:
        await consuming.stop()
    for message in messages:
        history = await history_of(engine, message.case_id)
        assert [e.type for e in history.events] == [flow.CASE_SUBMITTED, flow.CRITERIA_EVALUATED]
        assert evaluator.handled.count(message.event_id) == 1
    assert (await verify(engine)).problems == []
