"""Ties each conclusion to the evidence that applies."""

from fastapi import FastAPI

from services.evidence_lookup.handlers import AttachEvidence
from services.evidence_lookup.library import compile_library
from services.evidence_lookup.related import literature_of
from shared.platform.service import Runtime


def build(runtime: Runtime) -> FastAPI:
    """Wires the service."""
    literature = literature_of(runtime.settings.literature_index)
    runtime.consume(AttachEvidence(runtime.hold(compile_library), literature))
    return runtime.api("priorauth evidence lookup")
