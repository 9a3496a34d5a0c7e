"""Makes checkpoints of the journal, and holds the journal against them.

Only events that are settled are sealed: those of transactions older than every one still running, in the relay's order,
so that no event can later come in between. Memory is bounded by ``SEGMENT`` events, however long the journal is.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.journal.access import last_access, verify_accesses
from shared.journal.archives import Archives
from shared.journal.checkpoint import Checkpoint, CheckpointError, CheckpointFiles, pack_leaves
from shared.journal.merkle import Frontier, leaf_hash
from shared.journal.problems import Problem

SEGMENT: Final = 65_536
"""Events that one checkpoint seals at most; a longer backlog becomes several checkpoints."""

_INSTALLATION = text("SELECT CAST(id AS text) FROM installation")
_NEXT = text(
    """
    SELECT case_id, sequence, hash, CAST(CAST(transaction_id AS text) AS bigint) AS xid, position FROM journal
    WHERE (transaction_id, position) > (CAST(CAST(CAST(:xid AS bigint) AS text) AS xid8), CAST(:position AS bigint))
        AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY transaction_id, position LIMIT :limit
    """
)
_SEALED = text(
    """
    SELECT s.place, j.hash, CAST(CAST(j.transaction_id AS text) AS bigint), j.position
    FROM unnest(CAST(:cases AS uuid[]), CAST(:sequences AS integer[])) WITH ORDINALITY AS s(case_id, sequence, place)
    LEFT JOIN journal j ON j.case_id = s.case_id AND j.sequence = s.sequence
    ORDER BY s.place
    """
)
_BETWEEN = text(
    """
    SELECT case_id, sequence FROM journal
    WHERE (transaction_id, position) > (CAST(CAST(CAST(:xid AS bigint) AS text) AS xid8), CAST(:position AS bigint))
        AND (transaction_id, position) <= (CAST(CAST(CAST(:to_xid AS bigint) AS text) AS xid8), CAST(:to_position AS bigint))
    """
)


async def installation_of(connection: AsyncConnection) -> str:
    """The id that this database was given when it was made; a checkpoint and a bundle name it."""
    return str(await connection.scalar(_INSTALLATION))


async def make_checkpoints(
    engine: AsyncEngine, files: CheckpointFiles, key: Ed25519PrivateKey, now: datetime
) -> AsyncIterator[Checkpoint]:
    """Seals what has come since the last checkpoint; yields each one after it is on disk, none where nothing came.

    Raises:
        CheckpointError: the directory's last checkpoint is of another key or another installation.
        FileExistsError: another process makes checkpoints into the same directory.
    """
    before = files.last(key.public_key())
    async with engine.connect() as connection:
        installation = await installation_of(connection)
        if before is not None and before.installation != installation:
            raise CheckpointError("The directory holds the checkpoints of another installation.")
        while True:
            place = {"xid": before.transaction_id, "position": before.position} if before else {"xid": 0, "position": 0}
            rows = (await connection.execute(_NEXT, {**place, "limit": SEGMENT})).all()
            accesses = await last_access(connection)
            # The snapshot must move on, or a later round would not see what has settled meanwhile.
            await connection.rollback()
            if not rows:
                return
            before = _seal(before, installation, rows, accesses, files, key, now)
            yield before


def _seal(
    before: Checkpoint | None,
    installation: str,
    rows: Sequence[Any],
    accesses: tuple[int, str],
    files: CheckpointFiles,
    key: Ed25519PrivateKey,
    now: datetime,
) -> Checkpoint:
    frontier = Frontier(before.size, [bytes.fromhex(p) for p in before.peaks]) if before else Frontier()
    leaves = [(row[0], row[1], row[2]) for row in rows]
    for leaf in leaves:
        frontier.add(leaf_hash(*leaf))
    packed = pack_leaves(leaves)
    checkpoint = Checkpoint(
        number=before.number + 1 if before else 1,
        installation=installation,
        size=frontier.size,
        root=frontier.root().hex(),
        peaks=tuple(peak.hex() for peak in frontier.peaks),
        transaction_id=rows[-1][3],
        position=rows[-1][4],
        made_at=now.isoformat(),
        previous=before.digest() if before else "",
        leaves=hashlib.sha256(packed).hexdigest(),
        access_entries=accesses[0],
        access_hash=accesses[1],
    )
    files.add(checkpoint, packed, key)
    return checkpoint


async def verify_checkpoints(
    connection: AsyncConnection, files: CheckpointFiles, key: Ed25519PublicKey, archives: Archives | None = None
) -> AsyncIterator[Problem]:
    """What the journal no longer has, or has otherwise, than when it was sealed.

    Kinds: ``missing`` (an event is gone: a cut tail, a deleted case, a database set back), ``rewritten`` (another event
    stands in its place), ``order`` (its place in the relay's order was changed), ``inserted`` (an event among those that
    were sealed), ``checkpoint`` (the checkpoints themselves cannot be used), ``installation``.
    """
    place = {"xid": 0, "position": 0}
    frontier = Frontier()
    sealed, archived = (0, ""), 0
    installation = await installation_of(connection)
    try:
        for checkpoint, leaves in files.read(key):
            if checkpoint.installation != installation:
                yield Problem("", 0, "installation", f"Checkpoint {checkpoint.number} is of another installation.")
                return
            for leaf in leaves:
                frontier.add(leaf_hash(*leaf))
            if frontier.root().hex() != checkpoint.root:
                yield Problem("", 0, "checkpoint", f"Checkpoint {checkpoint.number} has another root than its leaves.")
                return
            end = {"to_xid": checkpoint.transaction_id, "to_position": checkpoint.position}
            found = await _found(connection, leaves, archives)
            archived += sum(in_archive for *_, in_archive in found)
            for problem in _compare(leaves, found, place, end):
                yield problem
            async for problem in _inserted(connection, leaves, place, end):
                yield problem
            place = {"xid": checkpoint.transaction_id, "position": checkpoint.position}
            sealed = (checkpoint.access_entries, checkpoint.access_hash)
    except CheckpointError as error:
        yield Problem("", 0, "checkpoint", str(error))
    if archives is not None:
        # An archive is not in the relay's order, so what was put into it is found by counting.
        places = archives.columns(("transaction_id", "position"))
        unsealed = sum(at <= (place["xid"], place["position"]) for at in places) - archived
        if unsealed:
            message = f"The archives hold {unsealed} events among those that were sealed without them."
            yield Problem("", 0, "inserted", message)
    async for problem in verify_accesses(connection, sealed):
        yield problem


_Leaves = Sequence[tuple[UUID, int, bytes]]
_Found = tuple[bytes | None, int, int, bool]
"""What the journal has in a leaf's place: its hash, transaction, position, and whether it lies in an archive."""


async def _found(connection: AsyncConnection, leaves: _Leaves, archives: Archives | None) -> list[_Found]:
    parameters = {"cases": [leaf[0] for leaf in leaves], "sequences": [leaf[1] for leaf in leaves]}
    found = [(row[1], row[2], row[3], False) for row in await connection.execute(_SEALED, parameters)]
    away = {leaf[0] for leaf, row in zip(leaves, found, strict=True) if row[0] is None}
    if archives is None or not away:
        return found
    columns = archives.columns(("case_id", "sequence", "hash", "transaction_id", "position"), away)
    archived = {(case, sequence): (digest, xid, at, True) for case, sequence, digest, xid, at in columns}
    return [archived.get(leaf[:2], row) if row[0] is None else row for leaf, row in zip(leaves, found, strict=True)]


def _compare(leaves: _Leaves, found: Sequence[_Found], place: dict[str, int], end: dict[str, int]) -> Iterator[Problem]:
    at = (place["xid"], place["position"])
    for (case, sequence, digest), (there, xid, position, _) in zip(leaves, found, strict=True):
        if there is None:
            yield Problem(str(case), sequence, "missing", "It was sealed by a checkpoint and is gone.")
        elif there != digest:
            yield Problem(str(case), sequence, "rewritten", "Another event was sealed in its place.")
        elif (xid, position) <= at:
            yield Problem(str(case), sequence, "order", "Its place in the order of the relay was changed.")
        else:
            at = (xid, position)
    if at > (end["to_xid"], end["to_position"]):
        yield Problem("", 0, "order", "Sealed events stand later in the order of the relay than they did.")


async def _inserted(
    connection: AsyncConnection, leaves: _Leaves, place: dict[str, int], end: dict[str, int]
) -> AsyncIterator[Problem]:
    sealed = {leaf[:2] for leaf in leaves}
    for case, sequence in await connection.execute(_BETWEEN, {**place, **end}):
        if (case, sequence) not in sealed:
            yield Problem(str(case), sequence, "inserted", "It stands among events that were sealed without it.")
