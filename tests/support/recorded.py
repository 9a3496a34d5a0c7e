"""Events as the journal would give them back, without a journal."""

import datetime as dt
from uuid import UUID

from shared.case.history import History, Recorded
from shared.events.codec import encode
from shared.events.model import EventData


def recorded(history: History, event_type: str, data: EventData, consumer: str) -> Recorded:
    """The next event of a history; ids follow from the sequence, and it answers the event before it."""
    raw, at = encode(data), dt.datetime(2026, 9, 15, tzinfo=dt.UTC)
    sequence = history.sequence + 1
    after = {1: "submitted", 2: "criteria_evaluated"}.get(sequence, "evidence_attached")
    return Recorded(
        history.case_id, sequence, UUID(int=sequence), event_type, history.state, after, "system", "p", consumer,
        UUID(int=max(sequence - 1, 1)), at, at, None, "v", "{}", b"", b"", lambda: raw,
    )  # fmt: skip
