"""The letter of a case, from its history: whom it goes to and what it encloses. Pure."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared import flow
from shared.case.history import History
from shared.case.view import determination_view, determined, request_of
from shared.clinical.fhir_paths import resources_of
from shared.letters.model import Audience, Contact, Language, LetterContext, LetterKind
from shared.letters.words import LANGUAGES, words_of

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


def case_letter(
    history: History, sender: Sender, audience: Audience = "provider", language: Language | None = None
) -> tuple[dict[str, Any], LetterContext] | None:
    """The determination and the letter's context; None where there is no determination, or one without a letter.

    The letter says nothing of what came after the determination. Without a ``language`` the provider's letter is in English, and the member's in the language that the patient
    prefers, where letters are written in it.

    Raises:
        ContentUnavailableError, KeyUnavailableError: the case's content was erased or was not read.
    """
    decided = history.latest(*flow.DETERMINATIONS)
    if decided is None or decided.type not in KIND_OF:
        return None
    history = history.until(decided.sequence)
    found = determined(history)
    document = determination_view(history)
    if found is None or document is None:
        return None
    kind = KIND_OF[found.event.type]
    request = request_of(history)
    resources = list(_resources(request.bundle))
    decision = found.determination
    due = decision.information_due_at if kind == "information_request" else request.due_at
    by_clinician = found.event.actor.startswith("clinician:")
    language = language or _language(resources, audience)
    unnamed = _unnamed(audience, language)
    return document, LetterContext(
        kind=kind,
        payer=sender.payer_name or _insurer(resources) or history.payer,
        provider=_provider(resources) or unnamed["provider"],
        member_reference=_member(resources) or unnamed["member"],
        case_id=str(history.case_id),
        issued_on=found.event.recorded_at.date(),
        contacts=sender.contacts,
        due_on=due.date() if due is not None else None,
        authorization_number=decision.authorization_number,
        valid_from=_day(decision.valid_from),
        valid_until=_day(decision.valid_until),
        reviewer=unnamed["reviewer"] if by_clinician else None,
        audience=audience,
        language=language,
        member_name=_member_name(resources),
    )


_OF_OUTCOME: Final[Mapping[str, LetterKind]] = {
    "approved": "approval",
    "information_requested": "information_request",
    "clinical_review": "referral",
}


def draft_letter(
    document: Mapping[str, Any],
    bundle: bytes,
    on: dt.date,
    sender: Sender,
    audience: Audience = "provider",
    language: Language | None = None,
) -> LetterContext:
    """The letter of a determination that was made without a case: marked as a draft, it authorizes nothing.

    The language is chosen as ``case_letter`` does.
    """
    resources = list(_resources(bundle))
    language = language or _language(resources, audience)
    unnamed = _unnamed(audience, language)
    return LetterContext(
        kind=_OF_OUTCOME[document["outcome"]],
        payer=sender.payer_name or _insurer(resources) or unnamed["payer"],
        provider=_provider(resources) or unnamed["provider"],
        member_reference=_member(resources) or unnamed["member"],
        case_id="DRAFT",
        issued_on=on,
        contacts=sender.contacts,
        due_on=on,
        authorization_number="DRAFT, not an authorization",
        valid_from=on,
        valid_until=on,
        audience=audience,
        language=language,
        member_name=_member_name(resources),
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


def _unnamed(audience: Audience, language: Language) -> dict[str, str]:
    """What a letter calls those whose name the request does not give."""
    words = words_of(language)
    return {**words.under("unnamed"), **(words.under("member.unnamed") if audience == "member" else {})}


def _language(resources: list[Mapping[str, Any]], audience: Audience) -> Language:
    """The language that the patient prefers (``Patient.communication.preferred``), for the member's own letter."""
    spoken = [c for c in _patient(resources).get("communication", ()) if c.get("preferred")]
    codes = [str(coding.get("code", "")) for c in spoken for coding in c.get("language", {}).get("coding", ())]
    tags = [code.partition("-")[0].lower() for code in codes]
    wanted = next((language for tag in tags for language in LANGUAGES if tag == language), None)
    return wanted if wanted is not None and audience == "member" else "en"


def _patient(resources: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    named = _named(resources, resources[0].get("patient", {}).get("reference", ""))
    return named or next((r for r in resources if r.get("resourceType") == "Patient"), {})


def _member_name(resources: list[Mapping[str, Any]]) -> str:
    return _name(_patient(resources))


def _provider(resources: list[Mapping[str, Any]]) -> str:
    """The requesting provider's name; empty where the request has none."""
    return _name(_named(resources, resources[0].get("provider", {}).get("reference", "")) or {})


def _name(resource: Mapping[str, Any]) -> str:
    """An organization's name, or a person's given and family names or whole text."""
    name = resource.get("name")
    if isinstance(name, list) and name:
        parts = [*name[0].get("given", ()), name[0].get("family", "")]
        return " ".join(part for part in parts if part).strip() or str(name[0].get("text", ""))
    return name if isinstance(name, str) else ""


def _member(resources: list[Mapping[str, Any]]) -> str:
    for resource in resources:
        if resource.get("resourceType") == "Coverage" and resource.get("subscriberId"):
            return str(resource["subscriberId"])
    return next((str(i["value"]) for i in _patient(resources).get("identifier", ()) if i.get("value")), "")
