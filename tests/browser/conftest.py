"""A real browser for the tests of pages: one process for all of them, and a context of its own for each test.

Without a browser these tests fail and say what to install; nothing is skipped.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.support.browser import BrowserMissingError, chromium


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    try:
        executable = chromium()
    except BrowserMissingError as error:
        pytest.fail(str(error), pytrace=False)
    async with async_playwright() as playwright:
        # Small /dev/shm of containers would end the browser in the middle of a page.
        started = await playwright.chromium.launch(executable_path=executable, args=["--disable-dev-shm-usage"])
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """An empty page with no cookies or storage of another test's; what a page's own scripts throw fails the test."""
    context = await browser.new_context()
    opened = await context.new_page()
    thrown: list[str] = []
    opened.on("pageerror", lambda error: thrown.append(error.message))
    yield opened
    await context.close()
    assert not thrown
