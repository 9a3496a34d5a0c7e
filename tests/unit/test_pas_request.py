"""What intake reads from a PAS request Bundle."""

import base64
import copy
import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.pas_request import PasRequest, read_request
from services.intake.domain.problems import RequestRefusedError
from shared.clinical.fhir_paths import resources_of
from tests.support.published import VERSIONS, example_bundles
from tests.support.requests import Note, Service, as_body, make_request
from tests.support.spine import spine_request

NOW = dt.datetime(2026, 9, 15, 12, tzinfo=dt.UTC)
CASES = Path(__file__).parents[1] / "cases" / "requests"


def read(bundle: dict[str, Any]) -> PasRequest:
    return read_request(as_body(bundle), NOW)


def claim_of(bundle: dict[str, Any]) -> dict[str, Any]:
    claim: dict[str, Any] = bundle["entry"][0]["resource"]
    return claim


def test_the_request_of_a_thoracic_tumor_is_read_in_full() -> None:
    body = (CASES / "t8-renal-cord-compression.json").read_bytes()
    request = read_request(body, NOW)
    assert request.kind == "initial"
    assert request.payer == "LAKESIDE-HMO"
    assert request.priority == "expedited"
    assert request.line_of_business == "HMO"
    assert request.requested_on == dt.date(2026, 5, 13)
    assert request.received_at == NOW
    assert request.diagnoses == ("M84.58XA", "C79.51", "C64.2", "G95.29")
    assert [p.value for p in request.providers] == ["1003000126"]
    first = request.items[0]
    assert (first.sequence, first.code, first.description) == (1, "63085", "T8 corpectomy, transthoracic")
    assert first.diagnoses == request.diagnoses
    assert first.body_sites == ("T8",)
    assert first.trace_number == "00000801.1"
    assert first.quantity == 1.0
    assert first.service_date == dt.date(2026, 10, 5)
    assert first.certification_type == "I"
    assert [i.code for i in request.items] == ["63085", "22556", "22610", "22842", "22854"]


def test_a_document_is_taken_out_and_its_digest_stands_in_its_place() -> None:
    note = (CASES / "t8-renal-cord-compression.txt").read_bytes()
    request = read_request((CASES / "t8-renal-cord-compression.json").read_bytes(), NOW)
    (document,) = request.documents
    assert document.data == note
    assert document.id == "sha256:" + hashlib.sha256(note).hexdigest()
    assert document.title == "Spine center visit"
    assert document.code == "11488-4"
    assert document.date == dt.date(2026, 5, 12)
    assert document.path == "Bundle.entry[6].resource.content[0].attachment"
    kept = json.loads(request.bundle)["entry"][6]["resource"]["content"][0]["attachment"]
    assert kept["url"] == document.id
    assert "data" not in kept
    assert base64.b64encode(note)[:60] not in request.bundle


def test_every_case_in_the_folder_is_a_valid_request() -> None:
    bodies = {p.stem: p.read_bytes() for p in sorted(CASES.glob("*.json"))}
    requests = {name: read_request(body, NOW) for name, body in bodies.items()}
    assert len({r.submission_key for r in requests.values()}) == len(requests) >= 4
    assert requests["knee-arthroplasty-no-criteria"].items[0].code == "27447"
    assert requests["t8-renal-note-missing"].documents == ()
    answers = [r for r in resources_of(requests["l4-breast-coded-facts"].bundle) if r.path.endswith("[6].resource")]
    assert answers[0].body["resourceType"] == "QuestionnaireResponse"


@pytest.mark.parametrize("version", VERSIONS)
def test_published_requests_are_read_and_the_flawed_ones_refused(version: str) -> None:
    outcomes: dict[str, Any] = {}
    for name, bundle in example_bundles(version).items():
        try:
            outcomes[name] = read_request(json.dumps(bundle).encode(), NOW)
        except RequestRefusedError as refused:
            outcomes[name] = {(p.code, p.expression) for p in refused.problems}
    for name in ("HomecareAuthorization", "MedicalServicesAuthorization", "ReferralAuthorization"):
        assert outcomes.get(f"{name}BundleExample") is None or outcomes[f"{name}BundleExample"].kind == "initial"
    if outcomes:
        update = outcomes["HomecareAuthorizationUpdateBundleExample"]
        assert update.kind == "update"
        assert update.related.value == "111099"
        assert update.cancelled_items == (2,)
        assert outcomes["ReferralAuthorizationBundleExample"].priority == "expedited"
        surgical = outcomes["SurgicalRequestBundleExample"]
        assert ("not-found", "Bundle.entry[6].resource.practitioner") in surgical
        assert ("not-found", "Bundle.entry[6].resource.location[0]") in surgical
        inquiry = outcomes["PASClaimInquiryBundleExample"]
        assert inquiry == {("not-supported", "Bundle.entry[0].resource.meta.profile")}
        answer = outcomes["ReferralAuthorizationResponseBundleExample"]
        assert ("invalid", "Bundle.entry[0].resource") in answer


def test_what_is_not_text_is_taken_and_left_to_a_person() -> None:
    scan = Note(b"\x89PNG\r\n", content_type="image/png", title="MRI key image", loinc="18748-4")
    request = read(make_request(3, notes=[scan, "CT: lytic lesion of L1."]))
    assert request.flags == ("unsupported-type",)
    assert [d.flags for d in request.documents] == [("unsupported-type",), ()]


def test_a_document_in_a_binary_takes_its_title_from_the_reference_to_it() -> None:
    bundle = make_request(4, notes=[Note("placeholder", title="Pathology", loinc="11526-1")])
    binary = {"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": "TWV0YXN0YXNpcw=="}
    bundle["entry"].append({"fullUrl": "https://ehr.clinic.test/fhir/Binary/b1", "resource": binary})
    attachment = bundle["entry"][6]["resource"]["content"][0]["attachment"]
    del attachment["data"]
    attachment["url"] = "Binary/b1"
    (document,) = read(bundle).documents
    assert (document.data, document.title, document.code) == (b"Metastasis", "Pathology", "11526-1")


def test_a_document_elsewhere_is_flagged() -> None:
    bundle = make_request(4, notes=["x"])
    attachment = bundle["entry"][6]["resource"]["content"][0]["attachment"]
    del attachment["data"]
    attachment["url"] = "https://ehr.clinic.test/documents/7"
    request = read(bundle)
    assert request.documents == ()
    assert request.flags == ("external-document",)


def test_the_same_document_twice_is_one() -> None:
    assert len(read(make_request(4, notes=["same words", "same words", "other words"])).documents) == 2


@pytest.mark.parametrize(
    ("priority", "level", "expected"),
    [
        ("normal", None, "standard"),
        ("normal", "E", "standard"),
        ("deferred", None, "standard"),
        ("stat", None, "expedited"),
        ("normal", "U", "expedited"),
        ("normal", "03", "expedited"),
    ],
)
def test_priority_comes_from_the_claim_or_its_level_of_service(priority: str, level: str | None, expected: str) -> None:
    assert read(make_request(1, priority=priority, level_of_service=level)).priority == expected


def test_follow_ups_name_the_earlier_request_and_are_told_apart() -> None:
    first = read(make_request(9))
    update = read(make_request(9, kind="update"))
    cancel = read(make_request(9, kind="cancel"))
    assert (first.kind, update.kind, cancel.kind) == ("initial", "update", "cancel")
    assert first.related_key is None
    assert update.related_key == cancel.related_key == first.claim_key
    assert len({r.submission_key for r in (first, update, cancel)}) == 3


def test_a_repeated_bundle_has_the_same_key_and_an_update_that_reuses_its_identifier_has_not() -> None:
    first, again, update = make_request(9), make_request(9), make_request(9, kind="update")
    update["identifier"] = first["identifier"]
    assert read(first).submission_key == read(again).submission_key != read(update).submission_key
    assert read(first).submission_key != read(make_request(9, payer="OTHERPLAN")).submission_key


def test_a_claim_whose_lines_are_all_taken_back_is_a_cancellation() -> None:
    bundle = make_request(9, services=["63087", "22556"])
    for line in claim_of(bundle)["item"]:
        line["extension"][1]["valueCodeableConcept"]["coding"][0]["code"] = "3"
    request = read(bundle)
    assert request.kind == "cancel"
    assert request.cancelled_items == (1, 2)
    assert request.related_key == request.claim_key


def test_a_line_that_is_taken_back_is_not_asked_for() -> None:
    bundle = make_request(9, services=["63087", "22556"], kind="update")
    flag = {"url": "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/modifierextension-infoCancelled"}
    claim_of(bundle)["item"][0]["modifierExtension"] = [{**flag, "valueBoolean": True}]
    request = read(bundle)
    assert [i.sequence for i in request.items] == [2]
    assert request.cancelled_items == (1,)


def test_references_resolve_by_uuid_by_base_and_within_a_resource() -> None:
    bundle = make_request(2)
    claim = claim_of(bundle)
    bundle["entry"][1]["fullUrl"] = "urn:uuid:0d6a9c4e-9b34-4f0e-9d3c-0b6d7d0f7a11"
    claim["patient"]["reference"] = "urn:uuid:0d6a9c4e-9b34-4f0e-9d3c-0b6d7d0f7a11"
    claim["insurer"]["reference"] = "https://ehr.clinic.test/fhir/Organization/insurer"
    claim["provider"]["reference"] = "Organization/clinic/_history/2"
    claim["contained"] = [{"resourceType": "Condition", "id": "c1", "code": {"text": "x"}}]
    claim["supportingInfo"] = [{"sequence": 1, "category": {"text": "x"}, "valueReference": {"reference": "#c1"}}]
    request = read(bundle)
    assert request.payer == "HEALTHPLAN7"
    assert [r.path for r in resources_of(request.bundle)][:2] == [
        "Bundle.entry[0].resource",
        "Bundle.entry[0].resource.contained[0]",
    ]


def test_a_service_told_by_its_order_is_coded_by_it() -> None:
    bundle = make_request(2)
    line = claim_of(bundle)["item"][0]
    line["productOrService"] = {"coding": [{"system": "http://terminology.hl7.org/x", "code": "not-applicable"}]}
    line["extension"].append(
        {
            "url": "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-requestedService",
            "valueReference": {"reference": "ServiceRequest/s1"},
        }
    )
    order = {
        "resourceType": "ServiceRequest",
        "id": "s1",
        "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "63090", "display": "L3 resection"}]},
        "bodySite": [{"text": "L3"}],
    }
    bundle["entry"].append({"fullUrl": "https://ehr.clinic.test/fhir/ServiceRequest/s1", "resource": order})
    (item,) = read(bundle).items
    assert (item.code, item.description, item.body_sites) == ("63090", "L3 resection", ("L3",))


def test_diagnoses_get_their_point_back_and_come_from_conditions_too() -> None:
    bundle = make_request(2, diagnoses=["C7951", "M84.58XA"])
    condition = {
        "resourceType": "Condition",
        "id": "k1",
        "code": claim_of(bundle)["diagnosis"][1].pop("diagnosisCodeableConcept"),
    }
    claim_of(bundle)["diagnosis"][1]["diagnosisReference"] = {"reference": "Condition/k1"}
    bundle["entry"].append({"fullUrl": "https://ehr.clinic.test/fhir/Condition/k1", "resource": condition})
    assert read(bundle).diagnoses == ("C79.51", "M84.58XA")


def test_decimals_keep_their_precision_and_the_bytes_are_canonical() -> None:
    observation = (
        '{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.10}}'
    )
    entry = f'{{"fullUrl":"https://ehr.clinic.test/fhir/Observation/o","resource":{observation}}}'
    body = as_body(make_request(1)).decode()[:-2] + "," + entry + "]}"
    request = read_request(body.encode(), NOW)
    assert b'"value":1.10' in request.bundle
    reordered = json.dumps(json.loads(body), indent=3, sort_keys=True).encode()
    assert msgspec.json.decode(read_request(reordered, NOW).bundle) == msgspec.json.decode(request.bundle)


def test_a_bundle_may_come_in_parameters_and_with_a_byte_order_mark() -> None:
    bundle = make_request(1)
    wrapped = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": bundle}]}
    assert read_request(b"\xef\xbb\xbf" + as_body(wrapped), NOW) == read(bundle)


@given(st.integers(0, 10**8 - 1))
def test_the_same_request_gives_the_same_result_and_another_seed_another(seed: int) -> None:
    bundle = spine_request(seed)
    before = copy.deepcopy(bundle)
    assert read(bundle) == read(bundle)
    assert bundle == before
    assert read(bundle).claim_key != read(spine_request(seed + 1 if seed < 10**8 - 1 else 0)).claim_key


def test_words_of_display_and_text_make_the_description() -> None:
    bundle = make_request(1, services=[Service("63090", "Vertebral body resection")])
    claim_of(bundle)["item"][0]["productOrService"]["text"] = "L5 corpectomy"
    assert read(bundle).items[0].description == "Vertebral body resection; L5 corpectomy"
