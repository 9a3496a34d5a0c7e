"""One event for one case, outside the batches: commands of people, clocks, redrives."""

from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from opentelemetry import trace
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.case.history import Accepted, History, Proposed
from shared.journal.crypto import MasterKey
from shared.journal.store import ConcurrentAppendError, append, read_histories
from shared.platform.telemetry import format_traceparent
from shared.platform.version import CODE_VERSION

if TYPE_CHECKING:
    from shared.journal.archives import Archives

_ATTEMPTS = 8


class CaseNotFoundError(Exception):
    """No case has that id."""


async def append_one(
    engine: AsyncEngine,
    master: MasterKey,
    case_id: UUID,
    decide: Callable[[History], Proposed | None],
    *,
    actor: str,
    consumer: str,
    causation_id: UUID,
    needs: Collection[str] = (),
    also: Callable[[AsyncConnection, Accepted], Awaitable[None]] | None = None,
    archives: "Archives | None" = None,
) -> History:
    """Lets ``decide`` look at a case and appends what it proposes; repeated where another writer was first.

    A cause that has had its effect changes nothing. ``archives`` has the beginning of an archived case. ``also`` may await SQL of its own in the same transaction.

    Raises:
        CaseNotFoundError: there is no such case, or its key was erased.
        IllegalTransitionError, MachineDenialError: the proposal is refused.
        ConcurrentAppendError: other writers were first eight times in a row.
    """
    for attempt in range(_ATTEMPTS):
        try:
            async with engine.begin() as connection:
                return await _append(
                    connection, master, case_id, decide, actor, consumer, causation_id, needs, also, archives
                )
        except ConcurrentAppendError:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


async def _append(
    connection: AsyncConnection,
    master: MasterKey,
    case_id: UUID,
    decide: Callable[[History], Proposed | None],
    actor: str,
    consumer: str,
    causation_id: UUID,
    needs: Collection[str],
    also: Callable[[AsyncConnection, Accepted], Awaitable[None]] | None,
    archives: "Archives | None",
) -> History:
    histories = await read_histories(connection, master, [case_id], needs, archives)
    history = histories.get(case_id)
    if history is None or history.key is None:
        raise CaseNotFoundError("There is no case with that id.")
    if history.answered(consumer, causation_id):
        return history
    proposed = decide(history)
    if proposed is None:
        return history
    now = datetime.now(UTC)
    accepted = history.accept(
        proposed,
        actor=actor,
        consumer=consumer,
        causation_id=causation_id,
        occurred_at=now,
        recorded_at=now,
        traceparent=_onward(history),
        code_version=CODE_VERSION,
    )
    await append(connection, [accepted], histories)
    if also is not None:
        await also(connection, accepted)
    return history


def _onward(history: History) -> str | None:
    """The trace goes on: the span in hand, else the case's last one."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        return format_traceparent(context)
    return next((e.traceparent for e in reversed(history.events) if e.traceparent), None)
