"""A case's events and clock, as the page shows them. Pure: ``now`` comes from outside."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.console.domain.words import event_words, state_words
from shared import flow
from shared.case.history import History, Recorded
from shared.case.states import CANCELLED
from shared.events.model import CaseAppealed, CaseCancelled, CaseDetermined, PeerToPeerOpened

_DECISIONS: Final = (flow.CASE_APPROVED, flow.CASE_PARTLY_APPROVED, flow.CASE_DENIED)
_REQUESTS: Final = (flow.CASE_SUBMITTED, flow.CASE_UPDATED)
_SPOKEN: Final = (
    *flow.DETERMINATIONS,
    flow.PEER_TO_PEER_OPENED,
    flow.CASE_APPEALED,
    flow.CASE_CANCELLED,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event. ``waited`` is the time since the event before was recorded, zero for the first; ``share`` is this wait's
    part of all of them, from 0 to 1, and ``offset`` the part before it. ``note`` is what a person wrote."""

    sequence: int
    type: str
    words: str
    change: str
    actor: str
    occurred_at: datetime
    recorded_at: datetime
    waited: timedelta
    offset: float
    share: float
    note: str


@dataclass(frozen=True, slots=True)
class Clock:
    """The decision clock. ``left`` says how far away the due time is, or by how much it has passed."""

    due_at: datetime
    decided_at: datetime | None
    overdue: bool
    left: str


def entries(history: History) -> list[Entry]:
    """Every event of the case in order; notes are left out where the content was erased."""
    events = [e for e in history.events if isinstance(e, Recorded)]
    whole = (events[-1].recorded_at - events[0].recorded_at).total_seconds() if events else 0.0
    return list(_entries(events, whole, opened=history.key is not None))


def _entries(events: list[Recorded], whole: float, *, opened: bool) -> Iterator[Entry]:
    before = None
    for event in events:
        waited = max(event.recorded_at - before.recorded_at, timedelta(0)) if before else timedelta(0)
        since = (event.recorded_at - events[0].recorded_at - waited).total_seconds()
        yield Entry(
            event.sequence,
            event.type,
            event_words(event.type),
            state_words(event.state_after) if event.state_after != event.state_before else "",
            event.actor,
            event.occurred_at,
            event.recorded_at,
            waited,
            max(since, 0.0) / whole if whole > 0 else 0.0,
            waited.total_seconds() / whole if whole > 0 else 0.0,
            _note(event) if opened else "",
        )
        before = event


def _note(event: Recorded) -> str:
    if event.type not in _SPOKEN or event.open_data is None:
        return ""
    match event.data():
        case CaseDetermined(rationale=text) | PeerToPeerOpened(note=text):
            return text
        case CaseAppealed(reason=text) | CaseCancelled(reason=text):
            return text
    return ""


def clock(history: History, due_at: datetime, now: datetime) -> Clock:
    """The clock of the request as it now stands: a decision before its last update does not count."""
    asked = history.latest(*_REQUESTS)
    since = asked.sequence if asked else 0
    decided = next((e.occurred_at for e in history.all_of(*_DECISIONS) if e.sequence > since), None)
    running = decided is None and history.state != CANCELLED
    return Clock(due_at, decided, running and due_at < now, _left(due_at - now) if running else "")


def _left(left: timedelta) -> str:
    length = duration(abs(left))
    return f"{length} left" if left >= timedelta(0) else f"{length} overdue"


def duration(length: timedelta) -> str:
    """A length of time in its two greatest units: ``2 d 3 h``, ``4 h 5 min``, ``12.3 s``, ``7 ms``."""
    seconds = length.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min {int(seconds % 60)} s"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"
