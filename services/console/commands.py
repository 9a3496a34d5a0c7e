"""A clinician's decision from the page to determination's API, signed with that clinician's own token."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs
from uuid import UUID

import httpx
from fastapi import Request

from services.console.access import Viewer
from shared.platform.http import ProblemError
from shared.platform.logs import get_logger
from shared.platform.settings import Settings

log = get_logger()
_LONGEST_FORM: Final = 64 * 1024
_MOST_FIELDS: Final = 50
_SECONDS: Final = 15.0
DECISIONS: Final = {
    "approve": "Approve",
    "approve_partly": "Approve in part or with changes",
    "deny": "Deny",
    "request_information": "Ask for information",
    "open_peer_to_peer": "Open a peer-to-peer",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a decision was not taken: one sentence for the clinician, whose text is kept in the form."""

    status: int
    sentence: str


async def read_form(request: Request) -> dict[str, str]:
    """A small form; of a field that comes twice, the last value.

    Raises:
        ProblemError: 400 where it cannot be read, 413 where it is too large, 415 where it is no form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise ProblemError(415, "Send the form as application/x-www-form-urlencoded.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            raise ProblemError(413, "The form is too large.")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise ProblemError(400, "The form cannot be read.") from error
    return {name: values[-1] for name, values in fields.items()}


def may_decide(settings: Settings, viewer: Viewer) -> bool:
    """Whether this viewer's decisions can be sent: a clinician, and an address to send them to."""
    return viewer.role == "clinician" and bool(settings.determination_url)


async def send_decision(
    settings: Settings, viewer: Viewer, case_id: UUID, decision: str, rationale: str, key: str
) -> Refusal | None:
    """Sends a decision; None where it was recorded. The same ``key`` again records nothing twice."""
    if not may_decide(settings, viewer):
        return Refusal(403, "Only a clinician may decide; you may look.")
    if decision not in DECISIONS:
        return Refusal(422, "Choose a decision.")
    if not rationale.strip():
        return Refusal(422, "Give the reason for the decision; it stands in the record and in the notice.")
    token = settings.clinician_tokens[viewer.id].get_secret_value()
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    body = {"decision": decision, "rationale": rationale.strip()}
    url = f"{settings.determination_url.rstrip('/')}/cases/{case_id}/decisions"
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            response = await client.post(url, json=body, headers=headers)
    except httpx.HTTPError as error:
        log.warning("determination away", exc_info=error)
        return Refusal(503, "The decision could not be sent: the determination service does not answer. Try again.")
    if response.status_code == 200:
        return None
    return Refusal(response.status_code, _sentence(response))


def _sentence(response: httpx.Response) -> str:
    """The service's own sentence; what went wrong in it is said in its logs."""
    if response.status_code == 409:
        return f"The case has moved on, so the decision was not taken. {_detail(response)}".strip()
    if response.status_code in (401, 403):
        return "The determination service did not accept your token; ask an operator."
    return _detail(response) or f"The determination service answered {response.status_code}; try again later."


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return ""
