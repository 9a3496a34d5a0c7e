"""A trace as a list of bars, from OTLP JSON (``opentelemetry-proto`` 1.x, ``TracesData``). Pure.

The JSON comes from another server, so whatever does not have the form is left out.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_NANO: Final = 1e9
_DEEPEST: Final = 20


@dataclass(frozen=True, slots=True)
class Bar:
    """A span as it is drawn. ``offset`` and ``share`` are parts of the whole trace, from 0 to 1; times in seconds."""

    name: str
    service: str
    depth: int
    start: float
    seconds: float
    offset: float
    share: float


@dataclass(frozen=True, slots=True)
class Span:
    """One finished span; nanoseconds since the epoch."""

    span_id: str
    parent_id: str
    name: str
    service: str
    start: int
    end: int


def spans_of(content: Any) -> list[Span]:
    """The spans of an OTLP JSON answer, by start; Jaeger wraps it in ``result``, Tempo calls its list ``batches``."""
    if isinstance(content, Mapping) and isinstance(content.get("result"), Mapping):
        content = content["result"]
    if not isinstance(content, Mapping):
        return []
    groups = content.get("resourceSpans") or content.get("batches") or []
    spans = {span.span_id: span for group in _mappings(groups) for span in _spans(group)}
    return sorted(spans.values(), key=lambda s: (s.start, s.span_id))


def _spans(group: Mapping[str, Any]) -> Iterator[Span]:
    service = "unknown"
    resource = group.get("resource")
    for attribute in _mappings(resource.get("attributes") if isinstance(resource, Mapping) else None):
        value = attribute.get("value")
        if attribute.get("key") == "service.name" and isinstance(value, Mapping):
            service = str(value.get("stringValue", service)).removeprefix("priorauth-")
    for scope in _mappings(group.get("scopeSpans")):
        for span in _mappings(scope.get("spans")):
            try:
                start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
                name, span_id = str(span["name"]), str(span["spanId"])
            except (KeyError, TypeError, ValueError):
                continue
            yield Span(span_id, str(span.get("parentSpanId") or ""), name, service, start, max(start, end))


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    return (entry for entry in value if isinstance(entry, Mapping)) if isinstance(value, list) else iter(())


def bars(spans: list[Span]) -> list[Bar]:
    """The trace as a tree, each span below its parent; one whose parent is not there stands at the top."""
    if not spans:
        return []
    first, last = min(s.start for s in spans), max(s.end for s in spans)
    whole = max(last - first, 1)
    ids = {s.span_id for s in spans}
    children: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        children[span.parent_id if span.parent_id in ids and span.parent_id != span.span_id else ""].append(span)

    def grow(parent: str, depth: int) -> Iterator[Bar]:
        for s in children[parent]:
            length = s.end - s.start
            yield Bar(
                s.name,
                s.service,
                depth,
                (s.start - first) / _NANO,
                length / _NANO,
                (s.start - first) / whole,
                length / whole,
            )
            if depth < _DEEPEST:
                yield from grow(s.span_id, depth + 1)

    return list(grow("", 0))
