"""``case.submitted``, ``information.received``, ``case.updated`` in; ``criteria.evaluated`` out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.criteria_evaluation.domain.extract.proposals import Proposer
from services.criteria_evaluation.policy import Policy
from services.criteria_evaluation.request import Stored, evaluate_request, resources_in, texts_in
from shared import flow
from shared.case.history import History, Proposed
from shared.clinical.extraction import Extraction
from shared.clinical.model import Document, Evaluation
from shared.events.model import CaseSubmitted, CriteriaEvaluated, InformationReceived
from shared.journal.documents import read_documents
from shared.messaging.work import PureHandler, Work

__all__ = ["EvaluateCriteria", "Prepared", "answer", "chart_of", "evaluate_request", "public_view"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a batch needs beside the journal: one policy for all of it, and by case its documents and what the extractor
    proposed for it, if there is one."""

    policy: Policy
    documents: Mapping[UUID, Stored]
    extractions: Mapping[UUID, Extraction]


class EvaluateCriteria(PureHandler):
    """Reads the chart and evaluates the criteria that apply."""

    def __init__(self, policy: Callable[[], Policy], proposer: Proposer | None = None) -> None:
        """``policy`` gives the one in force; it is asked once a batch."""
        self._policy = policy
        self._proposer = proposer

    async def prepare(self, connection: AsyncConnection, batch: Sequence[Work]) -> Prepared:
        """The policy and the documents of the whole batch, in one query, and what the extractor proposes for them."""
        policy = self._policy()
        keys = {w.history.case_id: w.history.key for w in batch if w.history.key is not None}
        documents = await read_documents(connection, keys, keys)
        if self._proposer is None:
            return Prepared(policy, documents, {})
        charts = {
            w.history.case_id: chart_of(w.history, documents.get(w.history.case_id, {})) for w in batch if _is_due(w)
        }
        extractions = await self._proposer.propose(list(charts.values()))
        return Prepared(policy, documents, dict(zip(charts, extractions, strict=True)))

    def handle(self, work: Work, prepared: Prepared) -> Proposed | None:
        """Evaluates anew, unless the case has moved on or a person has it."""
        if not _is_due(work):
            return None
        case = work.history.case_id
        return answer(work.history, prepared.policy, prepared.documents.get(case, {}), prepared.extractions.get(case))


def _is_due(work: Work) -> bool:
    return work.history.state == "submitted" and work.history.current(work.cause)


def answer(history: History, policy: Policy, stored: Stored, extraction: Extraction | None = None) -> Proposed:
    """The evaluation of a case as its history tells it. Pure: the same history, policy and proposals give the same event."""
    submitted, additions = _request_of(history)
    evaluation = evaluate_request(submitted, additions, policy, stored, extraction)
    data = CriteriaEvaluated(evaluation, submitted.priority, submitted.received_at, submitted.due_at)
    return Proposed(flow.CRITERIA_EVALUATED, data, public_view(evaluation, submitted.priority))


def chart_of(history: History, stored: Stored) -> list[Document]:
    """The documents of a case as text."""
    submitted, additions = _request_of(history)
    return texts_in(submitted, additions, resources_in(submitted, additions), stored)


def _request_of(history: History) -> tuple[CaseSubmitted, list[InformationReceived]]:
    request = history.latest(flow.CASE_SUBMITTED, flow.CASE_UPDATED)
    if request is None:
        raise ValueError("The case has no request.")
    submitted = request.data()
    if not isinstance(submitted, CaseSubmitted):
        raise TypeError("A request of another shape.")
    additions = [e.data() for e in history.all_of(flow.INFORMATION_RECEIVED)]
    return submitted, [a for a in additions if isinstance(a, InformationReceived)]


def public_view(evaluation: Evaluation, priority: str) -> dict[str, Any]:
    """What Kafka and dashboards may see of an evaluation."""
    chosen = evaluation.criteria_set
    return {
        "outcome": evaluation.outcome,
        "priority": priority,
        "criteria_set": {"id": chosen.id, "version": chosen.version} if chosen else None,
        "criteria": {c.id: c.outcome for c in evaluation.criteria},
        "flags": len(evaluation.flags),
    }
