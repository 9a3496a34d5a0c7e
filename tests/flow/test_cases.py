"""Cases from the provider's request to the notice, over HTTP, through every process, PostgreSQL and Kafka."""

import asyncio
import json
import mailbox
from pathlib import Path
from typing import Any

from tests.support.collector import Collector
from tests.support.running import Platform, Provider, types_of
from tests.support.servers import eventually
from tests.support.spine import spine_request

REQUESTS = Path(__file__).parents[1] / "cases" / "requests"
APPROVED = [
    "case.submitted",
    "criteria.evaluated",
    "evidence.attached",
    "case.approved",
    "notice.prepared",
    "notice.rendered",
    "notice.delivered",
]
NOTIFIED = ("notice.prepared", "notice.rendered", "notice.delivered")
NOTIFIED_WITHOUT_LETTER = ("notice.prepared", "notice.delivered")
"""Where a clinician decides against the request, even in part, the letter is the clinician's own."""
DETERMINATION_KEYS = {
    "schema",
    "outcome",
    "summary",
    "reasons",
    "priority",
    "items",
    "criteria_set",
    "criteria",
    "facts",
    "missing",
    "standard_of_care",
    "outcomes",
    "alternatives",
    "timing",
    "cautions",
    "evidence",
    "bibliography",
    "text",
}


def request_of(name: str) -> dict[str, Any]:
    bundle: dict[str, Any] = json.loads((REQUESTS / f"{name}.json").read_text())
    return bundle


def claim_response(answer: dict[str, Any]) -> dict[str, Any]:
    """The ClaimResponse of a PAS response Bundle."""
    assert answer["resourceType"] == "Bundle"
    resource: dict[str, Any] = answer["entry"][0]["resource"]
    assert resource["resourceType"] == "ClaimResponse"
    return resource


def reviews(answer: dict[str, Any]) -> dict[int, tuple[str, str | None]]:
    """Review action code and authorization number of each line."""
    found = {}
    for item in claim_response(answer)["item"]:
        review = item["adjudication"][0]["extension"][0]["extension"]
        code = next(e["valueCodeableConcept"]["coding"][0]["code"] for e in review if "valueCodeableConcept" in e)
        number = next((e["valueString"] for e in review if e["url"] == "number"), None)
        found[item["itemSequence"]] = (code, number)
    return found


def note_sources(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [s for fact in document["facts"].values() for s in fact["sources"] if s["kind"] == "note"]


async def test_a_documented_case_is_approved_and_every_conclusion_is_quoted(
    platform: Platform, provider: Provider, collector: Collector
) -> None:
    case_id, answer = await provider.submit(request_of("t8-renal-cord-compression"))
    lines = reviews(answer)
    assert {code for code, _ in lines.values()} == {"A1"}
    [number] = {number for _, number in lines.values()}
    assert number
    assert claim_response(answer)["outcome"] == "complete"

    case = await provider.until(case_id, *NOTIFIED)
    assert types_of(case) == APPROVED
    assert [e["sequence"] for e in case["timeline"]] == list(range(1, len(APPROVED) + 1))
    assert [(e["state_before"], e["state_after"]) for e in case["timeline"][:4]] == [
        ("new", "submitted"),
        ("submitted", "criteria_evaluated"),
        ("criteria_evaluated", "evidence_attached"),
        ("evidence_attached", "approved"),
    ]
    assert [e["actor"] for e in case["timeline"]] == [
        f"system:{name}"
        for name in (
            "intake",
            "criteria_evaluation",
            "evidence_lookup",
            "determination",
            "notification",
            "notification",
            "notification",
        )
    ]
    assert (case["state"], case["outcome"], case["priority"]) == ("approved", "approved", "expedited")
    assert {i["outcome"] for i in case["items"]} == {"approved"}

    document = await provider.determination(case_id)
    assert document["schema"] == "priorauth.determination/1"
    assert document.keys() >= DETERMINATION_KEYS
    assert document["outcome"] == "approved"
    assert [i["review_action"] for i in document["items"]] == ["A1"] * 5
    assert number in document["text"]
    text = (REQUESTS / "t8-renal-cord-compression.txt").read_text()
    quoted = note_sources(document)
    assert len(quoted) > 10
    for source in quoted:
        assert source["quote"] == text[source["start"] : source["end"]]
    cited = {e["id"] for e in document["evidence"] if e["applies"]}
    used = {e for criterion in document["criteria"] for e in criterion["evidence"]}
    assert used
    assert used <= cited
    sources = {b["id"] for b in document["bibliography"]}
    assert {e["source"] for e in document["evidence"] if e["id"] in used} <= sources

    box = mailbox.Maildir(platform.data_dir / "maildir", create=False)
    assert any(case_id in str(m["X-Case-Id"]) or case_id in str(m) for m in box), "the notice is in the maildir"


async def test_the_whole_way_of_a_case_is_one_trace(provider: Provider, collector: Collector) -> None:
    case_id, _ = await provider.submit(spine_request(7_000))
    case = await provider.until(case_id, *NOTIFIED)
    trace_id = case["trace_id"]
    wanted = {"intake", "criteria_evaluation", "evidence_lookup", "determination", "notification", "relay"}
    await eventually(lambda: wanted <= {s.service for s in collector.spans.of(trace_id)})

    def whole() -> bool:
        """Every event has been published, and every parent is there."""
        spans = collector.spans.of(trace_id)
        published = [s for s in spans if s.service == "relay"]
        ids = {s.span_id for s in spans}
        return len(published) >= len(APPROVED) and sum(s.parent_id not in ids for s in spans) == 1

    await eventually(whole)
    mine = case_id.encode()
    assert sum(mine in body for body in collector.spans.bodies) >= 1
    names = [s.name for s in collector.spans.of(trace_id)]
    for name in ("intake submit", "criteria_evaluation process", "notification deliver"):
        assert names.count(name) == 1


async def test_a_traceparent_of_the_provider_is_continued(provider: Provider, collector: Collector) -> None:
    trace_id = "5b8aa5a2d2c872e8321cf37308d69df2"
    headers = {"Content-Type": "application/fhir+json", "traceparent": f"00-{trace_id}-051581bf3cb55c13-01"}
    response = await provider.client.post(
        "/fhir/Claim/$submit", content=json.dumps(spine_request(7_001)), headers=headers
    )
    case = await provider.case(response.headers["x-case-id"])
    assert case["trace_id"] == trace_id


async def test_coded_facts_alone_are_enough(provider: Provider) -> None:
    case_id, answer = await provider.submit(request_of("l4-breast-coded-facts"))
    assert {code for code, _ in reviews(answer).values()} == {"A1"}
    document = await provider.determination(case_id)
    paths = [s["path"] for f in document["facts"].values() for s in f["sources"] if s["kind"] == "resource"]
    assert paths
    assert all(p.startswith("Bundle.entry[") for p in paths)


async def test_what_no_criteria_set_covers_goes_to_a_clinician(provider: Provider) -> None:
    case_id, answer = await provider.submit(request_of("knee-arthroplasty-no-criteria"))
    assert {code for code, _ in reviews(answer).values()} == {"A4"}
    case = await provider.until(case_id, "case.referred", *NOTIFIED)
    assert (case["state"], case["outcome"]) == ("in_review", "clinical_review")
    assert (await provider.determination(case_id))["criteria_set"] is None


async def test_the_machine_refers_what_it_may_not_deny(provider: Provider) -> None:
    case_id, _ = await provider.submit(spine_request(7_002, "clinical_review"))
    case = await provider.until(case_id, "case.referred", *NOTIFIED)
    assert case["state"] == "in_review"


async def test_whoever_does_not_wait_is_told_pended(provider: Provider) -> None:
    case_id, answer = await provider.submit(spine_request(7_003), wait=0)
    assert {code for code, _ in reviews(answer).values()} == {"A4"}
    assert claim_response(answer)["outcome"] == "partial"
    await provider.until(case_id, *NOTIFIED)
    again, answer = await provider.submit(spine_request(7_003))
    assert again == case_id
    assert {code for code, _ in reviews(answer).values()} == {"A1"}


async def test_a_bundle_sent_again_creates_nothing(platform: Platform, provider: Provider) -> None:
    request = spine_request(7_004, with_note=True)
    case_id, first = await provider.submit(request)
    await provider.until(case_id, *NOTIFIED)
    before = await platform.footprint()
    again, second = await provider.submit(request)
    assert again == case_id
    assert reviews(second) == reviews(first)
    assert await platform.footprint() == before


async def test_a_bundle_sent_twenty_times_at_once_is_one_case(platform: Platform, provider: Provider) -> None:
    request = spine_request(7_005)
    answers = await asyncio.gather(*(provider.submit(request) for _ in range(20)))
    [case_id] = {case_id for case_id, _ in answers}
    assert types_of(await provider.until(case_id, *NOTIFIED)) == APPROVED
    claim = request["entry"][0]["resource"]["identifier"][0]["value"]
    assert claim
    rows = await platform.fetch("SELECT count(DISTINCT case_id) FROM intake_claims WHERE case_id = $1::uuid", case_id)
    assert rows[0][0] == 1
    [[keys]] = await platform.fetch(
        "SELECT count(*) FROM case_keys k WHERE NOT EXISTS (SELECT FROM journal j WHERE j.case_id = k.case_id)"
    )
    assert keys == 0, "a lost race leaves no key behind"


async def test_cases_are_listed_in_keyset_pages(provider: Provider) -> None:
    await asyncio.gather(*(provider.submit(spine_request(7_010 + n), wait=0) for n in range(5)))
    seen: list[str] = []
    after: str | None = None
    while True:
        parameters: dict[str, str | int] = {"limit": 2} | ({"after": after} if after else {})
        page = (await provider.client.get("/cases", params=parameters)).json()
        assert len(page["cases"]) <= 2
        seen += [c["id"] for c in page["cases"]]
        after = page["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) >= 5
    assert seen == sorted(seen)
    everything = (await provider.client.get("/cases", params={"limit": 500})).json()["cases"]
    assert [c["id"] for c in everything] == seen
    referred = (await provider.client.get("/cases", params={"state": "in_review"})).json()["cases"]
    assert {c["state"] for c in referred} == {"in_review"}
