"""The PAS response Bundle (Da Vinci PAS 2.2.1, profile-pas-response-bundle and profile-claimresponse)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from services.intake.domain import vocabulary as v
from services.intake.domain.information_request import InformationRequest, information_resources
from services.intake.domain.problems import Problem
from services.intake.domain.references import BundleIndex
from shared.case.states import CANCELLED, INFORMATION_REQUESTED
from shared.clinical.model import DeterminedItem, Missing

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_FINAL_ACTIONS = frozenset({v.CERTIFIED, v.NOT_CERTIFIED, v.MODIFIED, v.CANCELLED})
_AUTHORIZING = frozenset({v.CERTIFIED, v.MODIFIED})


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a case when it is answered.

    ``items`` is None while no determination is there: every line is then pended. ``valid_from`` and ``valid_until`` are
    dates (YYYY-MM-DD) of an authorization. ``errors`` turn the answer into one that was not processed.
    """

    case_id: str
    state: str
    answered_at: datetime
    items: tuple[DeterminedItem, ...] | None = None
    summary: str = ""
    authorization_number: str | None = None
    issued_on: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    missing: tuple[Missing, ...] = ()
    information_due_at: datetime | None = None
    human_reviewed: bool = False
    errors: tuple[Problem, ...] = field(default=())


def claim_response(request: bytes, answer: Answer, base_url: str) -> dict[str, Any]:
    """The answer to a request as a PAS response Bundle, in which every reference resolves.

    ``request`` is the Bundle as ``read_request`` kept it; what the ClaimResponse refers to is taken from it. ``base_url``
    is where this payer's FHIR endpoint stands, without a slash at the end.
    """
    bundle = _decode(request)
    index, urls = _indexed(bundle)
    claim = index.resources[0]
    reader = _Source(index, urls, claim)
    information = _information_request(reader, answer, base_url)
    asked = information_resources(information) if information is not None else []
    response = _claim_response(reader, answer, base_url)
    communications = [r for r in asked if r["resourceType"] == "CommunicationRequest"]
    if communications:
        response["communicationRequest"] = [{"reference": _url(base_url, r)} for r in communications]
    made = [response, *asked]
    entries = [{"fullUrl": _url(base_url, r), "resource": r} for r in made]
    entries += [{"fullUrl": urls[i], "resource": index.resources[i]} for i in _closure(index, made)]
    return {
        "resourceType": "Bundle",
        "id": f"{answer.case_id}-response",
        "meta": {"profile": [v.PAS + "profile-pas-response-bundle"]},
        "identifier": bundle["identifier"],
        "type": "collection",
        "timestamp": _instant(answer.answered_at),
        "entry": entries,
    }


@dataclass(frozen=True, slots=True)
class _Source:
    """The request, from which the answer takes its references."""

    index: BundleIndex
    urls: list[str]
    claim: dict[str, Any]

    def reference(self, name: str) -> dict[str, Any]:
        """A reference by fullUrl to what the Claim's element refers to: it means the same in any Bundle."""
        position = self.position(name)
        return {"reference": self.urls[position]} if position is not None else dict(self.claim[name])

    def position(self, name: str) -> int | None:
        """The entry that the Claim's element refers to."""
        return self.index.resolve(self.claim[name]["reference"], 0)

    def identifier(self, name: str) -> dict[str, Any]:
        """The first business identifier of what the Claim's element refers to."""
        position = self.position(name)
        resource = self.index.resources[position] if position is not None else {}
        named = (i for i in resource.get("identifier", ()) if i.get("value"))
        found = next(named, {"value": resource.get("id") or self.claim[name]["reference"]})
        return {k: found[k] for k in ("system", "value") if k in found}


def _indexed(bundle: dict[str, Any]) -> tuple[BundleIndex, list[str]]:
    index = BundleIndex()
    urls = []
    for entry in bundle["entry"]:
        urls.append(entry["fullUrl"])
        index.add(entry["fullUrl"], entry["resource"])
    return index, urls


def _claim_response(source: _Source, answer: Answer, base_url: str) -> dict[str, Any]:
    claim = source.claim
    notes = [m.question for m in answer.missing]
    actions = {i.sequence: i.review_action for i in answer.items or ()}
    lines = [_item(line, _action(actions, line, answer), answer, len(notes)) for line in claim.get("item", ())]
    response: dict[str, Any] = {
        "resourceType": "ClaimResponse",
        "id": answer.case_id,
        "meta": {"profile": [v.PAS + "profile-claimresponse"]},
        "extension": [_reviewer(answer)],
        "identifier": [{"system": f"{base_url}/case", "value": answer.case_id}],
        "status": "active",
        "type": claim["type"],
        "use": "preauthorization",
        "patient": source.reference("patient"),
        "created": _instant(answer.answered_at),
        "insurer": source.reference("insurer"),
        "requestor": source.reference("provider"),
        "request": {"reference": source.urls[0]},
        "outcome": _outcome(lines, answer),
    }
    if answer.summary:
        response["disposition"] = answer.summary
    if answer.authorization_number and not answer.errors:
        response["preAuthRef"] = answer.authorization_number
        if period := _period(answer):
            response["preAuthPeriod"] = period
    if lines and not answer.errors:
        response["item"] = lines
    if notes and not answer.errors:
        response["processNote"] = [{"number": n, "type": "display", "text": text} for n, text in enumerate(notes, 1)]
    if answer.errors:
        response["error"] = [_error(p) for p in answer.errors]
    return response


def _action(actions: dict[int, str], line: dict[str, Any], answer: Answer) -> str:
    if answer.state == CANCELLED or _taken_back(line):
        return v.CANCELLED
    return actions.get(line["sequence"], v.PENDED)


def _taken_back(line: dict[str, Any]) -> bool:
    """Whether the provider's own update cancels the line; ``read_items`` leaves it out of what is asked."""
    certified = (e for e in line.get("extension", ()) if e.get("url") == v.CERTIFICATION_TYPE)
    codings = [c for e in certified for c in e.get("valueCodeableConcept", {}).get("coding", ())]
    flags = line.get("modifierExtension", ())
    return (bool(codings) and codings[0].get("code") == v.CANCEL) or any(
        f.get("url") == v.INFO_CANCELLED and f.get("valueBoolean") is True for f in flags
    )


def _outcome(lines: list[dict[str, Any]], answer: Answer) -> Literal["complete", "partial", "error"]:
    """FHIR's ``queued`` is not in the value set of PAS 2.2.1; a line that is pended leaves the adjudication partial."""
    if answer.errors:
        return "error"
    codes = {
        line["adjudication"][0]["extension"][0]["extension"][-1]["valueCodeableConcept"]["coding"][0]["code"]
        for line in lines
    }
    return "complete" if codes <= _FINAL_ACTIONS else "partial"


def _item(line: dict[str, Any], action: str, answer: Answer, notes: int) -> dict[str, Any]:
    extensions: list[dict[str, Any]] = [
        {"url": e["url"], "valueIdentifier": e["valueIdentifier"]}
        for e in line.get("extension", ())
        if e.get("url") == v.ITEM_TRACE_NUMBER and "valueIdentifier" in e
    ]
    authorized = action in _AUTHORIZING
    if authorized:
        issued = answer.issued_on or answer.answered_at.date().isoformat()
        extensions.append({"url": v.PAS + "extension-itemPreAuthIssueDate", "valueDate": issued})
        if period := _period(answer):
            extensions.append({"url": v.PAS + "extension-itemPreAuthPeriod", "valuePeriod": period})
    if action == v.PENDED:
        reference = {"url": v.PAS + "extension-administrationReferenceNumber", "valueString": answer.case_id}
        extensions.append(reference)
    if "servicedPeriod" in line or "servicedDate" in line:
        extensions.append({"url": v.PAS + "extension-itemRequestedServiceDate", **_service_date(line)})
    review: list[dict[str, Any]] = []
    if authorized and answer.authorization_number:
        review.append({"url": "number", "valueString": answer.authorization_number})
    coding = {"system": v.REVIEW_ACTIONS, "code": action, "display": v.REVIEW_ACTION_TEXT.get(action, action)}
    review.append({"url": v.PAS + "extension-reviewActionCode", "valueCodeableConcept": {"coding": [coding]}})
    item: dict[str, Any] = {"extension": extensions} if extensions else {}
    item["itemSequence"] = line["sequence"]
    if notes and action == v.PENDED:
        item["noteNumber"] = list(range(1, notes + 1))
    category = {"system": "http://terminology.hl7.org/CodeSystem/adjudication", "code": "submitted"}
    item["adjudication"] = [
        {
            "extension": [{"url": v.PAS + "extension-reviewAction", "extension": review}],
            "category": {"coding": [category]},
        }
    ]
    return item


def _service_date(line: dict[str, Any]) -> dict[str, Any]:
    return (
        {"valuePeriod": line["servicedPeriod"]} if "servicedPeriod" in line else {"valueDateTime": line["servicedDate"]}
    )


def _period(answer: Answer) -> dict[str, str]:
    period = {"start": answer.valid_from, "end": answer.valid_until}
    return {name: day for name, day in period.items() if day}


def _reviewer(answer: Answer) -> dict[str, Any]:
    flag = {"url": "wasHumanReviewedFlag", "valueBoolean": answer.human_reviewed}
    return {"url": v.PAS + "extension-claimResponseReviewer", "extension": [flag]}


def _error(problem: Problem) -> dict[str, Any]:
    reason = v.DATA_MISSING if problem.code == "required" else v.INPUT_ERROR
    follow_up = {"coding": [{"system": v.FOLLOW_UP_ACTIONS, "code": v.CORRECT_AND_RESUBMIT}]}
    extensions: list[dict[str, Any]] = [
        {"url": v.PAS + "extension-errorFollowupAction", "valueCodeableConcept": follow_up}
    ]
    if problem.expression:
        extensions.append({"url": v.PAS + "extension-errorPath", "valueString": problem.expression})
    code = {"coding": [{"system": v.REJECT_REASONS, "code": reason}], "text": problem.diagnostics}
    return {"extension": extensions, "code": code}


def _information_request(source: _Source, answer: Answer, base_url: str) -> InformationRequest | None:
    if answer.state != INFORMATION_REQUESTED or not answer.missing or answer.errors:
        return None
    actions = {i.sequence: i.review_action for i in answer.items or ()}
    sequences = [line["sequence"] for line in source.claim.get("item", ())]
    return InformationRequest(
        case_id=answer.case_id,
        base_url=base_url,
        missing=answer.missing,
        lines=tuple(s for s in sequences if actions.get(s, v.PENDED) == v.PENDED),
        patient=source.reference("patient"),
        claim={"reference": source.urls[0]},
        payer=source.identifier("insurer"),
        provider=source.identifier("provider"),
        authored_on=_instant(answer.answered_at),
        due=_instant(answer.information_due_at) if answer.information_due_at else None,
    )


def _closure(index: BundleIndex, made: list[dict[str, Any]]) -> list[int]:
    """The request's entries that the answer needs: all that it refers to, and all that these refer to."""
    needed: set[int] = set()
    waiting = [(0, reference) for resource in made for reference in _references(resource, [])]
    while waiting:
        position, reference = waiting.pop()
        found = index.resolve(reference, position)
        if found is not None and found not in needed:
            needed.add(found)
            resource = index.resources[found]
            # The references of a Bundle that is itself an entry are about its own entries.
            if resource.get("resourceType") != "Bundle":
                waiting += [(found, inner) for inner in _references(resource, [])]
    return sorted(needed)


def _references(node: dict[str, Any], found: list[str]) -> list[str]:
    for name, value in node.items():
        kind = type(value)
        if kind is str:
            if name == "reference":
                found.append(value)
        elif kind is dict:
            _references(value, found)
        elif kind is list:
            for member in value:
                if type(member) is dict:
                    _references(member, found)
    return found


def _url(base_url: str, resource: dict[str, Any]) -> str:
    return f"{base_url}/{resource['resourceType']}/{resource['id']}"


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
