"""Holds what stands beside the journal against it: case keys, the content of events, documents, the console's projection.

It needs the master key. A case without a key was erased, which its own event says; one that says nothing has lost it.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from zstandard import ZstdError

from shared.journal.compression import unpack
from shared.journal.crypto import KeyUnavailableError, MasterKey, event_binding, unseal
from shared.journal.problems import Problem

_BATCH: Final = 200
_CASES = text(
    """
    SELECT j.case_id, k.wrapped_key FROM journal j LEFT JOIN case_keys k USING (case_id)
    WHERE j.sequence = 1 AND j.case_id > CAST(:after AS uuid)
        AND (CAST(:case_id AS uuid) IS NULL OR j.case_id = CAST(:case_id AS uuid))
    ORDER BY j.case_id LIMIT :limit
    """
)
_EVENTS = text(
    "SELECT case_id, sequence, data FROM journal WHERE case_id = ANY(CAST(:ids AS uuid[])) ORDER BY case_id, sequence"
)
_DOCUMENTS = text(
    """
    SELECT g.case_id, g.document_id, d.data, d.size_bytes, g.wrapped_key
    FROM document_keys g LEFT JOIN documents d ON d.id = g.document_id
    WHERE g.case_id = ANY(CAST(:ids AS uuid[])) ORDER BY g.case_id, g.document_id
    """
)
_ERASED = text("SELECT case_id FROM journal WHERE case_id = ANY(CAST(:ids AS uuid[])) AND type LIKE 'case.erased.%'")
_PROJECTED = text(
    """
    SELECT c.case_id, c.sequence, c.state, c.payer, j.state_after, j.payer FROM console_cases c
    LEFT JOIN journal j ON j.case_id = c.case_id AND j.sequence = c.sequence
    WHERE j.case_id IS NULL OR c.state <> j.state_after OR c.payer <> j.payer
    ORDER BY c.case_id
    """
)


async def verify_contents(
    connection: AsyncConnection, master: MasterKey, case_id: UUID | None = None
) -> AsyncIterator[Problem]:
    """Problems of kind ``key``, ``content`` and ``document``, batch by batch of cases."""
    after = UUID(int=0)
    while True:
        parameters = {"after": after, "case_id": case_id, "limit": _BATCH}
        rows = (await connection.execute(_CASES, parameters)).all()
        if not rows:
            return
        after = rows[-1][0]
        ids = [row[0] for row in rows]
        erased = {row[0] for row in await connection.execute(_ERASED, {"ids": ids})}
        keys, problems = _open_keys(rows, erased, master)
        for problem in [*problems, *await _contents(connection, keys), *await _documents(connection, keys)]:
            yield problem


def _open_keys(rows: Sequence[Any], erased: set[UUID], master: MasterKey) -> tuple[dict[UUID, bytes], list[Problem]]:
    keys: dict[UUID, bytes] = {}
    problems = []
    for case_id, wrapped in rows:
        if wrapped is None:
            if case_id not in erased:
                problems.append(
                    Problem(str(case_id), 0, "key", "Its key is gone, and no event says that it was erased.")
                )
        elif case_id in erased:
            problems.append(Problem(str(case_id), 0, "key", "It was erased, and yet there is a key for it."))
        else:
            try:
                keys[case_id] = master.open(wrapped, case_id)
            except KeyUnavailableError:
                problems.append(Problem(str(case_id), 0, "key", "Its key does not open with this master key."))
    return keys, problems


async def _contents(connection: AsyncConnection, keys: Mapping[UUID, bytes]) -> list[Problem]:
    problems = []
    for case_id, sequence, data in await connection.execute(_EVENTS, {"ids": list(keys)}):
        try:
            unpack(unseal(keys[case_id], data, event_binding(case_id, sequence)))
        except (KeyUnavailableError, ZstdError):
            problems.append(
                Problem(str(case_id), sequence, "content", "Its content does not open with its case's key.")
            )
    return problems


async def _documents(connection: AsyncConnection, keys: Mapping[UUID, bytes]) -> list[Problem]:
    problems = []
    for case_id, document_id, data, size, wrapped in await connection.execute(_DOCUMENTS, {"ids": list(keys)}):
        fault = _document_fault(keys[case_id], document_id, data, size, wrapped)
        if fault is not None:
            problems.append(Problem(str(case_id), 0, "document", f"{document_id}: {fault}"))
    return problems


def _document_fault(key: bytes, document_id: str, data: bytes | None, size: int | None, wrapped: bytes) -> str | None:
    if data is None:
        return "It is gone."
    try:
        content = unseal(unseal(key, wrapped, document_id.encode()), data, document_id.encode())
    except KeyUnavailableError:
        return "It does not open with its case's key."
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != document_id or len(content) != size:
        return "Its content is not the one that its id names."
    return None


async def verify_projection(connection: AsyncConnection) -> AsyncIterator[Problem]:
    """Rows of the console's projection that say otherwise than the event of the journal that they were made from.

    A row that has not caught up is none: it is held against the event whose sequence it names.
    """
    for case_id, sequence, state, payer, of_journal, payer_of_journal in await connection.execute(_PROJECTED):
        if of_journal is None:
            message = "The projection names an event that the journal does not have."
        elif state != of_journal:
            message = f"The projection says {state}, the journal {of_journal}."
        else:
            message = f"The projection says payer {payer}, the journal {payer_of_journal}."
        yield Problem(str(case_id), sequence, "projection", message)
