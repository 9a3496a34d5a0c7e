"""``criteria.evaluated`` in; ``evidence.attached`` out."""

from typing import Any

from services.evidence_lookup.domain.attach import attach
from shared import flow
from shared.case.history import History, Proposed
from shared.clinical.evidence import EvidenceLibrary
from shared.events.model import CriteriaEvaluated, EvidenceAttached
from shared.messaging.work import PureHandler, Work


class AttachEvidence(PureHandler):
    """Holds the library's statements against the case."""

    def __init__(self, library: EvidenceLibrary) -> None:
        self._library = library

    def handle(self, work: Work, prepared: Any) -> Proposed | None:
        """Answers the latest evaluation; an older one is stale."""
        if work.history.state != "criteria_evaluated" or not work.history.current(work.cause):
            return None
        return answer(work.history, self._library)


def answer(history: History, library: EvidenceLibrary) -> Proposed:
    """The evidence for a case's latest evaluation. Pure."""
    event = history.latest(flow.CRITERIA_EVALUATED)
    data = event.data() if event is not None else None
    if not isinstance(data, CriteriaEvaluated):
        raise TypeError("The case has no evaluation.")
    evidence = attach(library, data.evaluation)
    public = {
        "library": evidence.library,
        "applies": sum(s.applies for s in evidence.statements),
        "does_not_apply": sum(not s.applies for s in evidence.statements),
    }
    return Proposed(flow.EVIDENCE_ATTACHED, EvidenceAttached(evidence), public)
