"""What a service gives the messaging layer: how it prepares a batch and how it answers one event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.case.history import Accepted, History, Proposed, Recorded


@dataclass(frozen=True, slots=True)
class Work:
    """One event to answer: the case as it stands, and the event that causes the answer.

    ``now`` is the time that the answer will be recorded at; a replay passes the time that the journal holds.
    """

    history: History
    cause: Recorded
    now: datetime


class Handler(Protocol):
    """Event in, event out. ``prepare`` and ``conclude`` do the batch's I/O in the batch's transaction."""

    async def prepare(self, connection: AsyncConnection, batch: Sequence[Work]) -> Any:
        """Reads what the whole batch needs, in one query a table. What it returns is given to ``handle``."""
        ...

    def handle(self, work: Work, prepared: Any) -> Proposed | None:
        """Pure: the event that answers ``work.cause``, or None where there is nothing to say."""
        ...

    async def conclude(self, connection: AsyncConnection, appended: Sequence[Accepted]) -> None:
        """Writes the service's own tables for what was appended, in the same transaction."""
        ...


class PureHandler:
    """A handler that needs no I/O beside the journal: services override ``handle``."""

    async def prepare(self, connection: AsyncConnection, batch: Sequence[Work]) -> Any:
        """Nothing to read."""
        return None

    async def conclude(self, connection: AsyncConnection, appended: Sequence[Accepted]) -> None:
        """Nothing to write."""
