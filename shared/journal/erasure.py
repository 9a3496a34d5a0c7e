"""Erasure of a case's clinical content, and the wrapping of case keys under a new master key.

Both work on keys alone: the journal's rows stay as they are, so its chains and checkpoints verify as before. They need
the owner's role, since no service may delete or change a key. Each is whole or has not happened: an erasure is one
transaction with its own event, and a rotation commits batch by batch and goes on where it was stopped.
"""

from typing import Final, Literal, get_args
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import flow
from shared.case.history import Accepted, History, Proposed
from shared.events.model import CaseErased
from shared.journal.archives import Archives
from shared.journal.commands import append_one
from shared.journal.crypto import MasterKey

Reason = Literal["member_request", "retention_period_ended", "court_order", "entered_in_error"]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
"""A code and no text: the reason is the one thing of the case that stays readable."""

_BATCH: Final = 500
_DOCUMENT_KEYS = text("DELETE FROM document_keys WHERE case_id = :case_id RETURNING document_id")
_CASE_KEY = text("DELETE FROM case_keys WHERE case_id = :case_id")
_ORPHANS = text(
    """
    DELETE FROM documents d WHERE d.id = ANY(CAST(:ids AS text[]))
        AND NOT EXISTS (SELECT FROM document_keys g WHERE g.document_id = d.id)
    """
)
_OUTDATED = text(
    """
    SELECT case_id, wrapped_key FROM case_keys WHERE master_key_id <> :current
    ORDER BY case_id LIMIT :limit FOR UPDATE SKIP LOCKED
    """
)
_WRAP = text(
    """
    UPDATE case_keys k SET wrapped_key = n.wrapped, master_key_id = :current
    FROM unnest(CAST(:case_id AS uuid[]), CAST(:wrapped AS bytea[])) AS n(case_id, wrapped)
    WHERE k.case_id = n.case_id
    """
)
_COUNTS = text("SELECT master_key_id, count(*) FROM case_keys GROUP BY master_key_id ORDER BY master_key_id")


async def erase(
    engine: AsyncEngine,
    master: MasterKey,
    case_id: UUID,
    reason: Reason,
    actor: str,
    archives: Archives | None = None,
) -> History:
    """Destroys a case's key and its ways to documents; a document that no other case has goes too.

    A case that was archived is erased too: its event follows in the table on those of the archive, which is not touched.

    Raises:
        CaseNotFoundError: there is no such case, or it was erased before.
        IllegalTransitionError: the case has not come to its end.
    """
    return await append_one(
        engine,
        master,
        case_id,
        lambda _: Proposed(flow.CASE_ERASED, CaseErased(reason), {"reason": reason}),
        actor=actor,
        consumer=flow.OPERATIONS.name,
        causation_id=uuid4(),
        also=_destroy,
        archives=archives,
    )


async def _destroy(connection: AsyncConnection, event: Accepted) -> None:
    documents = (await connection.execute(_DOCUMENT_KEYS, {"case_id": event.case_id})).scalars().all()
    await connection.execute(_CASE_KEY, {"case_id": event.case_id})
    await connection.execute(_ORPHANS, {"ids": list(documents)})


async def rotate(engine: AsyncEngine, master: MasterKey) -> int:
    """Wraps every case key that another master key wrapped under the current one; returns how many.

    Raises:
        KeyUnavailableError: a key opens with none of the master keys that were given; those before it are wrapped.
    """
    done = 0
    while True:
        async with engine.begin() as connection:
            rows = (await connection.execute(_OUTDATED, {"current": master.id, "limit": _BATCH})).all()
            if not rows:
                return done
            wrapped = [master.wrap(master.open(row[1], row[0]), row[0]) for row in rows]
            values = {"case_id": [row[0] for row in rows], "wrapped": wrapped, "current": master.id}
            await connection.execute(_WRAP, values)
        done += len(rows)


async def keys_by_master(connection: AsyncConnection) -> dict[str, int]:
    """How many case keys each master key wraps."""
    return {row[0]: row[1] for row in await connection.execute(_COUNTS)}
