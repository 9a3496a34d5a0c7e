"""What the console calls things: states, events and outcomes in the words of its readers, as data."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from shared import flow
from shared.case import states


class Mark(NamedTuple):
    """An outcome as it is shown: a sign for the eye and words for everyone. ``kind`` chooses a color, never alone."""

    kind: str
    icon: str
    word: str


CRITERION: Final[Mapping[str, Mark]] = {
    "met": Mark("good", "✓", "Met"),
    "not_met": Mark("bad", "✕", "Not met"),
    "unknown": Mark("open", "?", "Not documented"),
}
OUTCOME: Final[Mapping[str, Mark]] = {
    "approved": Mark("good", "✓", "Approved"),
    "partly_approved": Mark("part", "◐", "Approved in part"),
    "denied": Mark("bad", "✕", "Denied"),
    "information_requested": Mark("open", "?", "More information is needed"),
    "clinical_review": Mark("part", "→", "With a clinician for review"),
    "cancelled": Mark("none", "–", "Cancelled"),
}
PENDING: Final = Mark("none", "…", "Being evaluated")
CONCLUSION: Final[Mapping[str, Mark]] = {
    "inadequate": Mark("bad", "✕", "Inadequate for this patient"),
    "contraindicated": Mark("bad", "✕", "Contraindicated for this patient"),
    "undetermined": Mark("open", "?", "Not settled by the chart"),
}
STATE: Final[Mapping[str, str]] = {
    states.SUBMITTED: "Submitted",
    states.CRITERIA_EVALUATED: "Criteria evaluated",
    states.EVIDENCE_ATTACHED: "Evidence attached",
    states.INFORMATION_REQUESTED: "Information requested",
    states.IN_REVIEW: "In review",
    states.APPROVED: "Approved",
    states.PARTLY_APPROVED: "Approved in part",
    states.DENIED: "Denied",
    states.CANCELLED: "Cancelled",
    states.ERASED: "Erased",
}
EVENT: Final[Mapping[str, str]] = {
    flow.CASE_SUBMITTED: "Request received",
    flow.INFORMATION_RECEIVED: "Information received",
    flow.CASE_UPDATED: "Request updated by the provider",
    flow.CASE_CANCELLED: "Cancelled by the provider",
    flow.CASE_APPEALED: "Appealed",
    flow.CRITERIA_EVALUATED: "Criteria evaluated",
    flow.EVIDENCE_ATTACHED: "Evidence attached",
    flow.CASE_APPROVED: "Approved",
    flow.CASE_PARTLY_APPROVED: "Approved in part",
    flow.CASE_DENIED: "Denied",
    flow.CASE_INFORMATION_REQUESTED: "Information requested",
    flow.CASE_REFERRED: "Referred to a clinician",
    flow.PEER_TO_PEER_OPENED: "Peer-to-peer opened",
    flow.NOTICE_PREPARED: "Notice prepared",
    flow.NOTICE_RENDERED: "Letter made and kept",
    flow.NOTICE_DELIVERED: "Notice delivered",
    flow.NOTICE_FAILED: "Notice could not be delivered",
    flow.CASE_QUARANTINED: "Put into quarantine",
    flow.CASE_REDRIVEN: "Released from quarantine",
    flow.CASE_ERASED: "Clinical content erased",
}
"""A test holds it against the flow, so that a new event type has its words."""


def event_words(event_type: str) -> str:
    """An event's words; one that has none yet is shown by its type."""
    return EVENT.get(event_type, event_type)


def outcome_mark(outcome: str | None) -> Mark:
    """A case's or an item's outcome; None is a case that is on its way."""
    return OUTCOME.get(outcome, Mark("none", "•", outcome.replace("_", " "))) if outcome else PENDING


def state_words(state: str) -> str:
    """A state's words."""
    return STATE.get(state, state.replace("_", " "))
