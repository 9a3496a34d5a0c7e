"""The PAS answer to a request, from the case's history. Pure."""

import datetime as dt
from dataclasses import replace
from typing import Any, Final

from msgspec import structs

from services.intake.domain.pas_response import Answer, claim_response
from shared.case.history import History
from shared.case.states import DETERMINED
from shared.case.view import Determined, determined, request_of
from shared.clinical.model import DeterminedItem

CLINICIANS_ACTION: Final = {"approved": "A1", "partly_approved": "A6", "denied": "A3"}
"""X12 306 codes for a clinician's decision: certified in total, modified, not certified."""


def pas_response(history: History, now: dt.datetime, base_url: str) -> dict[str, Any]:
    """The PAS response Bundle: the items' outcomes where there are any, else all of them pended."""
    found = determined(history) if history.state in DETERMINED else None
    return claim_response(request_of(history).bundle, _answer(history, found, now), base_url)


def _answer(history: History, found: Determined | None, now: dt.datetime) -> Answer:
    pending = Answer(str(history.case_id), history.state, now)
    if found is None or found.determination.conclusion is None:
        return pending
    decision, conclusion = found.determination, found.determination.conclusion
    by_clinician = found.event.actor.startswith("clinician:")
    return replace(
        pending,
        items=_items(history.state, conclusion.items) if by_clinician else conclusion.items,
        summary=decision.rationale or conclusion.summary,
        authorization_number=decision.authorization_number,
        issued_on=found.event.recorded_at.date().isoformat(),
        valid_from=decision.valid_from,
        valid_until=decision.valid_until,
        missing=conclusion.missing if history.state == "information_requested" else (),
        information_due_at=decision.information_due_at,
        human_reviewed=by_clinician,
    )


def _items(state: str, items: tuple[DeterminedItem, ...]) -> tuple[DeterminedItem, ...]:
    action = CLINICIANS_ACTION.get(state, "A4")
    return tuple(structs.replace(item, review_action=action) for item in items)
