"""What the console's pages show of cases, over a real database."""

import hashlib
import html
import re
from base64 import b64decode
from uuid import UUID, uuid4

import httpx

from shared import flow
from shared.case.view import determination_view
from shared.journal.access import last_access, read_accesses, verify_accesses
from shared.journal.letters import Form, keep_letters
from shared.journal.store import CONTENT_OF_DETERMINATION, read_histories
from tests.support.cases import Happening, write_case
from tests.support.console import APPROVED, ASKED, REFERRED, Desk, demo
from tests.support.consuming import MASTER
from tests.support.servers import execute

NOTE_WITH_MARKUP = "HISTORY: <script>alert('x')</script> SINS 13 & worsening low back pain \U0001d518."


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

    async def test_whoever_looks_is_in_the_access_log(
        self, console: Desk, clinician: httpx.AsyncClient, approved: UUID
    ) -> None:
        for path in ("", "/notes/1"):
            assert (await clinician.get(f"/ui/cases/{approved}{path}")).status_code == 200
        async with console.workshop.engine.connect() as connection:
            seen = [a async for a in read_accesses(connection, approved)]
            assert [p async for p in verify_accesses(connection, await last_access(connection))] == []
        assert {"case page", "note"} <= {a.action for a in seen}
        assert all(a.who.startswith("console:") and a.why == "review" for a in seen)

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

    async def test_a_determination_that_was_left_behind_is_called_so(
        self, console: Desk, clinician: httpx.AsyncClient
    ) -> None:
        case_id = await console.workshop.finish(await console.workshop.submit(demo(ASKED.name, "left-behind")))
        before = (await clinician.get(f"/ui/cases/{case_id}")).text
        news = [Happening(flow.INFORMATION_RECEIVED)]
        await write_case(console.workshop.engine, MASTER, news, case_id=case_id)
        after = (await clinician.get(f"/ui/cases/{case_id}")).text
        assert "being evaluated again" in after and "being evaluated again" not in before
        assert "Being evaluated" in after

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
            assert missing.status_code == 404 and "There is no" in missing.text
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
        member = await clinician.get(f"/ui/cases/{approved}/letter", params={"audience": "member"})
        assert member.status_code == 200 and member.text != answer.text

    async def test_a_letter_that_was_given_out_is_shown_as_it_was_kept(
        self, console: Desk, clinician: httpx.AsyncClient
    ) -> None:
        shop = console.workshop
        case_id = await shop.finish(await shop.submit(demo(APPROVED.name, "given-out")))
        async with shop.engine.connect() as connection:
            history = (await read_histories(connection, MASTER, [case_id]))[case_id]
        determination = history.latest(*flow.DETERMINATIONS)
        assert determination is not None
        kept: dict[Form, bytes] = {"html": b"<p>As it went out.</p>", "pdf": b"%PDF as it went out"}
        await keep_letters(
            shop.engine, MASTER, case_id, determination, "provider", "en", kept, service=flow.NOTIFICATION
        )
        assert (await clinician.get(f"/ui/cases/{case_id}/letter")).content == kept["html"]
        assert (await clinician.get(f"/ui/cases/{case_id}/letter.pdf")).content == kept["pdf"]
        assert "As it went out" not in (await clinician.get(f"/ui/cases/{case_id}/letter?audience=member")).text


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
