"""Clinicians' commands. Only a clinician may deny or approve in part; the journal's constraint says so too."""

import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID, uuid4

from fastapi import FastAPI, Header
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from services.determination.domain.authorization import authorization_number
from services.determination.store import start_clocks
from shared import flow
from shared.case.clocks import information_due_at
from shared.case.history import Accepted, History, Proposed
from shared.case.ids import derived_id
from shared.case.states import IllegalTransitionError
from shared.events.model import CaseDetermined, PeerToPeerOpened
from shared.journal.commands import CaseNotFoundError, append_one
from shared.platform.http import ProblemError
from shared.platform.service import Runtime

Decision = Literal["approve", "approve_partly", "deny", "request_information", "open_peer_to_peer"]

EVENTS: Final[dict[Decision, str]] = {
    "approve": flow.CASE_APPROVED,
    "approve_partly": flow.CASE_PARTLY_APPROVED,
    "deny": flow.CASE_DENIED,
    "request_information": flow.CASE_INFORMATION_REQUESTED,
    "open_peer_to_peer": flow.PEER_TO_PEER_OPENED,
}
OUTCOMES: Final[dict[Decision, str]] = {
    "approve": "approved",
    "approve_partly": "partly_approved",
    "deny": "denied",
    "request_information": "information_requested",
}


class Command(BaseModel):
    """A clinician's decision. ``rationale`` is the specific reason that 42 CFR 422.122(a) asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: Decision
    rationale: str = Field(min_length=1, max_length=10_000)


class Decided(BaseModel):
    """Where the case stands after a decision."""

    id: UUID
    state: str
    sequence: int


def add_commands(api: FastAPI, runtime: Runtime) -> None:
    """Adds the commands to the service's application."""

    @api.post("/cases/{case_id}/decisions", tags=["review"])
    async def decide(
        case_id: UUID,
        command: Command,
        authorization: Annotated[str, Header()] = "",
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
    ) -> Decided:
        """Records a clinician's decision on a case that is in review."""
        clinician = _clinician(runtime, authorization)
        key = idempotency_key or str(uuid4())
        now, valid_days = datetime.now(UTC), runtime.settings.authorization_valid_days

        async def clock(connection: AsyncConnection, accepted: Accepted) -> None:
            await start_clocks(connection, [accepted])

        try:
            history = await append_one(
                runtime.engine,
                runtime.master,
                case_id,
                lambda history: propose(history, command, now, valid_days),
                actor=f"clinician:{clinician}",
                consumer="determination.review",
                causation_id=derived_id("decision", str(case_id), clinician, key),
                also=clock,
            )
        except CaseNotFoundError as error:
            raise ProblemError(404, str(error)) from error
        except IllegalTransitionError as error:
            raise ProblemError(409, str(error)) from error
        return Decided(id=case_id, state=history.state, sequence=history.sequence)


def propose(history: History, command: Command, now: datetime, valid_days: int) -> Proposed:
    """The event of a decision made at ``now``. Pure. An approval holds for ``valid_days``, as the machine's does.

    A request for information has the machine's clock, so that it does not lie for ever if nobody answers.
    """
    if command.decision == "open_peer_to_peer":
        return Proposed(flow.PEER_TO_PEER_OPENED, PeerToPeerOpened(command.rationale), {})
    request = json.loads(history.all_of(flow.CASE_SUBMITTED, flow.CASE_UPDATED)[-1].public)
    approves = command.decision in {"approve", "approve_partly"}
    asks = command.decision == "request_information"
    data = CaseDetermined(
        rationale=command.rationale,
        authorization_number=authorization_number(history.case_id) if approves else None,
        valid_from=now.date().isoformat() if approves else None,
        valid_until=(now.date() + timedelta(days=valid_days)).isoformat() if approves else None,
        information_due_at=information_due_at(now, datetime.fromisoformat(request["due_at"])) if asks else None,
    )
    outcome = OUTCOMES[command.decision]
    items = [{"sequence": i["sequence"], "code": i["code"], "outcome": outcome} for i in request["items"]]
    return Proposed(EVENTS[command.decision], data, {"outcome": outcome, "items": items})


def _clinician(runtime: Runtime, authorization: str) -> str:
    token = authorization.removeprefix("Bearer ").encode()
    for clinician, secret in runtime.settings.clinician_tokens.items():
        if hmac.compare_digest(token, secret.get_secret_value().encode()):
            return clinician
    raise ProblemError(401, "Give a clinician's bearer token.", {"WWW-Authenticate": "Bearer"})
