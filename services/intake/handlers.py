"""A provider's request in; ``case.submitted``, ``information.received``, ``case.updated`` or ``case.cancelled`` out."""

from typing import Any
from uuid import UUID

from services.intake.domain.pas_request import PasRequest
from shared import flow
from shared.case.clocks import due_at
from shared.case.history import History, Proposed
from shared.case.ids import derived_id
from shared.case.states import FINAL
from shared.events.model import CaseCancelled, CaseSubmitted, CaseUpdated, DocumentRef, InformationReceived


def causation_of(request: PasRequest) -> UUID:
    """The same for the same Bundle identifier of the same payer, so that a request sent twice is one."""
    return derived_id("submit", request.submission_key)


def submission(request: PasRequest) -> Proposed:
    """A new case. Pure."""
    data = CaseSubmitted(**_content(request))
    return Proposed(flow.CASE_SUBMITTED, data, public_view(data))


def change(history: History, request: PasRequest) -> Proposed:
    """What a follow-up request means for a case. Pure.

    A cancellation takes it back. Changed lines, or any update of a decided case, start it anew; the same lines with
    more of the chart are the information that was asked for.
    """
    if request.kind == "cancel":
        return Proposed(flow.CASE_CANCELLED, CaseCancelled(), {})
    former = history.latest(flow.CASE_SUBMITTED, flow.CASE_UPDATED)
    before = former.data() if former is not None else None
    same_lines = isinstance(before, CaseSubmitted) and {(i.sequence, i.code) for i in before.items} == {
        (i.sequence, i.code) for i in request.items
    }
    if same_lines and history.state not in FINAL:
        information = InformationReceived(request.bundle, _documents(request), request.flags)
        return Proposed(flow.INFORMATION_RECEIVED, information, {"documents": len(request.documents)})
    data = CaseUpdated(**_content(request))
    return Proposed(flow.CASE_UPDATED, data, public_view(data))


def public_view(data: CaseSubmitted) -> dict[str, Any]:
    """What Kafka and dashboards may see of a request."""
    return {
        "priority": data.priority,
        "due_at": data.due_at.isoformat(),
        "line_of_business": data.line_of_business,
        "codes": sorted({i.code for i in data.items}),
        "items": [{"sequence": i.sequence, "code": i.code} for i in data.items],
        "documents": len(data.documents),
    }


def _content(request: PasRequest) -> dict[str, Any]:
    return {
        "bundle": request.bundle,
        "documents": _documents(request),
        "items": request.items,
        "diagnoses": request.diagnoses,
        "line_of_business": request.line_of_business,
        "priority": request.priority,
        "received_at": request.received_at,
        "due_at": due_at(request.received_at, request.priority),
        "claim_key": request.claim_key,
        "requested_on": request.requested_on.isoformat(),
        "flags": request.flags,
    }


def _documents(request: PasRequest) -> tuple[DocumentRef, ...]:
    return tuple(
        DocumentRef(d.id, d.content_type, d.title, d.date.isoformat() if d.date else None, d.code, d.path)
        for d in request.documents
    )
