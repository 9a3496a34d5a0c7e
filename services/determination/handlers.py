"""``evidence.attached`` in; ``case.approved``, ``case.information_requested`` or ``case.referred`` out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.determination.domain.authorization import authorization_number
from services.determination.domain.determine import determine
from services.determination.store import start_clocks
from shared import flow
from shared.case.clocks import information_due_at
from shared.case.history import Accepted, History, Proposed
from shared.clinical.model import Conclusion
from shared.events.model import CaseDetermined, CriteriaEvaluated, EvidenceAttached
from shared.messaging.work import PureHandler, Work

EVENT_OF: Final = {
    "approved": flow.CASE_APPROVED,
    "information_requested": flow.CASE_INFORMATION_REQUESTED,
    "clinical_review": flow.CASE_REFERRED,
}
"""The machine's three conclusions. There is no denial among them."""


class Determine(PureHandler):
    """Concludes from the criteria and the evidence, and starts the clock of a request for information."""

    def __init__(self, valid_days: int) -> None:
        self._valid_days = valid_days

    def handle(self, work: Work, prepared: Any) -> Proposed | None:
        """Answers the latest evidence; an older one is stale."""
        if work.history.state != "evidence_attached" or not work.history.current(work.cause):
            return None
        return answer(work.history, work.now, self._valid_days)

    async def conclude(self, connection: AsyncConnection, appended: Sequence[Accepted]) -> None:
        """Starts clocks, one statement a batch."""
        await start_clocks(connection, [a for a in appended if a.type == flow.CASE_INFORMATION_REQUESTED])


def answer(history: History, now: datetime, valid_days: int) -> Proposed:
    """The determination of a case's latest evaluation and evidence at ``now``. Pure."""
    evaluated_event = history.latest(flow.CRITERIA_EVALUATED)
    attached_event = history.latest(flow.EVIDENCE_ATTACHED)
    evaluated = evaluated_event.data() if evaluated_event else None
    attached = attached_event.data() if attached_event else None
    if not isinstance(evaluated, CriteriaEvaluated) or not isinstance(attached, EvidenceAttached):
        raise TypeError("The case has no evaluation with evidence.")
    conclusion = determine(evaluated.evaluation, attached.evidence)
    approved = conclusion.outcome == "approved"
    asks = conclusion.outcome == "information_requested"
    data = CaseDetermined(
        conclusion,
        authorization_number=authorization_number(history.case_id) if approved else None,
        valid_from=now.date().isoformat() if approved else None,
        valid_until=(now.date() + timedelta(days=valid_days)).isoformat() if approved else None,
        information_due_at=information_due_at(now, evaluated.due_at) if asks else None,
    )
    return Proposed(EVENT_OF[conclusion.outcome], data, public_view(conclusion, evaluated.priority))


def public_view(conclusion: Conclusion, priority: str) -> dict[str, Any]:
    """What Kafka and dashboards may see of a determination."""
    return {
        "outcome": conclusion.outcome,
        "priority": priority,
        "items": [{"sequence": i.sequence, "code": i.code, "outcome": i.outcome} for i in conclusion.items],
        "missing": len(conclusion.missing),
    }
