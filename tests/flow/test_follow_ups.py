"""What a provider sends after the request: more of the chart, a cancellation, or something that follows nothing."""

import copy
from typing import Any

from tests.flow.test_cases import APPROVED, NOTIFIED, claim_response, request_of, reviews
from tests.support.running import Platform, Provider, types_of
from tests.support.spine import spine_request


async def test_without_the_note_it_is_asked_for_and_with_it_the_same_case_is_approved(provider: Provider) -> None:
    request = request_of("t8-renal-note-missing")
    case_id, answer = await provider.submit(request)
    assert {code for code, _ in reviews(answer).values()} == {"A4"}
    case = await provider.until(case_id, "case.information_requested", *NOTIFIED)
    assert (case["state"], case["outcome"]) == ("information_requested", "information_requested")
    asked = {fact for m in (await provider.determination(case_id))["missing"] for fact in m["facts"]}
    assert "oncology.expected_survival" in asked
    assert "oncology.malignancy_confirmed" in asked
    requested = [e["resource"]["resourceType"] for e in answer["entry"]]
    assert {"CommunicationRequest", "Task"} <= set(requested)

    again, answer = await provider.submit(_update(request, with_note=request_of("t8-renal-cord-compression")))
    assert again == case_id
    assert {code for code, _ in reviews(answer).values()} == {"A1"}
    case = await provider.until(case_id, "case.approved", *NOTIFIED)
    assert types_of(case) == [
        "case.submitted",
        "criteria.evaluated",
        "evidence.attached",
        "case.information_requested",
        *NOTIFIED,
        "information.received",
        *APPROVED[1:],
    ]


def _update(request: dict[str, Any], *, with_note: dict[str, Any]) -> dict[str, Any]:
    """The same request again as an update, with the note of another."""
    update = copy.deepcopy(request)
    claim = update["entry"][0]["resource"]
    [note] = [e for e in with_note["entry"] if e["resource"]["resourceType"] == "DocumentReference"]
    note["resource"]["subject"] = dict(claim["patient"])
    earlier = claim["identifier"][0]
    claim["identifier"] = [{**earlier, "value": earlier["value"] + "-U1"}]
    prior = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship", "code": "prior"}]
    }
    claim["related"] = [{"claim": {"identifier": earlier}, "relationship": prior}]
    claim["meta"]["profile"] = ["http://hl7.org/fhir/us/davinci-pas/StructureDefinition/profile-claim-update"]
    claim["supportingInfo"] = [*claim.get("supportingInfo", []), *with_note["entry"][0]["resource"]["supportingInfo"]]
    update["identifier"]["value"] += "-U1"
    update["entry"].append(note)
    return update


async def test_a_provider_cancels_and_the_case_takes_nothing_more(provider: Provider) -> None:
    case_id, _ = await provider.submit(spine_request(7_006, "information_requested"))
    again, answer = await provider.submit(spine_request(7_006, kind="cancel"))
    assert again == case_id
    assert claim_response(answer)["outcome"] == "complete"
    assert not {"A1", "A4"} & {code for code, _ in reviews(answer).values()}
    case = await provider.case(case_id)
    assert case["state"] == "cancelled"
    refused = await provider.post(spine_request(7_006, kind="cancel", revision=1))
    assert refused.status_code == 409
    assert refused.json()["resourceType"] == "OperationOutcome"


async def test_a_follow_up_of_nothing_is_refused(platform: Platform, provider: Provider) -> None:
    before = await platform.footprint()
    response = await provider.post(spine_request(7_999, kind="update"))
    assert response.status_code == 404
    [issue] = response.json()["issue"]
    assert (issue["code"], issue["expression"]) == ("not-found", ["Bundle.entry[0].resource.related"])
    assert await platform.footprint() == before
