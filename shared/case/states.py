"""The state machine of a case, as data.

States and transitions follow the design's table; the README's picture is drawn from ``TRANSITIONS``.
Quarantine is a flag beside the state, so its events change no state.
"""

from typing import Final

from shared import flow

NEW: Final = "new"
SUBMITTED: Final = "submitted"
CRITERIA_EVALUATED: Final = "criteria_evaluated"
EVIDENCE_ATTACHED: Final = "evidence_attached"
APPROVED: Final = "approved"
PARTLY_APPROVED: Final = "partly_approved"
DENIED: Final = "denied"
INFORMATION_REQUESTED: Final = "information_requested"
IN_REVIEW: Final = "in_review"
CANCELLED: Final = "cancelled"
ERASED: Final = "erased"

STATES: Final = (
    SUBMITTED,
    CRITERIA_EVALUATED,
    EVIDENCE_ATTACHED,
    INFORMATION_REQUESTED,
    IN_REVIEW,
    APPROVED,
    PARTLY_APPROVED,
    DENIED,
    CANCELLED,
    ERASED,
)
FINAL: Final = frozenset({APPROVED, PARTLY_APPROVED, DENIED, CANCELLED})
DETERMINED: Final = frozenset({APPROVED, PARTLY_APPROVED, DENIED, INFORMATION_REQUESTED, IN_REVIEW})
EVALUATING: Final = (SUBMITTED, CRITERIA_EVALUATED, EVIDENCE_ATTACHED)
_OPEN: Final = (*EVALUATING, INFORMATION_REQUESTED, IN_REVIEW)
_DECIDED: Final = (APPROVED, PARTLY_APPROVED, DENIED)

TRANSITIONS: Final[dict[tuple[str, str], str]] = {
    (NEW, flow.CASE_SUBMITTED): SUBMITTED,
    (SUBMITTED, flow.CRITERIA_EVALUATED): CRITERIA_EVALUATED,
    (CRITERIA_EVALUATED, flow.EVIDENCE_ATTACHED): EVIDENCE_ATTACHED,
    (EVIDENCE_ATTACHED, flow.CASE_APPROVED): APPROVED,
    (EVIDENCE_ATTACHED, flow.CASE_INFORMATION_REQUESTED): INFORMATION_REQUESTED,
    (EVIDENCE_ATTACHED, flow.CASE_REFERRED): IN_REVIEW,
    (INFORMATION_REQUESTED, flow.CASE_REFERRED): IN_REVIEW,
    (IN_REVIEW, flow.CASE_APPROVED): APPROVED,
    (IN_REVIEW, flow.CASE_PARTLY_APPROVED): PARTLY_APPROVED,
    (IN_REVIEW, flow.CASE_DENIED): DENIED,
    (IN_REVIEW, flow.CASE_INFORMATION_REQUESTED): INFORMATION_REQUESTED,
    (IN_REVIEW, flow.PEER_TO_PEER_OPENED): IN_REVIEW,
    # A reviewer sees new papers beside the case; the machine does not take it back from them.
    (IN_REVIEW, flow.INFORMATION_RECEIVED): IN_REVIEW,
    **{(s, flow.INFORMATION_RECEIVED): SUBMITTED for s in (*EVALUATING, INFORMATION_REQUESTED)},
    **{(s, flow.CASE_UPDATED): SUBMITTED for s in (*_OPEN, *_DECIDED)},
    **{(s, flow.CASE_CANCELLED): CANCELLED for s in (*_OPEN, *_DECIDED)},
    **{(s, flow.CASE_APPEALED): IN_REVIEW for s in _DECIDED},
    # Without its key nothing can be added to a case, so only one that has come to its end is erased.
    **{(s, flow.CASE_ERASED): ERASED for s in (*_DECIDED, CANCELLED)},
}

UNCHANGING: Final = frozenset(
    {
        flow.NOTICE_PREPARED,
        flow.NOTICE_RENDERED,
        flow.NOTICE_DELIVERED,
        flow.NOTICE_FAILED,
        flow.CASE_QUARANTINED,
        flow.CASE_REDRIVEN,
    }
)
"""Events that are recorded in any state but an erased case's, and leave it as it is."""

CLINICIAN_ONLY: Final = frozenset({flow.CASE_DENIED, flow.CASE_PARTLY_APPROVED})
"""Adverse determinations: the journal's own check constraint refuses them from any actor but a clinician."""


class IllegalTransitionError(Exception):
    """An event was offered that the table does not allow in the case's state. Names both states."""


class MachineDenialError(Exception):
    """An adverse determination was offered by an actor that is not a clinician."""


def next_state(state: str, event_type: str) -> str:
    """The state after ``event_type`` happens in ``state``.

    Raises:
        IllegalTransitionError: the pair is not in the table.
    """
    if event_type in UNCHANGING and state not in (NEW, ERASED):
        return state
    after = TRANSITIONS.get((state, event_type))
    if after is None:
        wanted = sorted({t for (_, e), t in TRANSITIONS.items() if e == event_type}) or ["no state"]
        raise IllegalTransitionError(f"{event_type} cannot take a case from {state} to {' or '.join(wanted)}.")
    return after


def check_actor(event_type: str, actor: str) -> None:
    """Raises MachineDenialError where an adverse determination is not signed by a clinician."""
    if event_type in CLINICIAN_ONLY and not actor.startswith("clinician:"):
        raise MachineDenialError(f"{event_type} needs a clinician as its actor.")
