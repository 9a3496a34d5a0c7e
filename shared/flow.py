"""The map: which event is made by whom and read by whom.

This is the only place that says so. Services take their topics from it, the README's picture and the
AsyncAPI document are made from it, and ``tests/architecture`` holds it against the subscribers that exist.
"""

from dataclasses import dataclass

TOPIC_PREFIX = "priorauth."
UNREADABLE_TOPIC = "priorauth.unreadable.v1"
"""Where the bytes of a message go that names no case, so that it neither blocks a partition nor disappears."""

CASE_SUBMITTED = "case.submitted.v1"
INFORMATION_RECEIVED = "information.received.v1"
CASE_UPDATED = "case.updated.v1"
CASE_CANCELLED = "case.cancelled.v1"
CASE_APPEALED = "case.appealed.v1"
CRITERIA_EVALUATED = "criteria.evaluated.v1"
EVIDENCE_ATTACHED = "evidence.attached.v1"
CASE_APPROVED = "case.approved.v1"
CASE_PARTLY_APPROVED = "case.partly_approved.v1"
CASE_DENIED = "case.denied.v1"
CASE_INFORMATION_REQUESTED = "case.information_requested.v1"
CASE_REFERRED = "case.referred.v1"
PEER_TO_PEER_OPENED = "peer_to_peer.opened.v1"
NOTICE_PREPARED = "notice.prepared.v1"
NOTICE_RENDERED = "notice.rendered.v1"
NOTICE_DELIVERED = "notice.delivered.v1"
NOTICE_FAILED = "notice.failed.v1"
CASE_QUARANTINED = "case.quarantined.v1"
CASE_REDRIVEN = "case.redriven.v1"
CASE_ERASED = "case.erased.v1"

DETERMINATIONS = (
    CASE_APPROVED,
    CASE_PARTLY_APPROVED,
    CASE_DENIED,
    CASE_INFORMATION_REQUESTED,
    CASE_REFERRED,
)
"""Events that tell the provider an outcome; each is followed by a notice."""


@dataclass(frozen=True, slots=True)
class ServiceFlow:
    """What one service reads from Kafka and what it may append to the journal.

    ``needs`` lists the event types whose clinical content the service's handler opens; the others of a
    case's history are read without their payload, which saves decryption on the hot path.
    """

    name: str
    reads: tuple[str, ...]
    appends: tuple[str, ...]
    needs: tuple[str, ...] = ()


INTAKE = ServiceFlow(
    "intake", reads=(), appends=(CASE_SUBMITTED, INFORMATION_RECEIVED, CASE_UPDATED, CASE_CANCELLED, CASE_APPEALED)
)
CRITERIA_EVALUATION = ServiceFlow(
    "criteria_evaluation",
    reads=(CASE_SUBMITTED, INFORMATION_RECEIVED, CASE_UPDATED),
    appends=(CRITERIA_EVALUATED,),
    needs=(CASE_SUBMITTED, INFORMATION_RECEIVED, CASE_UPDATED),
)
EVIDENCE_LOOKUP = ServiceFlow(
    "evidence_lookup", reads=(CRITERIA_EVALUATED,), appends=(EVIDENCE_ATTACHED,), needs=(CRITERIA_EVALUATED,)
)
DETERMINATION = ServiceFlow(
    "determination",
    reads=(EVIDENCE_ATTACHED,),
    appends=(*DETERMINATIONS, PEER_TO_PEER_OPENED),
    needs=(CRITERIA_EVALUATED, EVIDENCE_ATTACHED),
)
NOTIFICATION = ServiceFlow(
    "notification", reads=DETERMINATIONS, appends=(NOTICE_PREPARED, NOTICE_DELIVERED, NOTICE_FAILED), needs=()
)

PIPELINE = (INTAKE, CRITERIA_EVALUATION, EVIDENCE_LOOKUP, DETERMINATION, NOTIFICATION)

OPERATIONS = ServiceFlow("operations", reads=(), appends=(CASE_QUARANTINED, CASE_REDRIVEN, CASE_ERASED))
"""Not a process: what the messaging layer and the commands ``cases redrive`` and ``cases erase`` append."""

LETTERS = ServiceFlow("letters", reads=(), appends=(NOTICE_RENDERED,))
"""Not a process: whichever service gives a letter out first keeps it (``shared/journal/letters.py``)."""

WRITERS = (*PIPELINE, LETTERS, OPERATIONS)
"""Everyone who appends to the journal; each event type has one of them."""

EVENT_TYPES: tuple[str, ...] = tuple(dict.fromkeys(t for s in WRITERS for t in s.appends))

CONSOLE = ServiceFlow("console", reads=EVENT_TYPES, appends=())

SERVICES: dict[str, ServiceFlow] = {s.name: s for s in (*PIPELINE, CONSOLE)}

RELAY = "relay"
"""No service, since it adds nothing to a case: publishes the journal."""
KEEPER = "keeper"
"""No service either: seals the journal with checkpoints and makes its partitions. It reads as an auditor does."""
PROCESSES = (*SERVICES, RELAY, KEEPER)
"""Every process that runs all the time."""


def topic(event_type: str) -> str:
    """The Kafka topic of an event type: ``case.submitted.v1`` is published to ``priorauth.case.submitted.v1``."""
    return TOPIC_PREFIX + event_type


def topics_of(service: str) -> tuple[str, ...]:
    """Every topic that a service subscribes to; each consumer also hears when a quarantined case is redriven."""
    flow = SERVICES[service]
    if not flow.reads or service == CONSOLE.name:
        return tuple(topic(t) for t in flow.reads)
    return tuple(topic(t) for t in (*flow.reads, CASE_REDRIVEN))


ALL_TOPICS: tuple[str, ...] = (*(topic(t) for t in EVENT_TYPES), UNREADABLE_TOPIC)
