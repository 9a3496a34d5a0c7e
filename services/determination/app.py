"""Concludes: approves, asks for information, or refers to a clinician."""

from fastapi import FastAPI

from services.determination.api import add_commands
from services.determination.clocks import run_clocks
from services.determination.handlers import Determine
from shared.platform.service import Runtime


def build(runtime: Runtime) -> FastAPI:
    """Wires the service."""
    settings = runtime.settings
    runtime.consume(Determine(settings.authorization_valid_days))
    runtime.background.append(lambda: run_clocks(runtime.engine, runtime.master, settings.clock_poll_seconds))
    api = runtime.api("priorauth determination")
    add_commands(api, runtime)
    return api
