"""Ties each conclusion to the evidence that applies."""

from fastapi import FastAPI

from services.evidence_lookup.handlers import AttachEvidence
from shared.clinical.evidence import load_evidence
from shared.platform.service import Runtime
from shared.policy import read_policy


def build(runtime: Runtime) -> FastAPI:
    """Wires the service."""
    runtime.consume(AttachEvidence(load_evidence(read_policy("evidence"))))
    return runtime.api("priorauth evidence lookup")
