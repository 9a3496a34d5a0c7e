"""A request with its chart as a row of a table, and the PAS Bundle that it makes."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from tests.support.requests import HCPCS, ICD_10, LOINC, PAS, Note, Service, make_request

FOLDER: Final = Path(__file__).parents[1] / "cases" / "requests"
_TYPES: Final = {
    ".txt": "text/plain; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".rtf": "application/rtf",
    ".xml": "application/hl7-cda+xml",
}
_PROFILES: Final = {
    "Patient": "beneficiary",
    "Coverage": "coverage",
    "Organization": "requestor",
    "Practitioner": "practitioner",
    "DocumentReference": "documentreference",
}
Outcome = Literal["approved", "information_requested", "clinical_review"]


@dataclass(frozen=True, slots=True)
class Attached:
    """A document of the chart: the file after the case's name, its title, LOINC type and date."""

    file: str
    title: str
    loinc: str
    date: str


@dataclass(frozen=True, slots=True)
class Measured:
    """A coded observation, in a UCUM unit."""

    loinc: str
    name: str
    value: float
    unit: str
    date: str


@dataclass(frozen=True, slots=True)
class RequestCase:
    """A request and its outcome.

    ``asks`` are the facts that are asked for, ``because`` the refer rules and failed criteria for which a clinician decides.
    ``conditions`` are ICD-10-CM codes of the patient's problem list.
    """

    name: str
    set_id: str
    outcome: Outcome
    born: str
    gender: Literal["female", "male"]
    created: str
    services: tuple[Service, ...]
    diagnoses: tuple[str, ...]
    notes: tuple[Attached, ...]
    measured: tuple[Measured, ...] = ()
    conditions: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    line_of_business: str = "MCPOL"


def device(code: str, description: str) -> Service:
    """Equipment that is rented for the home."""
    return Service(code, description, system=HCPCS, category="18", place="12")


def operation(code: str, description: str, *sites: str, place: str = "21") -> Service:
    return Service(code, description, sites, place=place)


def build(case: RequestCase, seed: int) -> dict[str, Any]:
    """The Bundle of a case. A seed of its own keeps it apart from all others."""
    bundle = make_request(
        seed,
        services=case.services,
        diagnoses=case.diagnoses,
        notes=[_note(case, attached) for attached in case.notes],
        created=case.created,
        line_of_business=case.line_of_business,
    )
    by_type = {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}
    for entry in bundle["entry"]:
        _declare(entry["resource"])
    by_type["Patient"] |= {"birthDate": case.born, "gender": case.gender}
    claim, patient = by_type["Claim"], {"reference": f"Patient/{by_type['Patient']['id']}"}
    for item in claim["item"]:
        item["servicedDate"] = (dt.date.fromisoformat(case.created) + dt.timedelta(days=21)).isoformat()
    coded = [_observation(seed, n, measured, patient) for n, measured in enumerate(case.measured, 1)]
    coded += [_condition(seed, n, code, patient) for n, code in enumerate(case.conditions, 1)]
    for resource in coded:
        _support(claim, resource)
        url = f"https://ehr.clinic.test/fhir/{resource['resourceType']}/{resource['id']}"
        bundle["entry"].append({"fullUrl": url, "resource": resource})
    return bundle


def _declare(resource: dict[str, Any]) -> None:
    """Names the profile that a resource keeps to, and what that profile asks for beside what every request has."""
    kind = "insurer" if resource["id"] == "insurer" else _PROFILES.get(resource["resourceType"])
    if kind is not None:
        resource["meta"] = {"profile": [f"{PAS}profile-{kind}"]}
    if resource["resourceType"] == "Organization":
        code = "PR" if kind == "insurer" else "1P"
        resource["type"] = [{"coding": [{"system": "https://codesystem.x12.org/005010/98", "code": code}]}]
    elif resource["resourceType"] == "DocumentReference":
        system = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
        resource["category"] = [{"coding": [{"system": system, "code": "clinical-note"}]}]


def _note(case: RequestCase, attached: Attached) -> Note:
    path = FOLDER / "notes" / f"{case.name}-{attached.file}"
    return Note(path.read_bytes(), _TYPES[path.suffix], attached.title, attached.loinc, attached.date)


def _observation(seed: int, number: int, measured: Measured, patient: Mapping[str, str]) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o-{seed:08d}-{number}",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": measured.loinc, "display": measured.name}]},
        "subject": dict(patient),
        "effectiveDateTime": f"{measured.date}T09:00:00Z",
        "valueQuantity": {
            "value": measured.value,
            "unit": measured.unit,
            "system": "http://unitsofmeasure.org",
            "code": measured.unit,
        },
    }


def _condition(seed: int, number: int, code: str, patient: Mapping[str, str]) -> dict[str, Any]:
    terminology = "http://terminology.hl7.org/CodeSystem/condition-"
    return {
        "resourceType": "Condition",
        "id": f"k-{seed:08d}-{number}",
        "clinicalStatus": {"coding": [{"system": f"{terminology}clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": f"{terminology}ver-status", "code": "confirmed"}]},
        "category": [{"coding": [{"system": f"{terminology}category", "code": "problem-list-item"}]}],
        "code": {"coding": [{"system": ICD_10, "code": code}]},
        "subject": dict(patient),
    }


def _support(claim: dict[str, Any], resource: Mapping[str, Any]) -> None:
    """Names a resource among the claim's supporting information, and at every line."""
    information = claim["supportingInfo"]
    sequence = len(information) + 1
    reference = {"reference": f"{resource['resourceType']}/{resource['id']}"}
    information.append({"sequence": sequence, "category": information[0]["category"], "valueReference": reference})
    for item in claim["item"]:
        item["informationSequence"] = [*item["informationSequence"], sequence]


def text_of(bundle: Mapping[str, Any]) -> str:
    """The Bundle as it stands in its file."""
    return json.dumps(bundle, indent=1) + "\n"
