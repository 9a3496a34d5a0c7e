"""FHIR resources for tests of what coded resources state."""

import datetime as dt
from typing import Any

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.lexicon import load_lexicon
from shared.clinical.model import Document, Fact, Facts, Resource
from shared.policy import read_policy

LEXICON = load_lexicon(read_policy("lexicon"))
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
CPT = "http://www.ama-assn.org/go/cpt"
LOINC = "http://loinc.org"
FACTS_SYSTEM = "https://priorauth.dev/fhir/CodeSystem/clinical-facts"

Body = dict[str, Any]


def facts_of(*bodies: Body, note: str | None = None, on: dt.date | None = None) -> Facts:
    """The facts of resources, each the entry of a Bundle, and of a note."""
    resources = [Resource(f"Bundle.entry[{i}].resource", body) for i, body in enumerate(bodies)]
    documents = [] if note is None else [Document("sha256:0", note, date=on)]
    return extract(documents, resources, LEXICON)


def values_of(facts: Facts) -> dict[str, Any]:
    """Names and values of the known facts; of a quantity its lower end."""
    return {name: f.low if f.value is None else f.value for name, f in facts.items() if f.status == "known"}


def paths_of(fact: Fact) -> list[str | None]:
    """Where a fact was found."""
    return [source.path for source in fact.sources if source.kind == "resource"]


def concept(code: str, system: str, text: str | None = None) -> Body:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def observation(code: str, value: Body, system: str = LOINC, **more: Any) -> Body:
    """A final Observation."""
    return {"resourceType": "Observation", "status": "final", "code": concept(code, system), **value, **more}


def quantity(value: float, unit: str | None = None) -> Body:
    """A ``valueQuantity``."""
    return {"valueQuantity": {"value": value, **({"code": unit} if unit else {})}}


def condition(
    code: str, system: str = ICD, *, clinical: str = "active", verified: str = "confirmed", **more: Any
) -> Body:
    """A Condition."""
    return {
        "resourceType": "Condition",
        "code": concept(code, system),
        "clinicalStatus": {"coding": [{"code": clinical}]},
        "verificationStatus": {"coding": [{"code": verified}]},
        **more,
    }
