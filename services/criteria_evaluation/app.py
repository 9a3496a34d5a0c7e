"""Reads the chart and evaluates the criteria."""

from fastapi import FastAPI

from services.criteria_evaluation.handlers import EvaluateCriteria
from services.criteria_evaluation.llm import make_extractor
from services.criteria_evaluation.policy import compiler
from shared.platform.service import Runtime


def build(runtime: Runtime) -> FastAPI:
    """Wires the service."""
    policy = runtime.hold(compiler())
    extractor = make_extractor(runtime.settings, policy.current().lexicon.vocabulary)
    runtime.consume(EvaluateCriteria(policy.current, extractor))
    return runtime.api("priorauth criteria evaluation")
