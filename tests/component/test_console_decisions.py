"""Decisions from the console's pages, and what the pages hear of cases that move."""

import asyncio
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from services.console.access import new_pass
from shared import flow
from shared.journal.store import read_histories
from tests.support.cases import CLINICIAN, Happening, write_case
from tests.support.console import CLINICIAN_TOKEN, REFERRED, Desk, demo, desk, field
from tests.support.consuming import MASTER


class TestDecision:
    @pytest_asyncio.fixture(loop_scope="session")
    async def referred(self, console: Desk) -> UUID:
        return await console.workshop.finish(await console.workshop.submit(demo(REFERRED.name, str(uuid4()))))

    async def fields(self, client: httpx.AsyncClient, case_id: UUID, **given: str) -> dict[str, str]:
        page = (await client.get(f"/ui/cases/{case_id}")).text
        form = page[page.index('id="decision-title"') :]
        return {"form": field(form, "form"), "key": field(form, "key"), "rationale": "Reviewed.", **given}

    async def types(self, console: Desk, case_id: UUID) -> list[tuple[str, str]]:
        async with console.workshop.engine.connect() as connection:
            history = (await read_histories(connection, MASTER, [case_id]))[case_id]
        return [(e.type, e.actor) for e in history.events]

    @pytest.mark.parametrize(
        ("decision", "event_type"),
        [
            ("approve", flow.CASE_APPROVED),
            ("approve_partly", flow.CASE_PARTLY_APPROVED),
            ("deny", flow.CASE_DENIED),
            ("request_information", flow.CASE_INFORMATION_REQUESTED),
            ("open_peer_to_peer", flow.PEER_TO_PEER_OPENED),
        ],
    )
    async def test_a_clinician_decides_under_their_own_name_and_once(
        self, console: Desk, clinician: httpx.AsyncClient, referred: UUID, decision: str, event_type: str
    ) -> None:
        fields = await self.fields(clinician, referred, decision=decision, rationale="Seen with “imaging” <b>.")
        path = f"/ui/cases/{referred}/decisions"
        first = await clinician.post(path, data=fields, headers={"Origin": console.url})
        assert (first.status_code, first.headers["location"]) == (303, f"/ui/cases/{referred}")
        await clinician.post(path, data=fields)
        recorded = await self.types(console, referred)
        assert [entry for entry in recorded if entry[0] == event_type] == [(event_type, "clinician:dr-osei")]
        page = (await clinician.get(f"/ui/cases/{referred}")).text
        assert "Seen with “imaging” &lt;b&gt;." in page
        has_letter = (await clinician.get(f"/ui/cases/{referred}/letter")).status_code == 200
        assert ("<iframe" in page) is has_letter
        assert has_letter is (decision not in {"approve_partly", "deny"})

    @pytest.mark.parametrize("given", [{"decision": "deny", "rationale": "  "}, {"decision": "destroy"}, {}])
    async def test_what_is_missing_is_said_and_nothing_is_lost(
        self, console: Desk, clinician: httpx.AsyncClient, referred: UUID, given: dict[str, str]
    ) -> None:
        fields = await self.fields(clinician, referred, **given)
        answer = await clinician.post(f"/ui/cases/{referred}/decisions", data=fields)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text and fields["rationale"].strip() in answer.text
        assert field(answer.text, "key") == fields["key"]
        assert not any(actor.startswith("clinician") for _, actor in await self.types(console, referred))

    async def test_a_case_that_has_moved_on_takes_no_decision(
        self, console: Desk, clinician: httpx.AsyncClient, referred: UUID
    ) -> None:
        fields = await self.fields(clinician, referred, decision="approve")
        await write_case(
            console.workshop.engine, MASTER, [Happening(flow.CASE_DENIED, actor=CLINICIAN)], case_id=referred
        )
        answer = await clinician.post(f"/ui/cases/{referred}/decisions", data=fields)
        assert answer.status_code == 409
        assert "The case has moved on" in answer.text and "Reviewed." not in answer.text

    async def test_another_sites_form_and_a_borrowed_one_are_refused(
        self, console: Desk, clinician: httpx.AsyncClient, referred: UUID
    ) -> None:
        path, good = f"/ui/cases/{referred}/decisions", await self.fields(clinician, referred, decision="approve")
        borrowed = {**good, "form": new_pass(console.settings, "form", "reader", 600)}
        session = {**good, "form": new_pass(console.settings, "session", "dr-osei", 600)}
        attempts: list[tuple[dict[str, str], dict[str, str]]] = [
            (good, {"Origin": "https://elsewhere.example"}),
            (good, {"Origin": "null"}),
            (good, {"Sec-Fetch-Site": "cross-site"}),
            (good, {"Sec-Fetch-Site": "same-site"}),
            ({**good, "form": ""}, {}),
            (borrowed, {}),
            (session, {}),
        ]
        for fields, headers in attempts:
            assert (await clinician.post(path, data=fields, headers=headers)).status_code == 403, (fields, headers)
        assert (await clinician.post(path, json=good)).status_code == 415
        assert not any(actor.startswith("clinician") for _, actor in await self.types(console, referred))

    async def test_a_reader_may_look_and_not_decide(self, console: Desk, referred: UUID) -> None:
        async with console.client(None) as reader:
            await reader.get(console.link("reader"))
            page = (await reader.get(f"/ui/cases/{referred}")).text
            assert "You may look" in page and 'name="decision"' not in page
            fields = {"form": new_pass(console.settings, "form", "reader", 600), "decision": "deny", "rationale": "No."}
            assert (await reader.post(f"/ui/cases/{referred}/decisions", data=fields)).status_code == 403
        assert flow.CASE_DENIED not in [t for t, _ in await self.types(console, referred)]

    async def test_without_an_address_the_page_is_read_only_and_away_is_said(
        self, database: str, referred: UUID
    ) -> None:
        for address, expected in (("", 403), ("http://127.0.0.1:1", 503)):
            async with desk(database, determination_url=address) as other, other.client(None) as client:
                await client.get(other.link())
                page = (await client.get(f"/ui/cases/{referred}")).text
                assert ('name="decision"' in page) is bool(address)
                fields = {"form": new_pass(other.settings, "form", "dr-osei", 600), "decision": "approve"}
                answer = await client.post(f"/ui/cases/{referred}/decisions", data={**fields, "rationale": "Fine."})
                assert answer.status_code == expected

    async def test_a_bearer_token_serves_as_well(self, console: Desk, referred: UUID) -> None:
        async with console.client(CLINICIAN_TOKEN) as client:
            fields = await self.fields(client, referred, decision="approve")
            assert (await client.post(f"/ui/cases/{referred}/decisions", data=fields)).status_code == 303


class TestStream:
    async def test_a_page_hears_that_its_case_moved_and_only_that(
        self, console: Desk, clinician: httpx.AsyncClient
    ) -> None:
        workshop = console.workshop
        case_id = await workshop.submit(demo(REFERRED.name, str(uuid4())))
        heard: list[str] = []

        async def listen() -> None:
            path = f"/ui/cases/{case_id}/events?after=1"
            async with clinician.stream("GET", path) as stream:
                assert stream.headers["content-type"].startswith("text/event-stream")
                async for line in stream.aiter_lines():
                    heard.append(line)
                    if line == "data: 5":
                        return

        listening = asyncio.create_task(listen())
        await workshop.submit(demo(REFERRED.name, str(uuid4())))
        await workshop.finish(case_id)
        await asyncio.wait_for(listening, 30)
        numbers = [int(line.removeprefix("data: ")) for line in heard if line.startswith("data: ")]
        assert numbers == sorted(set(numbers)) and numbers[0] > 1
        assert {line.partition(":")[0] for line in heard} <= {"retry", "event", "id", "data", ""}

    async def test_what_happened_before_the_stream_is_told_at_once(
        self, clinician: httpx.AsyncClient, approved: UUID
    ) -> None:
        async with asyncio.timeout(30), clinician.stream("GET", f"/ui/cases/{approved}/events?after=2") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    break
        assert line == "data: 5"
