"""``case.submitted``, ``information.received``, ``case.updated`` in; ``criteria.evaluated`` out."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.criteria_evaluation.domain.evaluate import evaluate_case
from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.withdrawn import withdrawn
from services.criteria_evaluation.policy import Policy
from shared import flow
from shared.case.history import History, Proposed
from shared.clinical.attachment_text import document_text
from shared.clinical.fhir_paths import resources_of
from shared.clinical.model import Document, Evaluation, Resource
from shared.events.model import CaseSubmitted, CriteriaEvaluated, DocumentRef, InformationReceived
from shared.journal.documents import StoredDocument, read_documents
from shared.messaging.work import PureHandler, Work

Stored = Mapping[str, StoredDocument]


class EvaluateCriteria(PureHandler):
    """Reads the chart and evaluates the criteria that apply."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def prepare(
        self, connection: AsyncConnection, batch: Sequence[Work]
    ) -> dict[UUID, dict[str, StoredDocument]]:
        """The documents of the whole batch, in one query."""
        keys = {w.history.case_id: w.history.key for w in batch if w.history.key is not None}
        return await read_documents(connection, keys, keys)

    def handle(self, work: Work, prepared: Any) -> Proposed | None:
        """Evaluates anew, unless the case has moved on or a person has it."""
        if work.history.state != "submitted" or not work.history.current(work.cause):
            return None
        return answer(work.history, self._policy, prepared.get(work.history.case_id, {}))


def answer(history: History, policy: Policy, stored: Stored) -> Proposed:
    """The evaluation of a case as its history tells it. Pure: the same history and policy give the same event."""
    request = history.latest(flow.CASE_SUBMITTED, flow.CASE_UPDATED)
    if request is None:
        raise ValueError("The case has no request.")
    submitted = request.data()
    if not isinstance(submitted, CaseSubmitted):
        raise TypeError("A request of another shape.")
    additions = [e.data() for e in history.all_of(flow.INFORMATION_RECEIVED)]
    evaluation = evaluate_request(
        submitted, [a for a in additions if isinstance(a, InformationReceived)], policy, stored
    )
    data = CriteriaEvaluated(evaluation, submitted.priority, submitted.received_at, submitted.due_at)
    return Proposed(flow.CRITERIA_EVALUATED, data, public_view(evaluation, submitted.priority))


def evaluate_request(
    submitted: CaseSubmitted, additions: Sequence[InformationReceived], policy: Policy, stored: Stored
) -> Evaluation:
    """Facts from the request and what was added to it, and the criteria over them."""
    resources: list[Resource] = list(resources_of(submitted.bundle))
    documents = [*submitted.documents]
    flags = [*submitted.flags, *(flag for addition in additions for flag in addition.flags)]
    for addition in additions:
        resources += resources_of(addition.bundle)
        documents += addition.documents
    void = withdrawn(resources)
    texts = [
        _as_text(ref, stored[ref.id], void.get(ref.id))
        for ref in {d.id: d for d in documents}.values()
        if ref.id in stored
    ]
    facts = extract(texts, resources, policy.lexicon)
    on = date.fromisoformat(submitted.requested_on[:10]) if submitted.requested_on else submitted.received_at.date()
    return evaluate_case(
        policy.criteria_sets,
        submitted.items,
        submitted.diagnoses,
        submitted.line_of_business,
        on,
        facts,
        lexicon_digest=policy.lexicon.digest,
        flags=(*flags, *(f"{t.id}:{flag}" for t in texts for flag in t.flags)),
    )


def _as_text(ref: DocumentRef, stored: StoredDocument, void: str | None) -> Document:
    text, flags = document_text(ref.content_type, stored.data) if void is None else ("", (void,))
    dated = date.fromisoformat(ref.date[:10]) if ref.date else None
    return Document(ref.id, text, ref.title, ref.content_type, dated, ref.code, ref.path, flags)


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
