"""Identifiers. A case id is opaque; an event's id follows from its case and sequence, so a replay makes the same."""

import hashlib
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

_NAMESPACE: Final = uuid5(NAMESPACE_URL, "https://priorauth.dev/ids")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def new_case_id() -> UUID:
    """A UUIDv7 (RFC 9562): ordered by time, so that new rows land at the right edge of the indexes."""
    return _uuid7(time.time_ns() // 1_000_000)


def case_id_at(instant: datetime) -> UUID:
    """A case id as one was given at ``instant``: for tests and loads that need a journal of many months."""
    return _uuid7((instant - _EPOCH) // timedelta(milliseconds=1))


def _uuid7(milliseconds: int) -> UUID:
    raw = bytearray(milliseconds.to_bytes(6, "big") + os.urandom(10))
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return UUID(bytes=bytes(raw))


def event_id(case_id: UUID, sequence: int) -> UUID:
    """The id of the ``sequence``-th event of a case."""
    digest = hashlib.blake2b(case_id.bytes + sequence.to_bytes(4, "big"), digest_size=16)
    return UUID(bytes=digest.digest())


def derived_id(*parts: str) -> UUID:
    """A UUID that follows from ``parts``: the causation id of an HTTP request is made from its business identifiers."""
    return uuid5(_NAMESPACE, "\x1f".join(parts))
