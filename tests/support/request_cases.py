"""Requests with charts for the coverage sets, and what each must come to. ``python -m tests.support.request_cases`` writes them.

The charts are files of their own in ``tests/cases/requests/notes``, in the styles and formats that offices send. Nobody in
them exists. A test holds the Bundles beside them to this table.
"""

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


CASES: Final = (
    RequestCase(
        name="cpap-mild-with-sleepiness",
        set_id="cpap-osa",
        outcome="approved",
        born="1977-02-09",
        gender="male",
        created="2026-05-12",
        services=(
            device("E0601", "Positive airway pressure device"),
            device("E0562", "Heated humidifier"),
            device("A7034", "Nasal interface"),
        ),
        diagnoses=("G47.33",),
        notes=(
            Attached("visit.txt", "Office visit", "11506-3", "2026-04-14"),
            Attached("test.txt", "Home sleep apnea test", "28633-6", "2026-05-06"),
        ),
        measured=(Measured("90566-1", "Apnea hypopnea index 24 hour", 11.2, "/h", "2026-05-06"),),
    ),
    RequestCase(
        name="cpap-index-not-stated",
        set_id="cpap-osa",
        outcome="information_requested",
        born="1969-01-17",
        gender="female",
        created="2026-05-22",
        services=(device("E0601", "Positive airway pressure device"), device("E0562", "Heated humidifier")),
        diagnoses=("G47.33", "I10"),
        notes=(Attached("letter.txt", "Letter of medical necessity", "52034-6", "2026-05-21"),),
        asks=("sleep.ahi",),
    ),
    RequestCase(
        name="oxygen-copd-at-rest",
        set_id="home-oxygen",
        outcome="approved",
        born="1955-03-30",
        gender="female",
        created="2026-08-13",
        services=(
            device("E1390", "Oxygen concentrator"),
            device("E0431", "Portable gaseous oxygen system"),
        ),
        diagnoses=("J44.9", "J96.11"),
        notes=(
            Attached("letter.txt", "Pulmonary clinic visit", "11506-3", "2026-08-11"),
            Attached("walk.html", "Walk oximetry", "11525-3", "2026-08-11"),
        ),
        measured=(
            Measured("59417-6", "Oxygen saturation by pulse oximetry at rest", 86, "%", "2026-08-11"),
            Measured("4544-3", "Hematocrit", 51.2, "%", "2026-08-11"),
        ),
    ),
    RequestCase(
        name="oxygen-only-on-cannula",
        set_id="home-oxygen",
        outcome="information_requested",
        born="1960-07-04",
        gender="male",
        created="2026-09-01",
        services=(device("E1390", "Oxygen concentrator"),),
        diagnoses=("J44.1",),
        notes=(Attached("summary.xml", "Discharge summary", "18842-5", "2026-08-31"),),
        asks=("oxygen.sao2_rest",),
    ),
    RequestCase(
        name="bariatric-gastric-bypass",
        set_id="bariatric-surgery",
        outcome="approved",
        born="1985-04-21",
        gender="female",
        created="2026-06-25",
        services=(operation("43644", "Laparoscopic gastric bypass"),),
        diagnoses=("E66.01", "Z68.41", "E11.9"),
        notes=(
            Attached("consult.txt", "Bariatric surgery consultation", "11488-4", "2026-06-09"),
            Attached("dietitian.txt", "Nutrition visit", "34818-5", "2026-06-23"),
        ),
        measured=(
            Measured("39156-5", "Body mass index", 44.4, "kg/m2", "2026-06-09"),
            Measured("4548-4", "Hemoglobin A1c", 8.4, "%", "2026-05-28"),
        ),
        conditions=("E11.9", "E78.5"),
    ),
    RequestCase(
        name="bariatric-index-under-35",
        set_id="bariatric-surgery",
        outcome="clinical_review",
        born="1990-06-12",
        gender="female",
        created="2026-07-16",
        services=(operation("43775", "Laparoscopic sleeve gastrectomy"),),
        diagnoses=("E66.811", "Z68.33", "I10"),
        notes=(Attached("clinic.txt", "Surgical weight loss clinic", "11506-3", "2026-07-15"),),
        measured=(
            Measured("8302-2", "Body height", 66, "[in_i]", "2026-07-15"),
            Measured("29463-7", "Body weight", 208, "[lb_av]", "2026-07-15"),
        ),
        because=("body-mass-index", "procedures-fit"),
    ),
    RequestCase(
        name="hyperbaric-plantar-ulcer",
        set_id="hyperbaric-oxygen-diabetic-wound",
        outcome="approved",
        born="1968-01-28",
        gender="male",
        created="2026-09-24",
        services=(
            Service("G0277", "Hyperbaric oxygen, 30 minutes", system=HCPCS, category="1", place="22", quantity=120),
            Service("99183", "Supervision of hyperbaric oxygen", category="1", place="22", quantity=30),
        ),
        diagnoses=("E11.621", "L97.524", "E11.69"),
        notes=(
            Attached("visit.txt", "Wound center visit", "11506-3", "2026-09-22"),
            Attached("mri.txt", "MRI of the foot", "18748-4", "2026-09-17"),
        ),
        conditions=("E11.621",),
    ),
    RequestCase(
        name="hyperbaric-wound-is-healing",
        set_id="hyperbaric-oxygen-diabetic-wound",
        outcome="clinical_review",
        born="1963-03-03",
        gender="female",
        created="2026-10-07",
        services=(Service("99183", "Supervision of hyperbaric oxygen", category="1", place="22", quantity=30),),
        diagnoses=("E11.621", "L97.414"),
        notes=(Attached("podiatry.txt", "Podiatry clinic note", "11506-3", "2026-10-06"),),
        because=("standard-care",),
    ),
    RequestCase(
        name="cochlear-adult",
        set_id="cochlear-implantation",
        outcome="approved",
        born="1962-02-14",
        gender="male",
        created="2026-06-22",
        services=(
            operation("69930", "Cochlear device implantation, right", place="22"),
            Service("L8614", "Cochlear device", system=HCPCS, category="12", place="22"),
        ),
        diagnoses=("H90.3",),
        notes=(
            Attached("audiology.txt", "Cochlear implant evaluation", "28615-3", "2026-05-28"),
            Attached("otology.rtf", "Otology clinic visit", "11506-3", "2026-06-18"),
        ),
    ),
    RequestCase(
        name="cochlear-imaging-pending",
        set_id="cochlear-implantation",
        outcome="information_requested",
        born="1954-05-08",
        gender="female",
        created="2026-08-04",
        services=(
            operation("69930", "Cochlear device implantation, left", place="22"),
            Service("L8614", "Cochlear device", system=HCPCS, category="12", place="22"),
        ),
        diagnoses=("H90.3",),
        notes=(Attached("workup.txt", "Cochlear implant work-up", "11506-3", "2026-08-03"),),
        asks=("hearing.cochlear_lumen_suitable", "hearing.retrocochlear_lesion"),
    ),
    RequestCase(
        name="augmentation-osteoporotic-l1",
        set_id="vertebral-augmentation",
        outcome="approved",
        born="1947-01-11",
        gender="female",
        created="2026-07-08",
        services=(operation("22514", "Vertebral augmentation, lumbar", "L1", place="22"),),
        diagnoses=("M80.08XA",),
        notes=(Attached("visit.txt", "Pain clinic visit", "11506-3", "2026-07-07"),),
        measured=(Measured("72514-3", "Pain severity", 7, "{score}", "2026-07-07"),),
    ),
    RequestCase(
        name="augmentation-retropulsed-fragment",
        set_id="vertebral-augmentation",
        outcome="clinical_review",
        born="1945-05-19",
        gender="male",
        created="2026-08-20",
        services=(operation("22513", "Vertebral augmentation, thoracic", "T12"),),
        diagnoses=("M80.08XA",),
        notes=(Attached("consult.txt", "Neurointerventional consult", "11488-4", "2026-08-19"),),
        because=("refer-retropulsion",),
    ),
    RequestCase(
        name="fusion-unstable-slip",
        set_id="lumbar-fusion",
        outcome="approved",
        born="1967-03-25",
        gender="male",
        created="2026-06-04",
        services=(
            operation("22633", "Interbody fusion L4-L5", "L4", "L5"),
            operation("22840", "Posterior instrumentation L4-L5", "L4", "L5"),
            operation("22853", "Interbody device L4-L5", "L4", "L5"),
        ),
        diagnoses=("M43.16", "M48.061"),
        notes=(Attached("clinic.txt", "Spine surgery clinic", "11488-4", "2026-06-02"),),
        line_of_business="HMO",
    ),
    RequestCase(
        name="fusion-care-of-unknown-length",
        set_id="lumbar-fusion",
        outcome="information_requested",
        born="1972-02-02",
        gender="female",
        created="2026-05-12",
        services=(
            operation("22633", "Interbody fusion L5-S1", "L5", "S1"),
            operation("22840", "Posterior instrumentation L5-S1", "L5", "S1"),
        ),
        diagnoses=("M47.817",),
        notes=(Attached("new-patient.txt", "Orthopaedic spine, new patient", "11488-4", "2026-05-11"),),
        asks=("treatment.nonoperative_duration",),
        line_of_business="HMO",
    ),
    RequestCase(
        name="fusion-two-degenerative-levels",
        set_id="lumbar-fusion",
        outcome="clinical_review",
        born="1960-01-30",
        gender="male",
        created="2026-04-29",
        services=(
            operation("22612", "Posterolateral fusion L3-L4", "L3", "L4"),
            operation("22614", "Posterolateral fusion, further level", "L4", "L5"),
            operation("22842", "Posterior instrumentation L3-L5", "L3", "L4", "L5"),
        ),
        diagnoses=("M48.061",),
        notes=(Attached("dictation.txt", "Neurosurgery dictation", "11488-4", "2026-04-28"),),
        because=("levels",),
        line_of_business="HMO",
    ),
)


def build(number: int) -> dict[str, Any]:
    """The Bundle of a case; its number is its seed."""
    case = CASES[number]
    seed = 900 + number
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


def main() -> None:
    for number, case in enumerate(CASES):
        (FOLDER / f"{case.name}.json").write_text(text_of(build(number)), encoding="utf-8")


if __name__ == "__main__":
    main()
