"""The console's projection against the journal: whatever the order of messages, it tells what the journal tells."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.handlers import Projector
from services.console.store import rebuild
from shared import flow
from shared.case.clocks import Priority
from shared.case.states import ERASED, NEW, TRANSITIONS, UNCHANGING
from shared.journal.crypto import MasterKey
from shared.platform.database import make_engine
from shared.platform.settings import Settings
from tests.support.cases import CLINICIAN, START, Happening, messages, write_case
from tests.support.proxy import Proxy
from tests.support.servers import eventually

HOUR = timedelta(hours=1)
EVALUATED = [
    Happening(flow.CASE_SUBMITTED),
    Happening(flow.CRITERIA_EVALUATED, HOUR),
    Happening(flow.EVIDENCE_ATTACHED, 2 * HOUR),
]
APPROVED = [*EVALUATED, Happening(flow.CASE_APPROVED, 3 * HOUR)]


@pytest.fixture
def projector(engine: AsyncEngine) -> Projector:
    return Projector(engine, gather_seconds=0)


async def rows(engine: AsyncEngine, case_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    statement = text("SELECT * FROM console_cases WHERE case_id = ANY(:ids) ORDER BY case_id")
    async with engine.connect() as connection:
        return [dict(r) for r in (await connection.execute(statement, {"ids": list(case_ids)})).mappings()]


def walk(pick: random.Random) -> list[Happening]:
    """A random walk of a case through the table of transitions, with notices and quarantines in between."""
    state, happenings, hours = NEW, [], 0
    for _ in range(pick.randint(1, 18)):
        choices = [e for (s, e), _ in TRANSITIONS.items() if s == state]
        if state not in (NEW, ERASED):
            choices += sorted(UNCHANGING)
        if not choices:
            break
        kind = pick.choice(sorted(choices))
        hours += pick.randint(0, 40)
        priority: Priority = "standard" if pick.random() < 0.5 else "expedited"
        codes = tuple(pick.sample(("63087", "22556", "E0601", "15271"), pick.randint(0, 3)))
        happenings.append(Happening(kind, hours * HOUR, CLINICIAN, codes, priority))
        state = TRANSITIONS.get((state, kind), state)
    return happenings


def expected(happenings: Sequence[Happening]) -> dict[str, Any]:
    """The row of a case, told plainly, one event after another."""
    row: dict[str, Any] = {"quarantined": False, "state": NEW, "sequence": 0}
    for happening in happenings:
        at = START + happening.after
        row["sequence"] += 1
        row["updated_at"] = at
        row["state"] = TRANSITIONS.get((row["state"], happening.type), row["state"])
        if happening.type in (flow.CASE_SUBMITTED, flow.CASE_UPDATED):
            window = timedelta(hours=72) if happening.priority == "expedited" else timedelta(days=7)
            row |= {"priority": happening.priority, "codes": sorted(happening.codes), "requested_at": at}
            row |= {"due_at": at + window, "decided_at": None}
            row.setdefault("submitted_at", at)
        elif happening.type in (flow.CASE_APPROVED, flow.CASE_PARTLY_APPROVED, flow.CASE_DENIED):
            row["decided_at"] = row["decided_at"] or at
        elif happening.type in (flow.CASE_QUARANTINED, flow.CASE_REDRIVEN):
            row["quarantined"] = happening.type == flow.CASE_QUARANTINED
    return row


async def test_rows_tell_what_the_events_tell(engine: AsyncEngine, master: MasterKey, projector: Projector) -> None:
    pick = random.Random(20260302)
    walks = [walk(pick) for _ in range(150)]
    cases = [await write_case(engine, master, happenings) for happenings in walks]
    told = await messages(engine, cases)
    pick.shuffle(told)
    for start in range(0, len(told), 37):
        await projector.consume(told[start : start + 37])
    by_case = {row.pop("case_id"): row for row in await rows(engine, cases)}
    for case_id, happenings in zip(cases, walks, strict=True):
        row = by_case[case_id]
        assert row.pop("payer") == "Cascade Health Plan"
        assert row == expected(happenings)


async def test_following_and_rebuilding_give_the_same_rows(
    engine: AsyncEngine, master: MasterKey, projector: Projector
) -> None:
    pick = random.Random(7)
    cases = [await write_case(engine, master, walk(pick)) for _ in range(60)]
    for message in await messages(engine, cases):
        await projector.consume([message])
    followed = await rows(engine, cases)
    stray = UUID(int=99)
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "UPDATE console_cases SET state = 'spoiled', codes = '{}', decided_at = now() WHERE case_id = ANY(:ids)"
            ),
            {"ids": cases[:30]},
        )
        await connection.execute(text("DELETE FROM console_cases WHERE case_id = ANY(:ids)"), {"ids": cases[30:]})
        await connection.execute(
            text(
                "INSERT INTO console_cases SELECT :stray, sequence, state, priority, payer, codes, submitted_at, "
                "requested_at, due_at, decided_at, updated_at, quarantined FROM console_cases LIMIT 1"
            ),
            {"stray": stray},
        )
    assert await rebuild(engine, batch=7) >= len(cases)
    assert await rows(engine, cases) == followed
    assert await rows(engine, [stray]) == []


async def test_a_repeated_or_old_message_changes_nothing(
    engine: AsyncEngine, master: MasterKey, projector: Projector
) -> None:
    case_id = await write_case(engine, master, APPROVED)
    told = await messages(engine, [case_id])
    await projector.consume(told)
    version = "SELECT xmin, ctid FROM console_cases WHERE case_id = :id"
    async with engine.connect() as connection:
        before = (await connection.execute(text(version), {"id": case_id})).one()
    await projector.consume([told[-1]])
    await projector.consume(list(reversed(told)))
    async with engine.connect() as connection:
        assert (await connection.execute(text(version), {"id": case_id})).one() == before


async def test_any_message_of_a_case_brings_in_the_whole_case(
    engine: AsyncEngine, master: MasterKey, projector: Projector
) -> None:
    case_id = await write_case(engine, master, APPROVED)
    last = (await messages(engine, [case_id]))[-1]
    await projector.consume([last])
    (row,) = await rows(engine, [case_id])
    assert (row["state"], row["sequence"], row["codes"]) == ("approved", 4, ["22842", "63087"])


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_decision_is_measured_once_and_only_against_its_own_clock(
    engine: AsyncEngine, master: MasterKey, projector: Projector
) -> None:
    def measured() -> tuple[float, float, float]:
        count = sample("priorauth_decision_seconds_count", priority="expedited", outcome="approved")
        seconds = sample("priorauth_decision_seconds_sum", priority="expedited", outcome="approved")
        return count, seconds, sample("priorauth_decisions_late_total", priority="expedited")

    count, seconds, late = measured()
    case_id = await write_case(
        engine,
        master,
        [
            Happening(flow.CASE_SUBMITTED, priority="expedited"),
            Happening(flow.CRITERIA_EVALUATED, HOUR),
            Happening(flow.EVIDENCE_ATTACHED, HOUR),
            Happening(flow.CASE_REFERRED, HOUR),
        ],
    )
    await projector.consume(await messages(engine, [case_id]))
    assert measured() == (count, seconds, late)
    await write_case(engine, master, [Happening(flow.CASE_APPROVED, 80 * HOUR, CLINICIAN)], case_id=case_id)
    for _ in range(2):
        await projector.consume(await messages(engine, [case_id]))
    assert measured() == (count + 1, seconds + 80 * 3600, late + 1)
    await rebuild(engine)
    assert measured() == (count + 1, seconds + 80 * 3600, late + 1)
    again = [
        Happening(flow.CASE_UPDATED, 90 * HOUR, priority="expedited"),
        Happening(flow.CRITERIA_EVALUATED, 91 * HOUR),
        Happening(flow.EVIDENCE_ATTACHED, 91 * HOUR),
        Happening(flow.CASE_APPROVED, 92 * HOUR),
    ]
    await write_case(engine, master, again, case_id=case_id)
    await projector.consume(await messages(engine, [case_id]))
    assert measured() == (count + 2, seconds + 82 * 3600, late + 1)


async def test_a_case_that_cannot_be_projected_holds_up_no_other(
    engine: AsyncEngine, master: MasterKey, projector: Projector
) -> None:
    odd = {"priority": "standard", "due_at": "no time", "codes": []}
    broken = await write_case(engine, master, [Happening(flow.CASE_SUBMITTED, public=odd)])
    whole = [await write_case(engine, master, EVALUATED) for _ in range(3)]
    before = sample("priorauth_messages_handled_total", service="console", result="unprojected")
    await projector.consume(await messages(engine, [broken, *whole]))
    assert [row["case_id"] for row in await rows(engine, [broken, *whole])] == sorted(whole)
    assert sample("priorauth_messages_handled_total", service="console", result="unprojected") == before + 1


async def test_a_batch_waits_for_the_database_and_is_not_lost(
    engine: AsyncEngine, master: MasterKey, settings: Settings
) -> None:
    case_id = await write_case(engine, master, APPROVED)
    told = await messages(engine, [case_id])
    before = sample("priorauth_handler_retries_total", service="console")
    async with Proxy(settings) as proxy:
        away = make_engine(proxy.settings)
        consuming = asyncio.create_task(Projector(away, gather_seconds=0).consume(told))
        await eventually(lambda: sample("priorauth_handler_retries_total", service="console") > before)
        assert not consuming.done()
        await proxy.open()
        await asyncio.wait_for(consuming, 20)
        await away.dispose()
    (row,) = await rows(engine, [case_id])
    assert row["state"] == "approved"
