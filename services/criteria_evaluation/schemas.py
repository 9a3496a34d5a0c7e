"""The JSON Schemas of policy files, over the vocabulary that ships with the code."""

from services.criteria_evaluation.domain.lexicon import load_lexicon
from services.criteria_evaluation.domain.vocabulary import comparable
from shared.clinical.criteria_schema import criteria_schema
from shared.clinical.schema_parts import Schema
from shared.policy import read_policy


def policy_schemas() -> dict[str, Schema]:
    """File name under ``docs/`` to schema."""
    vocabulary = comparable(load_lexicon(read_policy("lexicon")).vocabulary)
    return {"criteria.schema.json": criteria_schema(vocabulary)}
