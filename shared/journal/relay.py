"""The relay: from the journal to Kafka, at least once, in commit order.

Rows are read in ``(transaction_id, position)`` order, and only those of transactions older than every one still
running (``pg_snapshot_xmin``): a reader that followed ``position`` alone would skip rows that commit late. The cursor
moves after Kafka has acknowledged what is before it, on the session that holds the shard's lease, so a relay that lost its
lease cannot move it. NOTIFY wakes the relay; polling is the safety net.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import msgspec
from opentelemetry.trace import SpanKind

from shared import flow
from shared.events.envelope import encode_message
from shared.journal.store import CHANNEL
from shared.platform import telemetry
from shared.platform.database import connect_raw, is_unavailable
from shared.platform.logs import get_logger
from shared.platform.settings import Settings

log = get_logger()

_LEASE_SPACE: Final = 7_021_338
_STORE_SECONDS: Final = 0.1
_LINGER_SECONDS: Final = 0.1
"""How long after a notification rows are looked for that a transaction still under way holds back."""
KEEP_PLANS = "SET plan_cache_mode = force_generic_plan"
"""The fetch has one good plan, whatever the place: planning it anew would look at the ends of every partition's index."""
_LEASE = "SELECT pg_try_advisory_lock($1, $2)"
_CURSOR = """
    INSERT INTO relay_cursors (shards, shard, transaction_id, position)
    SELECT $1::smallint, $2::smallint, coalesce(min(transaction_id::text::bigint), 0)::text::xid8,
        coalesce(min(position), 0)
    FROM relay_cursors
    ON CONFLICT (shards, shard) DO UPDATE SET position = relay_cursors.position
    RETURNING transaction_id::text::bigint, position
"""
FETCH = """
    SELECT transaction_id::text::bigint AS xid, position, case_id, sequence, event_id, type, state_before, state_after,
        actor, payer, occurred_at, recorded_at, traceparent, public
    FROM journal
    WHERE (transaction_id, position) > ($1::bigint::text::xid8, $2::bigint)
        AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
        AND ($4::int = 1 OR get_byte(uuid_send(case_id), 15) % $4::int = $5::int)
    ORDER BY transaction_id, position
    LIMIT $3::int
"""
"""The rows after a place ($1, $2), at most $3, of shard $5 of $4; the growth benchmark times the same statement."""
_ADVANCE = """
    UPDATE relay_cursors SET transaction_id = $3::bigint::text::xid8, position = $4
    WHERE shards = $1::smallint AND shard = $2::smallint
"""
_WAITING = """
    SELECT min(recorded_at) FROM (
        SELECT recorded_at FROM journal WHERE (transaction_id, position) > ($1::bigint::text::xid8, $2::bigint)
        ORDER BY transaction_id, position LIMIT 1) AS oldest
"""


class Publisher(Protocol):
    """Where the relay publishes to."""

    async def publish(self, messages: Sequence[tuple[str, bytes, bytes, dict[str, str]]]) -> None:
        """Publishes ``(topic, key, value, headers)``; returns when all are acknowledged."""
        ...


class Relay:
    """Publishes one shard of the journal while it holds the shard's lease."""

    def __init__(self, settings: Settings, publisher: Publisher) -> None:
        self._settings = settings
        self._publisher = publisher
        self._shards = settings.relay_shards
        self._shard = settings.relay_shard
        self._wake = asyncio.Event()
        self._notified_at = 0.0
        self.leader = False
        self.connected = False

    async def run(self) -> None:
        """Runs until cancelled; waits for a server that is away and starts over from the stored cursor."""
        wait = 0.1
        while True:
            began = time.monotonic()
            try:
                await self._session()
            except Exception as error:
                # Kafka's errors and lost sessions alike: the cursor says where to go on, so starting over is safe.
                log.warning("relay interrupted", exc_info=error, away=is_unavailable(error))
            finally:
                self.leader = self.connected = False
                telemetry.RELAY_LEADER.labels(str(self._shard)).set(0)
                telemetry.RELAY_LAG.set(0)
            wait = 0.1 if time.monotonic() - began > 30 else min(wait * 2, 2.0)
            await asyncio.sleep(wait)

    async def _session(self) -> None:
        connection = await connect_raw(self._settings)
        try:
            self.connected = True
            # A cursor that a crash of the server takes back costs a second publication, which has no second effect.
            await connection.execute("SET synchronous_commit = off")
            await connection.execute(KEEP_PLANS)
            while not await connection.fetchval(_LEASE, _LEASE_SPACE + self._shards, self._shard):
                await asyncio.sleep(self._settings.relay_poll_seconds)
            self.leader = True
            telemetry.RELAY_LEADER.labels(str(self._shard)).set(1)
            await connection.add_listener(CHANNEL, self._on_notify)
            await self._publish_for_ever(connection)
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=2)

    async def _publish_for_ever(self, connection: Any) -> None:
        """Publishes what there is and then waits. The cursor is stored when there is a pause, or ten times a second."""
        cursor = stored = tuple(await connection.fetchrow(_CURSOR, self._shards, self._shard))
        stored_at, quiet = time.monotonic(), 0
        while True:
            self._wake.clear()
            limit = self._settings.relay_batch_size
            rows = await connection.fetch(FETCH, *cursor, limit, self._shards, self._shard)
            if rows:
                await self._publish(rows)
                cursor, quiet = (rows[-1]["xid"], rows[-1]["position"]), 0
            if cursor != stored and (not rows or time.monotonic() - stored_at > _STORE_SECONDS):
                await connection.execute(_ADVANCE, self._shards, self._shard, *cursor)
                stored, stored_at = cursor, time.monotonic()
            if not rows:
                quiet += 1
                await self._sleep(connection, cursor, quiet)

    async def _publish(self, rows: Sequence[Any]) -> None:
        contexts = [
            (row["traceparent"], {telemetry.ATTR_CASE: str(row["case_id"]), telemetry.ATTR_EVENT_TYPE: row["type"]})
            for row in rows
        ]
        with telemetry.spans_for(telemetry.SPAN_RELAY, contexts, SpanKind.PRODUCER) as onward:
            messages = [message_of(row, traceparent) for row, traceparent in zip(rows, onward, strict=True)]
            await self._publisher.publish(messages)
        for type_, number in Counter(row["type"] for row in rows).items():
            telemetry.RELAY_PUBLISHED.labels(type_).inc(number)

    async def _sleep(self, connection: Any, cursor: tuple[int, int], quiet: int) -> None:
        """Waits for NOTIFY. Soon after one, rows may be there that are not yet behind the snapshot's xmin."""
        timeout = 0.001 * 2 ** min(quiet, 6)
        if time.monotonic() - self._notified_at > _LINGER_SECONDS:
            oldest = await connection.fetchval(_WAITING, *cursor)
            telemetry.RELAY_LAG.set((datetime.now(UTC) - oldest).total_seconds() if oldest is not None else 0)
            timeout = _LINGER_SECONDS if oldest is not None else self._settings.relay_poll_seconds
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout)

    def _on_notify(self, *_: object) -> None:
        self._notified_at = time.monotonic()
        self._wake.set()


def message_of(
    row: Any, traceparent: str | None, *, replayed: bool = False
) -> tuple[str, bytes, bytes, dict[str, str]]:
    """A journal row as a message: topic, key, value, headers."""
    case_id = str(row["case_id"])
    value = encode_message(
        {
            "event_id": str(row["event_id"]),
            "case_id": case_id,
            "sequence": row["sequence"],
            "type": row["type"],
            "state_before": row["state_before"],
            "state_after": row["state_after"],
            # A clinician's id stays in the journal.
            "actor": row["actor"] if row["actor"].startswith("system:") else row["actor"].partition(":")[0],
            "payer": row["payer"],
            "occurred_at": row["occurred_at"],
            "recorded_at": row["recorded_at"],
            "public": msgspec.Raw(row["public"].encode()),
            "traceparent": traceparent,
            "replayed": replayed,
        }
    )
    headers = {"content-type": "application/json"}
    if traceparent:
        headers["traceparent"] = traceparent
    return flow.topic(row["type"]), case_id.encode(), value, headers
