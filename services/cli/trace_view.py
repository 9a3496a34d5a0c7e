"""Collects spans over OTLP/HTTP and shows a trace as a tree with durations: the demo's own small collector."""

import gzip
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from rich.tree import Tree


@dataclass(frozen=True, slots=True)
class Span:
    """One finished span. Times are nanoseconds since the epoch."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    start: int
    end: int

    @property
    def milliseconds(self) -> float:
        """How long it took."""
        return (self.end - self.start) / 1e6


class SpanStore:
    """Spans by trace."""

    def __init__(self) -> None:
        self._spans: dict[str, dict[str, Span]] = defaultdict(dict)

    def add(self, body: bytes) -> None:
        """Takes an OTLP export request (protobuf)."""
        request = ExportTraceServiceRequest.FromString(body)
        for resource_spans in request.resource_spans:
            attributes = {a.key: a.value.string_value for a in resource_spans.resource.attributes}
            service = attributes.get("service.name", "unknown").removeprefix("priorauth-")
            for scope in resource_spans.scope_spans:
                for span in scope.spans:
                    one = Span(
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        span.name,
                        service,
                        span.start_time_unix_nano,
                        span.end_time_unix_nano,
                    )
                    self._spans[one.trace_id][one.span_id] = one

    def of(self, trace_id: str) -> list[Span]:
        """The spans of a trace by start."""
        return sorted(self._spans.get(trace_id, {}).values(), key=lambda s: s.start)


def receiver(store: SpanStore) -> FastAPI:
    """An OTLP/HTTP receiver (``/v1/traces``, protobuf), and what it has received, for the console."""
    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @api.post("/v1/traces")
    async def traces(request: Request) -> Response:
        body = await request.body()
        store.add(gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body)
        return Response(ExportTraceServiceResponse().SerializeToString(), media_type="application/x-protobuf")

    @api.get("/api/v3/traces/{trace_id}")
    async def trace(trace_id: str) -> dict[str, Any]:
        return {"result": otlp_json(store.of(trace_id))}

    return api


def otlp_json(spans: list[Span]) -> dict[str, Any]:
    """Spans as OTLP JSON, one resource a service, as Jaeger's query API answers them."""
    groups: dict[str, list[dict[str, str]]] = defaultdict(list)
    for span in spans:
        groups[span.service].append(
            {
                "traceId": span.trace_id,
                "spanId": span.span_id,
                "parentSpanId": span.parent_id,
                "name": span.name,
                "startTimeUnixNano": str(span.start),
                "endTimeUnixNano": str(span.end),
            }
        )
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeSpans": [{"spans": members}],
            }
            for service, members in groups.items()
        ]
    }


def trace_tree(spans: list[Span]) -> Tree:
    """The trace as a tree: each span with its service, its start after the first, and its duration."""
    if not spans:
        return Tree("no spans arrived")
    first = spans[0].start
    ids = {s.span_id for s in spans}
    children: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        children[span.parent_id if span.parent_id in ids else ""].append(span)
    tree = Tree(f"trace {spans[0].trace_id}")

    def grow(branch: Tree, parent: str) -> None:
        for span in children[parent]:
            offset = (span.start - first) / 1e6
            label = f"{span.name}  [dim]+{offset:.1f} ms[/dim]  {span.milliseconds:.1f} ms"
            grow(branch.add(label), span.span_id)

    grow(tree, "")
    return tree
