"""The console's pages over a real database: who is let in, what they show, what they take, and what they say of moves."""

import asyncio
import hashlib
import html
import json
import re
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from services.console.access import COOKIE, new_pass
from services.console.rendering import POLICY
from shared import flow
from shared.case.view import determination_view
from shared.journal.store import CONTENT_OF_DETERMINATION, read_histories
from tests.support.cases import CLINICIAN, Happening, write_case
from tests.support.console import APPROVED, ASKED, CLINICIAN_TOKEN, READER_TOKEN, REFERRED, Desk, desk
from tests.support.consuming import MASTER
from tests.support.servers import execute

NOTE_WITH_MARKUP = "HISTORY: <script>alert('x')</script> SINS 13 & worsening low back pain \U0001d518."


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(database: str) -> AsyncIterator[Desk]:
    async with desk(database, console_user_header="X-User") as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def approved(console: Desk) -> UUID:
    return await console.workshop.finish(await console.workshop.submit(APPROVED.read_bytes()))


@pytest_asyncio.fixture(loop_scope="session")
async def anonymous(console: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with console.client(None) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def clinician(console: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """A clinician's browser: a session, and no token in its requests."""
    async with console.client(None) as client:
        await client.get(console.link())
        assert COOKIE in client.cookies
        yield client


def demo(path: str, identifier: str, change: Callable[[str], str] | None = None) -> bytes:
    """A demo case as a request of its own, its note changed."""
    bundle = json.loads((APPROVED.parent / path).read_bytes())
    bundle["identifier"] = {**bundle["identifier"], "value": identifier}
    for resource in (entry["resource"] for entry in bundle["entry"]):
        if resource["resourceType"] == "Claim":
            resource["identifier"] = [{"system": "urn:test", "value": identifier}]
        if resource["resourceType"] == "DocumentReference" and change is not None:
            attachment = resource["content"][0]["attachment"]
            attachment["data"] = b64encode(change(b64decode(attachment["data"]).decode()).encode()).decode()
    return json.dumps(bundle).encode()


class TestEntry:
    PAGES = ("/", "/ui/cases/{case}", "/ui/cases/{case}/notes/1", "/ui/cases/{case}/letter", "/ui/events")

    @pytest.mark.parametrize("path", [*PAGES, "/ui/cases/{case}/letter.pdf", "/ui/cases/{case}/events"])
    async def test_nobody_sees_a_page_without_signing_in(
        self, anonymous: httpx.AsyncClient, approved: UUID, path: str
    ) -> None:
        answer = await anonymous.get(path.format(case=approved))
        assert answer.status_code == 401
        assert "Sign in" in answer.text and "Approved" not in answer.text

    async def test_a_token_starts_a_session_and_leads_back(self, anonymous: httpx.AsyncClient, approved: UUID) -> None:
        back = f"/ui/cases/{approved}"
        refused = await anonymous.post("/ui/session", data={"token": "a guess", "back": back})
        assert refused.status_code == 401 and COOKIE not in refused.cookies
        answer = await anonymous.post("/ui/session", data={"token": READER_TOKEN, "back": back})
        assert (answer.status_code, answer.headers["location"]) == (303, back)
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=lax" in cookie
        assert READER_TOKEN not in answer.headers["set-cookie"]
        assert (await anonymous.get(back)).status_code == 200

    @pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "/ui/cases/../x", "x"])
    async def test_a_session_leads_to_our_own_pages_alone(self, anonymous: httpx.AsyncClient, back: str) -> None:
        answer = await anonymous.post("/ui/session", data={"token": READER_TOKEN, "back": back})
        assert answer.headers["location"] == "/"

    async def test_a_link_lets_in_once(self, console: Desk, anonymous: httpx.AsyncClient, approved: UUID) -> None:
        link = console.link(path=f"?case={approved}")
        answer = await anonymous.get(link)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/ui/cases/{approved}")
        async with console.client(None) as other:
            again = await other.get(link)
        assert again.status_code == 403 and COOKIE not in again.cookies

    async def test_a_pass_of_another_kind_or_person_is_no_session(self, console: Desk) -> None:
        link = new_pass(console.settings, "link", "reader", 600)
        unknown = new_pass(console.settings, "session", "reader", 600).replace("c", "d", 1)
        expired = new_pass(console.settings, "session", "reader", -1)
        for value in (link, unknown, expired, "", "x.y"):
            async with console.client(None) as client:
                answer = await client.get("/", headers={"Cookie": f"{COOKIE}={value}"})
            assert answer.status_code == 401

    async def test_a_gateway_names_the_person_beside_its_own_token(self, console: Desk) -> None:
        async with console.client(READER_TOKEN) as gateway:
            assert (await gateway.get("/")).status_code == 401
            page = await gateway.get("/", headers={"X-User": "ana@payer.example"})
        assert page.status_code == 200 and "ana@payer.example" in page.text
        async with console.client(None) as stranger:
            assert (await stranger.get("/", headers={"X-User": "ana@payer.example"})).status_code == 401

    async def test_signing_out_ends_the_session(self, clinician: httpx.AsyncClient) -> None:
        token = _field((await clinician.get("/")).text, "form")
        await clinician.post("/ui/leave", data={"form": token})
        assert (await clinician.get("/")).status_code == 401


@pytest.mark.parametrize(
    "path", ["/", "/ui/cases/{case}", "/ui/nothing", "/cases", "/ui/static/console.css", "/readyz"]
)
async def test_every_answer_carries_the_headers(clinician: httpx.AsyncClient, approved: UUID, path: str) -> None:
    headers = (await clinician.get(path.format(case=approved))).headers
    assert headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY and POLICY.startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    if "static" not in path:
        assert headers["cache-control"] == "no-store"


class TestCase:
    async def test_it_shows_the_conclusion_and_where_the_chart_says_so(
        self, clinician: httpx.AsyncClient, approved: UUID
    ) -> None:
        page = (await clinician.get(f"/ui/cases/{approved}")).text
        for said in ("Approved", "A malignancy is confirmed", "Does not apply", "Unverified source", "expedited"):
            assert said in page
        links = re.findall(rf'href="/ui/cases/{approved}/notes/1#(q-\d+-\d+)"', page)
        note = (await clinician.get(f"/ui/cases/{approved}/notes/1")).text
        assert len(set(links)) > 30
        assert set(links) <= set(re.findall(r'<mark id="(q-\d+-\d+)"', note))
        for event_type in (flow.CASE_SUBMITTED, flow.CRITERIA_EVALUATED, flow.CASE_APPROVED, flow.NOTICE_PREPARED):
            assert event_type in page

    async def test_nothing_of_the_chart_stands_in_an_address(
        self, clinician: httpx.AsyncClient, approved: UUID
    ) -> None:
        page = (await clinician.get(f"/ui/cases/{approved}")).text
        addresses = re.findall(r'(?:href|src|action|hx-get|sse-connect)="([^"]+)"', page)
        shapes = {re.sub(r"v=\w{16}|q-\d+-\d+", "", a).replace(str(approved), "ID") for a in addresses}
        for shape in shapes:
            assert re.fullmatch(r"[#/][\w/.?=#-]*", shape), shape

    async def test_what_is_missing_and_what_would_turn_it_is_said(
        self, console: Desk, clinician: httpx.AsyncClient
    ) -> None:
        def short(note: str) -> str:
            return note.replace("survival more than 12 months", "survival about 1 month")

        for body, key, word in (
            (ASKED.read_bytes(), "missing", "question"),
            (demo(APPROVED.name, "short", short), "why_not", "needs"),
        ):
            case_id = await console.workshop.finish(await console.workshop.submit(body))
            page = html.unescape((await clinician.get(f"/ui/cases/{case_id}")).text)
            async with console.workshop.engine.connect() as connection:
                history = (await read_histories(connection, MASTER, [case_id], CONTENT_OF_DETERMINATION))[case_id]
            document = determination_view(history)
            assert document is not None and document[key]
            for entry in document[key]:
                assert entry[word] in page

    async def test_a_note_is_text_whatever_it_says(self, console: Desk, clinician: httpx.AsyncClient) -> None:
        body = demo(APPROVED.name, "markup", lambda _: NOTE_WITH_MARKUP)
        case_id = await console.workshop.finish(await console.workshop.submit(body))
        note = (await clinician.get(f"/ui/cases/{case_id}/notes/1", headers={"HX-Request": "true"})).text
        assert "<html" not in note and "<script" not in note
        text = re.search(r'<div class="notetext"[^>]*>(.*?)</div>', note, re.DOTALL)
        assert text is not None
        assert html.unescape(re.sub(r"</?mark[^>]*>", "", text.group(1))) == NOTE_WITH_MARKUP
        assert re.search(r"<mark[^>]*>SINS 13</mark>", note)

    async def test_a_note_of_any_size_is_shown(self, console: Desk, clinician: httpx.AsyncClient) -> None:
        long = "Seen again; no change.\n" * 90_000 + "SINS 13."
        case_id = await console.workshop.submit(demo(APPROVED.name, "long", lambda _: long))
        note = (await clinician.get(f"/ui/cases/{case_id}/notes/1")).text
        assert len(note) > len(long) and "SINS 13." in note

    async def test_a_case_on_its_way_and_one_that_is_not_there(
        self, console: Desk, clinician: httpx.AsyncClient
    ) -> None:
        case_id = await console.workshop.submit(demo(REFERRED.name, "on-its-way"))
        page = await clinician.get(f"/ui/cases/{case_id}")
        assert page.status_code == 200 and "There is no determination yet" in page.text
        for path in ("", "/notes/1", "/letter", "/letter.pdf"):
            missing = await clinician.get(f"/ui/cases/{uuid4()}{path}")
            assert missing.status_code == 404 and "There is no case with that id." in missing.text
        for path in ("/notes/1", "/notes/0", "/notes/-1", "/letter", "/trace"):
            assert (await clinician.get(f"/ui/cases/{case_id}{path}")).status_code == 404

    async def test_an_erased_case_keeps_its_timeline(
        self, console: Desk, clinician: httpx.AsyncClient, database: str
    ) -> None:
        case_id = await console.workshop.finish(await console.workshop.submit(demo(APPROVED.name, "to-erase")))
        await execute(database, f"DELETE FROM document_keys WHERE case_id = '{case_id}'")
        await execute(database, f"DELETE FROM case_keys WHERE case_id = '{case_id}'")
        page = await clinician.get(f"/ui/cases/{case_id}")
        assert page.status_code == 200
        assert "was erased" in page.text and flow.CASE_APPROVED in page.text
        assert "malignancy" not in page.text
        for path in ("/notes/1", "/letter"):
            assert (await clinician.get(f"/ui/cases/{case_id}{path}")).status_code == 410

    async def test_the_letter_is_sandboxed_with_its_own_style_and_nothing_else(
        self, clinician: httpx.AsyncClient, approved: UUID
    ) -> None:
        answer = await clinician.get(f"/ui/cases/{approved}/letter")
        policy = answer.headers["content-security-policy"]
        assert "sandbox" in policy and "frame-ancestors 'self'" in policy and "unsafe" not in policy
        [style] = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
        [digest] = re.findall(r"'sha256-([^']+)'", policy)
        assert b64decode(digest) == hashlib.sha256(style.encode()).digest()
        pdf = await clinician.get(f"/ui/cases/{approved}/letter.pdf")
        assert pdf.content.startswith(b"%PDF")


class TestList:
    async def test_pages_are_followed_to_the_end_and_filters_are_kept(
        self, console: Desk, clinician: httpx.AsyncClient
    ) -> None:
        workshop, payer = console.workshop, "Larch & Sons"
        happenings = [Happening(flow.CASE_SUBMITTED)]
        cases = [await write_case(workshop.engine, MASTER, happenings, payer=payer) for _ in range(53)]
        for case_id in cases:
            await workshop.project(case_id)
        page = (await clinician.get("/", params={"payer": payer})).text
        first = re.findall(r'id="case-([0-9a-f-]+)"', page)
        [older] = re.findall(r'<a href="([^"]+)">Older cases</a>', page)
        rest = (await clinician.get(html.unescape(older))).text
        assert [UUID(i) for i in first + re.findall(r'id="case-([0-9a-f-]+)"', rest)] == sorted(cases, reverse=True)
        assert "Older cases" not in rest
        assert "sse-connect" in page and "sse-connect" not in rest

    async def test_a_case_in_quarantine_is_flagged_and_found(self, console: Desk, clinician: httpx.AsyncClient) -> None:
        held = [Happening(flow.CASE_SUBMITTED), Happening(flow.CASE_QUARANTINED)]
        case_id = await write_case(console.workshop.engine, MASTER, held)
        await console.workshop.project(case_id)
        page = (await clinician.get("/", params={"quarantined": "true"})).text
        assert re.findall(r'id="case-([0-9a-f-]+)"', page) == [str(case_id)]
        assert "In quarantine" in page
        assert (await clinician.get("/", params={"state": "pending"})).status_code == 422


def _field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, name
    return html.unescape(found.group(1))


class TestDecision:
    @pytest_asyncio.fixture(loop_scope="session")
    async def referred(self, console: Desk) -> UUID:
        return await console.workshop.finish(await console.workshop.submit(demo(REFERRED.name, str(uuid4()))))

    async def fields(self, client: httpx.AsyncClient, case_id: UUID, **given: str) -> dict[str, str]:
        page = (await client.get(f"/ui/cases/{case_id}")).text
        form = page[page.index('id="decision-title"') :]
        return {"form": _field(form, "form"), "key": _field(form, "key"), "rationale": "Reviewed.", **given}

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

    @pytest.mark.parametrize("given", [{"decision": "deny", "rationale": "  "}, {"decision": "destroy"}, {}])
    async def test_what_is_missing_is_said_and_nothing_is_lost(
        self, console: Desk, clinician: httpx.AsyncClient, referred: UUID, given: dict[str, str]
    ) -> None:
        fields = await self.fields(clinician, referred, **given)
        answer = await clinician.post(f"/ui/cases/{referred}/decisions", data=fields)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text and fields["rationale"].strip() in answer.text
        assert _field(answer.text, "key") == fields["key"]
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
