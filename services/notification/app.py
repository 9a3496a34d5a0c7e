"""Tells the provider of each determination."""

from fastapi import FastAPI

from services.notification.deliver import make_deliverer
from services.notification.handlers import PrepareNotice
from shared.platform.service import Runtime


def build(runtime: Runtime) -> FastAPI:
    """Wires the service."""
    deliverer = make_deliverer(runtime.settings, runtime.engine, runtime.master)
    if deliverer is not None:
        runtime.background.append(deliverer.run)
    wake = deliverer.wake if deliverer is not None else None
    runtime.consume(PrepareNotice(runtime.settings.notice_channel, wake))
    return runtime.api("priorauth notification")
