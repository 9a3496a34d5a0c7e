"""The pictures of the console in the README, of a synthetic case. ``python -m tests.support.screenshots`` renews them."""

import asyncio
import tempfile
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser, async_playwright

from shared.journal.migrate import upgrade
from shared.platform.embedded.postgres import EmbeddedPostgres
from tests.support.browser import chromium
from tests.support.console import APPROVED, Desk, desk
from tests.support.running import ROOT

FOLDER: Final = ROOT / "docs/images"
SIZE: Final = (1280, 820)
"""Width and height in pixels."""
LARGEST: Final = 300_000
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
_QUOTE: Final = "SINS 13"


def file_name(scheme: str) -> str:
    """The picture's name under ``docs/images``."""
    return f"console-case-{scheme}.png"


async def shoot(browser: Browser, console: Desk) -> dict[str, bytes]:
    """Pictures by file name: a criterion's quote chosen, and the note beside it with every quote marked."""
    case_id = await console.workshop.finish(await console.workshop.submit(APPROVED.read_bytes()))
    pictures = {}
    for scheme in SCHEMES:
        width, height = SIZE
        context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
        page = await context.new_page()
        await page.goto(console.link(path=f"?case={case_id}"))
        quote = page.locator("#criteria a.quote", has_text=_QUOTE).first
        await quote.click()
        await page.locator("mark.chosen").first.wait_for()
        # The criterion that the quote decides, not the top of the page.
        await quote.evaluate("link => window.scrollTo(0, link.getBoundingClientRect().top + window.scrollY - 330)")
        pictures[file_name(scheme)] = await page.screenshot(animations="disabled")
        await context.close()
    return pictures


async def _main() -> None:
    with tempfile.TemporaryDirectory(prefix="priorauth-pictures-") as folder:
        server = EmbeddedPostgres(Path(folder))
        address = await server.start()
        try:
            await upgrade(address)
            async with desk(address) as console, async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=chromium(), args=["--disable-dev-shm-usage"])
                for name, picture in (await shoot(browser, console)).items():
                    (FOLDER / name).write_bytes(picture)
                await browser.close()
        finally:
            await server.stop()


if __name__ == "__main__":
    asyncio.run(_main())
