"""The console's pages put together: access, live updates, static files, and the headers of every answer."""

from fastapi import FastAPI

from services.console.access import Access
from services.console.forms import add_forms
from services.console.pages import Pages, add_pages
from services.console.rendering import SecurityHeaders, add_static
from services.console.stream import Movements
from shared.platform.service import Runtime


def add_site(api: FastAPI, runtime: Runtime) -> None:
    """Adds the pages to the service's application."""
    movements = Movements(runtime.reader, runtime.settings, runtime.stopping)
    runtime.background.append(movements.run)
    pages = Pages(runtime, Access(runtime.settings), movements)
    add_static(api)
    add_pages(api, pages)
    add_forms(api, pages)
    api.add_middleware(SecurityHeaders)
