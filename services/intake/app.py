"""Takes requests in and shows cases."""

from fastapi import FastAPI

from services.intake.api import Intake, add_submit, add_views
from shared.platform.service import Runtime


def build(runtime: Runtime) -> FastAPI:
    """Wires the service. It has no part in Kafka: the journal is its outbox."""
    intake = Intake(runtime)
    runtime.background.append(intake.watch.run)
    api = runtime.api("priorauth intake")
    add_submit(api, intake)
    add_views(api, intake)
    return api
