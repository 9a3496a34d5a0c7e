"""The console in a browser: what axe-core finds, the keyboard, a narrow screen, live updates, and the network."""

import re
import struct
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Literal
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Request, expect

from shared import flow
from tests.support.browser import accessibility_problems
from tests.support.cases import Happening, write_case
from tests.support.console import APPROVED, ASKED, REFERRED, Desk, demo, desk
from tests.support.consuming import MASTER
from tests.support.running import ROOT
from tests.support.screenshots import FOLDER, LARGEST, SCHEMES, SIZE, file_name, shoot

Scheme = Literal["light", "dark"]
PATIENCE = 20_000
"""Milliseconds for what a page does by itself; two cores may be busy."""


@dataclass(frozen=True, slots=True)
class Cases:
    """A case of each outcome of the machine."""

    approved: UUID
    asked: UUID
    referred: UUID


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(database: str) -> AsyncIterator[Desk]:
    async with desk(database) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cases(console: Desk) -> Cases:
    shop = console.workshop
    made = [await shop.finish(await shop.submit(path.read_bytes())) for path in (APPROVED, ASKED, REFERRED)]
    return Cases(*made)


async def referred_anew(console: Desk) -> UUID:
    """A case in review that no other test decides."""
    return await console.workshop.finish(await console.workshop.submit(demo(REFERRED.name, str(uuid4()))))


async def enter(page: Page, console: Desk, case_id: UUID | None = None) -> None:
    """Signs in as a clinician, at the list or at a case."""
    await page.goto(console.link(path=f"?case={case_id}" if case_id else ""))


async def choose_quote(page: Page) -> None:
    """Opens the note at a quote, and waits until it is there."""
    await page.locator("#criteria a.quote").first.click()
    await page.locator("mark.chosen").first.wait_for(timeout=PATIENCE)


PAGES = {
    "the list": "/",
    "a case that was approved": "/ui/cases/{approved}",
    "a case that waits for information": "/ui/cases/{asked}",
    "a case to decide": "/ui/cases/{referred}",
    "a note": "/ui/cases/{approved}/notes/1",
    "nothing": "/ui/cases/00000000-0000-0000-0000-000000000000",
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
async def test_no_page_has_an_accessibility_problem(
    page: Page, console: Desk, cases: Cases, path: str, scheme: Scheme
) -> None:
    await page.emulate_media(color_scheme=scheme)
    await enter(page, console)
    await page.goto(console.url + path.format(**asdict(cases)))
    if path.endswith("{approved}"):
        await page.get_by_role("button", name="Open all").click()
        await choose_quote(page)
    assert await accessibility_problems(page) == ""


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_the_way_in_has_no_accessibility_problem(page: Page, console: Desk, scheme: Scheme) -> None:
    await page.emulate_media(color_scheme=scheme)
    await page.goto(console.url)
    await page.get_by_label("Your token").fill("a guess")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await accessibility_problems(page) == ""


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
async def test_at_320_pixels_nothing_needs_two_directions_of_scrolling(
    page: Page, console: Desk, cases: Cases, path: str
) -> None:
    # 1280 pixels at 400% zoom are as wide as 320: WCAG 1.4.10.
    await page.set_viewport_size({"width": 320, "height": 640})
    await enter(page, console)
    await page.goto(console.url + path.format(**asdict(cases)))
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    assert await accessibility_problems(page) == ""


async def test_a_case_asks_nothing_of_anyone_else_and_breaks_no_policy(page: Page, console: Desk, cases: Cases) -> None:
    asked: set[str] = set()
    said: list[str] = []

    def note(request: Request) -> None:
        asked.add(request.url)

    def hear(message: ConsoleMessage) -> None:
        said.append(message.text)

    await enter(page, console, cases.approved)
    page.on("request", note)
    page.on("console", hear)
    await page.reload()
    await choose_quote(page)
    await page.locator("#preview > summary").click()
    letter = page.frame_locator("iframe.letter").get_by_role("heading", name="Notice of approval")
    await expect(letter).to_be_visible(timeout=PATIENCE)
    assert {re.sub(r"^(https?://[^/]+).*", r"\1", url) for url in asked} == {console.url}
    # A refused style or script is said on the browser's console.
    assert said == []


async def test_a_case_is_read_by_keyboard_alone(page: Page, console: Desk, cases: Cases) -> None:
    await enter(page, console, cases.approved)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
    first = page.locator("#criteria details > summary").first
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await first.evaluate("summary => summary === document.activeElement"):
            break
    await expect(first).to_be_focused()
    details = page.locator("#criteria details").first
    await page.keyboard.press("Enter")
    await expect(details).not_to_have_attribute("open", "")
    await page.keyboard.press("Enter")
    await expect(details).to_have_attribute("open", "")
    await page.keyboard.press("Tab")
    quote = page.locator("#criteria a.quote").first
    await expect(quote).to_be_focused()
    outline = await quote.evaluate("link => getComputedStyle(link).outlineStyle")
    assert outline == "solid"
    await page.keyboard.press("Enter")
    chosen = page.locator("mark.chosen").first
    await expect(chosen).to_be_focused(timeout=PATIENCE)
    assert (await chosen.inner_text()).split() == (await quote.inner_text()).split()
    await page.keyboard.press("Escape")
    await expect(page.locator("mark")).to_have_count(0)
    await expect(quote).to_be_focused()


async def test_without_scripts_a_quote_leads_to_the_note(browser: Browser, console: Desk, cases: Cases) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await enter(page, console, cases.approved)
    quote = page.locator("#criteria a.quote").first
    words = (await quote.inner_text()).strip("“”")
    await quote.click()
    assert (await page.locator("mark:target").inner_text()).split() == words.split()
    await context.close()


async def test_a_page_follows_its_case_and_keeps_what_was_opened(page: Page, console: Desk) -> None:
    case_id = await console.workshop.submit(demo(APPROVED.name, str(uuid4())))
    await enter(page, console, case_id)
    await expect(page.locator(".outcome")).to_contain_text("Being evaluated")
    await console.workshop.finish(case_id, (flow.CRITERIA_EVALUATION, flow.EVIDENCE_LOOKUP, flow.DETERMINATION))
    await expect(page.locator(".outcome")).to_contain_text("Approved", timeout=PATIENCE)
    await expect(page.locator("#announce")).to_contain_text("The case has moved on: Approved")
    await page.locator("#reasons > summary").click()
    await page.locator("#criteria details > summary").first.click()
    await console.workshop.finish(case_id, (flow.NOTIFICATION,))
    await expect(page.locator("#timeline")).to_contain_text("Notice prepared", timeout=PATIENCE)
    await expect(page.locator("#reasons")).to_have_attribute("open", "")
    await expect(page.locator("#criteria details").first).not_to_have_attribute("open", "")


async def test_the_list_shows_a_case_that_comes_in(page: Page, console: Desk) -> None:
    await enter(page, console)
    case_id = await console.workshop.submit(demo(REFERRED.name, str(uuid4())))
    await expect(page.locator(f"#case-{case_id}")).to_be_visible(timeout=PATIENCE)


async def test_a_hidden_page_lets_go_of_its_connection(page: Page, console: Desk) -> None:
    await page.add_init_script(
        "window.sources = []; const Real = window.EventSource; window.EventSource = class extends Real {"
        "constructor(url) { super(url); window.sources.push(this); } };"
    )
    show = (
        "hidden => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});"
        "document.dispatchEvent(new Event('visibilitychange')); }"
    )
    case_id = await console.workshop.submit(demo(REFERRED.name, str(uuid4())))
    await enter(page, console, case_id)
    await page.wait_for_function("sources.length === 1 && sources[0].readyState === 1")
    await page.evaluate(show, True)
    assert await page.evaluate("sources.map(s => s.readyState)") == [2]
    await console.workshop.finish(case_id)
    await page.evaluate(show, False)
    await expect(page.locator("#timeline")).to_contain_text("Notice prepared", timeout=PATIENCE)
    assert await page.evaluate("sources.filter(s => s.readyState !== 2).length") == 1


async def test_a_clinician_decides_and_an_update_takes_no_words_away(page: Page, console: Desk) -> None:
    case_id = await referred_anew(console)
    await enter(page, console, case_id)
    await page.get_by_label("Why?").fill("The imaging shows what the request says.")
    talk = [Happening(flow.PEER_TO_PEER_OPENED, actor="clinician:dr-other")]
    await write_case(console.workshop.engine, MASTER, talk, case_id=case_id)
    await expect(page.locator("#timeline")).to_contain_text("Peer-to-peer opened", timeout=PATIENCE)
    await expect(page.get_by_label("Why?")).to_have_value("The imaging shows what the request says.")
    await page.get_by_label("Approve", exact=True).check()
    await page.get_by_role("button", name="Record the decision as dr-osei").click()
    await expect(page.locator(".outcome")).to_contain_text("Approved", timeout=PATIENCE)
    await expect(page.locator("#timeline blockquote").last).to_have_text("The imaging shows what the request says.")
    await expect(page.locator("#decision form")).to_have_count(0)


async def test_the_chosen_colors_last(page: Page, console: Desk) -> None:
    await page.emulate_media(color_scheme="light")
    await enter(page, console)
    light = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.get_by_role("button", name="Dark colors").click()
    dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.reload()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == dark != light
    await expect(page.get_by_role("button", name="Light colors")).to_be_visible()


async def test_with_forced_colors_an_outcome_keeps_its_border(page: Page, console: Desk, cases: Cases) -> None:
    await page.emulate_media(forced_colors="active")
    await enter(page, console, cases.approved)
    await choose_quote(page)
    for place in (".badge", "mark", "a.quote"):
        assert await page.locator(place).first.evaluate("e => getComputedStyle(e).borderTopStyle") == "solid", place


async def test_nothing_moves_by_itself(page: Page, console: Desk, cases: Cases) -> None:
    await page.emulate_media(reduced_motion="reduce")
    await enter(page, console, cases.approved)
    moving = (
        "[...document.querySelectorAll('*')].filter(e => { const s = getComputedStyle(e); "
        "return s.animationName !== 'none' || s.transitionDuration !== '0s' || s.scrollBehavior === 'smooth'; }).length"
    )
    assert await page.evaluate(moving) == 0


async def test_the_pictures_of_the_readme_are_made_from_the_page(browser: Browser, console: Desk) -> None:
    pictures = await shoot(browser, console)
    readme = (ROOT / "README.md").read_text()
    assert set(pictures) == {file_name(scheme) for scheme in SCHEMES}
    for name, made in pictures.items():
        for picture in (made, (FOLDER / name).read_bytes()):
            assert picture.startswith(b"\x89PNG") and len(picture) < LARGEST
            assert struct.unpack(">II", picture[16:24]) == SIZE
        assert f"docs/images/{name}" in readme
