"""The batch consumer on the real PostgreSQL: duplicates, order, poison, redrive, and a database that goes away."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import flow
from shared.case.history import Proposed
from shared.events.model import CaseRedriven
from shared.journal.commands import append_one
from shared.journal.verify import verify
from shared.messaging.consumer import Consumer
from shared.platform.database import make_engine
from shared.platform.logs import configure_logging
from shared.platform.telemetry import REDRIVEN
from tests.support.consuming import MASTER, Evaluator, accept, history_of, message_for, settings_of, submit, submitted


@pytest_asyncio.fixture(loop_scope="session")
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(settings_of(database))
    yield engine
    await engine.dispose()


@pytest.fixture
def evaluator() -> Evaluator:
    return Evaluator()


@pytest.fixture
def consumer(engine: AsyncEngine, evaluator: Evaluator) -> Consumer:
    return Consumer(flow.CRITERIA_EVALUATION, evaluator, engine, MASTER, attempts=3, backoff_seconds=0.001)


async def test_a_batch_is_answered_in_full(consumer: Consumer, engine: AsyncEngine) -> None:
    messages = await submit(engine, 25)
    await consumer.consume(messages)
    for message in messages:
        history = await history_of(engine, message.case_id)
        assert history.state == "criteria_evaluated"
        assert history.events[-1].causation_id == message.event_id


async def test_a_duplicate_has_no_effect(consumer: Consumer, engine: AsyncEngine, evaluator: Evaluator) -> None:
    [message] = await submit(engine)
    await consumer.consume([message, message])
    await consumer.consume([message])
    assert evaluator.handled == [message.event_id]
    assert (await history_of(engine, message.case_id)).sequence == 2


async def test_two_consumers_at_once_have_one_effect(engine: AsyncEngine) -> None:
    messages = await submit(engine, 10)
    replicas = [Consumer(flow.CRITERIA_EVALUATION, Evaluator(), engine, MASTER) for _ in range(3)]
    await asyncio.gather(*(replica.consume(messages) for replica in replicas))
    assert {(await history_of(engine, m.case_id)).sequence for m in messages} == {2}
    assert (await verify(engine)).problems == []


async def test_an_overtaken_message_is_stale(consumer: Consumer, engine: AsyncEngine) -> None:
    """Information came before the submission was handled; whichever message arrives first, one answer is given."""
    [first] = await submit(engine)
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
    await consumer.consume([second])
    await consumer.consume([first])
    after = await history_of(engine, first.case_id)
    assert [e.type for e in after.events] == [flow.CASE_SUBMITTED, flow.INFORMATION_RECEIVED, flow.CRITERIA_EVALUATED]
    assert after.events[-1].causation_id == second.event_id


async def test_a_poison_message_quarantines_its_case_only_and_a_redrive_takes_it_up(
    consumer: Consumer, engine: AsyncEngine, evaluator: Evaluator
) -> None:
    messages = await submit(engine, 6)
    poisoned = messages[2].case_id
    evaluator.poisoned.add(poisoned)
    await consumer.consume(messages)
    others = [m.case_id for m in messages if m.case_id != poisoned]
    assert {(await history_of(engine, c)).state for c in others} == {"criteria_evaluated"}
    history = await history_of(engine, poisoned)
    assert (history.quarantined, history.state, history.sequence) == (True, "submitted", 2)

    await consumer.consume([messages[2]])
    assert (await history_of(engine, poisoned)).sequence == 2, "a held case is not tried again by itself"

    released_before = REDRIVEN.labels(flow.CRITERIA_EVALUATION.name)._value.get()
    evaluator.poisoned.clear()
    released = await append_one(
        engine,
        MASTER,
        poisoned,
        lambda _: Proposed(flow.CASE_REDRIVEN, CaseRedriven()),
        actor="operator:cli",
        consumer=flow.OPERATIONS.name,
        causation_id=uuid4(),
    )
    await consumer.consume([message_for(released.events[-1])])
    history = await history_of(engine, poisoned)
    assert (history.quarantined, history.state) == (False, "criteria_evaluated")
    assert (await verify(engine, poisoned)).problems == []
    assert REDRIVEN.labels(flow.CRITERIA_EVALUATION.name)._value.get() == released_before + 1


async def test_a_redriven_case_that_fails_again_is_quarantined_again(
    consumer: Consumer, engine: AsyncEngine, evaluator: Evaluator
) -> None:
    [message] = await submit(engine)
    evaluator.poisoned.add(message.case_id)
    await consumer.consume([message])
    released = await append_one(
        engine,
        MASTER,
        message.case_id,
        lambda _: Proposed(flow.CASE_REDRIVEN, CaseRedriven()),
        actor="operator:cli",
        consumer=flow.OPERATIONS.name,
        causation_id=uuid4(),
    )
    await consumer.consume([message_for(released.events[-1])])
    history = await history_of(engine, message.case_id)
    assert [e.type for e in history.events].count(flow.CASE_QUARANTINED) == 2
    assert history.quarantined


async def test_no_text_of_an_error_reaches_the_log(
    consumer: Consumer, engine: AsyncEngine, evaluator: Evaluator
) -> None:
    [message] = await submit(engine)
    evaluator.poisoned.add(message.case_id)
    root = logging.getLogger()
    before = root.handlers
    configure_logging("test")
    stream = io.StringIO()
    [handler] = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    try:
        await consumer.consume([message])
    finally:
        root.handlers = before
    written = stream.getvalue()
    assert "quarantined" in written
    assert "ValueError" in written
    assert "must not reach" not in written


async def test_a_message_that_names_no_event_does_no_harm(consumer: Consumer, engine: AsyncEngine) -> None:
    messages = await submit(engine, 2)
    forged = accept(await history_of(engine, messages[0].case_id), Proposed(flow.CASE_CANCELLED, submitted()), "x")
    await consumer.consume([message_for(forged), messages[1]])
    assert (await history_of(engine, messages[0].case_id)).sequence == 1
    assert (await history_of(engine, messages[1].case_id)).sequence == 2


async def test_a_replayed_message_is_no_news(consumer: Consumer, engine: AsyncEngine, evaluator: Evaluator) -> None:
    [message] = await submit(engine)
    await consumer.consume([replace(message, replayed=True)])
    assert (await history_of(engine, message.case_id)).sequence == 1
    await consumer.consume([message])
    assert evaluator.handled == [message.event_id]
