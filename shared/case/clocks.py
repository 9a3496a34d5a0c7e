"""Decision clocks (42 CFR 422.568, 422.572, 422.631; 438.210; 457.495 as amended by CMS-0057-F, from 2026-01-01).

An expedited request is decided within 72 hours, a standard one within 7 calendar days of its receipt.
"""

from datetime import datetime, timedelta
from typing import Final, Literal

Priority = Literal["standard", "expedited"]

DECISION_CLOCK: Final[dict[Priority, timedelta]] = {
    "expedited": timedelta(hours=72),
    "standard": timedelta(days=7),
}


def due_at(received_at: datetime, priority: Priority) -> datetime:
    """When the determination is due."""
    return received_at + DECISION_CLOCK[priority]


def information_due_at(requested_at: datetime, decision_due_at: datetime) -> datetime:
    """When a request for information lapses and a clinician takes the case.

    Half of the time that is left, so that the clinician still has the other half to decide within the clock.
    """
    return requested_at + max(decision_due_at - requested_at, timedelta(0)) / 2
