"""Shows where every case stands."""

from fastapi import FastAPI

from services.console.api import add_views
from services.console.handlers import Projector, watch_counts
from services.console.site import add_site
from shared.platform.service import Runtime


def build(runtime: Runtime) -> FastAPI:
    """Wires the service."""
    runtime.subscribe(Projector(runtime.engine).consume)
    runtime.background.append(lambda: watch_counts(runtime.engine))
    api = runtime.api("priorauth console")
    add_views(api, runtime.engine)
    add_site(api, runtime)
    return api
