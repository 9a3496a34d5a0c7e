"""The evaluation of a request as it was submitted: its chart read, and the criteria over what it says."""

from collections.abc import Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from services.criteria_evaluation.domain.evaluate import evaluate_case
from services.criteria_evaluation.domain.extract import read_chart
from services.criteria_evaluation.domain.unread import unread
from services.criteria_evaluation.policy import Policy
from shared.clinical.attachment_text import document_text
from shared.clinical.extraction import Extraction
from shared.clinical.fhir_paths import resources_of
from shared.clinical.model import Document, Evaluation, Resource
from shared.clinical.stored import StoredDocument
from shared.clinical.withdrawn import withdrawn
from shared.events.model import CaseSubmitted, DocumentRef, InformationReceived

Stored = Mapping[str, StoredDocument]
"""Documents by their ids."""


def evaluate_request(
    submitted: CaseSubmitted,
    additions: Sequence[InformationReceived],
    policy: Policy,
    stored: Stored,
    extraction: Extraction | None = None,
) -> Evaluation:
    """Facts from the request and what was added to it, and the criteria over them."""
    resources = resources_in(submitted, additions)
    texts = texts_in(submitted, additions, resources, stored)
    chart = read_chart(texts, resources, policy.lexicon, extraction)
    flags = [*submitted.flags, *(flag for addition in additions for flag in addition.flags)]
    on = date.fromisoformat(submitted.requested_on[:10]) if submitted.requested_on else submitted.received_at.date()
    evaluation = evaluate_case(
        policy.criteria_sets,
        submitted.items,
        submitted.diagnoses,
        submitted.line_of_business,
        on,
        chart.facts,
        lexicon_digest=policy.lexicon.digest,
        flags=(
            *flags,
            *(f"{t.id}:{flag}" for t in texts for flag in t.flags),
            *(extraction.flags if extraction is not None else ()),
        ),
        unread_documents=unread(texts, resources, flags),
        reservations=chart.reservations,
    )
    return evaluation if extraction is None else replace(evaluation, extraction=extraction)


def resources_in(submitted: CaseSubmitted, additions: Sequence[InformationReceived]) -> list[Resource]:
    """The resources of the request and of what was added to it."""
    bundles = [submitted.bundle, *(addition.bundle for addition in additions)]
    return [resource for bundle in bundles for resource in resources_of(bundle)]


def texts_in(
    submitted: CaseSubmitted,
    additions: Sequence[InformationReceived],
    resources: Sequence[Resource],
    stored: Stored,
) -> list[Document]:
    """The documents as text, each once; one that was withdrawn has none, and a flag that says why."""
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
