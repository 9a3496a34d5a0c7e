"""What a superuser could do to the database: each kind changes something in the caller's transaction.

The triggers are off, as they would be for someone who owns the server, and a forger who rewrites an event also computes
the hashes anew. Every function returns whether it has really changed something.
"""

import datetime as dt
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.journal.chain import GENESIS, link

Tampering = Callable[[AsyncConnection, random.Random], Awaitable[bool]]
_COLUMNS: Final = (
    "case_id, sequence, event_id, type, state_before, state_after, actor, payer, consumer, causation_id, occurred_at, "
    "recorded_at, traceparent, code_version, public, data"
)
_EDITS: Final[dict[str, Any]] = {
    "public": '{"forged":true}',
    "actor": "clinician:nobody",
    "payer": "another payer",
    "code_version": "0/forged",
    "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01",
    "consumer": "nobody",
    "causation_id": uuid4(),
    "state_after": "cancelled",
    "type": "case.cancelled.v1",
    "data": b"forged",
    "event_id": uuid4(),
}


async def events_of(connection: AsyncConnection, case_id: UUID | None = None) -> list[dict[str, Any]]:
    """All columns of the events that are hashed, in order."""
    where = "" if case_id is None else "WHERE case_id = :case"
    parameters = {} if case_id is None else {"case": case_id}
    result = await connection.execute(
        text(f"SELECT {_COLUMNS} FROM journal {where} ORDER BY case_id, sequence"), parameters
    )
    return [dict(row) for row in result.mappings()]


async def _update(connection: AsyncConnection, event: dict[str, Any], column: str, value: Any) -> bool:
    result = await connection.execute(
        text(
            f"UPDATE journal SET {column} = :value WHERE case_id = :case AND sequence = :sequence AND {column} IS DISTINCT FROM :value"
        ),
        {"value": value, "case": event["case_id"], "sequence": event["sequence"]},
    )
    return result.rowcount > 0


async def _rewrite(connection: AsyncConnection, events: Sequence[dict[str, Any]]) -> None:
    """Replaces a case's events by these, with a chain that fits: what a forger with the source code would do."""
    await connection.execute(text("DELETE FROM journal WHERE case_id = :case"), {"case": events[0]["case_id"]})
    previous = GENESIS
    for event in events:
        digest = link(previous, **{("type_" if k == "type" else k): v for k, v in event.items()})
        names = [*event, "previous_hash", "hash"]
        await connection.execute(
            text(f"INSERT INTO journal ({', '.join(names)}) VALUES ({', '.join(':' + n for n in names)})"),
            {**event, "previous_hash": previous, "hash": digest},
        )
        previous = digest


async def edit(connection: AsyncConnection, chance: random.Random) -> bool:
    event = chance.choice(await events_of(connection))
    column = chance.choice(sorted(_EDITS))
    return await _update(connection, event, column, _EDITS[column])


async def change_clock(connection: AsyncConnection, chance: random.Random) -> bool:
    event = chance.choice(await events_of(connection))
    column = chance.choice(["occurred_at", "recorded_at"])
    return await _update(connection, event, column, event[column] + dt.timedelta(microseconds=chance.randint(1, 10**9)))


async def edit_and_rehash(connection: AsyncConnection, chance: random.Random) -> bool:
    event = chance.choice(await events_of(connection))
    case = await events_of(connection, event["case_id"])
    case[event["sequence"] - 1]["public"] = '{"forged":true}'
    await _rewrite(connection, case)
    return True


async def delete_event(connection: AsyncConnection, chance: random.Random) -> bool:
    event = chance.choice([e for e in await events_of(connection) if e["sequence"] > 1])
    return await _delete(connection, event["case_id"], event["sequence"], event["sequence"])


async def cut_tail(connection: AsyncConnection, chance: random.Random) -> bool:
    event = chance.choice([e for e in await events_of(connection) if e["sequence"] > 1])
    return await _delete(connection, event["case_id"], event["sequence"], 10**6)


async def delete_case(connection: AsyncConnection, chance: random.Random) -> bool:
    event = chance.choice(await events_of(connection))
    await connection.execute(text("DELETE FROM console_cases WHERE case_id = :case"), {"case": event["case_id"]})
    return await _delete(connection, event["case_id"], 1, 10**6)


async def _delete(connection: AsyncConnection, case_id: UUID, first: int, last: int) -> bool:
    statement = text("DELETE FROM journal WHERE case_id = :case AND sequence BETWEEN :first AND :last")
    return (await connection.execute(statement, {"case": case_id, "first": first, "last": last})).rowcount > 0


async def roll_back(connection: AsyncConnection, chance: random.Random) -> bool:
    """The database as it was at some earlier moment: everything later is gone, the projection too."""
    result = await connection.execute(text("SELECT position FROM journal ORDER BY position"))
    positions = [row[0] for row in result]
    at = chance.choice(positions[1:])
    await connection.execute(text("DELETE FROM journal WHERE position >= :at"), {"at": at})
    await connection.execute(
        text(
            "DELETE FROM console_cases c WHERE NOT EXISTS (SELECT FROM journal j WHERE j.case_id = c.case_id AND j.sequence = c.sequence)"
        )
    )
    await connection.execute(
        text("DELETE FROM case_keys k WHERE NOT EXISTS (SELECT FROM journal j WHERE j.case_id = k.case_id)")
    )
    return True


async def insert(connection: AsyncConnection, chance: random.Random) -> bool:
    """A note of a quarantine that never was, in the middle of a case, with a chain that fits."""
    event = chance.choice(await events_of(connection))
    case = await events_of(connection, event["case_id"])
    forged = {**event, "event_id": uuid4(), "type": "case.quarantined.v1", "state_before": event["state_after"]}
    forged |= {"consumer": "operations", "causation_id": uuid4(), "actor": "system:operations"}
    case.insert(event["sequence"], forged)
    await _rewrite(connection, [{**e, "sequence": i} for i, e in enumerate(case, start=1)])
    return True


async def reorder(connection: AsyncConnection, chance: random.Random) -> bool:
    event = chance.choice([e for e in await events_of(connection) if e["sequence"] > 1])
    case = await events_of(connection, event["case_id"])
    at = event["sequence"] - 1
    case[at - 1], case[at] = case[at], case[at - 1]
    await _rewrite(connection, [{**e, "sequence": i} for i, e in enumerate(case, start=1)])
    return True


async def swap_cases(connection: AsyncConnection, chance: random.Random) -> bool:
    """The same event of two cases changes places, whole chains with it."""
    cases = sorted({e["case_id"] for e in await events_of(connection)})
    first, second = chance.sample(cases, 2)
    a, b = await events_of(connection, first), await events_of(connection, second)
    swapped = [{**x, "data": y["data"], "public": y["public"]} for x, y in zip(a, b, strict=True)]
    await _rewrite(connection, swapped)
    return True


async def move_in_relay_order(connection: AsyncConnection, chance: random.Random) -> bool:
    event = chance.choice(await events_of(connection))
    statement = text(
        """
        UPDATE journal SET transaction_id =
            CAST(CAST(CAST(CAST(transaction_id AS text) AS bigint) + CAST(:by AS bigint) AS text) AS xid8)
        WHERE case_id = :case AND sequence = :sequence
        """
    )
    place = {"case": event["case_id"], "sequence": event["sequence"]}
    result = await connection.execute(statement, {"by": chance.choice([-100, 100_000]), **place})
    return result.rowcount > 0


async def alter_document(connection: AsyncConnection, chance: random.Random) -> bool:
    rows = (await connection.execute(text("SELECT id, data FROM documents ORDER BY id"))).all()
    row = chance.choice(rows)
    data = bytearray(row[1])
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    await connection.execute(
        text("UPDATE documents SET data = :data WHERE id = :id"), {"data": bytes(data), "id": row[0]}
    )
    return True


async def delete_document(connection: AsyncConnection, chance: random.Random) -> bool:
    ids = (await connection.execute(text("SELECT id FROM documents ORDER BY id"))).scalars().all()
    await connection.execute(text("DELETE FROM documents WHERE id = :id"), {"id": chance.choice(ids)})
    return True


async def alter_key(connection: AsyncConnection, chance: random.Random) -> bool:
    rows = (await connection.execute(text("SELECT case_id, wrapped_key FROM case_keys ORDER BY case_id"))).all()
    row = chance.choice(rows)
    key = bytearray(row[1])
    key[chance.randrange(len(key))] ^= 1 << chance.randrange(8)
    await connection.execute(
        text("UPDATE case_keys SET wrapped_key = :key WHERE case_id = :case"), {"key": bytes(key), "case": row[0]}
    )
    return True


async def delete_key(connection: AsyncConnection, chance: random.Random) -> bool:
    ids = (await connection.execute(text("SELECT case_id FROM case_keys ORDER BY case_id"))).scalars().all()
    await connection.execute(text("DELETE FROM case_keys WHERE case_id = :id"), {"id": chance.choice(ids)})
    return True


async def alter_projection(connection: AsyncConnection, chance: random.Random) -> bool:
    ids = (await connection.execute(text("SELECT case_id FROM console_cases ORDER BY case_id"))).scalars().all()
    change = chance.choice(["state = 'denied'", "payer = 'another payer'", "sequence = sequence + 100"])
    await connection.execute(text(f"UPDATE console_cases SET {change} WHERE case_id = :id"), {"id": chance.choice(ids)})
    return True


async def alter_cause(connection: AsyncConnection, chance: random.Random) -> bool:
    """A repeated request would make a second case, or find another one."""
    ids = (await connection.execute(text("SELECT causation_id FROM journal_causes ORDER BY 1"))).scalars().all()
    change = chance.choice(
        ["DELETE FROM journal_causes WHERE", "UPDATE journal_causes SET case_id = gen_random_uuid() WHERE"]
    )
    await connection.execute(text(f"{change} causation_id = :id"), {"id": chance.choice(ids)})
    return True


KINDS: Final[dict[str, Tampering]] = {
    "an edited column": edit,
    "a changed clock": change_clock,
    "an edited event with the chain computed anew": edit_and_rehash,
    "a deleted event": delete_event,
    "a cut tail": cut_tail,
    "a deleted case": delete_case,
    "a database set back": roll_back,
    "an inserted event": insert,
    "two events in another order": reorder,
    "contents swapped between cases": swap_cases,
    "another place in the relay's order": move_in_relay_order,
    "an altered document": alter_document,
    "a deleted document": delete_document,
    "an altered key": alter_key,
    "a deleted key": delete_key,
    "an altered projection": alter_projection,
    "an altered cause": alter_cause,
}
