"""``criteria.evaluated`` in; ``evidence.attached`` out."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from services.evidence_lookup.domain.attach import ABSENT, attach
from services.evidence_lookup.domain.related import NO_LITERATURE, Literature
from shared import flow
from shared.case.history import History, Proposed
from shared.clinical.evidence import EvidenceLibrary
from shared.clinical.model import AttachedEvidence
from shared.events.model import CriteriaEvaluated, EvidenceAttached
from shared.messaging.work import PureHandler, Work
from shared.platform.policy import PolicyHolder


@dataclass(frozen=True, slots=True)
class Prepared:
    """One library for a whole batch. ``looked``: its files were looked at for this very batch."""

    library: EvidenceLibrary
    looked: bool


class LibraryBehindError(Exception):
    """An evaluation cites a statement that the library does not have: its criteria may be of a newer policy."""


class AttachEvidence(PureHandler):
    """Holds the library's statements against the case, and names articles beside them where there is literature."""

    def __init__(self, library: PolicyHolder[EvidenceLibrary], literature: Literature = NO_LITERATURE) -> None:
        self._library = library
        self._literature = literature
        self._behind = False

    async def prepare(self, connection: AsyncConnection, batch: Sequence[Work]) -> Prepared:
        """The library for the whole batch, after a look at its files where an evaluation was ahead of it."""
        looked, self._behind = self._behind, False
        if looked:
            await asyncio.to_thread(self._library.refresh)
        return Prepared(self._library.current(), looked)

    def handle(self, work: Work, prepared: Prepared) -> Proposed | None:
        """Answers the latest evaluation; an older one is stale.

        Raises:
            LibraryBehindError: it cites what the library does not have, and the next attempt shall look again. An attempt
                that has looked answers all the same, and says of the statement that it is not there.
        """
        if work.history.state != "criteria_evaluated" or not work.history.current(work.cause):
            return None
        evidence, proposed = _attached(work.history, prepared.library, self._literature)
        if not prepared.looked and any(statement.reason == ABSENT for statement in evidence.statements):
            self._behind = True
            raise LibraryBehindError
        return proposed


def answer(history: History, library: EvidenceLibrary, literature: Literature = NO_LITERATURE) -> Proposed:
    """The evidence for a case's latest evaluation. Pure, as far as the literature is."""
    return _attached(history, library, literature)[1]


def _attached(history: History, library: EvidenceLibrary, literature: Literature) -> tuple[AttachedEvidence, Proposed]:
    event = history.latest(flow.CRITERIA_EVALUATED)
    data = event.data() if event is not None else None
    if not isinstance(data, CriteriaEvaluated):
        raise TypeError("The case has no evaluation.")
    evidence = literature(data.evaluation).beside(attach(library, data.evaluation))
    public: dict[str, str | int] = {
        "library": evidence.library,
        "applies": sum(s.applies for s in evidence.statements),
        "does_not_apply": sum(not s.applies for s in evidence.statements),
    }
    if evidence.literature is not None:
        public["literature"] = evidence.literature
        public["related"] = len(evidence.related)
    return evidence, Proposed(flow.EVIDENCE_ATTACHED, EvidenceAttached(evidence), public)
