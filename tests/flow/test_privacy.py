"""Nothing of a person leaves the encrypted columns: a search for what one recognisable case says of its patient."""

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

from shared import flow
from tests.support.collector import Collector
from tests.support.running import Platform, Provider
from tests.support.servers import eventually, everything_in_kafka
from tests.support.spine import spine_request

FAMILY = "Quetzalcoatlsson"
GIVEN = "Wilhelmtrude"
MEMBER = "MBR-771-ZZ-4412"
BIRTH = "1949-02-27"
NOTE_WORDS = "hummingbird farm in Ouagadougou"
MARKS = (FAMILY, GIVEN, MEMBER, BIRTH, "Ouagadougou", "hummingbird", "B00007700", "PA00007700")
NOTIFIED = ("notice.prepared", "notice.rendered", "notice.delivered")


def recognisable(outcome: Any = "approved", seed: int = 7_700) -> dict[str, Any]:
    """A request whose patient, identifiers and note cannot be mistaken for anything else."""
    bundle: dict[str, Any] = json.loads(json.dumps(spine_request(seed, outcome, with_note=True)))
    for entry in bundle["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] == "Patient":
            resource["name"] = [{"family": FAMILY, "given": [GIVEN]}]
            resource["birthDate"] = BIRTH
        if resource["resourceType"] in {"Patient", "Coverage"}:
            resource["identifier"] = [{"system": "https://plan.test/member", "value": MEMBER}]
        if resource["resourceType"] == "DocumentReference":
            attachment = resource["content"][0]["attachment"]
            attachment["title"] = f"Visit of {FAMILY}"
            note = _decoded(attachment["data"]) + f"\nSOCIAL HISTORY:\nShe ran a {NOTE_WORDS}. {GIVEN} {FAMILY}.\n"
            attachment["data"] = _encoded(note)
    bundle["entry"][0]["resource"]["item"][0]["productOrService"]["text"] = f"for {FAMILY}"
    return bundle


def _decoded(data: str) -> str:
    return base64.b64decode(data).decode()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def marks_in(text: str | bytes) -> list[str]:
    """Which of the marks stand in a text."""
    raw = text.encode() if isinstance(text, str) else text
    return [mark for mark in MARKS if mark.encode() in raw]


def contents_of(files: Iterable[Path]) -> dict[str, bytes]:
    """Files by name."""
    return {file.name: file.read_bytes() for file in files}


async def test_nothing_of_a_person_is_in_logs_kafka_spans_metrics_or_plain_columns(
    platform: Platform, provider: Provider, collector: Collector
) -> None:
    case_id, _ = await provider.submit(recognisable())
    case = await provider.until(case_id, *NOTIFIED)
    asked, _ = await provider.submit(recognisable("information_requested", 7_701))
    await provider.until(asked, *NOTIFIED)
    wrong = recognisable(seed=7_702)
    wrong["entry"][0]["resource"]["patient"] = {"reference": f"Patient/{FAMILY}"}
    wrong["entry"][0]["resource"]["created"] = FAMILY
    refused = await provider.post(wrong)
    assert refused.status_code == 422
    assert not marks_in(refused.text)
    async with httpx.AsyncClient() as client:
        await client.post(f"{platform.base_url}/cases/{FAMILY}/appeal", json={"reason": [FAMILY]})
        await eventually(lambda: len(collector.spans.of(case["trace_id"])) >= 10)

        for service in (*flow.SERVICES, "relay"):
            metrics = await client.get(f"{platform.url(service)}/metrics")
            assert metrics.status_code == 200
            assert "priorauth_" in metrics.text
            assert not marks_in(metrics.text), service
            assert case_id not in metrics.text, "a case is no label of a metric"

    logs = contents_of([platform.data_dir / "up.log", *(platform.data_dir / "logs").iterdir()])
    assert {f"{name}.log" for name in (*flow.SERVICES, "relay", "kafka", "postgres")} <= logs.keys()
    for name, content in logs.items():
        assert not marks_in(content), name

    records = await everything_in_kafka(platform.run["kafka"], flow.ALL_TOPICS)
    mine = [r for r in records if r.key == case_id.encode()]
    assert len(mine) >= len(case["timeline"])
    for record in records:
        headers = b" ".join(k.encode() + b"=" + v for k, v in record.headers)
        assert not marks_in((record.key or b"") + b" " + (record.value or b"") + b" " + headers), record.topic

    assert any(case_id.encode() in body for body in collector.spans.bodies)
    for body in collector.spans.bodies:
        assert not marks_in(body)

    for statement in (
        "SELECT row_to_json(c)::text FROM console_cases c",
        "SELECT public FROM journal",
        "SELECT actor || payer || consumer || coalesce(traceparent, '') FROM journal",
        "SELECT row_to_json(d)::text FROM notification_deliveries d",
        "SELECT row_to_json(d)::text FROM determination_clocks d",
        "SELECT row_to_json(c)::text FROM intake_claims c",
    ):
        for row in await platform.fetch(statement):
            assert not marks_in(row[0]), statement
    for column in ("SELECT data FROM journal", "SELECT data FROM documents"):
        for row in await platform.fetch(column):
            assert not marks_in(row[0]), column
    views = await provider.client.get("/cases", params={"limit": 500})
    assert not marks_in(views.text)
    assert not marks_in(json.dumps(case))
