"""Who is let in to the console's pages, and what every answer of it carries."""

from uuid import UUID

import httpx
import pytest

from services.console.access import COOKIE, new_pass
from services.console.rendering import POLICY
from tests.support.console import READER_TOKEN, Desk, field


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
        token = field((await clinician.get("/")).text, "form")
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
