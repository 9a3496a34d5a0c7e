"""Takes due deliveries, sends them, and records what came of each attempt.

At least once: a process that ends between a send and its record leaves a lease that runs out, and the notice goes out
again under the same ``webhook-id`` or ``Message-ID``, by which the receiver knows that it has had it. The record itself
is made once: its cause is the notice and the number of the attempt, which the journal takes only once.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanKind, Status, StatusCode
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notification.channels import Channel, DeliveryError, make_channel
from services.notification.domain.notice import (
    NoDeterminationError,
    Occasion,
    exhausted,
    notice_of,
    occasion_of,
    retry_after,
)
from services.notification.letters import Letters, Render, renderer
from services.notification.store import Delivery, claim, settle
from shared import flow
from shared.case.history import Accepted, ContentUnavailableError, History, Proposed
from shared.case.ids import derived_id
from shared.events.model import NoticeDelivered, NoticeFailed
from shared.journal.crypto import KeyUnavailableError, MasterKey
from shared.journal.letters import CONTENT_OF_LETTER
from shared.journal.store import ConcurrentAppendError, append, read_histories
from shared.platform import telemetry
from shared.platform.database import is_unavailable
from shared.platform.logs import get_logger
from shared.platform.sender import sender_of
from shared.platform.settings import Settings
from shared.platform.version import CODE_VERSION

log = get_logger()

CONSUMER: Final = "notification.delivery"
ACTOR: Final = "system:notification"
AT_ONCE: Final = 32
"""Deliveries that a process sends at the same time."""
SEND_SECONDS: Final = 15.0
LEASE: Final = timedelta(seconds=3 * SEND_SECONDS)
"""All of a claim is sent at once, so it is recorded well before its lease runs out."""
_POLL_SECONDS: Final = 0.5
_SOON_SECONDS: Final = 0.01
_LONGEST_WAIT: Final = 5.0
_STOP_SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt. ``error`` is None where it succeeded; ``drop`` ends the delivery without a record."""

    delivery: Delivery
    ended_at: datetime
    traceparent: str | None
    error: DeliveryError | None = None
    drop: bool = False

    @property
    def number(self) -> int:
        """Counts from 1."""
        return self.delivery.attempts + 1


class Deliverer:
    """Delivers through one channel. Several processes may: each claims what no other has."""

    def __init__(
        self,
        engine: AsyncEngine,
        master: MasterKey,
        channel: Channel,
        render: Render,
        *,
        attempts: int,
        backoff: timedelta,
        base_url: str = "",
    ) -> None:
        self._engine = engine
        self._master = master
        self._channel = channel
        self._letters = Letters(engine, master, render)
        self._attempts = attempts
        self._backoff = backoff
        self._base_url = base_url
        self._scheduled = asyncio.Event()

    def wake(self) -> None:
        """Says that deliveries were scheduled in a transaction that is about to commit."""
        self._scheduled.set()

    async def run(self) -> None:
        """Delivers until cancelled; waits while the database is away."""
        idle = 0
        try:
            while True:
                try:
                    idle = 0 if await self._deliver_wholly() else idle + 1
                except Exception as error:
                    if not is_unavailable(error):
                        raise
                    log.warning("database away, waiting", exc_info=error)
                    idle = 16
                if idle:
                    idle = await self._rest(idle)
        finally:
            await self._channel.close()

    async def _deliver_wholly(self) -> int:
        """One round, which a stop lets end, so that what was sent is recorded too."""
        task = asyncio.create_task(self.deliver_due(datetime.now(UTC)))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task}, timeout=_STOP_SECONDS)
            task.cancel()
            raise

    async def _rest(self, idle: int) -> int:
        """Looks soon after a wake, since the scheduling commits right after it, and then ever later."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._scheduled.wait(), min(_SOON_SECONDS * 2 ** min(idle, 16), _POLL_SECONDS))
            self._scheduled.clear()
            return 0
        return idle

    async def deliver_due(self, now: datetime) -> int:
        """Sends what is due at ``now``, at most ``AT_ONCE``, and records it; returns how many attempts were made."""
        async with self._engine.begin() as connection:
            due = await claim(connection, now, now + LEASE, AT_ONCE)
        if not due:
            return 0
        needs = CONTENT_OF_LETTER if self._channel.wants_letter else ()
        async with self._engine.connect() as connection:
            histories = await read_histories(connection, self._master, {d.case_id for d in due}, needs)
        results = await asyncio.gather(*(self._attempt(d, histories.get(d.case_id), now) for d in due))
        await self._record(results)
        return len(results)

    async def _attempt(self, delivery: Delivery, history: History | None, now: datetime) -> Attempt:
        if history is None or history.key is None:
            # A case whose key was erased has no letter any more, and nothing can be written to it.
            log.warning("delivery dropped: the case was erased", case_id=str(delivery.case_id))
            return Attempt(delivery, now, None, drop=True)
        try:
            occasion = occasion_of(history, delivery.sequence)
        except NoDeterminationError as error:
            log.error("delivery dropped: it names no notice", case_id=str(delivery.case_id), exc_info=error)
            return Attempt(delivery, now, None, drop=True)
        parent = telemetry.parse_traceparent(occasion.prepared.traceparent)
        span = trace.get_tracer(telemetry.TRACER).start_span(
            telemetry.SPAN_DELIVER,
            context=trace.set_span_in_context(NonRecordingSpan(parent)) if parent is not None else None,
            kind=SpanKind.CLIENT,
            attributes={telemetry.ATTR_CASE: str(delivery.case_id), telemetry.ATTR_EVENT_TYPE: occasion.prepared.type},
        )
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            failure = await self._send(delivery, history, occasion)
            if failure is not None:
                span.set_status(Status(StatusCode.ERROR, failure.code))
        context = span.get_span_context()
        onward = telemetry.format_traceparent(context) if context.is_valid else None
        return Attempt(delivery, max(now, datetime.now(UTC)), onward, failure)

    async def _send(self, delivery: Delivery, history: History, occasion: Occasion) -> DeliveryError | None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                letter = None
                if self._channel.wants_letter:
                    letter = await self._letters.of(history, occasion)
                number = delivery.attempts + 1
                await self._channel.send(notice_of(delivery.notice_id, occasion, number, self._base_url, letter))
        except DeliveryError as error:
            return error
        except TimeoutError:
            return DeliveryError("timeout")
        except (ContentUnavailableError, KeyUnavailableError):
            return DeliveryError("content_unavailable", retryable=False)
        except Exception as error:
            # One letter that cannot be made, or a channel's own fault, must not keep the others from their record.
            log.error("notice could not be sent", case_id=str(delivery.case_id), exc_info=error)
            return DeliveryError(type(error).__name__)
        return None

    async def _record(self, results: Sequence[Attempt]) -> None:
        """Records attempts, waiting while the database is away: a send that is not recorded would be made again."""
        wait = 0.05
        while True:
            try:
                async with self._engine.begin() as connection:
                    recorded = await self._append(connection, results)
            except ConcurrentAppendError:
                wait = 0.05
            except Exception as error:
                if not is_unavailable(error):
                    raise
                log.warning("database away, waiting", seconds=wait, exc_info=error)
            else:
                self._count(recorded)
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _append(self, connection: AsyncConnection, results: Sequence[Attempt]) -> list[Accepted]:
        histories = await read_histories(connection, self._master, {r.delivery.case_id for r in results})
        accepted: list[Accepted] = []
        done: list[UUID] = []
        later: list[tuple[UUID, int, datetime]] = []
        for result in results:
            notice_id = result.delivery.notice_id
            history = histories.get(result.delivery.case_id)
            if result.drop or history is None or history.key is None:
                done.append(notice_id)
                continue
            cause = derived_id("delivery", str(notice_id), str(result.number))
            if history.answered(CONSUMER, cause):
                # The lease ran out and another process made this attempt too: its record stands, and its row.
                continue
            event = self._accept(history, result, cause)
            accepted.append(event)
            if isinstance(event.data, NoticeFailed) and not event.data.final:
                later.append((notice_id, result.number, result.ended_at + retry_after(result.number, self._backoff)))
            else:
                done.append(notice_id)
        await append(connection, accepted, histories)
        await settle(connection, done, later)
        return accepted

    def _accept(self, history: History, result: Attempt, cause: UUID) -> Accepted:
        now = datetime.now(UTC)
        return history.accept(
            self._propose(result),
            actor=ACTOR,
            consumer=CONSUMER,
            causation_id=cause,
            occurred_at=result.ended_at,
            recorded_at=max(now, result.ended_at),
            traceparent=result.traceparent,
            code_version=CODE_VERSION,
        )

    def _propose(self, result: Attempt) -> Proposed:
        notice_id, channel = str(result.delivery.notice_id), self._channel.name
        public = {"notice_id": notice_id, "attempt": result.number, "channel": channel}
        if result.error is None:
            return Proposed(flow.NOTICE_DELIVERED, NoticeDelivered(notice_id, result.number, channel), public)
        code = result.error.code
        final = exhausted(result.number, self._attempts, result.error.retryable)
        failed = NoticeFailed(notice_id, result.number, channel, code, final)
        return Proposed(flow.NOTICE_FAILED, failed, {**public, "error": code, "final": final})

    def _count(self, recorded: Sequence[Accepted]) -> None:
        for event in recorded:
            telemetry.EVENTS_APPENDED.labels(flow.NOTIFICATION.name, event.type).inc()
            given_up = isinstance(event.data, NoticeFailed) and event.data.final
            failed = "given_up" if given_up else "failed"
            result = failed if event.type == flow.NOTICE_FAILED else "delivered"
            telemetry.NOTICE_ATTEMPTS.labels(self._channel.name, result).inc()


def make_deliverer(settings: Settings, engine: AsyncEngine, master: MasterKey) -> Deliverer | None:
    """The deliverer that the deployment chose; None where notices are only prepared.

    Deliveries that were scheduled for another channel go out through the one that is chosen now.

    Raises:
        SystemExit: the chosen channel lacks a setting; names the variable to set.
    """
    channel = make_channel(settings)
    if channel is None:
        return None
    return Deliverer(
        engine,
        master,
        channel,
        renderer(sender_of(settings)),
        attempts=settings.notice_attempts,
        backoff=timedelta(seconds=settings.notice_backoff_seconds),
        base_url=settings.public_base_url,
    )
