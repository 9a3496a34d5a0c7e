"""A service of the tests' own, to drive the batch consumer: it says yes, or raises when it is told to."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import flow
from shared.case.history import Accepted, History, Proposed, Recorded
from shared.case.ids import new_case_id
from shared.clinical.model import Evaluation
from shared.events.envelope import EventMessage
from shared.events.model import CaseSubmitted, CriteriaEvaluated
from shared.journal.crypto import MasterKey
from shared.journal.store import add_keys, append, read_histories
from shared.messaging.work import PureHandler, Work
from shared.platform.settings import Settings

MASTER = MasterKey(bytes(range(32)))
NOW = dt.datetime(2026, 11, 16, 9, 30, tzinfo=dt.UTC)


def settings_of(database: str, kafka: str = "127.0.0.1:1", **changes: Any) -> Settings:
    """Settings for a test: the key of ``MASTER``, and addresses."""
    values: dict[str, Any] = {
        "database_url": database,
        "kafka_bootstrap_servers": kafka,
        "master_key": bytes(range(32)),
    }
    return Settings(**(values | changes))


class Evaluator(PureHandler):
    """Answers ``case.submitted`` with an empty evaluation; raises for the cases in ``poisoned``."""

    def __init__(self) -> None:
        self.poisoned: set[UUID] = set()
        self.handled: list[UUID] = []

    def handle(self, work: Work, prepared: Any) -> Proposed | None:
        if work.history.case_id in self.poisoned:
            raise ValueError("This text must not reach a log.")
        if not work.history.current(work.cause):
            return None
        self.handled.append(work.cause.event_id)
        evaluation = Evaluation("clinical_review", None, (), (), (), {})
        return Proposed(flow.CRITERIA_EVALUATED, CriteriaEvaluated(evaluation, "standard", NOW, NOW))


def submitted() -> CaseSubmitted:
    """A request without content."""
    return CaseSubmitted(b"{}", (), (), (), None, "standard", NOW, NOW)


async def submit(engine: AsyncEngine, number: int = 1) -> list[EventMessage]:
    """Submits cases and returns the messages that the relay would publish for them."""
    async with engine.begin() as connection:
        return await add_cases(connection, number)


async def add_cases(connection: AsyncConnection, number: int = 1) -> list[EventMessage]:
    """Submits cases in a transaction of the caller's."""
    case_ids = [new_case_id() for _ in range(number)]
    keys = await add_keys(connection, MASTER, case_ids)
    histories = {case_id: History(case_id, "P", keys[case_id]) for case_id in case_ids}
    events = [accept(h, Proposed(flow.CASE_SUBMITTED, submitted(), PUBLIC), "intake") for h in histories.values()]
    await append(connection, events, histories)
    return [message_for(event) for event in events]


PUBLIC = {
    "priority": "standard",
    "due_at": "2026-11-23T09:30:00+00:00",
    "codes": ["63090"],
    "items": [{"sequence": 1, "code": "63090"}],
    "line_of_business": None,
}


def accept(history: History, proposed: Proposed, consumer: str, cause: UUID | None = None) -> Accepted:
    """Gives a proposal its place, as some consumer would."""
    return history.accept(
        proposed,
        actor=f"system:{consumer}",
        consumer=consumer,
        causation_id=cause or uuid4(),
        occurred_at=NOW,
        recorded_at=NOW,
        traceparent=None,
        code_version="test/1",
    )


def message_for(event: Accepted | Recorded) -> EventMessage:
    """The message of an event."""
    return EventMessage(
        event.event_id,
        event.case_id,
        event.sequence,
        event.type,
        event.state_before,
        event.state_after,
        event.actor,
        event.payer,
        event.occurred_at,
        event.recorded_at,
        {},
    )


async def history_of(engine: AsyncEngine, case_id: UUID, needs: Sequence[str] = ()) -> History:
    """A case as the journal has it."""
    async with engine.connect() as connection:
        return (await read_histories(connection, MASTER, [case_id], needs))[case_id]
