"""The console's read API over a real database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.api import add_views
from services.console.handlers import Projector, publish
from services.console.store import count_cases
from shared import flow
from shared.journal.crypto import MasterKey
from shared.platform.http import make_api
from tests.support.cases import CLINICIAN, Happening, messages, write_case

HOUR = timedelta(hours=1)
SUBMITTED = [Happening(flow.CASE_SUBMITTED)]
REFERRED = [
    Happening(flow.CASE_SUBMITTED, priority="expedited"),
    Happening(flow.CRITERIA_EVALUATED),
    Happening(flow.EVIDENCE_ATTACHED),
    Happening(flow.CASE_REFERRED),
]
DENIED = [*REFERRED, Happening(flow.CASE_DENIED, HOUR, CLINICIAN)]
HELD = [*SUBMITTED, Happening(flow.CASE_QUARANTINED, public={"consumer": "determination", "error": "ValueError"})]


@pytest_asyncio.fixture(loop_scope="session")
async def client(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    """The application over a projection that holds nothing yet."""
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE console_cases"))
    api = make_api("console", "console", {})
    add_views(api, engine)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://console") as opened:
        yield opened


async def add(engine: AsyncEngine, master: MasterKey, happenings: list[Happening], payer: str, ago: timedelta) -> UUID:
    case_id = await write_case(engine, master, happenings, payer=payer, start=datetime.now(UTC) - ago)
    await Projector(engine, gather_seconds=0).consume(await messages(engine, [case_id]))
    return case_id


async def test_lists_are_keyset_pages_newest_first(
    engine: AsyncEngine, master: MasterKey, client: httpx.AsyncClient
) -> None:
    cases = [await add(engine, master, SUBMITTED, "Cascade", n * HOUR) for n in range(7)]
    cases.sort(reverse=True)
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = (await client.get("/cases", params={"limit": "3", **after})).json()
        seen += [c["id"] for c in page["cases"]]
        if page["next"] is None:
            break
        assert len(page["cases"]) == 3
        after = {"after": page["next"]}
    assert seen == [str(c) for c in cases]


async def test_lists_are_filtered(engine: AsyncEngine, master: MasterKey, client: httpx.AsyncClient) -> None:
    first = await add(engine, master, SUBMITTED, "Cascade", HOUR)
    denied = await add(engine, master, DENIED, "Cascade", HOUR)
    other = await add(engine, master, DENIED, "Harbor", HOUR)
    held = await add(engine, master, HELD, "Harbor", HOUR)

    async def ids(**params: str) -> set[UUID]:
        answer = await client.get("/cases", params=params)
        assert answer.status_code == 200
        return {UUID(c["id"]) for c in answer.json()["cases"]}

    assert await ids(state="denied") == {denied, other}
    assert await ids(payer="Harbor") == {other, held}
    assert await ids(payer="Harbor", state="denied") == {other}
    assert await ids(quarantined="true") == {held}
    assert await ids(quarantined="false", payer="Cascade") == {first, denied}
    assert await ids(payer="' OR true --") == set()


async def test_a_case_has_its_timeline_without_a_clinicians_id(
    engine: AsyncEngine, master: MasterKey, client: httpx.AsyncClient
) -> None:
    case_id = await add(engine, master, DENIED, "Cascade", 5 * HOUR)
    answer = await client.get(f"/cases/{case_id}")
    case = answer.json()
    assert (case["state"], case["outcome"], case["events"], case["overdue"]) == ("denied", "denied", 5, False)
    assert [(s["sequence"], s["type"]) for s in case["timeline"]][-1] == (5, flow.CASE_DENIED)
    assert case["timeline"][-1]["actor"] == "clinician"
    assert case["timeline"][-1]["facts"]["outcome"] == "denied"
    assert CLINICIAN.partition(":")[2] not in answer.text


async def test_what_is_not_there_or_not_valid_is_a_problem(client: httpx.AsyncClient) -> None:
    missing = await client.get(f"/cases/{uuid4()}")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    assert (await client.get("/cases/nonsense")).status_code == 422
    assert (await client.get("/cases", params={"limit": 0})).status_code == 422
    unknown = await client.get("/cases", params={"state": "pending"})
    assert unknown.status_code == 422
    assert "in_review" in unknown.json()["detail"]


@pytest.mark.parametrize("state", ["waiting", "decided", "cancelled"])
async def test_only_an_undecided_case_is_overdue(
    engine: AsyncEngine, master: MasterKey, client: httpx.AsyncClient, state: str
) -> None:
    happenings = {
        "waiting": REFERRED,
        "decided": DENIED,
        "cancelled": [*REFERRED, Happening(flow.CASE_CANCELLED)],
    }[state]
    case_id = await add(engine, master, happenings, "Cascade", 100 * HOUR)
    assert (await client.get(f"/cases/{case_id}")).json()["overdue"] is (state == "waiting")
    assert (await client.get("/summary")).json()["overdue"] == ({"expedited": 1} if state == "waiting" else {})


async def test_summary_and_gauges_agree(engine: AsyncEngine, master: MasterKey, client: httpx.AsyncClient) -> None:
    for happenings in (SUBMITTED, HELD, REFERRED, DENIED):
        await add(engine, master, happenings, "Cascade", 100 * HOUR)
    summary = (await client.get("/summary")).json()
    async with engine.connect() as connection:
        publish(await count_cases(connection, datetime.now(UTC)))
    assert summary["cases"] == 4
    assert summary["quarantined"] == REGISTRY.get_sample_value("priorauth_cases_in_quarantine") == 1
    for state, number in summary["states"].items():
        assert REGISTRY.get_sample_value("priorauth_cases", {"state": state}) == number
    assert summary["states"]["submitted"] == 2
    assert REGISTRY.get_sample_value("priorauth_cases_overdue", {"priority": "expedited"}) == 1
    assert REGISTRY.get_sample_value("priorauth_cases_overdue", {"priority": "standard"}) == 0
