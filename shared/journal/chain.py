"""The hash chain of a case, over the stored bytes.

``hash = SHA-256(previous_hash | header | 0x0A | data)`` where ``header`` is a JSON array of every stored column, written
without blanks and with non-ASCII characters as they are. JSON holds no raw newline, so the encoding is unambiguous,
and ``json.dumps(header, separators=(",", ":"), ensure_ascii=False)`` of the standard library writes the same bytes.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

GENESIS = bytes(32)
"""The previous hash of a case's first event."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.json.Encoder().encode


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z, exactly."""
    return (instant - _EPOCH) // _MICROSECOND


def link(
    previous_hash: bytes,
    *,
    case_id: UUID,
    sequence: int,
    event_id: UUID,
    type_: str,
    state_before: str,
    state_after: str,
    actor: str,
    payer: str,
    consumer: str,
    causation_id: UUID,
    occurred_at: datetime,
    recorded_at: datetime,
    traceparent: str | None,
    code_version: str,
    public: str,
    data: bytes,
) -> bytes:
    """The hash of one event."""
    header = _encode(
        (
            str(case_id),
            sequence,
            str(event_id),
            type_,
            state_before,
            state_after,
            actor,
            payer,
            consumer,
            str(causation_id),
            microseconds(occurred_at),
            microseconds(recorded_at),
            traceparent,
            code_version,
            public,
        )
    )
    return hashlib.sha256(b"".join((previous_hash, header, b"\n", data))).digest()


def hash_of(row: Any) -> bytes:
    """The hash that a stored event's columns give."""
    return link(
        row.previous_hash,
        case_id=row.case_id,
        sequence=row.sequence,
        event_id=row.event_id,
        type_=row.type,
        state_before=row.state_before,
        state_after=row.state_after,
        actor=row.actor,
        payer=row.payer,
        consumer=row.consumer,
        causation_id=row.causation_id,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        traceparent=row.traceparent,
        code_version=row.code_version,
        public=row.public,
        data=row.data,
    )


def is_linked(row: Any) -> bool:
    """Whether a stored event is as it was written, by its own hash."""
    return bool(hash_of(row) == row.hash)
