"""Append and read: one statement a batch. With ``relay.py`` and ``documents.py``, all SQL on the journal's tables."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import flow
from shared.case.history import Accepted, History, Recorded
from shared.events.codec import encode
from shared.journal.chain import link
from shared.journal.compression import pack, unpack
from shared.journal.crypto import KeyUnavailableError, MasterKey, event_binding, new_key, seal, unseal

if TYPE_CHECKING:
    # The services read the table alone, and must not load what reads Parquet.
    from shared.journal.archives import Archives

CHANNEL: Final = "priorauth_journal"
"""Notified at each commit that appended; the payload names the event types."""

_APPEND = text(
    """
    WITH appended AS (
    INSERT INTO journal (case_id, sequence, event_id, type, state_before, state_after, actor, payer, consumer,
        causation_id, occurred_at, recorded_at, traceparent, code_version, public, data, previous_hash, hash)
    SELECT * FROM unnest(
        CAST(:case_id AS uuid[]), CAST(:sequence AS integer[]), CAST(:event_id AS uuid[]), CAST(:type AS text[]),
        CAST(:state_before AS text[]), CAST(:state_after AS text[]), CAST(:actor AS text[]), CAST(:payer AS text[]),
        CAST(:consumer AS text[]), CAST(:causation_id AS uuid[]), CAST(:occurred_at AS timestamptz[]),
        CAST(:recorded_at AS timestamptz[]), CAST(:traceparent AS text[]), CAST(:code_version AS text[]),
        CAST(:public AS text[]), CAST(:data AS bytea[]), CAST(:previous_hash AS bytea[]), CAST(:hash AS bytea[]))
    RETURNING case_id, sequence, causation_id),
    caused AS (INSERT INTO journal_causes SELECT causation_id, case_id FROM appended WHERE sequence = 1)
    SELECT pg_notify(:channel, :payload)
    """
)
_COLUMNS: Final = (
    "case_id",
    "sequence",
    "event_id",
    "type",
    "state_before",
    "state_after",
    "actor",
    "payer",
    "consumer",
    "causation_id",
    "occurred_at",
    "recorded_at",
    "traceparent",
    "code_version",
    "public",
    "data",
    "previous_hash",
    "hash",
)
_ADD_KEYS = text(
    """
    INSERT INTO case_keys (case_id, wrapped_key, master_key_id)
    SELECT * FROM unnest(CAST(:case_id AS uuid[]), CAST(:wrapped AS bytea[]), CAST(:master AS text[]))
    """
)
_NEWEST_KEY = text(
    "SELECT case_id, wrapped_key FROM case_keys WHERE master_key_id = :master ORDER BY case_id DESC LIMIT 1"
)
# OFFSET 0 keeps the two parts apart: case by case, its key and then its events, each by an index and in one partition. Left
# to itself PostgreSQL may join over all keys or all events, by a plan that it made when there were few and keeps.
_HISTORIES = text(
    """
    SELECT j.*, w.wrapped_key
    FROM (
        SELECT u.case_id, (SELECT wrapped_key FROM case_keys k WHERE k.case_id = u.case_id) AS wrapped_key
        FROM unnest(CAST(:case_ids AS uuid[])) AS u (case_id) OFFSET 0
    ) AS w
    CROSS JOIN LATERAL (
        SELECT case_id, sequence, event_id, type, state_before, state_after, actor, payer, consumer, causation_id, occurred_at,
            recorded_at, traceparent, code_version, public, previous_hash, hash,
            CASE WHEN type = ANY(CAST(:needs AS text[])) THEN data END AS data
        FROM journal WHERE case_id = w.case_id OFFSET 0
    ) AS j
    ORDER BY j.case_id, j.sequence
    """
)
_KEYS = text("SELECT case_id, wrapped_key FROM case_keys WHERE case_id = ANY(CAST(:case_ids AS uuid[]))")
_MIGRATED = text("SELECT to_regclass('journal') IS NOT NULL")
_BY_CAUSE = text("SELECT causation_id, case_id FROM journal_causes WHERE causation_id = ANY(:causes)")
_UNIQUE_VIOLATION: Final = "23505"

_to_json = msgspec.json.Encoder(order="deterministic").encode


class ConcurrentAppendError(Exception):
    """Another writer was first: a sequence was taken or a cause has had its effect. Read again and retry."""


async def append(connection: AsyncConnection, events: Sequence[Accepted], histories: dict[UUID, History]) -> None:
    """Appends accepted events in one statement and notifies the relay at commit.

    ``histories`` holds each case's history as it was read (with its head and key) and the new events.

    Raises:
        ConcurrentAppendError: the caller must roll back, read again, and retry.
    """
    if not events:
        return
    heads: dict[UUID, bytes] = {}
    rows = []
    for event in events:
        history = histories[event.case_id]
        row = _row(event, heads.get(event.case_id, history.head), _key_of(history))
        heads[event.case_id] = row[-1]
        rows.append(row)
    columns = dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    notice = {"channel": CHANNEL, "payload": ",".join(sorted({e.type for e in events}))}
    try:
        await connection.execute(_APPEND, columns | notice)
    except IntegrityError as error:
        # A sequence that is taken, a cause that has had its effect, or a request that has made its case: each partition
        # names its own constraint, so it is the kind of the error that tells.
        if getattr(error.orig, "sqlstate", None) == _UNIQUE_VIOLATION:
            raise ConcurrentAppendError("Another writer was first.") from error
        raise


async def add_keys(connection: AsyncConnection, master: MasterKey, case_ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """Makes and stores a key for each new case; returns them opened."""
    keys = {case_id: new_key() for case_id in case_ids}
    await connection.execute(
        _ADD_KEYS,
        {
            "case_id": list(keys),
            "wrapped": [master.wrap(key, case_id) for case_id, key in keys.items()],
            "master": [master.id] * len(keys),
        },
    )
    return keys


async def read_histories(
    connection: AsyncConnection,
    master: MasterKey | None,
    case_ids: Iterable[UUID],
    needs: Collection[str] = (),
    archives: "Archives | None" = None,
) -> dict[UUID, History]:
    """The histories of cases in one query; the content of the event types in ``needs`` can be opened.

    Cases that do not exist are absent, and so are those whose beginning lies in an archive, unless ``archives`` has it.
    A case whose key was erased has a history whose content cannot be opened.
    """
    ids = list(case_ids)
    rows: Iterable[Any] = await connection.execute(_HISTORIES, {"case_ids": ids, "needs": list(needs)})
    if archives is not None:
        rows = sorted([*rows, *await _archived(connection, archives, ids, needs)], key=lambda row: (row[0], row[1]))
    histories: dict[UUID, History] = {}
    history: History | None = None
    for row in rows:
        if history is None or history.case_id != row[0]:
            history = History(row[0], row[7], _open_key(master, row[18], row[0]))
            if row[1] == 1:
                histories[row[0]] = history
        history.add(_recorded(row, history.key))
    return histories


async def _archived(
    connection: AsyncConnection, archives: "Archives", ids: list[UUID], needs: Collection[str]
) -> list[tuple[Any, ...]]:
    keys = {row[0]: row[1] for row in await connection.execute(_KEYS, {"case_ids": ids})}
    return [
        (*row[:17], row.data if row.type in needs else None, keys.get(row.case_id)) for row in archives.rows_of(ids)
    ]


async def cases_by_cause(connection: AsyncConnection, causes: Sequence[UUID]) -> dict[UUID, UUID]:
    """Which case each request has made, for those that have made one."""
    result = await connection.execute(_BY_CAUSE, {"causes": list(causes)})
    return {row[0]: row[1] for row in result}


def _open_key(master: MasterKey | None, wrapped: bytes | None, case_id: UUID) -> bytes | None:
    """A case's key, or None where it was erased or does not open: then only that case is unreadable."""
    if master is None or wrapped is None:
        return None
    try:
        return master.open(wrapped, case_id)
    except KeyUnavailableError:
        return None


async def check_master_key(connection: AsyncConnection, master: MasterKey) -> None:
    """Tries the master key on the newest case, so that a wrong one is noticed at start and not case by case.

    Raises:
        KeyUnavailableError: the database was filled under another master key.
    """
    row = (await connection.execute(_NEWEST_KEY, {"master": master.id})).first()
    if row is not None:
        master.open(row[1], row[0])


async def is_migrated(connection: AsyncConnection) -> bool:
    """Whether the schema is there: a database that answers is not ready before it is."""
    return bool(await connection.scalar(_MIGRATED))


def _key_of(history: History) -> bytes:
    if history.key is None:
        raise KeyError(f"Case {history.case_id} has no key.")
    return history.key


def _row(event: Accepted, previous_hash: bytes, key: bytes) -> tuple[Any, ...]:
    public = _to_json(event.public).decode()
    data = seal(key, pack(encode(event.data)), event_binding(event.case_id, event.sequence))
    digest = link(
        previous_hash,
        case_id=event.case_id,
        sequence=event.sequence,
        event_id=event.event_id,
        type_=event.type,
        state_before=event.state_before,
        state_after=event.state_after,
        actor=event.actor,
        payer=event.payer,
        consumer=event.consumer,
        causation_id=event.causation_id,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        traceparent=event.traceparent,
        code_version=event.code_version,
        public=public,
        data=data,
    )
    return (
        event.case_id,
        event.sequence,
        event.event_id,
        event.type,
        event.state_before,
        event.state_after,
        event.actor,
        event.payer,
        event.consumer,
        event.causation_id,
        event.occurred_at,
        event.recorded_at,
        event.traceparent,
        event.code_version,
        public,
        data,
        previous_hash,
        digest,
    )


def _open_data(key: bytes, data: bytes, bound_to: bytes) -> bytes:
    return unpack(unseal(key, data, bound_to))


def _recorded(row: Any, key: bytes | None) -> Recorded:
    data = row[17]
    opener = None
    if data is not None and key is not None:
        opener = partial(_open_data, key, data, event_binding(row[0], row[1]))
    return Recorded(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9], row[10], row[11], row[12],
        row[13], row[14], row[15], row[16], opener,
    )  # fmt: skip


CONTENT_OF_DETERMINATION: Final = (
    flow.CASE_SUBMITTED,
    flow.CASE_UPDATED,
    flow.CRITERIA_EVALUATED,
    flow.EVIDENCE_ATTACHED,
    *flow.DETERMINATIONS,
)
"""The event types whose content a determination's document is made of."""
