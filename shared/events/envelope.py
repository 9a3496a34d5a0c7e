"""What Kafka carries: which transition of which case, and facts that identify nobody."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventMessage:
    """The value of a message, JSON. The key is the case id; the trace context stands in the header ``traceparent``.

    ``traceparent`` (W3C) also stands in the value, since a batch has one set of headers only.
    ``public`` holds codes, outcomes and counts. The clinical content stays in the journal, where the reader finds it
    by ``case_id`` and ``sequence``. ``replayed`` marks a message that was published again from the journal.
    """

    event_id: UUID
    case_id: UUID
    sequence: int
    type: str
    state_before: str
    state_after: str
    actor: str
    payer: str
    occurred_at: datetime
    recorded_at: datetime
    public: dict[str, Any]
    traceparent: str | None = None
    replayed: bool = False


_DECODER = msgspec.json.Decoder(EventMessage)
_ENCODER = msgspec.json.Encoder()


def decode_message(raw: bytes) -> EventMessage:
    """Reads a message's value.

    Raises:
        msgspec.DecodeError: it is not JSON or not of this shape (``msgspec.ValidationError`` is a subclass).
    """
    return _DECODER.decode(raw)


def encode_message(message: EventMessage | dict[str, Any]) -> bytes:
    """Writes a message's value. A dict may hold ``public`` as ``msgspec.Raw``, which spares parsing what is JSON."""
    return _ENCODER.encode(message)
