"""A case as its events tell it: pure, no I/O. New events are accepted against the state machine.

``Recorded`` is an event that stands in the journal, ``Proposed`` what a handler wants to add, ``Accepted`` a proposal
that passed the table and has its place in the sequence; the journal turns it into a row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from shared import flow
from shared.case.ids import event_id
from shared.case.states import NEW, check_actor, next_state
from shared.events.codec import decode
from shared.events.model import EventData


class ContentUnavailableError(Exception):
    """The content of an event was not read, or its case's key is gone."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """An event that a handler wants to append. ``public`` must name nobody: Kafka and dashboards see it."""

    type: str
    data: EventData
    public: Mapping[str, Any] = field(default_factory=dict)


class Accepted(Struct, frozen=True):
    """A proposal with its place in the case's history, not yet stored."""

    case_id: UUID
    sequence: int
    event_id: UUID
    type: str
    state_before: str
    state_after: str
    actor: str
    payer: str
    consumer: str
    causation_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    traceparent: str | None
    code_version: str
    public: Mapping[str, Any]
    data: EventData


class Recorded(Struct, frozen=True):
    """A stored event. ``open_data`` decrypts and decodes its content; None where it was not asked for."""

    case_id: UUID
    sequence: int
    event_id: UUID
    type: str
    state_before: str
    state_after: str
    actor: str
    payer: str
    consumer: str
    causation_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    traceparent: str | None
    code_version: str
    public: str
    previous_hash: bytes
    hash: bytes
    open_data: Callable[[], bytes] | None = None

    def data(self) -> EventData:
        """The event's content, upcast to the current version.

        Raises:
            ContentUnavailableError: the content was not read or cannot be decrypted.
        """
        if self.open_data is None:
            raise ContentUnavailableError(f"The content of {self.type} was not read.")
        return decode(self.type, self.open_data())[1]


class History:
    """The events of one case in order, and what follows from them."""

    __slots__ = ("_causes", "case_id", "events", "head", "key", "payer", "quarantined", "sequence", "state")

    def __init__(self, case_id: UUID, payer: str = "", key: bytes | None = None) -> None:
        self.case_id = case_id
        self.events: list[Recorded | Accepted] = []
        self.state: str = NEW
        self.sequence = 0
        self.head = bytes(32)
        self.payer = payer
        self.key = key
        self.quarantined = False
        self._causes: set[tuple[str, UUID]] = set()

    def add(self, event: Recorded | Accepted) -> None:
        """Takes an event into the history."""
        self.events.append(event)
        self.state = event.state_after
        self.sequence = event.sequence
        self.payer = event.payer
        self._causes.add((event.consumer, event.causation_id))
        if isinstance(event, Recorded):
            self.head = event.hash
        if event.type == flow.CASE_QUARANTINED:
            self.quarantined = True
        elif event.type == flow.CASE_REDRIVEN:
            self.quarantined = False

    def answered(self, consumer: str, causation_id: UUID) -> bool:
        """Whether ``consumer`` has already had its effect for that cause."""
        return (consumer, causation_id) in self._causes

    def at(self, sequence: int) -> Recorded | None:
        """The stored event at ``sequence`` (from 1)."""
        event = self.events[sequence - 1] if 0 < sequence <= len(self.events) else None
        return event if isinstance(event, Recorded) else None

    def latest(self, *types: str) -> Recorded | None:
        """The last stored event of one of ``types``."""
        for event in reversed(self.events):
            if event.type in types and isinstance(event, Recorded):
                return event
        return None

    def all_of(self, *types: str) -> list[Recorded]:
        """Every stored event of ``types``, in order."""
        return [e for e in self.events if e.type in types and isinstance(e, Recorded)]

    def until(self, sequence: int) -> "History":
        """The case as it stood right after its ``sequence``-th event."""
        past = History(self.case_id, self.payer, self.key)
        for event in self.events[:sequence]:
            past.add(event)
        return past

    def current(self, cause: Recorded) -> bool:
        """Whether ``cause`` is still the case's last change of state: if not, a handler's answer would be stale."""
        for event in reversed(self.events):
            if event.sequence <= cause.sequence:
                return True
            if event.state_after != event.state_before or event.type in _RESTARTING:
                return False
        return True

    def accept(
        self,
        proposed: Proposed,
        *,
        actor: str,
        consumer: str,
        causation_id: UUID,
        occurred_at: datetime,
        recorded_at: datetime,
        traceparent: str | None,
        code_version: str,
    ) -> Accepted:
        """Gives a proposal its place.

        Raises:
            IllegalTransitionError: the table does not allow it in this state.
            MachineDenialError: an adverse determination without a clinician.
        """
        check_actor(proposed.type, actor)
        after = next_state(self.state, proposed.type)
        sequence = self.sequence + 1
        accepted = Accepted(
            self.case_id,
            sequence,
            event_id(self.case_id, sequence),
            proposed.type,
            self.state,
            after,
            actor,
            self.payer,
            consumer,
            causation_id,
            occurred_at,
            recorded_at,
            traceparent,
            code_version,
            proposed.public,
            proposed.data,
        )
        self.add(accepted)
        return accepted


_RESTARTING = frozenset({flow.CASE_SUBMITTED, flow.INFORMATION_RECEIVED, flow.CASE_UPDATED})
