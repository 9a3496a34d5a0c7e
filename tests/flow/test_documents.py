"""What goes out and comes in as a document: letters as HTML and PDF, attachments that are no text, and what is not there."""

import base64
import hashlib
import io

import pypdf

from tests.flow.test_cases import NOTIFIED, reviews
from tests.support.requests import make_request
from tests.support.running import Provider, types_of
from tests.support.spine import spine_request


async def test_the_letter_comes_as_html_and_as_pdf(provider: Provider) -> None:
    request = spine_request(7_020, with_note=True)
    case_id, answer = await provider.submit(request)
    [number] = {number for _, number in reviews(answer).values()}
    html = await provider.client.get(f"/cases/{case_id}/letter")
    assert html.headers["content-type"].startswith("text/html")
    pdf = await provider.client.get(f"/cases/{case_id}/letter", headers={"Accept": "application/pdf"})
    assert pdf.headers["content-type"] == "application/pdf"
    printed = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf.content)).pages)
    for text in (html.text, printed):
        assert str(number) in text
        assert "M00007020" in text, "the letter, unlike everything else, says whom it is about"


async def test_a_letter_keeps_its_bytes_and_the_journal_names_them_once(provider: Provider) -> None:
    case_id, _ = await provider.submit(spine_request(7_021, with_note=True))
    await provider.until(case_id, *NOTIFIED)
    first, second = [await provider.client.get(f"/cases/{case_id}/letter") for _ in range(2)]
    assert first.content == second.content
    digest = base64.b64encode(hashlib.sha256(first.content).digest()).decode()
    assert first.headers["content-digest"] == f"sha-256=:{digest}:"
    # What is asked for has gone out by mail already, so it is not rendered a second time.
    assert types_of(await provider.case(case_id)).count("notice.rendered") == 1


async def test_the_member_reads_a_plain_summary_in_the_language_that_they_prefer(provider: Provider) -> None:
    request = spine_request(7_022, with_note=True)
    patient = next(e["resource"] for e in request["entry"] if e["resource"]["resourceType"] == "Patient")
    patient["communication"] = [{"language": {"coding": [{"code": "es-US"}]}, "preferred": True}]
    case_id, _ = await provider.submit(request)
    await provider.until(case_id, *NOTIFIED)
    path = f"/cases/{case_id}/letter"
    theirs = await provider.client.get(path, params={"audience": "member"})
    assert '<html lang="es">' in theirs.text and "Su atención está aprobada" in theirs.text
    asked = await provider.client.get(
        path, params={"audience": "member", "lang": "en"}, headers={"Accept": "text/plain"}
    )
    assert asked.headers["content-type"].startswith("text/plain")
    assert "Your care is approved" in asked.text
    again = await provider.client.get(path, params={"audience": "member", "lang": "es"})
    assert again.content == theirs.content
    assert '<html lang="en">' in (await provider.client.get(path)).text
    assert types_of(await provider.case(case_id)).count("notice.rendered") == 3
    for wrong in ({"lang": "xx"}, {"audience": "nobody"}):
        assert (await provider.client.get(path, params=wrong)).status_code == 422


async def test_beside_a_document_that_is_no_text_a_clinician_decides(provider: Provider) -> None:
    picture = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    request = spine_request(7_030)
    binary = make_request(7_030, notes=["unused"])
    document = next(e for e in binary["entry"] if e["resource"]["resourceType"] == "DocumentReference")
    attachment = document["resource"]["content"][0]["attachment"]
    attachment |= {"contentType": "image/png", "data": base64.b64encode(picture).decode()}
    request["entry"].append(document)
    case_id, _ = await provider.submit(request)
    case = await provider.until(case_id, *NOTIFIED)
    assert case["state"] == "in_review", "the facts would be approved, but the picture may say otherwise"
    determination = await provider.determination(case_id)
    assert {item["outcome"] for item in determination["items"]} == {"clinical_review"}
    assert "could not be read" in determination["summary"]
    assert "all criteria are met" in determination["reasons"][0]


async def test_a_case_that_does_not_exist_is_a_problem_document(provider: Provider) -> None:
    for path in ("", "/determination", "/letter"):
        response = await provider.client.get(f"/cases/00000000-0000-7000-8000-000000000000{path}")
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"
    response = await provider.client.get("/cases/not-a-case-id")
    assert response.status_code == 422
    assert "not-a-case-id" not in response.text
