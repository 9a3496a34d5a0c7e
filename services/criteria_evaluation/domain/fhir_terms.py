"""The names that a criteria set has in FHIR R4: canonical addresses, extensions, code systems, and the elements made of them.

``fhir_plan`` and ``fhir_questionnaire`` write with them, ``fhir_plan_read`` and ``fhir_import`` read. An extension stands
only where R4 has no element of its own; ``docs/criteria-fhir.md`` lists them.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from services.criteria_evaluation.domain.extract.elements import FACTS_SYSTEM
from shared.clinical.criteria_codes import codes_of
from shared.clinical.policy_yaml import Fields

__all__ = ["FACTS_SYSTEM"]

Json = dict[str, Any]

BASE: Final = "https://priorauth.dev/fhir"
LANGUAGE: Final = "text/x-priorauth"
"""Expressions of ``docs/criteria-format.md``, as one JSON document. R4 binds Expression.language extensibly."""

SECTION: Final = f"{BASE}/CodeSystem/criteria-section"
CONCLUSION: Final = f"{BASE}/CodeSystem/alternative-conclusion"
USAGE: Final = f"{BASE}/CodeSystem/criteria-usage"
LINE_OF_BUSINESS: Final = f"{BASE}/CodeSystem/line-of-business"
DIGEST: Final = f"{BASE}/NamingSystem/criteria-set-digest"
USAGE_CONTEXT_TYPE: Final = "http://terminology.hl7.org/CodeSystem/usage-context-type"
UCUM: Final = "http://unitsofmeasure.org"
CPT: Final = "http://www.ama-assn.org/go/cpt"
HCPCS: Final = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
ICD_10_CM: Final = "http://hl7.org/fhir/sid/icd-10-cm"
UNIT_OPTION: Final = "http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption"
"""The units of an item of type quantity; R4 keeps ``questionnaire-unit`` for integer and decimal."""
SDC: Final = "http://hl7.org/fhir/uv/sdc/StructureDefinition"

USES: Final[Mapping[str, tuple[str, str]]] = {
    "services": (USAGE_CONTEXT_TYPE, "task"),
    "companions": (USAGE, "companion-task"),
    "diagnoses": (USAGE_CONTEXT_TYPE, "focus"),
    "unless_diagnoses": (USAGE, "excluded-focus"),
    "lines_of_business": (USAGE_CONTEXT_TYPE, "program"),
}
"""The fields of ``applicability`` as types of PlanDefinition.useContext. A set's own types stand where R4 has none."""

STATEMENT_SECTIONS: Final = ("standard_of_care", "outcomes", "timing", "cautions")
EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
"""Values that a YAML field can have and a FHIR element cannot."""

_VERSION: Final = re.compile(r"[A-Za-z0-9._+~-]+")
_CPT: Final = re.compile(r"\d{4}[0-9A-Z]")
_HCPCS: Final = re.compile(r"[A-V]\d{4}")


def canonical(kind: str, set_id: str) -> str:
    """The address of a set's PlanDefinition, Questionnaire or Library, without a version."""
    return f"{BASE}/{kind}/{set_id}"


def versioned(kind: str, set_id: str, version: str) -> str:
    """The address with its version, or without it where the version has characters that an address cannot have."""
    return canonical(kind, set_id) + (f"|{version}" if _VERSION.fullmatch(version) else "")


def address(name: str) -> str:
    """The address of an extension of this project."""
    return f"{BASE}/StructureDefinition/{name}"


def extension(name: str, value: str, content: Any) -> Json:
    """An extension of this project; ``value`` names its type, for example ``valueString``."""
    return {"url": address(name), value: content}


def concept(system: str, code: str) -> Json:
    """A CodeableConcept with one coding."""
    return {"coding": [{"system": system, "code": code}]}


def coding_of_service(code: str) -> Json:
    """A service code; its system follows from its form, as CPT and HCPCS level II share no code."""
    system = CPT if _CPT.fullmatch(code) else HCPCS if _HCPCS.fullmatch(code) else None
    return {"system": system, "code": code} if system else {"code": code}


def services_concept(listed: str) -> Json:
    """An entry of a list of service codes: ``text`` as the set writes it, a range written out in ``coding``."""
    codes = sorted(codes_of(Fields({"codes": [listed]}, "codes"), "codes"))
    return {"coding": [coding_of_service(code) for code in codes], "text": listed}


def usage_concept(field: str, listed: str) -> Json:
    """An entry of one of the lists of ``applicability``. A pattern of diagnoses has no code, only its text."""
    if field in ("services", "companions"):
        return services_concept(listed)
    if field == "lines_of_business":
        return {**concept(LINE_OF_BUSINESS, listed), "text": listed}
    return {"text": listed} if listed.endswith("*") else {**concept(ICD_10_CM, listed), "text": listed}


def condition(expression: Json, described: str) -> Json:
    """An applicability condition of an action: the expression, and the same in words."""
    text = json.dumps(expression, ensure_ascii=False)
    return {
        "kind": "applicability",
        "expression": {"description": described, "language": LANGUAGE, "expression": text},
    }


def written_empty(part: Mapping[str, Any], keys: Iterable[str] | None = None, prefix: str = "") -> list[Json]:
    """Fields that stand in the set and hold nothing, such as ``lines_of_business: []``: FHIR has no empty elements."""
    return [
        extension("empty-field", "valueString", json.dumps({prefix + key: part[key]}))
        for key in (part if keys is None else keys)
        if key in part and part[key] in EMPTY
    ]


def filled(part: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that hold something."""
    return {key: value for key, value in part.items() if value not in EMPTY}
