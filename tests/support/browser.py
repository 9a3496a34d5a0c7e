"""Chromium for the tests of pages: where it is found, and what each page is held to."""

import os
import shutil
from typing import Final

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

VARIABLE: Final = "PRIORAUTH_TEST_CHROMIUM"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""Axe's names for the success criteria of WCAG 2.2 at levels A and AA, and for its own advice."""


class BrowserMissingError(Exception):
    """There is no Chromium on this machine. The text says what to do."""


def chromium() -> str:
    """The path of Chromium's executable; PRIORAUTH_TEST_CHROMIUM names one that is not on the PATH.

    Raises:
        BrowserMissingError: none was found.
    """
    named = os.environ.get(VARIABLE)
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        raise BrowserMissingError(
            f"The tests of pages need Chromium: install it (apt-get install chromium), or set {VARIABLE} to its path."
        )
    return found


async def accessibility_problems(page: Page) -> str:
    """What axe-core finds wrong with the page as it is shown now, as a report; empty where nothing is."""
    results = await Axe().run(page, options={"runOnly": {"type": "tag", "values": list(_RULES)}})
    return results.generate_report() if results.violations_count else ""
