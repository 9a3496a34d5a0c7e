"""Partitions as tests need them: a month that is over although its cases were made just now."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.case.ids import case_id_at
from shared.journal.partitions import partitions_of

_ADVANCE = text(
    """
    INSERT INTO relay_cursors (shards, shard, transaction_id, position)
    SELECT 1, 0, transaction_id, position FROM journal ORDER BY transaction_id DESC, position DESC LIMIT 1
    ON CONFLICT (shards, shard) DO UPDATE SET transaction_id = EXCLUDED.transaction_id, position = EXCLUDED.position
    """
)


async def end_first(connection: AsyncConnection) -> None:
    """Ends the first partition now: what comes later lies in the open one. For the owner of the database."""
    bound = case_id_at(datetime.now(UTC) + timedelta(milliseconds=1)).hex[:12] + "0" * 20
    for partition in await partitions_of(connection):
        await connection.execute(text(f"ALTER TABLE journal DETACH PARTITION {partition.name}"))
        if partition.name != "journal_first":
            await connection.execute(text(f"DROP TABLE {partition.name}"))
    await connection.execute(
        text(f"ALTER TABLE journal ATTACH PARTITION journal_first FOR VALUES FROM (MINVALUE) TO ('{bound}')")
    )
    await connection.execute(text(f"SELECT journal_add_partition('journal_open', '{bound}', NULL)"))
    await connection.execute(text("DELETE FROM journal_partitions WHERE name <> 'journal_first'"))
    await connection.execute(text(f"UPDATE journal_partitions SET before_case = '{bound}'"))
    await connection.execute(text(f"INSERT INTO journal_partitions VALUES ('journal_open', '{bound}', NULL)"))


async def publish_all(connection: AsyncConnection) -> None:
    """As if the relay had published every event."""
    await connection.execute(_ADVANCE)


async def open_since(connection: AsyncConnection, at: datetime) -> None:
    """As if nobody had rolled since then: one open partition from the month of ``at`` on."""
    for partition in await partitions_of(connection):
        await connection.execute(text(f"DROP TABLE {partition.name}"))
    await connection.execute(text("DELETE FROM journal_partitions"))
    await connection.execute(
        text("INSERT INTO journal_partitions VALUES ('journal_open', journal_month(:at), NULL)"), {"at": at}
    )
    await connection.execute(text("SELECT journal_add_partition('journal_open', journal_month(:at), NULL)"), {"at": at})
