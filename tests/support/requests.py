"""Synthetic PAS request Bundles for tests and benchmarks: any codes, facts and notes, distinct by seed, always the same.

Nobody in them exists. A Bundle of one seed shares no identifier, name or note with that of another.
"""

import base64
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
BASE = "https://ehr.clinic.test/fhir"
CPT = "http://www.ama-assn.org/go/cpt"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
LOINC = "http://loinc.org"
ICD_10 = "http://hl7.org/fhir/sid/icd-10-cm"

FactValue = bool | float | str | tuple[float, str] | Sequence[str]
"""A boolean, a number, a code, a quantity with its unit, or a list of codes or vertebrae."""


@dataclass(frozen=True, slots=True)
class Service:
    """A requested line: code, words, and the codes or displays of its body sites.

    ``category`` is the kind of service (X12 1365), ``place`` where it is done (CMS place of service).
    """

    code: str
    description: str = ""
    body_sites: tuple[str, ...] = ()
    system: str = CPT
    category: str = "2"
    place: str = "21"
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Note:
    """A document of the chart."""

    data: str | bytes
    content_type: str = "text/plain; charset=utf-8"
    title: str = "Consultation"
    loinc: str = "11488-4"
    date: str = "2026-09-14"


def make_request(
    seed: int = 0,
    *,
    services: Sequence[Service | str] = ("63087",),
    diagnoses: Sequence[str] = ("C79.51",),
    facts: Mapping[str, FactValue] | None = None,
    notes: Sequence[Note | str] = (),
    resources: Sequence[Mapping[str, Any]] = (),
    payer: str = "HEALTHPLAN7",
    priority: str = "normal",
    level_of_service: str | None = None,
    line_of_business: str = "MCPOL",
    created: str = "2026-09-15",
    kind: Literal["initial", "update", "cancel"] = "initial",
    revision: int = 0,
) -> dict[str, Any]:
    """A PAS request Bundle that intake accepts.

    ``facts`` become answers of a QuestionnaireResponse, ``notes`` DocumentReferences, ``resources`` entries as they are.
    An update or a cancellation of the same seed names the initial request; ``revision`` tells several updates apart.
    """
    tag = f"{seed:08d}"
    patient = {"reference": f"Patient/p-{tag}"}
    documents = [_document(tag, n, note, patient) for n, note in enumerate(notes, 1)]
    answers = [_answers(tag, facts, patient, created)] if facts else []
    supporting = [*documents, *answers]
    claim = _claim(tag, services, diagnoses, supporting, created)
    claim["priority"] = _concept("http://terminology.hl7.org/CodeSystem/processpriority", priority)
    if level_of_service:
        coded = _concept("https://codesystem.x12.org/005010/1338", level_of_service)
        claim["extension"] = [{"url": PAS + "extension-levelOfServiceCode", "valueCodeableConcept": coded}]
    if kind != "initial":
        _follow_up(claim, tag, kind, revision)
    entries = [claim, *_parties(tag, seed, payer, line_of_business, patient), *supporting, *map(dict, resources)]
    suffix = "" if kind == "initial" else f"-{kind}-{revision}"
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [PAS + "profile-pas-request-bundle"]},
        "identifier": {"system": "https://clinic.test/bundle", "value": f"B{tag}{suffix}"},
        "type": "collection",
        "timestamp": f"{created}T14:00:00Z",
        "entry": [{"fullUrl": f"{BASE}/{r['resourceType']}/{r['id']}", "resource": r} for r in entries],
    }


def as_body(bundle: Mapping[str, Any]) -> bytes:
    """The Bundle as it goes over the wire."""
    return json.dumps(bundle, separators=(",", ":")).encode()


def _claim(
    tag: str,
    services: Sequence[Service | str],
    diagnoses: Sequence[str],
    supporting: Sequence[Mapping[str, Any]],
    created: str,
) -> dict[str, Any]:
    information = [
        {
            "sequence": n,
            "category": _concept("http://hl7.org/fhir/us/davinci-pas/CodeSystem/PASTempCodes", "additionalInformation"),
            "valueReference": {"reference": f"{r['resourceType']}/{r['id']}"},
        }
        for n, r in enumerate(supporting, 1)
    ]
    claim: dict[str, Any] = {
        "resourceType": "Claim",
        "id": f"c-{tag}",
        "meta": {"profile": [PAS + "profile-claim"]},
        "identifier": [{"system": "https://clinic.test/prior-auth", "value": f"PA{tag}"}],
        "status": "active",
        "type": _concept("http://terminology.hl7.org/CodeSystem/claim-type", "professional"),
        "use": "preauthorization",
        "patient": {"reference": f"Patient/p-{tag}"},
        "created": created,
        "insurer": {"reference": "Organization/insurer"},
        "provider": {"reference": "Organization/clinic"},
        "careTeam": [
            {
                "extension": [{"url": PAS + "extension-careTeamClaimScope", "valueBoolean": True}],
                "sequence": 1,
                "provider": {"reference": "Practitioner/surgeon"},
            }
        ],
        "diagnosis": [
            {"sequence": n, "diagnosisCodeableConcept": _concept(ICD_10, code)} for n, code in enumerate(diagnoses, 1)
        ],
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": f"Coverage/v-{tag}"}}],
        "item": [
            _item(
                tag, n, service if isinstance(service, Service) else Service(service), len(diagnoses), len(information)
            )
            for n, service in enumerate(services, 1)
        ],
    }
    if information:
        claim["supportingInfo"] = information
    return claim


def _item(tag: str, sequence: int, service: Service, diagnoses: int, information: int) -> dict[str, Any]:
    coding = {"system": service.system, "code": service.code}
    if service.description:
        coding["display"] = service.description
    item: dict[str, Any] = {
        "extension": [
            {
                "url": PAS + "extension-serviceItemRequestType",
                "valueCodeableConcept": _concept("https://codesystem.x12.org/005010/1525", "HS"),
            },
            {
                "url": PAS + "extension-certificationType",
                "valueCodeableConcept": _concept("https://codesystem.x12.org/005010/1322", "I"),
            },
            {
                "url": PAS + "extension-itemTraceNumber",
                "valueIdentifier": {"system": "https://clinic.test/trace", "value": f"{tag}.{sequence}"},
            },
        ],
        "sequence": sequence,
        "careTeamSequence": [1],
        "category": _concept("https://codesystem.x12.org/005010/1365", service.category),
        "productOrService": {"coding": [coding]},
        "servicedDate": "2026-10-05",
        "locationCodeableConcept": _concept(
            "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set", service.place
        ),
        "quantity": {"value": service.quantity, "unit": "UN"},
    }
    if diagnoses:
        item["diagnosisSequence"] = list(range(1, diagnoses + 1))
    if information:
        item["informationSequence"] = list(range(1, information + 1))
    if service.body_sites:
        item["bodySite"] = {"text": ", ".join(service.body_sites)}
    return item


def _follow_up(claim: dict[str, Any], tag: str, kind: str, revision: int) -> None:
    earlier = dict(claim["identifier"][0])
    claim["id"] += f"-{kind}-{revision}"
    claim["meta"] = {"profile": [PAS + "profile-claim-update"]}
    claim["identifier"] = [{"system": earlier["system"], "value": f"PA{tag}-{kind}-{revision}"}]
    claim["related"] = [
        {
            "claim": {"identifier": earlier},
            "relationship": _concept("http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship", "prior"),
        }
    ]
    if kind == "cancel":
        claim["status"] = "cancelled"


def _parties(
    tag: str, seed: int, payer: str, line_of_business: str, patient: Mapping[str, Any]
) -> list[dict[str, Any]]:
    member = {"system": "https://plan.test/member", "value": f"M{tag}"}
    born = dt.date(1940, 1, 1) + dt.timedelta(days=seed * 37 % 18_000)
    return [
        {
            "resourceType": "Patient",
            "id": f"p-{tag}",
            "identifier": [member],
            "name": [{"family": f"Testcase{seed}", "given": ["Synthetic"]}],
            "gender": "female" if seed % 2 else "male",
            "birthDate": born.isoformat(),
        },
        {
            "resourceType": "Coverage",
            "id": f"v-{tag}",
            "identifier": [member],
            "status": "active",
            "type": _concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", line_of_business),
            "beneficiary": dict(patient),
            "relationship": _concept("http://terminology.hl7.org/CodeSystem/subscriber-relationship", "self"),
            "payor": [{"reference": "Organization/insurer"}],
        },
        {
            "resourceType": "Organization",
            "id": "insurer",
            "identifier": [{"system": "urn:oid:2.16.840.1.113883.6.300", "value": payer}],
            "active": True,
            "name": "A Health Plan",
        },
        {
            "resourceType": "Organization",
            "id": "clinic",
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1003000126"}],
            "active": True,
            "name": "A Clinic",
        },
        {
            "resourceType": "Practitioner",
            "id": "surgeon",
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1003000134"}],
            "name": [{"family": "Nobody"}],
        },
    ]


def _document(tag: str, number: int, note: Note | str, patient: Mapping[str, Any]) -> dict[str, Any]:
    note = note if isinstance(note, Note) else Note(note)
    data = note.data.encode() if isinstance(note.data, str) else note.data
    return {
        "resourceType": "DocumentReference",
        "id": f"d-{tag}-{number}",
        "status": "current",
        "type": _concept("http://loinc.org", note.loinc),
        "subject": dict(patient),
        "date": f"{note.date}T09:30:00Z",
        "content": [
            {
                "attachment": {
                    "contentType": note.content_type,
                    "title": note.title,
                    "data": base64.b64encode(data).decode(),
                }
            }
        ],
    }


def _answers(tag: str, facts: Mapping[str, FactValue], patient: Mapping[str, Any], created: str) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": f"q-{tag}",
        "status": "completed",
        "subject": dict(patient),
        "authored": f"{created}T10:00:00Z",
        "item": [{"linkId": name, "answer": [_answer(value)]} for name, value in facts.items()],
    }


def _answer(value: FactValue) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int | float):
        return {"valueDecimal": value}
    if isinstance(value, str):
        return {"valueCoding": {"code": value}}
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], int | float):
        unit = str(value[1])
        return {"valueQuantity": {"value": value[0], "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}}
    return {"valueString": ", ".join(str(v) for v in value)}


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}
