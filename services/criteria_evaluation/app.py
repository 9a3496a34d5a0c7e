"""Reads the chart and evaluates the criteria."""

from fastapi import FastAPI

from services.criteria_evaluation.handlers import EvaluateCriteria
from services.criteria_evaluation.llm import make_extractor
from services.criteria_evaluation.policy import load_policy
from shared.platform.service import Runtime


def build(runtime: Runtime) -> FastAPI:
    """Wires the service."""
    policy = load_policy(runtime.settings.criteria_dir)
    extractor = make_extractor(runtime.settings, policy.lexicon.vocabulary)
    runtime.consume(EvaluateCriteria(policy, extractor))
    return runtime.api("priorauth criteria evaluation")
