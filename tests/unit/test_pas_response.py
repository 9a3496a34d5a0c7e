"""The PAS response Bundle: by the profiles of PAS 2.2.1, and every reference resolved."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.pas_request import read_request
from services.intake.domain.pas_response import Answer, claim_response
from services.intake.domain.problems import Problem, RequestRefusedError
from shared.clinical.model import DeterminedItem, Missing
from tests.support.profile_check import violations
from tests.support.published import structure_definitions
from tests.support.requests import as_body, make_request
from tests.support.spine import spine_request

BASE = "https://payer.test/fhir"
CASE = "01930b4e-7a3c-7cc0-8e55-9d2f51a7c001"
NOW = dt.datetime(2026, 9, 15, 12, 30, tzinfo=dt.UTC)
PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
SURVIVAL = Missing(("oncology.expected_survival",), "What survival is expected?", ("expected-survival",))
IMAGING = Missing(("spine.lesion_on_imaging", "spine.lesion_levels"), "What does imaging show?", ("lesion-treated",))


def item(sequence: int, action: str) -> DeterminedItem:
    outcome = "approved" if action in ("A1", "A6") else "clinical_review"
    return DeterminedItem(sequence, "63087", "approved" if outcome == "approved" else "clinical_review", action)


APPROVED = Answer(
    CASE,
    "approved",
    NOW,
    items=tuple(item(n, "A1") for n in range(1, 6)),
    summary="Approved.",
    authorization_number="AUTH-77",
    valid_from="2026-09-15",
    valid_until="2026-12-14",
)
PENDED = Answer(CASE, "submitted", NOW)
ASKED = Answer(
    CASE,
    "information_requested",
    NOW,
    items=tuple(item(n, "A4") for n in range(1, 6)),
    missing=(SURVIVAL, IMAGING),
    information_due_at=NOW + dt.timedelta(days=3),
)
MIXED = Answer(
    CASE,
    "partly_approved",
    NOW,
    items=(item(1, "A1"), item(2, "A3"), item(3, "A6"), item(4, "A1"), item(5, "A3")),
    authorization_number="AUTH-78",
    human_reviewed=True,
)
CANCELLED = Answer(CASE, "cancelled", NOW)
FAILED = Answer(
    CASE,
    "submitted",
    NOW,
    errors=(Problem("required", "Name the earlier request.", "Bundle.entry[0].resource.related[0]"),),
)
ANSWERS = {
    "approved": APPROVED,
    "pended": PENDED,
    "asked": ASKED,
    "mixed": MIXED,
    "cancelled": CANCELLED,
    "failed": FAILED,
}


def respond(answer: Answer, **options: Any) -> dict[str, Any]:
    request = read_request(as_body(spine_request(11, with_note=True, **options)), NOW)
    return claim_response(request.bundle, answer, BASE)


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind]


def actions(bundle: dict[str, Any]) -> dict[int, str]:
    found = {}
    for line in resources(bundle, "ClaimResponse")[0].get("item", ()):
        review = line["adjudication"][0]["extension"][0]
        code = next(e for e in review["extension"] if e["url"].endswith("extension-reviewActionCode"))
        found[line["itemSequence"]] = code["valueCodeableConcept"]["coding"][0]["code"]
    return found


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


@pytest.mark.parametrize("name", ANSWERS)
def test_every_reference_resolves_and_the_claim_response_comes_first(name: str) -> None:
    bundle = respond(ANSWERS[name])
    urls = [e["fullUrl"] for e in bundle["entry"]]
    assert bundle["entry"][0]["resource"]["resourceType"] == "ClaimResponse"
    assert len(urls) == len(set(urls))
    for reference in references(bundle):
        assert any(url == reference or url.endswith("/" + reference) for url in urls), reference


@pytest.mark.parametrize("name", ANSWERS)
def test_the_answer_keeps_to_the_published_profiles(name: str) -> None:
    bundle = respond(ANSWERS[name])
    made = [bundle, *(e["resource"] for e in bundle["entry"] if e["fullUrl"].startswith(BASE))]
    assert [r["resourceType"] for r in made[:2]] == ["Bundle", "ClaimResponse"]
    definitions = structure_definitions("2.2.1")
    if definitions:
        assert [violation for resource in made for violation in violations(resource, definitions)] == []


def test_the_checker_finds_what_is_wrong() -> None:
    definitions = structure_definitions("2.2.1")
    if definitions:
        response = resources(respond(APPROVED), "ClaimResponse")[0]
        response["status"] = "draft"
        response["colour"] = "red"
        del response["request"]
        response["item"][0]["extension"][0]["valueString"] = "x"
        found = violations(response, definitions)
        assert {f.partition(":")[0] for f in found if not f.startswith("http")} == {
            "ClaimResponse.status",
            "ClaimResponse",
            "ClaimResponse.colour",
            "ClaimResponse.request",
        } - {"ClaimResponse"}
        assert any(f.endswith("a value of another type than the guide's") for f in found)


def test_an_approval_carries_the_authorization() -> None:
    bundle = respond(APPROVED)
    response = resources(bundle, "ClaimResponse")[0]
    assert response["outcome"] == "complete"
    assert response["preAuthRef"] == "AUTH-77"
    assert response["preAuthPeriod"] == {"start": "2026-09-15", "end": "2026-12-14"}
    assert set(actions(bundle).values()) == {"A1"}
    line = response["item"][0]
    by_url = {e["url"].rpartition("-")[2]: e for e in line["extension"]}
    assert by_url["itemTraceNumber"]["valueIdentifier"]["value"] == "00000011.1"
    assert by_url["itemPreAuthIssueDate"]["valueDate"] == "2026-09-15"
    assert by_url["itemPreAuthPeriod"]["valuePeriod"]["end"] == "2026-12-14"
    assert by_url["itemRequestedServiceDate"]["valueDateTime"] == "2026-10-05"
    number = line["adjudication"][0]["extension"][0]["extension"][0]
    assert number == {"url": "number", "valueString": "AUTH-77"}


def test_without_a_determination_every_line_is_pended() -> None:
    bundle = respond(PENDED)
    response = resources(bundle, "ClaimResponse")[0]
    assert actions(bundle) == dict.fromkeys(range(1, 6), "A4")
    assert response["outcome"] == "partial"
    assert "preAuthRef" not in response
    assert "communicationRequest" not in response


def test_each_line_has_its_own_answer() -> None:
    bundle = respond(MIXED)
    assert actions(bundle) == {1: "A1", 2: "A3", 3: "A6", 4: "A1", 5: "A3"}
    response = resources(bundle, "ClaimResponse")[0]
    assert response["outcome"] == "complete"
    assert response["extension"][0]["extension"][0] == {"url": "wasHumanReviewedFlag", "valueBoolean": True}
    denied = response["item"][1]
    assert all("PreAuth" not in e["url"] for e in denied["extension"])


def test_missing_information_is_asked_for() -> None:
    bundle = respond(ASKED)
    response = resources(bundle, "ClaimResponse")[0]
    assert [n["text"] for n in response["processNote"]] == ["What survival is expected?", "What does imaging show?"]
    assert response["item"][0]["noteNumber"] == [1, 2]
    asked = resources(bundle, "CommunicationRequest")
    assert [c["payload"] for c in asked] == [[{"contentString": "74156-1"}], [{"contentString": "18748-4"}]]
    assert [r["reference"] for r in response["communicationRequest"]] == [
        f"{BASE}/CommunicationRequest/{c['id']}" for c in asked
    ]
    (task,) = resources(bundle, "Task")
    assert task["owner"]["identifier"]["value"] == "1003000126"
    assert task["requester"]["identifier"]["value"] == "HEALTHPLAN7"
    assert task["restriction"]["period"]["end"] == "2026-09-18T12:30:00.000Z"
    wanted = [i for i in task["input"] if i["type"]["coding"][0]["code"] == "attachments-needed"]
    assert len(wanted) == 5 * 2
    assert {i["extension"][0]["valuePositiveInt"] for i in wanted} == {1, 2, 3, 4, 5}


def test_a_cancelled_case_says_so_line_by_line() -> None:
    assert set(actions(respond(CANCELLED)).values()) == {"C"}


def test_a_line_taken_back_by_an_update_is_answered_as_cancelled() -> None:
    bundle = make_request(9, services=["63087", "22556"], kind="update")
    bundle["entry"][0]["resource"]["item"][0]["extension"][1]["valueCodeableConcept"]["coding"][0]["code"] = "3"
    request = read_request(as_body(bundle), NOW)
    answer = claim_response(request.bundle, Answer(CASE, "approved", NOW, items=(item(2, "A1"),)), BASE)
    assert actions(answer) == {1: "C", 2: "A1"}


def test_what_could_not_be_processed_is_an_error() -> None:
    response = resources(respond(FAILED), "ClaimResponse")[0]
    assert response["outcome"] == "error"
    assert "item" not in response
    (error,) = response["error"]
    assert error["code"]["coding"][0]["code"] == "15"
    assert error["extension"][1]["valueString"] == "Bundle.entry[0].resource.related[0]"


def test_the_answer_names_the_request_and_holds_no_more_of_the_chart_than_it_refers_to() -> None:
    observation = {"resourceType": "Observation", "id": "lonely", "status": "final", "code": {"text": "x"}}
    bundle = respond(APPROVED, resources=[observation])
    assert bundle["identifier"] == {"system": "https://clinic.test/bundle", "value": "B00000011"}
    assert not resources(bundle, "Observation")
    response = resources(bundle, "ClaimResponse")[0]
    assert response["identifier"] == [{"system": f"{BASE}/case", "value": CASE}]
    assert response["request"]["reference"] == "https://ehr.clinic.test/fhir/Claim/c-00000011"
    assert all("data" not in str(d["content"]) for d in resources(bundle, "DocumentReference"))


def test_the_same_case_gives_the_same_answer() -> None:
    assert respond(ASKED) == respond(ASKED)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300)
@given(st.data())
def test_whatever_was_accepted_can_be_answered(data: st.DataObject) -> None:
    bundle = make_request(1, services=["63087", "22556"], notes=["x"], kind="update", level_of_service="U")
    node: Any = bundle["entry"][data.draw(st.sampled_from([0, 0, 0, 3, 4]))]["resource"]
    while True:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.integers(0, 4)) == 0:
            break
        node = node[key]
    node[key] = data.draw(JSON)
    try:
        request = read_request(as_body(bundle), NOW)
    except RequestRefusedError:
        return
    assert resources(claim_response(request.bundle, ASKED, BASE), "ClaimResponse")
