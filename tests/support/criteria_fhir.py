"""Criteria sets as FHIR Bundles, for the tests of both directions."""

import json
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, Final

from services.criteria_evaluation.domain.fhir_export import to_bundle
from services.criteria_evaluation.domain.fhir_import import Imported, from_bundle
from services.criteria_evaluation.domain.lexicon import load_lexicon
from shared.clinical.criteria_model import CriteriaSet
from shared.clinical.evidence import load_evidence
from shared.clinical.model import Fact, Facts
from shared.policy import read_policy

SETS: Final = Path(__file__).parents[2] / "shared/policy/criteria"
FILES: Final = sorted(SETS.glob("*.yaml"))
LEXICON: Final = load_lexicon(read_policy("lexicon"))
VOCABULARY: Final = {name: (term.kind, term.unit, term.values) for name, term in LEXICON.vocabulary.items()}
LIBRARY: Final = load_evidence(read_policy("evidence"), VOCABULARY)

Json = dict[str, Any]


@cache
def exported(content: bytes, name: str = "set.yaml") -> bytes:
    """The Bundle of a set's YAML."""
    return to_bundle(content, name, LEXICON.vocabulary, LIBRARY)


def bundle_of(set_id: str) -> Json:
    """The Bundle of a set that ships, as an object to change."""
    return json_of(exported((SETS / f"{set_id}.yaml").read_bytes()))


def json_of(bundle: bytes) -> Json:
    """A Bundle as an object."""
    found: Json = json.loads(bundle)
    return found


def imported(bundle: bytes | Json) -> Imported:
    """What an import makes of a Bundle."""
    content = bundle if isinstance(bundle, bytes) else json.dumps(bundle).encode()
    return from_bundle(content, "bundle.json", LEXICON.vocabulary)


def resource(bundle: Json, kind: str) -> Json:
    """The Bundle's resource of a type."""
    found: Json = next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind)
    return found


def without_library(bundle: Json) -> Json:
    """The Bundle with nothing but PlanDefinition and Questionnaire."""
    kept = [entry for entry in bundle["entry"] if entry["resource"]["resourceType"] != "Library"]
    return {**bundle, "entry": kept}


def content_of(criteria_set: CriteriaSet) -> Json:
    """Every field of a compiled set, for comparison; sets themselves compare by identity."""
    return {field.name: getattr(criteria_set, field.name) for field in fields(criteria_set)}


def response_of(form: Json, facts: Facts) -> Json:
    """The QuestionnaireResponse in which these facts are answered, each in the type that the form's item asks for."""
    asked = {item["linkId"]: item for item in form["item"]}
    items = [{"linkId": name, "answer": _answers(asked[name], fact)} for name, fact in facts.items()]
    address = f"{form['url']}|{form['version']}"
    return {"resourceType": "QuestionnaireResponse", "questionnaire": address, "status": "completed", "item": items}


def _answers(item: Json, fact: Fact) -> list[Json]:
    if item["type"] == "boolean":
        return [{"valueBoolean": fact.value}]
    if item["type"] == "choice":
        options = {option["valueCoding"]["code"]: option for option in item["answerOption"]}
        return [options[code] for code in (fact.value if isinstance(fact.value, tuple) else (str(fact.value),))]
    (unit,) = (e["valueCoding"] for e in item["extension"] if e["url"].endswith("/questionnaire-unitOption"))
    if fact.low == fact.high:
        return [{"valueQuantity": {"value": fact.low, **unit}}]
    ends = [(">=", fact.low), ("<=", fact.high)]
    return [{"valueQuantity": {"value": end, "comparator": sign, **unit}} for sign, end in ends if end is not None]
