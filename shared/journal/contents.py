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

from shared import flow
from shared.journal.archives import Archives
from shared.journal.compression import unpack
from shared.journal.crypto import KeyUnavailableError, MasterKey, event_binding, unseal
from shared.journal.problems import Problem
from shared.journal.spans import ALL, Span, case_batches

_KEYS = text("SELECT case_id, wrapped_key FROM case_keys WHERE case_id = ANY(CAST(:ids AS uuid[]))")
_EVENTS = text(
    """
    SELECT case_id, sequence, type, data FROM journal WHERE case_id = ANY(CAST(:ids AS uuid[])) ORDER BY case_id, sequence
    """
)
_DOCUMENTS = text(
    """
    SELECT g.case_id, g.document_id, d.data, d.size_bytes, g.wrapped_key
    FROM document_keys g LEFT JOIN documents d ON d.id = g.document_id
    WHERE g.case_id = ANY(CAST(:ids AS uuid[])) ORDER BY g.case_id, g.document_id
    """
)
_PROJECTED = text(
    """
    SELECT c.case_id, c.sequence, c.state, c.payer, j.state_after, j.payer FROM console_cases c
    LEFT JOIN journal j ON j.case_id = c.case_id AND j.sequence = c.sequence
    WHERE j.case_id IS NULL OR c.state <> j.state_after OR c.payer <> j.payer
    ORDER BY c.case_id
    """
)
_OTHER_CAUSE: Final = "The request that made it would not be known again."
_CAUSES = text(
    """
    SELECT c.case_id, j.case_id IS NULL FROM journal_causes c
    LEFT JOIN journal j ON j.case_id = c.case_id AND j.sequence = 1
    WHERE j.causation_id IS DISTINCT FROM c.causation_id AND NOT EXISTS (
        SELECT FROM journal_archives a WHERE c.case_id BETWEEN a.first_case AND a.last_case)
    UNION ALL
    SELECT j.case_id, false FROM journal j LEFT JOIN journal_causes c USING (causation_id)
    WHERE j.sequence = 1 AND c.case_id IS DISTINCT FROM j.case_id
    """
)


async def verify_contents(
    connection: AsyncConnection, master: MasterKey, span: Span = ALL, archives: Archives | None = None
) -> AsyncIterator[Problem]:
    """Problems of kind ``key``, ``content`` and ``document``, batch by batch of cases."""
    async for ids in case_batches(connection, span, archives):
        wrapped = {row[0]: row[1] for row in await connection.execute(_KEYS, {"ids": ids})}
        events: list[Any] = list(await connection.execute(_EVENTS, {"ids": ids}))
        if archives is not None:
            events += archives.rows_of(ids)
        erased = {event.case_id for event in events if event.type == flow.CASE_ERASED}
        keys, problems = _open_keys(ids, wrapped, erased, master)
        for problem in [*problems, *_contents(events, keys), *await _documents(connection, keys)]:
            yield problem


def _open_keys(
    ids: Sequence[UUID], wrapped: Mapping[UUID, bytes], erased: set[UUID], master: MasterKey
) -> tuple[dict[UUID, bytes], list[Problem]]:
    keys: dict[UUID, bytes] = {}
    problems = []
    for case_id in ids:
        if case_id not in wrapped:
            if case_id not in erased:
                message = "Its key is gone, and no event says that it was erased."
                problems.append(Problem(str(case_id), 0, "key", message))
        elif case_id in erased:
            problems.append(Problem(str(case_id), 0, "key", "It was erased, and yet there is a key for it."))
        else:
            try:
                keys[case_id] = master.open(wrapped[case_id], case_id)
            except KeyUnavailableError:
                problems.append(Problem(str(case_id), 0, "key", "Its key does not open with this master key."))
    return keys, problems


def _contents(events: Sequence[Any], keys: Mapping[UUID, bytes]) -> list[Problem]:
    problems = []
    for event in events:
        key = keys.get(event.case_id)
        if key is None:
            continue
        try:
            unpack(unseal(key, event.data, event_binding(event.case_id, event.sequence)))
        except (KeyUnavailableError, ZstdError):
            message = "Its content does not open with its case's key."
            problems.append(Problem(str(event.case_id), event.sequence, "content", message))
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


async def verify_causes(connection: AsyncConnection) -> AsyncIterator[Problem]:
    """Where the table by which a repeated request is known says otherwise than the journal: kind ``cause``."""
    for case_id, gone in await connection.execute(_CAUSES):
        message = "A request is said to have made it, and the journal does not have it." if gone else _OTHER_CAUSE
        yield Problem(str(case_id), 1, "cause", message)
