"""The spans of a case's trace: from a store that has them, from one that has not, and from one that is away."""

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.cli.trace_view import SpanStore, receiver
from tests.support.cases import TRACEPARENT
from tests.support.console import REFERRED, demo, desk, serving

_, TRACE_ID, SPAN_ID, _ = TRACEPARENT.split("-")


def exported() -> bytes:
    """What a service sends for two spans, one below the other."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    service = resource.resource.attributes.add()
    service.key, service.value.string_value = "service.name", "priorauth-intake"
    scope = resource.scope_spans.add()
    for span_id, parent, name, start, end in (
        (SPAN_ID, "", "intake submit", 1_000_000_000, 1_010_000_000),
        ("aa" * 8, SPAN_ID, "<b>relay publish</b>", 1_004_000_000, 1_006_500_000),
    ):
        span = scope.spans.add()
        span.trace_id, span.span_id, span.parent_span_id = map(bytes.fromhex, (TRACE_ID, span_id, parent))
        span.name, span.start_time_unix_nano, span.end_time_unix_nano = name, start, end
    body: bytes = request.SerializeToString()
    return body


async def spans_of(database: str, trace_url: str) -> httpx.Response:
    """The answer of a console that asks there."""
    async with desk(database, trace_url=trace_url) as console, console.client() as client:
        case_id = await console.workshop.submit(demo(REFERRED.name, "traced"))
        page = (await client.get(f"/ui/cases/{case_id}")).text
        assert "From the journal" in page and f'hx-get="/ui/cases/{case_id}/trace"' in page
        return await client.get(f"/ui/cases/{case_id}/trace")


async def test_spans_come_from_the_store_with_their_durations(database: str) -> None:
    store = SpanStore()
    store.add(exported())
    async with serving(receiver(store)) as address:
        answer = await spans_of(database, f"{address}/api/v3/traces/{{trace_id}}")
    assert answer.status_code == 200
    for said in ("intake submit", "10.0 ms", "4.0 ms", "2.5 ms", "&lt;b&gt;relay publish"):
        assert said in answer.text


async def test_a_store_without_them_or_away_is_said_to_be_so(database: str) -> None:
    async with serving(receiver(SpanStore())) as address:
        empty = await spans_of(database, f"{address}/api/v3/traces/{{trace_id}}")
        missing = await spans_of(database, f"{address}/elsewhere/{{trace_id}}")
    assert "has no spans of this case" in empty.text and "has no spans of this case" in missing.text
    away = await spans_of(database, "http://127.0.0.1:1/{trace_id}")
    assert "does not answer" in away.text
