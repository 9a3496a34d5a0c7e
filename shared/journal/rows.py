"""A stored event with all of its columns, wherever it lies: in the table or in an archive."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class StoredRow(NamedTuple):
    """Column by column as the journal has it. ``transaction_id`` and ``position`` are the event's place for the relay."""

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
    data: bytes
    transaction_id: int
    position: int
