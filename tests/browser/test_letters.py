"""The letters in a browser: what axe-core finds, what they ask of the network, and how they look on paper and on a phone."""

from collections.abc import Callable
from typing import Literal

import pytest
from playwright.async_api import Page, Request

from shared.letters.model import Audience, Language, LetterKind
from shared.letters.render import render_html
from tests.support.browser import accessibility_problems
from tests.unit.determination_cases import Case
from tests.unit.letter_cases import LETTER_FORMS, LETTERS, letter

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
ADDRESS = "http://letters.invalid/letter"


async def show(page: Page, html: str) -> list[str]:
    """Opens the letter as a server would give it; returns the addresses that it asked for."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    await page.route("**/*", lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
    await page.goto(ADDRESS)
    return asked


@pytest.mark.parametrize(("kind", "case", "audience", "language"), LETTER_FORMS)
async def test_a_letter_has_no_accessibility_problem_in_light_or_dark(
    page: Page, kind: LetterKind, case: Callable[[], Case], audience: Audience, language: Language
) -> None:
    await show(page, render_html(case().document, letter(kind, audience=audience, language=language)))
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        assert await accessibility_problems(page) == "", scheme


async def test_axe_sees_a_fault(page: Page) -> None:
    # A check that finds nothing in a bad page would pass for ever.
    html = render_html(LETTERS[0][1]().document, letter("approval"))
    await show(page, html.replace('lang="en"', "").replace("--soft: #57606a", "--soft: #d0d0d0"))
    problems = await accessibility_problems(page)
    assert "html-has-lang" in problems and "color-contrast" in problems


@pytest.mark.parametrize(("kind", "case", "audience", "language"), LETTER_FORMS)
async def test_a_letter_asks_nothing_of_the_network(
    page: Page, kind: LetterKind, case: Callable[[], Case], audience: Audience, language: Language
) -> None:
    asked = await show(page, render_html(case().document, letter(kind, audience=audience, language=language)))
    await page.wait_for_load_state("networkidle")
    assert asked == [ADDRESS]


async def test_a_letter_fits_a_phone(page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    await show(page, render_html(LETTERS[0][1]().document, letter("approval")))
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    assert await accessibility_problems(page) == ""


async def test_on_paper_a_letter_is_black_on_white_and_leaves_nothing_out(page: Page) -> None:
    await page.emulate_media(color_scheme="dark", media="print")
    await show(page, render_html(LETTERS[0][1]().document, letter("approval")))
    style = "getComputedStyle(document.body)"
    assert await page.evaluate(f"{style}.color") == "rgb(0, 0, 0)"
    assert await page.evaluate(f"{style}.backgroundColor") == "rgb(255, 255, 255)"
    hidden = "[...document.querySelectorAll('main *')].filter(e => getComputedStyle(e).display === 'none').length"
    assert await page.evaluate(hidden) == 0
    # A table that scrolls on the screen would be cut off on paper.
    assert await page.evaluate("[...document.querySelectorAll('.scroll')].every(e => e.scrollWidth <= e.clientWidth)")
