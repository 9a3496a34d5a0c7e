"""Wrong requests over HTTP: each gets its status and its place named, and leaves nothing in the journal."""

import asyncio
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.flow.conftest import MAX_BODY_BYTES
from tests.support.running import Platform, Provider, types_of
from tests.support.spine import spine_request

Change = Callable[[dict[str, Any]], None]


def claim(bundle: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = bundle["entry"][0]["resource"]
    return found


def without_claim(bundle: dict[str, Any]) -> None:
    bundle["entry"].pop(0)


def without_items(bundle: dict[str, Any]) -> None:
    del claim(bundle)["item"]


def unresolved_patient(bundle: dict[str, Any]) -> None:
    claim(bundle)["patient"] = {"reference": "Patient/of-another-bundle"}


def unresolved_provider(bundle: dict[str, Any]) -> None:
    claim(bundle)["provider"] = {"reference": "Organization/nowhere"}


def without_identifier(bundle: dict[str, Any]) -> None:
    del bundle["identifier"]


def wrong_base64(bundle: dict[str, Any]) -> None:
    bundle["entry"].append(
        {
            "fullUrl": "https://ehr.clinic.test/fhir/DocumentReference/d",
            "resource": {
                "resourceType": "DocumentReference",
                "id": "d",
                "content": [{"attachment": {"contentType": "text/plain", "data": "not base64!"}}],
            },
        }
    )


def item_without_code(bundle: dict[str, Any]) -> None:
    del claim(bundle)["item"][2]["productOrService"]


def null_property(bundle: dict[str, Any]) -> None:
    claim(bundle)["item"][0]["bodySite"] = None


@pytest.mark.parametrize(
    ("change", "expression"),
    [
        (without_claim, "Bundle.entry[0].resource"),
        (without_items, "Bundle.entry[0].resource.item"),
        (unresolved_patient, "Bundle.entry[0].resource.patient"),
        (unresolved_provider, "Bundle.entry[0].resource.provider"),
        (without_identifier, "Bundle.identifier"),
        (wrong_base64, "Bundle.entry[6].resource.content[0].attachment.data"),
        (item_without_code, "Bundle.entry[0].resource.item[2].productOrService"),
        (null_property, "Bundle.entry[0].resource.item[0].bodySite"),
    ],
)
async def test_a_bundle_that_is_wrong_is_refused_where_it_is_wrong(
    platform: Platform, provider: Provider, change: Change, expression: str
) -> None:
    bundle = copy.deepcopy(spine_request(8_000))
    change(bundle)
    if change is wrong_base64:
        expression = expression.replace("[6]", f"[{len(bundle['entry']) - 1}]")
    before = await platform.footprint()
    response = await provider.post(bundle)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"].startswith("application/fhir+json")
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert expression in {e for issue in outcome["issue"] for e in issue.get("expression", [])}
    for issue in outcome["issue"]:
        assert issue["severity"] in {"fatal", "error"}
        assert issue["diagnostics"]
        assert "Testcase8000" not in issue["diagnostics"]
    assert await platform.footprint() == before


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"", "application/fhir+json", 400, "invalid"),
        (b"%PDF-1.7 no JSON at all", "application/fhir+json", 400, "invalid"),
        (b'{"resourceType": "Bundle", "entry": [', "application/fhir+json", 400, "invalid"),
        (b"\xff\xfe{}", "application/json", 400, "invalid"),
        (b'{"resourceType": "Patient"}', "application/fhir+json", 400, "structure"),
        (b"[1, 2]", "application/fhir+json", 400, "structure"),
        (b"null", "application/fhir+json", 400, "structure"),
        (b"[" * 100_000, "application/fhir+json", 400, None),
        (b"{}", "application/fhir+xml", 415, "not-supported"),
        (b"{}", "", 415, "not-supported"),
        (b" " * (MAX_BODY_BYTES + 1), "application/fhir+json", 413, "too-long"),
    ],
)
async def test_a_body_that_is_no_bundle_is_refused(
    platform: Platform, provider: Provider, body: bytes, content_type: str, status: int, code: str | None
) -> None:
    before = await platform.footprint()
    response = await provider.post(body, content_type=content_type)
    assert response.status_code == status, response.text
    [issue] = response.json()["issue"]
    assert code is None or issue["code"] == code
    assert await platform.footprint() == before


async def test_a_body_over_the_limit_is_refused_though_its_length_is_not_declared(
    platform: Platform, provider: Provider
) -> None:
    async def chunks() -> Any:
        for _ in range(MAX_BODY_BYTES // 50_000 + 2):
            yield b" " * 50_000

    before = await platform.footprint()
    response = await provider.client.post(
        "/fhir/Claim/$submit", content=chunks(), headers={"Content-Type": "application/fhir+json"}
    )
    assert response.status_code == 413
    assert await platform.footprint() == before


async def test_all_that_is_wrong_is_told_at_once(provider: Provider) -> None:
    bundle = copy.deepcopy(spine_request(8_001))
    without_identifier(bundle)
    item_without_code(bundle)
    unresolved_provider(bundle)
    outcome = (await provider.post(bundle)).json()
    places = {e for issue in outcome["issue"] for e in issue["expression"]}
    assert {
        "Bundle.identifier",
        "Bundle.entry[0].resource.item[2].productOrService",
        "Bundle.entry[0].resource.provider",
    } <= places


async def test_a_refused_bundle_among_good_ones_takes_none_of_them_along(provider: Provider) -> None:
    wrong = copy.deepcopy(spine_request(8_010))
    without_items(wrong)
    bundles = [spine_request(8_011), wrong, spine_request(8_012)]
    answers = await asyncio.gather(*(provider.post(b, wait=0) for b in bundles))
    assert [a.status_code for a in answers] == [200, 422, 200]


async def test_a_corrected_bundle_is_accepted_under_the_same_identifier(provider: Provider) -> None:
    wrong = copy.deepcopy(spine_request(8_020))
    without_items(wrong)
    assert (await provider.post(wrong)).status_code == 422
    case_id, _ = await provider.submit(spine_request(8_020))
    assert (await provider.case(case_id))["state"] == "approved"


async def test_a_service_code_that_nobody_knows_goes_to_a_clinician(provider: Provider) -> None:
    bundle = json.loads(json.dumps(spine_request(8_030)).replace('"63087"', '"0XYZT"'))
    case_id, _ = await provider.submit(bundle)
    case = await provider.until(case_id, "notice.prepared", "notice.rendered", "notice.delivered")
    assert case["state"] == "in_review"
    outcomes = {i["code"]: i["outcome"] for i in case["items"]}
    assert outcomes["0XYZT"] == "clinical_review"
    assert "case.denied" not in types_of(case)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_methods_are_answered_in_order(provider: Provider, method: str) -> None:
    response = await provider.client.request(method, "/fhir/Claim/$submit")
    assert response.status_code == 405
    assert response.headers["content-type"] == "application/problem+json"
