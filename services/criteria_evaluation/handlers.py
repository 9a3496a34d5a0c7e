"""``case.submitted``, ``information.received``, ``case.updated`` in; ``criteria.evaluated`` out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from services.criteria_evaluation.domain.evaluate import evaluate_case
from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.extract.proposals import Proposer
from services.criteria_evaluation.domain.unread import unread
from services.criteria_evaluation.policy import Policy
from shared import flow
from shared.case.history import History, Proposed
from shared.clinical.attachment_text import document_text
from shared.clinical.extraction import Extraction
from shared.clinical.fhir_paths import resources_of
from shared.clinical.model import Document, Evaluation, Resource
from shared.clinical.withdrawn import withdrawn
from shared.events.model import CaseSubmitted, CriteriaEvaluated, DocumentRef, InformationReceived
from shared.journal.documents import StoredDocument, read_documents
from shared.messaging.work import PureHandler, Work

Stored = Mapping[str, StoredDocument]


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
    return _texts(submitted, additions, _resources(submitted, additions), stored)


def _request_of(history: History) -> tuple[CaseSubmitted, list[InformationReceived]]:
    request = history.latest(flow.CASE_SUBMITTED, flow.CASE_UPDATED)
    if request is None:
        raise ValueError("The case has no request.")
    submitted = request.data()
    if not isinstance(submitted, CaseSubmitted):
        raise TypeError("A request of another shape.")
    additions = [e.data() for e in history.all_of(flow.INFORMATION_RECEIVED)]
    return submitted, [a for a in additions if isinstance(a, InformationReceived)]


def evaluate_request(
    submitted: CaseSubmitted,
    additions: Sequence[InformationReceived],
    policy: Policy,
    stored: Stored,
    extraction: Extraction | None = None,
) -> Evaluation:
    """Facts from the request and what was added to it, and the criteria over them."""
    resources = _resources(submitted, additions)
    texts = _texts(submitted, additions, resources, stored)
    facts = extract(texts, resources, policy.lexicon, extraction)
    flags = [*submitted.flags, *(flag for addition in additions for flag in addition.flags)]
    on = date.fromisoformat(submitted.requested_on[:10]) if submitted.requested_on else submitted.received_at.date()
    evaluation = evaluate_case(
        policy.criteria_sets,
        submitted.items,
        submitted.diagnoses,
        submitted.line_of_business,
        on,
        facts,
        lexicon_digest=policy.lexicon.digest,
        flags=(
            *flags,
            *(f"{t.id}:{flag}" for t in texts for flag in t.flags),
            *(extraction.flags if extraction is not None else ()),
        ),
        unread_documents=unread(texts, resources, flags),
    )
    return evaluation if extraction is None else replace(evaluation, extraction=extraction)


def _resources(submitted: CaseSubmitted, additions: Sequence[InformationReceived]) -> list[Resource]:
    bundles = [submitted.bundle, *(addition.bundle for addition in additions)]
    return [resource for bundle in bundles for resource in resources_of(bundle)]


def _texts(
    submitted: CaseSubmitted,
    additions: Sequence[InformationReceived],
    resources: Sequence[Resource],
    stored: Stored,
) -> list[Document]:
    documents = [*submitted.documents, *(document for addition in additions for document in addition.documents)]
    void = withdrawn(resources)
    return [
        _as_text(ref, stored[ref.id], void.get(ref.id))
        for ref in {d.id: d for d in documents}.values()
        if ref.id in stored
    ]


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
