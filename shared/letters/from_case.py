"""The letter of a case, from its history: whom it goes to and what it encloses. Pure."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared import flow
from shared.case.history import History
from shared.case.view import determination_view, determined, request_of
from shared.clinical.fhir_paths import resources_of
from shared.letters.model import Contact, LetterContext, LetterKind

KIND_OF: Final[Mapping[str, LetterKind]] = {
    flow.CASE_APPROVED: "approval",
    flow.CASE_INFORMATION_REQUESTED: "information_request",
    flow.CASE_REFERRED: "referral",
}
"""A denial has no letter of the machine's: the clinician who denies writes it."""


@dataclass(frozen=True, slots=True)
class Sender:
    """What the payer prints of itself. An empty name is taken from the request's insurer."""

    payer_name: str
    contacts: tuple[Contact, ...]


def case_letter(history: History, sender: Sender) -> tuple[dict[str, Any], LetterContext] | None:
    """The determination and the letter's context; None where there is no determination, or one without a letter.

    Raises:
        ContentUnavailableError, KeyUnavailableError: the case's content was erased or was not read.
    """
    found = determined(history)
    document = determination_view(history)
    if found is None or document is None or found.event.type not in KIND_OF:
        return None
    kind = KIND_OF[found.event.type]
    request = request_of(history)
    resources = list(_resources(request.bundle))
    decision = found.determination
    due = decision.information_due_at if kind == "information_request" else request.due_at
    by_clinician = found.event.actor.startswith("clinician:")
    return document, LetterContext(
        kind=kind,
        payer=sender.payer_name or _insurer(resources) or history.payer,
        provider=_provider(resources),
        member_reference=_member(resources),
        case_id=str(history.case_id),
        issued_on=found.event.recorded_at.date(),
        contacts=sender.contacts,
        due_on=due.date() if due is not None else None,
        authorization_number=decision.authorization_number,
        valid_from=_day(decision.valid_from),
        valid_until=_day(decision.valid_until),
        reviewer="a clinician of the health plan" if by_clinician else None,
    )


_OF_OUTCOME: Final[Mapping[str, LetterKind]] = {
    "approved": "approval",
    "information_requested": "information_request",
    "clinical_review": "referral",
}


def draft_letter(document: Mapping[str, Any], bundle: bytes, on: dt.date, sender: Sender) -> LetterContext:
    """The letter of a determination that was made without a case: marked as a draft, it authorizes nothing."""
    resources = list(_resources(bundle))
    return LetterContext(
        kind=_OF_OUTCOME[document["outcome"]],
        payer=sender.payer_name or _insurer(resources) or "The health plan",
        provider=_provider(resources),
        member_reference=_member(resources),
        case_id="DRAFT",
        issued_on=on,
        contacts=sender.contacts,
        due_on=on,
        authorization_number="DRAFT, not an authorization",
        valid_from=on,
        valid_until=on,
    )


def _day(value: str | None) -> dt.date | None:
    return dt.date.fromisoformat(value) if value else None


def _resources(bundle: bytes) -> Iterator[Mapping[str, Any]]:
    return (resource.body for resource in resources_of(bundle))


def _named(resources: list[Mapping[str, Any]], reference: str) -> Mapping[str, Any] | None:
    kind, _, id_ = reference.rpartition("/")[0].rpartition("/")[2], "", reference.rpartition("/")[2]
    for resource in resources:
        if resource.get("id") == id_ and (not kind or resource.get("resourceType") == kind):
            return resource
    return None


def _insurer(resources: list[Mapping[str, Any]]) -> str:
    found = _named(resources, resources[0].get("insurer", {}).get("reference", ""))
    return str(found.get("name", "")) if found else ""


def _provider(resources: list[Mapping[str, Any]]) -> str:
    found = _named(resources, resources[0].get("provider", {}).get("reference", ""))
    if found is None:
        return "The requesting provider"
    name = found.get("name")
    if isinstance(name, str):
        return name
    if isinstance(name, list) and name:
        return " ".join([*name[0].get("given", ()), name[0].get("family", "")]).strip() or "The requesting provider"
    return "The requesting provider"


def _member(resources: list[Mapping[str, Any]]) -> str:
    for resource in resources:
        if resource.get("resourceType") == "Coverage" and resource.get("subscriberId"):
            return str(resource["subscriberId"])
    for resource in resources:
        if resource.get("resourceType") == "Patient":
            return next((str(i["value"]) for i in resource.get("identifier", ()) if i.get("value")), "on file")
    return "on file"
