"""What intake refuses: every problem at once, each with its place, and never a word of the patient."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.pas_request import MAX_PROBLEMS, read_request
from services.intake.domain.problems import Problem, RequestRefusedError, body_too_large, operation_outcome
from tests.support.requests import as_body, make_request

NOW = dt.datetime(2026, 9, 15, 12, tzinfo=dt.UTC)
CLAIM = "Bundle.entry[0].resource"


def refused(body: bytes) -> RequestRefusedError:
    with pytest.raises(RequestRefusedError) as caught:
        read_request(body, NOW)
    return caught.value


def problems_of(bundle: dict[str, Any]) -> set[tuple[str, str]]:
    return {(p.code, p.expression) for p in refused(as_body(bundle)).problems}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid"),
        (b"<Bundle/>", "invalid"),
        (b'{"resourceType": "Bundle"', "invalid"),
        (b'{"resourceType": "Bundle\xff"}', "invalid"),
        (b'{"resourceType": "Bundle", "total": NaN}', "invalid"),
        (b'{"resourceType": "Bundle", "total": 1e999}', "value"),
        (b'{"resourceType": "Bundle", "total": 1e99999999999999999999}', "value"),
        (b'{"resourceType": "Bundle", "total": ' + b"9" * 5000 + b"}", "value"),
        (b"[]", "structure"),
        (b'"Bundle"', "structure"),
        (b'{"resourceType": "Claim"}', "structure"),
        (b'{"resourceType": "Parameters", "parameter": 3}', "structure"),
        (b"[" * 100_000, "structure"),
        (b'{"resourceType": "Bundle", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}", "structure"),
    ],
)
def test_what_is_no_bundle_is_a_bad_request(body: bytes, code: str) -> None:
    error = refused(body)
    assert error.status == 400
    assert [p.code for p in error.problems] == [code]


Change = Callable[[dict[str, Any], dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda b, c: b.update(type="batch"), ("value", "Bundle.type")),
        (lambda b, c: b.pop("identifier"), ("required", "Bundle.identifier")),
        (lambda b, c: b["identifier"].update(value=""), ("required", "Bundle.identifier")),
        (lambda b, c: b["identifier"].update(value="a\nb"), ("value", "Bundle.identifier.value")),
        (lambda b, c: b.pop("timestamp"), ("required", "Bundle.timestamp")),
        (lambda b, c: b.update(timestamp="2026-13-01T00:00:00Z"), ("value", "Bundle.timestamp")),
        (lambda b, c: b.update(entry=[]), ("required", "Bundle.entry")),
        (lambda b, c: b["entry"].pop(0), ("invalid", CLAIM)),
        (lambda b, c: b["entry"][2].pop("fullUrl"), ("required", "Bundle.entry[2].fullUrl")),
        (lambda b, c: b["entry"][2].update(resource=7), ("required", "Bundle.entry[2].resource")),
        (lambda b, c: b["entry"].append(b["entry"][1]), ("value", "Bundle.entry[6].fullUrl")),
        (lambda b, c: c.update(use="claim"), ("value", f"{CLAIM}.use")),
        (lambda b, c: c.update(status="draft"), ("value", f"{CLAIM}.status")),
        (lambda b, c: c.pop("type"), ("required", f"{CLAIM}.type")),
        (lambda b, c: c.pop("priority"), ("required", f"{CLAIM}.priority")),
        (lambda b, c: c.pop("identifier"), ("required", f"{CLAIM}.identifier")),
        (lambda b, c: c.pop("created"), ("required", f"{CLAIM}.created")),
        (lambda b, c: c.update(created="2026-02-30"), ("value", f"{CLAIM}.created")),
        (lambda b, c: c.update(created="15/09/2026"), ("value", f"{CLAIM}.created")),
        (lambda b, c: c.pop("patient"), ("required", f"{CLAIM}.patient")),
        (lambda b, c: c.pop("insurer"), ("required", f"{CLAIM}.insurer")),
        (lambda b, c: c.pop("insurance"), ("required", f"{CLAIM}.insurance")),
        (lambda b, c: c.pop("item"), ("required", f"{CLAIM}.item")),
        (lambda b, c: c.update(item={}), ("structure", f"{CLAIM}.item")),
        (lambda b, c: c.update(item=["x"]), ("structure", f"{CLAIM}.item[0]")),
        (lambda b, c: c["item"][0].pop("sequence"), ("required", f"{CLAIM}.item[0].sequence")),
        (lambda b, c: c["item"][0].update(sequence=True), ("value", f"{CLAIM}.item[0].sequence")),
        (lambda b, c: c["item"].append(dict(c["item"][0])), ("value", f"{CLAIM}.item[1].sequence")),
        (lambda b, c: c["item"][0].pop("productOrService"), ("required", f"{CLAIM}.item[0].productOrService")),
        (lambda b, c: c["item"][0].update(servicedDate="soon"), ("value", f"{CLAIM}.item[0].servicedDate")),
        (lambda b, c: c["item"][0].update(quantity={"value": -1}), ("value", f"{CLAIM}.item[0].quantity.value")),
        (lambda b, c: c["item"][0].update(diagnosisSequence=[9]), ("value", f"{CLAIM}.item[0].diagnosisSequence")),
        (
            lambda b, c: c["item"][0].update(modifierExtension=[{"url": "http://x.test/not"}]),
            ("not-supported", f"{CLAIM}.item[0].modifierExtension[0]"),
        ),
        (lambda b, c: c["diagnosis"][0].pop("sequence"), ("required", f"{CLAIM}.diagnosis[0].sequence")),
        (lambda b, c: c["patient"].update(reference="Patient/other"), ("not-found", f"{CLAIM}.patient")),
        (lambda b, c: c["insurer"].update(reference="urn:uuid:1"), ("not-found", f"{CLAIM}.insurer")),
        (
            lambda b, c: c["provider"].update(reference="https://x.test/Organization/1"),
            ("not-found", f"{CLAIM}.provider"),
        ),
        (lambda b, c: c["provider"].update(reference="#gone"), ("not-found", f"{CLAIM}.provider")),
        (lambda b, c: c["insurer"].update(reference="Practitioner/surgeon"), ("value", f"{CLAIM}.insurer")),
        (
            lambda b, c: c["insurance"][0]["coverage"].update(reference="Coverage/none"),
            ("not-found", f"{CLAIM}.insurance[0].coverage"),
        ),
        (
            lambda b, c: c["careTeam"][0]["provider"].update(reference="Practitioner/none"),
            ("not-found", f"{CLAIM}.careTeam[0].provider"),
        ),
        (
            lambda b, c: c["supportingInfo"][0]["valueReference"].update(reference="DocumentReference/none"),
            ("not-found", f"{CLAIM}.supportingInfo[0].valueReference"),
        ),
        (lambda b, c: b["entry"][3]["resource"].pop("identifier"), ("required", "Bundle.entry[3].resource.identifier")),
        (
            lambda b, c: c.update(related=[{"relationship": {"coding": [{"code": "prior"}]}}]),
            ("required", f"{CLAIM}.related[0].claim"),
        ),
    ],
)
def test_a_problem_is_named_with_its_place(change: Change, problem: tuple[str, str]) -> None:
    bundle = make_request(1, notes=["x"])
    if problem[1] == "Bundle.entry[6].fullUrl":
        bundle = make_request(1)
    change(bundle, bundle["entry"][0]["resource"])
    assert problem in problems_of(bundle)


def test_all_problems_are_found_in_one_go() -> None:
    bundle = make_request(1, services=["63087", "22556", "22610"], notes=["x"])
    claim = bundle["entry"][0]["resource"]
    bundle["type"] = "message"
    claim["use"] = "claim"
    claim["item"][1]["sequence"] = 1
    del claim["item"][2]["productOrService"]
    claim["patient"]["reference"] = "Patient/gone"
    bundle["entry"][6]["resource"]["content"][0]["attachment"]["data"] = "***"
    error = refused(as_body(bundle))
    assert error.status == 422
    assert {
        ("value", "Bundle.type"),
        ("value", f"{CLAIM}.use"),
        ("value", f"{CLAIM}.item[1].sequence"),
        ("required", f"{CLAIM}.item[2].productOrService"),
        ("not-found", f"{CLAIM}.patient"),
        ("value", "Bundle.entry[6].resource.content[0].attachment.data"),
    } <= {(p.code, p.expression) for p in error.problems}
    assert len(error.problems) == len(set(error.problems))


@pytest.mark.parametrize("data", ["abc", "ab-_", "a===", "QUJD\u00e9", 5, None])
def test_data_that_is_not_base64_is_refused(data: object) -> None:
    bundle = make_request(1, notes=["x"])
    bundle["entry"][6]["resource"]["content"][0]["attachment"]["data"] = data
    assert ("value", "Bundle.entry[6].resource.content[0].attachment.data") in problems_of(bundle)


def test_base64_in_lines_is_read() -> None:
    bundle = make_request(1, notes=["x"])
    bundle["entry"][6]["resource"]["content"][0]["attachment"]["data"] = "TWV0\r\n YXN0\nYXNpcw==\n"
    assert read_request(as_body(bundle), NOW).documents[0].data == b"Metastasis"


def test_the_chart_of_another_patient_is_refused() -> None:
    bundle = make_request(1, notes=["x"])
    other = {"resourceType": "Patient", "id": "other"}
    bundle["entry"].append({"fullUrl": "https://ehr.clinic.test/fhir/Patient/other", "resource": other})
    bundle["entry"][6]["resource"]["subject"]["reference"] = "Patient/other"
    assert problems_of(bundle) == {("value", "Bundle.entry[6].resource.subject")}


def test_a_digest_of_the_sender_opens_no_stored_document() -> None:
    bundle = make_request(1, notes=["x"])
    attachment = bundle["entry"][6]["resource"]["content"][0]["attachment"]
    del attachment["data"]
    attachment["url"] = "sha256:" + "0" * 64
    assert ("value", "Bundle.entry[6].resource.content[0].attachment") in problems_of(bundle)


def test_too_much_is_refused_before_it_is_walked() -> None:
    wide = make_request(1)
    wide["entry"] += [{}] * 2000
    assert ("too-costly", "Bundle.entry") in problems_of(wide)
    long = make_request(1, services=["63087"] * 251)
    assert ("too-costly", f"{CLAIM}.item") in problems_of(long)
    deep = make_request(1)
    nested: dict[str, Any] = {}
    for _ in range(100):
        nested = {"extension": [nested]}
    deep["entry"][1]["resource"].update(nested)
    assert any(code == "structure" for code, _ in problems_of(deep))
    many = make_request(1, services=["63087"] * 200)
    for line in many["entry"][0]["resource"]["item"]:
        del line["productOrService"]
    assert len(refused(as_body(many)).problems) == MAX_PROBLEMS


def test_no_word_of_the_request_comes_back() -> None:
    bundle = make_request(1, notes=["x"])
    text = as_body(bundle).decode().replace("Patient/p-00000001", "Patient/mary-miller-1961").encode()
    bundle = json.loads(text)
    bundle["entry"][1]["fullUrl"] = "https://ehr.clinic.test/fhir/Patient/gone"
    bundle["entry"][1]["resource"]["id"] = "gone"
    claim = bundle["entry"][0]["resource"]
    claim["use"] = claim["status"] = claim["created"] = "mary-miller-1961"
    error = refused(as_body(bundle))
    told = json.dumps(operation_outcome(error.problems)) + str(error)
    assert len(error.problems) > 4
    assert "mary" not in told


def test_an_operation_outcome_has_an_issue_for_each_problem() -> None:
    outcome = operation_outcome((Problem("value", "Give a date.", f"{CLAIM}.created"), Problem("processing", "Later.")))
    assert outcome["resourceType"] == "OperationOutcome"
    assert [(i["severity"], i["code"]) for i in outcome["issue"]] == [("error", "value"), ("error", "processing")]
    assert outcome["issue"][0]["expression"] == [f"{CLAIM}.created"]
    assert "expression" not in outcome["issue"][1]


def test_a_body_over_the_limit_is_413() -> None:
    error = body_too_large(1000)
    assert error.status == 413
    assert error.problems[0].code == "too-long"
    assert "1,000 bytes" in error.problems[0].diagnostics


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=400)
@given(st.data())
def test_nothing_but_a_refusal_comes_of_a_request_with_something_replaced(data: st.DataObject) -> None:
    """Whatever stands at any place of a request, it is read or refused; no other exception leaves."""
    bundle = make_request(1, notes=["x"], facts={"pain.score": 5}, kind="update", level_of_service="U")
    node: Any = bundle
    while True:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.integers(0, 4)) == 0:
            break
        node = node[key]
    node[key] = data.draw(JSON)
    try:
        read_request(as_body(bundle), NOW)
    except RequestRefusedError as error:
        assert error.problems
        assert all(p.expression.startswith("Bundle") for p in error.problems)


@given(st.binary(max_size=200))
def test_nothing_but_a_refusal_comes_of_any_bytes(body: bytes) -> None:
    assert refused(body).status == 400
