"""What callers see of a case, from its history: pure."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from shared import flow
from shared.case.history import History, Recorded
from shared.clinical.document import determination_document
from shared.events.model import CaseDetermined, CaseSubmitted, CriteriaEvaluated, EvidenceAttached

OUTCOME_OF_STATE = {
    "approved": "approved",
    "partly_approved": "partly_approved",
    "denied": "denied",
    "information_requested": "information_requested",
    "in_review": "clinical_review",
    "cancelled": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Determined:
    """The latest determination with the evaluation and the evidence that it rests on."""

    event: Recorded
    determination: CaseDetermined
    evaluated: CriteriaEvaluated
    attached: EvidenceAttached


def case_view(history: History) -> dict[str, Any]:
    """``GET /cases/{id}``: state, outcome, clock, items and timeline; nothing of the chart."""
    events = [e for e in history.events if isinstance(e, Recorded)]
    request = json.loads(_last(events, flow.CASE_SUBMITTED, flow.CASE_UPDATED).public)
    determined = history.latest(*flow.DETERMINATIONS)
    outcomes = {i["sequence"]: i["outcome"] for i in json.loads(determined.public)["items"]} if determined else {}
    return {
        "id": str(history.case_id),
        "state": history.state,
        "outcome": OUTCOME_OF_STATE.get(history.state),
        "priority": request["priority"],
        "payer": history.payer,
        "submitted_at": events[0].occurred_at.isoformat(),
        "due_at": request["due_at"],
        "quarantined": history.quarantined,
        "trace_id": events[0].traceparent.split("-")[1] if events[0].traceparent else None,
        "items": [{**item, "outcome": outcomes.get(item["sequence"])} for item in request["items"]],
        "timeline": [_line(e) for e in events],
    }


def _line(event: Recorded) -> dict[str, Any]:
    return {
        "sequence": event.sequence,
        "type": event.type,
        "state_before": event.state_before,
        "state_after": event.state_after,
        "actor": event.actor,
        "occurred_at": event.occurred_at.isoformat(),
        "recorded_at": event.recorded_at.isoformat(),
    }


def _last(events: list[Recorded], *types: str) -> Recorded:
    return next(e for e in reversed(events) if e.type in types)


def determined(history: History) -> Determined | None:
    """The latest determination, or None while there is none.

    Raises:
        ContentUnavailableError, KeyUnavailableError: the case's content was erased or was not read.
    """
    event = history.latest(*flow.DETERMINATIONS)
    evaluated_event = history.latest(flow.CRITERIA_EVALUATED)
    attached_event = history.latest(flow.EVIDENCE_ATTACHED)
    if event is None or evaluated_event is None or attached_event is None:
        return None
    determination, evaluated, attached = event.data(), evaluated_event.data(), attached_event.data()
    if not (
        isinstance(determination, CaseDetermined)
        and isinstance(evaluated, CriteriaEvaluated)
        and isinstance(attached, EvidenceAttached)
    ):
        raise TypeError("A determination of another shape.")
    if determination.conclusion is None:
        # A clinician or a clock moved the case: what the machine had concluded still tells why it came to them.
        for earlier in reversed(history.all_of(*flow.DETERMINATIONS)):
            data = earlier.data()
            if isinstance(data, CaseDetermined) and data.conclusion is not None:
                return Determined(event, _with_conclusion(determination, data), evaluated, attached)
        return None
    return Determined(event, determination, evaluated, attached)


def _with_conclusion(decided: CaseDetermined, machine: CaseDetermined) -> CaseDetermined:
    return CaseDetermined(
        machine.conclusion,
        decided.rationale,
        decided.authorization_number,
        decided.valid_from,
        decided.valid_until,
        decided.information_due_at,
    )


def determination_view(history: History) -> dict[str, Any] | None:
    """``GET /cases/{id}/determination``: ``priorauth.determination/1``; None while there is no determination."""
    found = determined(history)
    if found is None or found.determination.conclusion is None:
        return None
    view = determination_document(
        found.evaluated.evaluation,
        found.attached.evidence,
        found.determination.conclusion,
        priority=found.evaluated.priority,
        case_id=str(history.case_id),
        authorization_number=found.determination.authorization_number,
        valid_from=_day(found.determination.valid_from),
        valid_until=_day(found.determination.valid_until),
    )
    if found.determination.rationale:
        outcome = OUTCOME_OF_STATE[found.event.state_after]
        view |= {
            "outcome": outcome,
            "decided_by": found.event.actor.partition(":")[0],
            "reasons": [found.determination.rationale, *view["reasons"]],
        }
    return view


def _day(value: str | None) -> dt.date | None:
    return dt.date.fromisoformat(value) if value else None


def request_of(history: History) -> CaseSubmitted:
    """The request as it now stands."""
    event = history.latest(flow.CASE_SUBMITTED, flow.CASE_UPDATED)
    data = event.data() if event is not None else None
    if not isinstance(data, CaseSubmitted):
        raise TypeError("The case has no request.")
    return data
