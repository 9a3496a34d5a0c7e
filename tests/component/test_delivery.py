"""Delivery against a real database and a real receiver: each attempt is an event, and each record is made once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notification.deliver import LEASE, Deliverer
from services.notification.domain.notice import Rendered
from services.notification.handlers import PrepareNotice
from services.notification.store import claim, schedule
from shared import flow
from shared.case.history import History, Recorded
from shared.events.model import NoticeFailed
from shared.journal.crypto import MasterKey
from shared.journal.store import read_histories
from shared.journal.verify import verify
from shared.messaging.consumer import Consumer
from shared.platform.database import make_engine
from shared.platform.settings import Settings
from tests.support.cases import TRACEPARENT, Happening, messages, write_case
from tests.support.counterparts import Receiver
from tests.support.proxy import Proxy
from tests.support.servers import eventually

APPROVED = [
    Happening(flow.CASE_SUBMITTED),
    Happening(flow.CRITERIA_EVALUATED),
    Happening(flow.EVIDENCE_ATTACHED),
    Happening(flow.CASE_APPROVED),
]
BACKOFF = timedelta(seconds=5)


def no_letter(_: History) -> Rendered | None:
    return None


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    other = Receiver()
    await other.start()
    yield other
    await other.stop()


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def nothing_due(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM notification_deliveries"))


def deliverer_of(engine: AsyncEngine, master: MasterKey, receiver: Receiver, attempts: int = 3) -> Deliverer:
    return Deliverer(
        engine, master, receiver.channel, no_letter, attempts=attempts, backoff=BACKOFF, base_url="https://pa.test"
    )


async def prepare(engine: AsyncEngine, master: MasterKey, number: int = 1) -> list[UUID]:
    """Approved cases whose notices the service's own consumer has prepared and scheduled."""
    cases = [await write_case(engine, master, APPROVED) for _ in range(number)]
    told = [m for m in await messages(engine, cases) if m.type in flow.DETERMINATIONS]
    await Consumer(flow.NOTIFICATION, PrepareNotice("webhook"), engine, master).consume(told)
    return cases


async def notices(engine: AsyncEngine, master: MasterKey, case_id: UUID) -> list[Recorded]:
    kinds = (flow.NOTICE_DELIVERED, flow.NOTICE_FAILED)
    async with engine.connect() as connection:
        history = (await read_histories(connection, master, [case_id], kinds))[case_id]
    return history.all_of(*kinds)


async def due(engine: AsyncEngine) -> list[tuple[int, datetime]]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT attempts, due_at FROM notification_deliveries"))
        return [(row[0], row[1]) for row in rows]


def types(events: Sequence[Recorded]) -> list[str]:
    return [e.type for e in events]


async def test_a_scheduled_notice_goes_out_and_is_done(
    engine: AsyncEngine, master: MasterKey, receiver: Receiver
) -> None:
    cases = await prepare(engine, master, 40)
    deliverer = deliverer_of(engine, master, receiver)
    assert len(await due(engine)) == 40
    assert [await deliverer.deliver_due(datetime.now(UTC)) for _ in range(3)] == [32, 8, 0]
    assert len(set(receiver.taken())) == len(receiver.taken()) == 40
    for case_id in cases:
        assert types(await notices(engine, master, case_id)) == [flow.NOTICE_DELIVERED]
    assert await due(engine) == []
    assert (await verify(engine)).problems == []


async def test_failures_back_off_and_the_last_one_is_final(
    engine: AsyncEngine, master: MasterKey, receiver: Receiver
) -> None:
    (case_id,) = await prepare(engine, master)
    receiver.answers = [(503, {}, b"")] * 3
    deliverer = deliverer_of(engine, master, receiver, attempts=3)
    given_up = REGISTRY.get_sample_value(
        "priorauth_notice_attempts_total", {"channel": "webhook", "result": "given_up"}
    )
    for attempt in (1, 2):
        assert await deliverer.deliver_due(datetime.now(UTC) + timedelta(hours=attempt)) == 1
        ended = (await notices(engine, master, case_id))[-1].occurred_at
        assert await due(engine) == [(attempt, ended + BACKOFF * 2 ** (attempt - 1))]
        assert await deliverer.deliver_due(ended + BACKOFF * 2 ** (attempt - 1) - timedelta(seconds=1)) == 0
    assert await deliverer.deliver_due(datetime.now(UTC) + timedelta(hours=3)) == 1
    assert await due(engine) == []
    data = [e.data() for e in await notices(engine, master, case_id)]
    told = [(d.attempt, d.error, d.final) for d in data if isinstance(d, NoticeFailed)]
    assert told == [(1, "http_503", False), (2, "http_503", False), (3, "http_503", True)]
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 1
    after = REGISTRY.get_sample_value("priorauth_notice_attempts_total", {"channel": "webhook", "result": "given_up"})
    assert after == (given_up or 0) + 1


async def test_gone_ends_the_attempts(engine: AsyncEngine, master: MasterKey, receiver: Receiver) -> None:
    (case_id,) = await prepare(engine, master)
    receiver.answers = [(410, {}, b"")]
    await deliverer_of(engine, master, receiver).deliver_due(datetime.now(UTC))
    (failed,) = await notices(engine, master, case_id)
    data = failed.data()
    assert isinstance(data, NoticeFailed)
    assert (data.error, data.final) == ("http_410", True)
    assert await due(engine) == []


async def test_a_crash_between_send_and_record_sends_the_same_notice_again(
    engine: AsyncEngine, master: MasterKey, receiver: Receiver
) -> None:
    (case_id,) = await prepare(engine, master)
    now = datetime.now(UTC)
    async with engine.begin() as connection:
        (claimed,) = await claim(connection, now, now + LEASE, 10)
    assert await deliverer_of(engine, master, receiver).deliver_due(now) == 0
    assert await deliverer_of(engine, master, receiver).deliver_due(now + LEASE + timedelta(seconds=1)) == 1
    assert receiver.taken() == [str(claimed.notice_id)]
    assert types(await notices(engine, master, case_id)) == [flow.NOTICE_DELIVERED]


async def test_two_processes_that_make_the_same_attempt_record_it_once(
    engine: AsyncEngine, master: MasterKey, receiver: Receiver
) -> None:
    (case_id,) = await prepare(engine, master)
    now = datetime.now(UTC)
    both = [deliverer_of(engine, master, receiver) for _ in range(2)]
    # The second one's clock is past the lease of the first, which is still sending.
    receiver.hold = asyncio.Event()
    rounds = [asyncio.create_task(both[0].deliver_due(now))]
    await eventually(lambda: len(receiver.requests) == 1)
    rounds.append(asyncio.create_task(both[1].deliver_due(now + LEASE + timedelta(seconds=1))))
    await eventually(lambda: len(receiver.requests) == 2)
    receiver.hold.set()
    await asyncio.gather(*rounds)
    assert len(receiver.taken()) == 2
    assert types(await notices(engine, master, case_id)) == [flow.NOTICE_DELIVERED]
    assert await due(engine) == []


async def test_processes_share_the_work(engine: AsyncEngine, master: MasterKey, receiver: Receiver) -> None:
    await prepare(engine, master, 50)
    now = datetime.now(UTC)
    made = await asyncio.gather(*(deliverer_of(engine, master, receiver).deliver_due(now) for _ in range(3)))
    assert sum(made) == 50
    assert len(set(receiver.taken())) == len(receiver.taken()) == 50


async def test_no_transaction_is_open_while_a_notice_is_sent(
    engine: AsyncEngine, master: MasterKey, receiver: Receiver
) -> None:
    await prepare(engine, master)
    receiver.hold = asyncio.Event()
    sending = asyncio.create_task(deliverer_of(engine, master, receiver).deliver_due(datetime.now(UTC)))
    await eventually(lambda: len(receiver.requests) == 1)
    query = "SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database()"
    async with engine.connect() as connection:
        assert (await connection.execute(text(query))).scalar_one() == 0
    receiver.hold.set()
    assert await sending == 1


async def test_what_was_sent_is_recorded_when_the_database_is_back(
    engine: AsyncEngine, master: MasterKey, receiver: Receiver, settings: Settings
) -> None:
    (case_id,) = await prepare(engine, master)
    async with Proxy(settings) as proxy:
        await proxy.open()
        shaky = make_engine(proxy.settings)
        receiver.hold = asyncio.Event()
        sending = asyncio.create_task(deliverer_of(shaky, master, receiver).deliver_due(datetime.now(UTC)))
        await eventually(lambda: len(receiver.requests) == 1)
        await proxy.shut()
        receiver.hold.set()
        await eventually(lambda: len(receiver.taken()) == 1)
        await proxy.open()
        assert await asyncio.wait_for(sending, 20) == 1
        await shaky.dispose()
    assert types(await notices(engine, master, case_id)) == [flow.NOTICE_DELIVERED]
    assert len(receiver.taken()) == 1


async def test_an_erased_case_is_dropped_and_holds_up_no_other(
    engine: AsyncEngine, master: MasterKey, receiver: Receiver, settings: Settings
) -> None:
    erased, kept = await prepare(engine, master, 2)
    owner = make_engine(settings.model_copy(update={"service_database_url": settings.database_url}))
    async with owner.begin() as connection:
        await connection.execute(text("DELETE FROM case_keys WHERE case_id = :id"), {"id": erased})
    await owner.dispose()
    await deliverer_of(engine, master, receiver).deliver_due(datetime.now(UTC))
    assert len(receiver.taken()) == 1
    assert await due(engine) == []
    assert types(await notices(engine, master, kept)) == [flow.NOTICE_DELIVERED]


async def test_a_delivery_that_names_no_notice_holds_up_no_other(
    engine: AsyncEngine, master: MasterKey, receiver: Receiver
) -> None:
    await prepare(engine, master, 2)
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "UPDATE notification_deliveries SET sequence = 77 "
                "WHERE notice_id = (SELECT min(notice_id::text)::uuid FROM notification_deliveries)"
            )
        )
    await deliverer_of(engine, master, receiver).deliver_due(datetime.now(UTC))
    assert len(receiver.taken()) == 1
    assert await due(engine) == []


async def test_the_loop_is_woken_and_ends_with_its_round_recorded(
    engine: AsyncEngine, master: MasterKey, receiver: Receiver
) -> None:
    deliverer = deliverer_of(engine, master, receiver)
    running = asyncio.create_task(deliverer.run())
    case_id = await write_case(engine, master, APPROVED)
    told = [m for m in await messages(engine, [case_id]) if m.type in flow.DETERMINATIONS]
    receiver.hold = asyncio.Event()
    await Consumer(flow.NOTIFICATION, PrepareNotice("webhook", deliverer.wake), engine, master).consume(told)
    await eventually(lambda: len(receiver.requests) == 1)
    running.cancel()
    receiver.hold.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert types(await notices(engine, master, case_id)) == [flow.NOTICE_DELIVERED]


async def test_scheduling_again_changes_nothing(engine: AsyncEngine, master: MasterKey) -> None:
    (case_id,) = await prepare(engine, master)
    before = await due(engine)
    told = [m for m in await messages(engine, [case_id]) if m.type in flow.DETERMINATIONS]
    await Consumer(flow.NOTIFICATION, PrepareNotice("webhook"), engine, master).consume(told)
    async with engine.begin() as connection:
        await schedule(connection, [])
    assert await due(engine) == before


async def test_an_attempt_stays_in_the_cases_trace(engine: AsyncEngine, master: MasterKey, receiver: Receiver) -> None:
    trace.set_tracer_provider(TracerProvider())
    (case_id,) = await prepare(engine, master)
    await deliverer_of(engine, master, receiver).deliver_due(datetime.now(UTC))
    (delivered,) = await notices(engine, master, case_id)
    assert delivered.traceparent is not None
    assert delivered.traceparent.split("-")[1] == TRACEPARENT.split("-")[1]
    assert delivered.traceparent != TRACEPARENT
