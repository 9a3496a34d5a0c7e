"""Span, attribute and metric names, declared once; tracing set-up.

No identifier of a person stands in a span or a metric. The case id is opaque and is a span attribute only: as a
metric label it would make a series a case.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from prometheus_client import Counter, Gauge, Histogram

TRACER: Final = "priorauth"

SPAN_SUBMIT: Final = "intake submit"
SPAN_HANDLE: Final = "{service} process"
SPAN_RELAY: Final = "relay publish"
SPAN_DELIVER: Final = "notification deliver"

ATTR_CASE: Final = "priorauth.case.id"
ATTR_EVENT_TYPE: Final = "priorauth.event.type"
ATTR_SEQUENCE: Final = "priorauth.event.sequence"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_HOURS = (60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 48 * 3600, 72 * 3600, 5 * 86400, 7 * 86400, 14 * 86400)

EVENTS_APPENDED = Counter("priorauth_events_appended", "Transitions appended to the journal.", ["service", "type"])
MESSAGES_HANDLED = Counter("priorauth_messages_handled", "Messages by what came of them.", ["service", "result"])
"""``result``: appended, duplicate (its effect was there), stale (the case had moved on), replayed (published again from
the journal, and so no news), quarantined, unreadable."""
HANDLER_RETRIES = Counter("priorauth_handler_retries", "Attempts that failed and were tried again.", ["service"])
QUARANTINED = Counter("priorauth_cases_quarantined", "Cases put into quarantine.", ["service"])
REDRIVEN = Counter("priorauth_cases_redriven", "Cases released from quarantine.", ["service"])
BATCH_SIZE = Histogram(
    "priorauth_batch_messages", "Messages in a batch.", ["service"], buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)
)
BATCH_SECONDS = Histogram("priorauth_batch_seconds", "Time to handle a batch.", ["service"], buckets=_SECONDS)
STEP_SECONDS = Histogram(
    "priorauth_step_seconds", "From the causing event's record to this one's.", ["service", "type"], buckets=_SECONDS
)
DECISION_SECONDS = Histogram(
    "priorauth_decision_seconds",
    "From receipt to the first determination, against the clock of its priority.",
    ["priority", "outcome"],
    buckets=_HOURS,
)
DECISIONS_LATE = Counter("priorauth_decisions_late", "Determinations made after they were due.", ["priority"])
CASES_BY_STATE = Gauge("priorauth_cases", "Cases by state.", ["state"])
CASES_OVERDUE = Gauge("priorauth_cases_overdue", "Undecided cases past their due time.", ["priority"])
CASES_IN_QUARANTINE = Gauge("priorauth_cases_in_quarantine", "Cases now in quarantine.")
CONSUMER_LAG = Gauge("priorauth_consumer_lag_messages", "Messages not yet handled.", ["service", "topic"])
RELAY_PUBLISHED = Counter("priorauth_relay_published", "Messages published by the relay.", ["type"])
RELAY_LAG = Gauge("priorauth_relay_lag_seconds", "Age of the oldest event that the relay has not published.")
RELAY_LEADER = Gauge("priorauth_relay_leader", "1 where this relay holds its shard's lease.", ["shard"])
CHECKPOINT_EVENTS = Gauge("priorauth_checkpoint_events", "Events that the newest checkpoint seals.")
CHECKPOINT_TIME = Gauge(
    "priorauth_checkpoint_timestamp_seconds", "When everything settled was last known to be sealed."
)
CHECKPOINT_INTERVAL = Gauge("priorauth_checkpoint_interval_seconds", "How often a checkpoint is due.")
KEEPER_FAILURES = Counter("priorauth_keeper_failures", "What the keeper could not do, and tries again.", ["work"])
HTTP_REQUESTS = Counter("priorauth_http_requests", "HTTP requests.", ["service", "route", "status"])
HTTP_SECONDS = Histogram("priorauth_http_seconds", "HTTP request time.", ["service", "route"], buckets=_SECONDS)
NOTICE_ATTEMPTS = Counter("priorauth_notice_attempts", "Delivery attempts.", ["channel", "result"])
POLICY_CHANGES = Counter(
    "priorauth_policy_changes", "Changed policy files that a running process found.", ["service", "result"]
)
"""``result``: adopted, or refused, by which the policy before them stays in force."""
POLICY_REFUSED = Gauge(
    "priorauth_policy_refused",
    "1 where the policy files cannot be used and those before them are in force.",
    ["service"],
)
READY = Gauge("priorauth_ready", "1 where a dependency is reachable.", ["service", "dependency"])


def configure_tracing(service: str, endpoint: str | None, ratio: float) -> TracerProvider:
    """Installs the tracer provider: parent-based sampling by ratio, OTLP over HTTP where an endpoint is given."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": f"priorauth-{service}", "service.namespace": "priorauth"}),
        sampler=ParentBased(TraceIdRatioBased(ratio)),
    )
    if endpoint:
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    trace.set_tracer_provider(provider)
    return provider


def parse_traceparent(traceparent: str | None) -> SpanContext | None:
    """A W3C ``traceparent`` as a remote span context, or None where it is absent or malformed."""
    if not traceparent or len(traceparent) != 55:
        return None
    try:
        _, trace_id, span_id, flags = traceparent.split("-")
        context = SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)))
    except ValueError:
        return None
    return context if context.is_valid else None


def format_traceparent(context: SpanContext) -> str:
    """The W3C ``traceparent`` of a span context."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


@contextmanager
def spans_for(
    name: str, traceparents: Iterable[tuple[str | None, dict[str, str | int]]], kind: SpanKind = SpanKind.CONSUMER
) -> Iterator[list[str | None]]:
    """One span a message of a batch, each in its own case's trace, and the ``traceparent`` to pass on for each.

    An unsampled trace goes on without a span being made: its ``traceparent`` is passed on as it came.
    """
    tracer = trace.get_tracer(TRACER)
    opened: list[trace.Span] = []
    onward: list[str | None] = []
    for traceparent, attributes in traceparents:
        # The flag is the last character's lowest bit; looking at it spares parsing for the 99% unsampled.
        if not traceparent or traceparent[-1] not in "13579bdf":
            onward.append(traceparent)
            continue
        context = parse_traceparent(traceparent)
        if context is None:
            onward.append(None)
            continue
        parent = trace.set_span_in_context(NonRecordingSpan(context))
        span = tracer.start_span(name, context=parent, kind=kind, attributes=attributes)
        opened.append(span)
        onward.append(format_traceparent(span.get_span_context()))
    try:
        yield onward
    finally:
        for span in opened:
            span.end()
