"""The batch consumer: histories in one query, pure handlers, one append, one commit; retry, then quarantine.

A server that is away is waited for, and nothing is lost meanwhile. A message whose handler raises is tried again with
backoff on its own, after the rest of its batch is done; then its case alone is quarantined and the partition moves on.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from opentelemetry.trace import SpanKind
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import flow
from shared.case.history import Accepted, History, Proposed, Recorded
from shared.events.envelope import EventMessage
from shared.events.model import CaseQuarantined
from shared.journal.crypto import MasterKey
from shared.journal.store import ConcurrentAppendError, append, read_histories
from shared.messaging.work import Handler, Work
from shared.platform import telemetry
from shared.platform.database import is_unavailable
from shared.platform.logs import get_logger
from shared.platform.version import CODE_VERSION

log = get_logger()
_LONGEST_WAIT = 5.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A message whose handler raised."""

    message: EventMessage
    error: Exception


@dataclass(slots=True)
class Outcome:
    """What came of a batch: counts by result, and the messages to try again."""

    counts: dict[str, int] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    def count(self, result: str) -> None:
        """Adds one message to a result."""
        self.counts[result] = self.counts.get(result, 0) + 1


class Consumer:
    """Turns a service's messages into events in the journal."""

    def __init__(
        self,
        service: flow.ServiceFlow,
        handler: Handler,
        engine: AsyncEngine,
        master: MasterKey,
        *,
        attempts: int = 4,
        backoff_seconds: float = 0.05,
    ) -> None:
        self._service = service
        self._handler = handler
        self._engine = engine
        self._master = master
        self._attempts = attempts
        self._backoff = backoff_seconds
        self._actor = f"system:{service.name}"
        self._quarantine_name = f"{service.name}.quarantine"

    async def consume(self, messages: Sequence[EventMessage]) -> None:
        """Handles a batch wholly: when it returns, each message has had its effect or its case is quarantined.

        A message that was published again from the journal is not news: what it should lead to is in the journal, or
        comes from the relay's own message.
        """
        fresh = [message for message in messages if not message.replayed]
        if len(fresh) < len(messages):
            telemetry.MESSAGES_HANDLED.labels(self._service.name, "replayed").inc(len(messages) - len(fresh))
        messages = fresh
        if not messages:
            return
        start = time.perf_counter()
        telemetry.BATCH_SIZE.labels(self._service.name).observe(len(messages))
        failures = await self._settle(messages)
        for failure in failures:
            await self._retry(failure)
        telemetry.BATCH_SECONDS.labels(self._service.name).observe(time.perf_counter() - start)

    async def _settle(self, messages: Sequence[EventMessage]) -> list[Failure]:
        """One transaction for the batch, repeated while a server is away or another writer was first."""
        wait = self._backoff
        collisions = 0
        while True:
            try:
                outcome = await self._transact(messages)
            except ConcurrentAppendError:
                collisions += 1
                wait = min(self._backoff * collisions, 1.0)
            except Exception as error:
                if not is_unavailable(error):
                    # The batch as a whole failed, so no message can be blamed: each is tried on its own.
                    if len(messages) > 1:
                        return [f for m in messages for f in await self._settle([m])]
                    return [Failure(messages[0], error)]
                telemetry.HANDLER_RETRIES.labels(self._service.name).inc()
                log.warning("server away, waiting", seconds=wait, exc_info=error)
            else:
                for result, number in outcome.counts.items():
                    telemetry.MESSAGES_HANDLED.labels(self._service.name, result).inc(number)
                return outcome.failures
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _retry(self, failure: Failure) -> None:
        for attempt in range(1, self._attempts):
            telemetry.HANDLER_RETRIES.labels(self._service.name).inc()
            log.warning("retry", case_id=str(failure.message.case_id), attempt=attempt, exc_info=failure.error)
            await asyncio.sleep(self._backoff * 2 ** (attempt - 1))
            again = await self._settle([failure.message])
            if not again:
                return
            failure = again[0]
        await self._quarantine(failure)

    async def _transact(self, messages: Sequence[EventMessage]) -> Outcome:
        outcome = Outcome()
        async with self._engine.begin() as connection:
            histories = await read_histories(
                connection, self._master, {m.case_id for m in messages}, self._service.needs
            )
            now = datetime.now(UTC)
            work = self._select(messages, histories, now, outcome)
            prepared = await self._handler.prepare(connection, [w for _, w in work]) if work else None
            accepted = self._handle_all(work, prepared, outcome)
            if accepted:
                await append(connection, accepted, histories)
                await self._handler.conclude(connection, accepted)
        self._measure(accepted, histories, now)
        self._count_released(messages, histories)
        return outcome

    def _select(
        self, messages: Sequence[EventMessage], histories: dict[UUID, History], now: datetime, outcome: Outcome
    ) -> list[tuple[EventMessage, Work]]:
        """The events to answer. A message is only a hint: what it says is looked up in the journal."""
        work: list[tuple[EventMessage, Work]] = []
        chosen: set[UUID] = set()
        for message in messages:
            history = histories.get(message.case_id)
            cause = history.at(message.sequence) if history is not None else None
            if history is None or cause is None or cause.event_id != message.event_id:
                outcome.count("unknown")
                log.error("message names no event of the journal", case_id=str(message.case_id))
                continue
            if history.quarantined or history.key is None:
                # Held cases are taken up by a redrive; a case whose key was erased has nothing left to handle.
                outcome.count("held" if history.quarantined else "erased")
                continue
            causes = self._pending(history) if cause.type == flow.CASE_REDRIVEN else [cause]
            fresh = [c for c in causes if not history.answered(self._service.name, c.event_id)]
            if not fresh:
                outcome.count("duplicate")
            for one in fresh:
                if one.event_id not in chosen:
                    chosen.add(one.event_id)
                    work.append((message, Work(history, one, now)))
        return work

    def _pending(self, history: History) -> list[Recorded]:
        return history.all_of(*self._service.reads)

    def _handle_all(self, work: list[tuple[EventMessage, Work]], prepared: Any, outcome: Outcome) -> list[Accepted]:
        accepted: list[Accepted] = []
        name = telemetry.SPAN_HANDLE.format(service=self._service.name)
        contexts = [(m.traceparent or w.cause.traceparent, _attributes(m)) for m, w in work]
        failed: set[UUID] = set()
        with telemetry.spans_for(name, contexts, SpanKind.CONSUMER) as onward:
            for (message, item), traceparent in zip(work, onward, strict=True):
                if message.case_id in failed:
                    outcome.failures.append(Failure(message, outcome.failures[-1].error))
                    continue
                try:
                    proposed = self._handler.handle(item, prepared)
                    if proposed is None:
                        outcome.count("stale")
                        continue
                    accepted.append(self._accept(item, proposed, traceparent))
                    outcome.count("appended")
                except Exception as error:
                    # Whatever a handler raises concerns this case alone; the others of the batch go on.
                    failed.add(message.case_id)
                    outcome.failures.append(Failure(message, error))
        return accepted

    def _accept(self, item: Work, proposed: Proposed, traceparent: str | None) -> Accepted:
        return item.history.accept(
            proposed,
            actor=self._actor,
            consumer=self._service.name,
            causation_id=item.cause.event_id,
            occurred_at=item.now,
            recorded_at=item.now,
            traceparent=traceparent,
            code_version=CODE_VERSION,
        )

    def _measure(self, accepted: Sequence[Accepted], histories: dict[UUID, History], now: datetime) -> None:
        service = self._service.name
        for event in accepted:
            telemetry.EVENTS_APPENDED.labels(service, event.type).inc()
            cause = histories[event.case_id].events[event.sequence - 2]
            telemetry.STEP_SECONDS.labels(service, event.type).observe((now - cause.recorded_at).total_seconds())

    def _count_released(self, messages: Sequence[EventMessage], histories: dict[UUID, History]) -> None:
        """A redrive is heard by every consumer; the one that had quarantined the case counts it."""
        for message in messages:
            if message.type == flow.CASE_REDRIVEN and message.case_id in histories:
                held = histories[message.case_id].latest(flow.CASE_QUARANTINED)
                if held is not None and held.consumer == self._quarantine_name:
                    telemetry.REDRIVEN.labels(self._service.name).inc()

    async def _quarantine(self, failure: Failure) -> None:
        message = failure.message
        log.error("quarantined", case_id=str(message.case_id), exc_info=failure.error)
        error = type(failure.error).__name__
        data = CaseQuarantined(self._service.name, str(message.event_id), message.type, error, self._attempts)
        proposed = Proposed(
            flow.CASE_QUARANTINED,
            data,
            {"consumer": data.consumer, "event_type": data.event_type, "error": error, "attempts": data.attempts},
        )
        wait = self._backoff
        while True:
            try:
                async with self._engine.begin() as connection:
                    await self._append_quarantine(connection, message, proposed)
            except ConcurrentAppendError:
                wait = self._backoff
            except Exception as away:
                if not is_unavailable(away):
                    raise
                log.warning("server away, waiting", seconds=wait, exc_info=away)
            else:
                telemetry.QUARANTINED.labels(self._service.name).inc()
                telemetry.MESSAGES_HANDLED.labels(self._service.name, "quarantined").inc()
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _append_quarantine(self, connection: AsyncConnection, message: EventMessage, proposed: Proposed) -> None:
        histories = await read_histories(connection, self._master, [message.case_id])
        history = histories[message.case_id]
        consumer = self._quarantine_name
        if history.answered(consumer, message.event_id) or history.key is None:
            return
        now = datetime.now(UTC)
        accepted = history.accept(
            proposed,
            actor=self._actor,
            consumer=consumer,
            causation_id=message.event_id,
            occurred_at=now,
            recorded_at=now,
            traceparent=message.traceparent,
            code_version=CODE_VERSION,
        )
        await append(connection, [accepted], histories)


def _attributes(message: EventMessage) -> dict[str, str | int]:
    return {
        telemetry.ATTR_CASE: str(message.case_id),
        telemetry.ATTR_EVENT_TYPE: message.type,
        telemetry.ATTR_SEQUENCE: message.sequence,
    }
