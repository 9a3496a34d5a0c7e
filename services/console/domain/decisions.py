"""When a case counts as decided and whether that was in time. Pure.

The clock of 42 CFR 422.568 and its like stops at a decision: approved, approved in part, or denied. Asking for information
and handing a case to a clinician do not stop it, so a case that waits for either can be overdue.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared import flow

REQUESTS: Final = (flow.CASE_SUBMITTED, flow.CASE_UPDATED)
"""Each starts a clock of its own."""
DECISIONS: Final = (flow.CASE_APPROVED, flow.CASE_PARTLY_APPROVED, flow.CASE_DENIED)


@dataclass(frozen=True, slots=True)
class Clocked:
    """What a case's row says of its clock."""

    state: str
    priority: str
    requested_at: datetime
    due_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """A first decision on a request: how long it took, in seconds, and whether it came after it was due."""

    priority: str
    outcome: str
    seconds: float
    late: bool


def decision_of(before: datetime | None, now: Clocked) -> Decision | None:
    """The decision that a change of a case's row brings to light; None where it brings none.

    ``before`` is the row's former ``decided_at``. A case that was decided and then changed by the provider starts a
    new clock, and its next decision counts again.
    """
    if now.decided_at is None or (before is not None and before >= now.requested_at):
        return None
    seconds = max(0.0, (now.decided_at - now.requested_at).total_seconds())
    return Decision(now.priority, now.state, seconds, now.decided_at > now.due_at)
