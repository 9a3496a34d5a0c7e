"""Asking the provider for more of the chart: CommunicationRequest and Task of Da Vinci PAS 2.2.1.

A CommunicationRequest's payload is the LOINC code of a kind of document (the profile binds it so); the questions stand
in the ClaimResponse's process notes. The Task tells a CDex client which documents to send where, line by line.
"""

from dataclasses import dataclass
from typing import Any

from services.intake.domain import vocabulary as v
from shared.clinical.model import Missing

_DOCUMENTS = (
    ("spine.", "18748-4"),
    ("sleep.", "28633-6"),
    ("oxygen.", "11502-2"),
    ("lab.", "11502-2"),
    ("oncology.malignancy", "11526-1"),
    ("oncology.primary", "11526-1"),
    ("oncology.radiosensitive", "11526-1"),
    ("oncology.", "74156-1"),
    ("performance.", "47420-5"),
    ("function.", "47420-5"),
    ("treatment.physical_therapy", "11515-4"),
    ("treatment.", "11506-3"),
    ("wound.", "11506-3"),
)
"""Which kind of document (LOINC, of the HL7 attachment codes) usually answers for a fact; the first prefix counts."""
_OTHERWISE = "34117-2"
"""History and physical."""


@dataclass(frozen=True, slots=True)
class InformationRequest:
    """What is asked for, from whom, by when. ``lines`` are the sequences of the items that wait for it."""

    case_id: str
    base_url: str
    missing: tuple[Missing, ...]
    lines: tuple[int, ...]
    patient: dict[str, Any]
    claim: dict[str, Any]
    payer: dict[str, Any]
    provider: dict[str, Any]
    authored_on: str
    due: str | None


def information_resources(request: InformationRequest) -> list[dict[str, Any]]:
    """A CommunicationRequest for each kind of document, and one Task that names them for each line."""
    documents = documents_for(request.missing)
    return [*(_communication(request, n, code) for n, code in enumerate(documents, 1)), _task(request, documents)]


def documents_for(missing: tuple[Missing, ...]) -> tuple[str, ...]:
    """The LOINC codes of the documents that would answer, in the order of the questions."""
    return tuple(dict.fromkeys(_document(fact) for m in missing for fact in m.facts))


def _document(fact: str) -> str:
    return next((code for prefix, code in _DOCUMENTS if fact.startswith(prefix)), _OTHERWISE)


def _communication(request: InformationRequest, number: int, code: str) -> dict[str, Any]:
    communication: dict[str, Any] = {
        "resourceType": "CommunicationRequest",
        "id": f"{request.case_id}-{number}",
        "meta": {"profile": [v.PAS + "profile-communicationrequest"]},
        "identifier": [{"system": f"{request.base_url}/information-request", "value": f"{request.case_id}-{number}"}],
        "status": "active",
        "subject": request.patient,
        "about": [request.claim],
        "payload": [{"contentString": code}],
        "authoredOn": request.authored_on,
    }
    if len(request.lines) == 1:
        communication["extension"] = [_line(request.lines[0])]
    return communication


def _task(request: InformationRequest, documents: tuple[str, ...]) -> dict[str, Any]:
    task: dict[str, Any] = {
        "resourceType": "Task",
        "id": f"{request.case_id}-information",
        "meta": {"profile": [v.PAS + "profile-task"]},
        "identifier": [{"system": f"{request.base_url}/information-request", "value": request.case_id}],
        "status": "requested",
        "intent": "order",
        "code": _concept("attachment-request-code"),
        "for": request.patient,
        "authoredOn": request.authored_on,
        "requester": {"identifier": request.payer},
        "owner": {"identifier": request.provider},
        "reasonCode": _concept("priorAuthorization"),
        "reasonReference": request.claim,
        "input": [
            {"type": _concept("payer-url"), "valueUrl": f"{request.base_url}/Claim/$submit"},
            *(
                {
                    "extension": [_line(line)],
                    "type": _concept("attachments-needed"),
                    "valueCodeableConcept": {"coding": [{"system": v.LOINC, "code": code}]},
                }
                for line in request.lines
                for code in documents
            ),
        ],
    }
    if request.due:
        task["restriction"] = {"period": {"end": request.due}}
    return task


def _line(sequence: int) -> dict[str, Any]:
    return {"url": v.PAS + "extension-serviceLineNumber", "valuePositiveInt": sequence}


def _concept(code: str) -> dict[str, Any]:
    return {"coding": [{"system": v.PAS_TEMP_CODES, "code": code}]}
