"""The access log: who read clinical content, when, of which case and why, in a hash chain of its own.

An entry is written before the content is shown: where it cannot be written, nothing is. Who and why are ids and codes,
never text of a chart. ``hash = SHA-256(previous_hash | header)`` with the header as JSON, as in ``chain.py``.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.journal.chain import GENESIS, microseconds
from shared.journal.problems import Problem

_LOCK: Final = 7_021_339
"""Advisory lock of the transaction that appends: the chain has one end."""

_TAKE = text("SELECT pg_advisory_xact_lock(:key)")
_LAST = text("SELECT number, hash FROM access_log ORDER BY number DESC LIMIT 1")
_ADD = text(
    """
    INSERT INTO access_log (number, at, who, action, case_id, why, previous_hash, hash)
    VALUES (:number, :at, :who, :action, :case_id, :why, :previous_hash, :hash)
    """
)
_ENTRIES = text(
    """
    SELECT number, at, who, action, case_id, why, previous_hash, hash FROM access_log
    WHERE CAST(:case_id AS uuid) IS NULL OR case_id = CAST(:case_id AS uuid) ORDER BY number
    """
)


@dataclass(frozen=True, slots=True)
class Access:
    """One look at clinical content. ``case_id`` None is a run over many cases."""

    number: int
    at: datetime
    who: str
    action: str
    case_id: UUID | None
    why: str


async def record_access(
    connection: AsyncConnection, *, who: str, action: str, why: str, at: datetime, case_id: UUID | None = None
) -> None:
    """Appends an entry in the caller's transaction; other writers wait until it ends, so let it be short."""
    await connection.execute(_TAKE, {"key": _LOCK})
    last = (await connection.execute(_LAST)).first()
    number, previous = (last[0] + 1, last[1]) if last is not None else (1, GENESIS)
    entry = Access(number, at, who, action, case_id, why)
    values = {"number": number, "at": at, "who": who, "action": action, "case_id": case_id, "why": why}
    await connection.execute(_ADD, {**values, "previous_hash": previous, "hash": _link(previous, entry)})


def _link(previous: bytes, entry: Access) -> bytes:
    case = str(entry.case_id) if entry.case_id is not None else None
    header = (entry.number, microseconds(entry.at), entry.who, entry.action, case, entry.why)
    return hashlib.sha256(previous + msgspec.json.encode(header)).digest()


async def read_accesses(connection: AsyncConnection, case_id: UUID | None = None) -> AsyncIterator[Access]:
    """The entries in order, of all cases or one."""
    async with connection.stream(_ENTRIES, {"case_id": case_id}) as result:
        async for row in result:
            yield _entry(row)


def _entry(row: Any) -> Access:
    return Access(row.number, row.at, row.who, row.action, row.case_id, row.why)


async def last_access(connection: AsyncConnection) -> tuple[int, str]:
    """How many entries there are, and the hash of the last one in hex; (0, "") where there is none."""
    last = (await connection.execute(_LAST)).first()
    return (last[0], last[1].hex()) if last is not None else (0, "")


async def verify_accesses(connection: AsyncConnection, sealed: tuple[int, str] = (0, "")) -> AsyncIterator[Problem]:
    """Problems of kind ``access``. ``sealed`` is what a checkpoint says of the log: its entries and the last hash."""
    number, previous, at_seal = 0, GENESIS, ""
    async with connection.stream(_ENTRIES, {"case_id": None}) as result:
        async for row in result:
            if row.number != number + 1:
                yield _problem(row.number, f"Entry {number + 1} is missing.")
            if row.previous_hash != previous:
                yield _problem(row.number, "It does not follow from the entry before it.")
            if _link(row.previous_hash, _entry(row)) != row.hash:
                yield _problem(row.number, "It was changed after it was written.")
            number, previous = row.number, row.hash
            if number == sealed[0]:
                at_seal = row.hash.hex()
    if at_seal != sealed[1]:
        yield _problem(sealed[0], "The log does not have the entry that was sealed as its last.")


def _problem(number: int, message: str) -> Problem:
    return Problem("", number, "access", message)
