"""A criteria set as a Bundle of FHIR R4 resources: PlanDefinition, Questionnaire, and Library with the YAML itself.

Pure, and the same bytes for the same input. ``fhir_import`` reads the Bundle back.
"""

import base64
import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final

from services.criteria_evaluation.domain.fhir_import import from_structure, sha_1
from services.criteria_evaluation.domain.fhir_plan import computable_name, plan_definition
from services.criteria_evaluation.domain.fhir_questionnaire import facts_of, questionnaire
from services.criteria_evaluation.domain.fhir_terms import FACTS_SYSTEM, Json, canonical, concept
from services.criteria_evaluation.domain.vocabulary import Vocabulary
from shared.clinical.criteria import parse_criteria_set
from shared.clinical.criteria_model import CriteriaSet
from shared.clinical.evidence_model import EvidenceLibrary
from shared.clinical.policy_yaml import load_mapping
from shared.policy import PolicyError

_LIBRARY_TYPE: Final = "http://terminology.hl7.org/CodeSystem/library-type"
_UNWRITABLE: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\U0010ffff]")
_LONGEST_ID: Final = 64


def to_bundle(content: bytes, name: str, vocabulary: Vocabulary, library: EvidenceLibrary) -> bytes:
    """The Bundle, as JSON, of the criteria set whose YAML file is ``content``; ``name`` is the file's.

    Raises:
        PolicyError: the file is not a set that can be used, or something in it has no form in FHIR.
    """
    entries = {fact.name: (fact.kind, fact.unit, fact.values) for fact in vocabulary.values()}
    text = decoded(content, name)
    criteria_set = parse_criteria_set(text, name, entries)
    if len(criteria_set.id) > _LONGEST_ID:
        raise PolicyError(f"{name}.id: an id in FHIR has at most {_LONGEST_ID} characters; choose a shorter one.")
    data = load_mapping(name, text)
    for fact in criteria_set.questions:
        if fact not in vocabulary or vocabulary[fact].internal:
            raise PolicyError(f"{name}.questions: {fact} is not a fact of the vocabulary; correct the name or drop it.")
    resources = [
        plan_definition(data, criteria_set, entries, library),
        questionnaire(data, criteria_set, vocabulary),
        _library(content, criteria_set),
    ]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": r["url"], "resource": r} for r in resources],
    }
    for path in _unwritable(bundle, "Bundle"):
        raise PolicyError(
            f"{name}: {path} would have a character or a number that FHIR does not allow; change it in the set."
        )
    # What is handed out comes back as the same content, or is not handed out.
    if from_structure(resources[0], resources[1], vocabulary).digest != criteria_set.digest:
        raise PolicyError(f"{name}: the set has a form that FHIR cannot carry without loss; write it more plainly.")
    return encode(bundle)


def encode(bundle: Json) -> bytes:
    """The JSON of a Bundle as it is written: indented, in the order of its elements, in UTF-8."""
    return (json.dumps(bundle, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()


def decoded(content: bytes, name: str) -> str:
    """The text of a YAML file. Raises PolicyError where it is not UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PolicyError(f"{name}: this is not text in UTF-8.") from error


def _library(content: bytes, criteria_set: CriteriaSet) -> Json:
    facts = facts_of(criteria_set)
    return {
        "resourceType": "Library",
        "id": criteria_set.id,
        "url": canonical("Library", criteria_set.id),
        "version": criteria_set.version,
        "name": f"{computable_name(criteria_set.id)}Source",
        "title": f"{criteria_set.ref.title}: the set as it is maintained",
        "status": "active",
        "experimental": False,
        "type": concept(_LIBRARY_TYPE, "logic-library"),
        "publisher": "priorauth",
        "dataRequirement": [
            {"type": "Observation", "codeFilter": [{"path": "code", "code": [{"system": FACTS_SYSTEM, "code": fact}]}]}
            for fact in facts
        ],
        "content": [
            {
                "contentType": "application/yaml",
                "data": base64.b64encode(content).decode(),
                "size": len(content),
                "hash": sha_1(content),
                "title": f"{criteria_set.id}.yaml",
            }
        ],
    }


def _unwritable(node: Any, path: str) -> Iterator[str]:
    """Where a text has a character that a FHIR string cannot have, or a number is none."""
    is_text, is_number = isinstance(node, str), isinstance(node, float)
    if (is_text and _UNWRITABLE.search(node)) or (is_number and not math.isfinite(node)):
        yield path
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _unwritable(value, f"{path}.{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from _unwritable(value, f"{path}[{i}]")
