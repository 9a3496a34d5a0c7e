"""Takes requests in and shows cases."""

from fastapi import FastAPI

from services.intake.api import Intake, add_submit, add_views
from services.intake.letters import add_letter
from shared.platform.service import Runtime


def build(runtime: Runtime) -> FastAPI:
    """Wires the service. It has no part in Kafka: the journal is its outbox."""
    intake = Intake(runtime)
    runtime.background.append(intake.watch.run)
    api = runtime.api("priorauth intake")
    add_submit(api, intake)
    add_views(api, intake)
    add_letter(api, intake)
    return api
