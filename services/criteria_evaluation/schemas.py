"""The JSON Schemas of policy files, over the vocabulary that ships with the code."""

from services.criteria_evaluation.domain.lexicon import load_lexicon
from services.criteria_evaluation.domain.lexicon_schema import lexicon_schema
from services.criteria_evaluation.domain.vocabulary import comparable
from shared.clinical.criteria_schema import criteria_schema
from shared.clinical.evidence_schema import evidence_schema
from shared.clinical.schema_parts import Schema
from shared.policy import read_policy


def policy_schemas() -> dict[str, Schema]:
    """File name under ``docs/`` to schema."""
    known = load_lexicon(read_policy("lexicon")).vocabulary
    vocabulary = comparable(known)
    return {
        "criteria.schema.json": criteria_schema(vocabulary),
        "evidence.schema.json": evidence_schema(vocabulary),
        "lexicon.schema.json": lexicon_schema(known),
    }
