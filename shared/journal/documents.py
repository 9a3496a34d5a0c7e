"""Chart documents, stored once by SHA-256 and encrypted under a key of their own.

Each case that refers to a document holds that key wrapped under its case key. So a document that two cases share is
stored once, and when a case's key is erased its way to the document goes with it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clinical.stored import StoredDocument
from shared.journal.crypto import MasterKey, new_key, seal, unseal

__all__ = ["StoredDocument", "read_documents", "read_documents_by_id", "store_documents"]

_INSERT = text(
    """
    INSERT INTO documents (id, content_type, size_bytes, data)
    SELECT * FROM unnest(CAST(:id AS text[]), CAST(:content_type AS text[]), CAST(:size AS bigint[]),
        CAST(:data AS bytea[]))
    ON CONFLICT (id) DO NOTHING RETURNING id
    """
)
_GRANT = text(
    """
    INSERT INTO document_keys (case_id, document_id, wrapped_key)
    SELECT * FROM unnest(CAST(:case_id AS uuid[]), CAST(:document_id AS text[]), CAST(:wrapped AS bytea[]))
    ON CONFLICT DO NOTHING
    """
)
_ANY_GRANT = text(
    """
    SELECT DISTINCT ON (d.document_id) d.document_id, d.case_id, d.wrapped_key, k.wrapped_key
    FROM document_keys d JOIN case_keys k USING (case_id)
    WHERE d.document_id = ANY(CAST(:ids AS text[])) ORDER BY d.document_id, d.case_id
    """
)
_READ = text(
    """
    SELECT g.case_id, d.id, d.content_type, d.data, g.wrapped_key
    FROM document_keys g JOIN documents d ON d.id = g.document_id
    WHERE g.case_id = ANY(CAST(:case_ids AS uuid[]))
    """
)

_READ_BY_ID = text(
    """
    SELECT d.id, d.content_type, d.data, g.wrapped_key
    FROM document_keys g JOIN documents d ON d.id = g.document_id
    WHERE g.case_id = :case_id AND d.id = ANY(CAST(:ids AS text[]))
    """
)


async def store_documents(
    connection: AsyncConnection,
    master: MasterKey,
    case_keys: Mapping[UUID, bytes],
    documents: Sequence[tuple[UUID, StoredDocument]],
) -> None:
    """Stores documents of cases in three statements at most; one that is there already is only made readable."""
    if not documents:
        return
    # Sorted, so that two writers of the same documents lock them in the same order.
    distinct = {d.id: d for _, d in sorted(documents, key=lambda pair: pair[1].id)}
    keys = {id_: new_key() for id_ in distinct}
    result = await connection.execute(
        _INSERT,
        {
            "id": list(distinct),
            "content_type": [d.content_type for d in distinct.values()],
            "size": [len(d.data) for d in distinct.values()],
            "data": [seal(keys[d.id], d.data, d.id.encode()) for d in distinct.values()],
        },
    )
    fresh = {row[0] for row in result}
    known = [id_ for id_ in distinct if id_ not in fresh]
    if known:
        keys |= await _existing_keys(connection, master, known)
    grants = {(case_id, d.id) for case_id, d in documents}
    await connection.execute(
        _GRANT,
        {
            "case_id": [case_id for case_id, _ in grants],
            "document_id": [id_ for _, id_ in grants],
            "wrapped": [seal(case_keys[case_id], keys[id_], id_.encode()) for case_id, id_ in grants],
        },
    )


async def _existing_keys(connection: AsyncConnection, master: MasterKey, ids: Sequence[str]) -> dict[str, bytes]:
    result = await connection.execute(_ANY_GRANT, {"ids": list(ids)})
    return {
        id_: unseal(master.open(wrapped_case_key, case_id), wrapped, id_.encode())
        for id_, case_id, wrapped, wrapped_case_key in result
    }


async def read_documents(
    connection: AsyncConnection, case_keys: Mapping[UUID, bytes], case_ids: Iterable[UUID]
) -> dict[UUID, dict[str, StoredDocument]]:
    """The documents of cases by case and id, in one query.

    Raises:
        KeyUnavailableError: a document does not open with its case's key.
    """
    result = await connection.execute(_READ, {"case_ids": list(case_ids)})
    found: dict[UUID, dict[str, StoredDocument]] = {}
    for case_id, id_, content_type, data, wrapped in result:
        found.setdefault(case_id, {})[id_] = _opened(case_keys[case_id], id_, content_type, data, wrapped)
    return found


async def read_documents_by_id(
    connection: AsyncConnection, case_id: UUID, case_key: bytes, ids: Collection[str]
) -> dict[str, StoredDocument]:
    """Those of the named documents that the case has, by id.

    Raises:
        KeyUnavailableError: a document does not open with the case's key.
    """
    result = await connection.execute(_READ_BY_ID, {"case_id": case_id, "ids": list(ids)})
    return {row[0]: _opened(case_key, *row) for row in result}


def _opened(case_key: bytes, id_: str, content_type: str, data: bytes, wrapped: bytes) -> StoredDocument:
    key = unseal(case_key, wrapped, id_.encode())
    return StoredDocument(id_, content_type, unseal(key, data, id_.encode()))
