"""One frozen pydantic dataclass per event: the clinical content that the journal stores encrypted.

pydantic checks what is built from outside; msgspec encodes and decodes them on the hot path and gives the schemas in
``docs/events.schema.json``. What Kafka and dashboards may
see is not here but in ``Public``: it names codes and outcomes and no person.
"""

from datetime import datetime
from typing import Final, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from shared import flow
from shared.clinical.model import AttachedEvidence, Conclusion, Evaluation, RequestedItem

# The clinical types are msgspec structs, which pydantic takes as they are.
_CLINICAL: Final = ConfigDict(arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """A document that came with a request: stored once under ``id`` (``sha256:...``), referred to from here."""

    id: str
    content_type: str
    title: str = ""
    date: str | None = None
    code: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True, config=_CLINICAL)
class CaseSubmitted:
    """A provider's request. ``bundle`` is the PAS Bundle as JSON, its attachments taken out into ``documents``.

    ``flags`` ask for a person to look (``external-document``: one that intake has not seen). ``claim_key`` is a digest of the Claim's business identifier, by which an update or a cancellation finds the case.
    """

    bundle: bytes
    documents: tuple[DocumentRef, ...]
    items: tuple[RequestedItem, ...]
    diagnoses: tuple[str, ...]
    line_of_business: str | None
    priority: Literal["standard", "expedited"]
    received_at: datetime
    due_at: datetime
    claim_key: str = ""
    requested_on: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InformationReceived:
    """More of the chart for a case: documents, and resources in ``bundle`` (a Bundle as JSON)."""

    bundle: bytes
    documents: tuple[DocumentRef, ...]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, config=_CLINICAL)
class CaseUpdated(CaseSubmitted):
    """The provider's changed request takes the place of the former one; earlier information is kept."""


@dataclass(frozen=True, slots=True)
class CaseCancelled:
    """The provider takes the request back."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class CaseAppealed:
    """The provider or the member asks that an adverse determination be reconsidered."""

    reason: str = ""


@dataclass(frozen=True, slots=True, config=_CLINICAL)
class CriteriaEvaluated:
    """What the chart says and which criteria are met by it."""

    evaluation: Evaluation
    priority: Literal["standard", "expedited"]
    received_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, config=_CLINICAL)
class EvidenceAttached:
    """The evidence that applies to this case, and that which does not and why."""

    evidence: AttachedEvidence


@dataclass(frozen=True, slots=True, config=_CLINICAL)
class CaseDetermined:
    """A determination of the machine (approved, information_requested, referred) or of a clinician.

    ``conclusion`` is None where a clock or a clinician moved the case; then ``rationale`` says why.
    """

    conclusion: Conclusion | None = None
    rationale: str = ""
    authorization_number: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    information_due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PeerToPeerOpened:
    """A clinician invites the requesting physician to talk."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class NoticePrepared:
    """A notice of a determination is ready to go out. The letter itself is rendered when it is asked for.

    ``determination_sequence`` is the case's event that it tells of.
    """

    notice_id: str
    kind: str
    determination_sequence: int
    channel: str


@dataclass(frozen=True, slots=True)
class LetterRef:
    """One form of a letter: for whom, in which language, and the stored document that holds its bytes."""

    audience: Literal["provider", "member"]
    language: str
    form: Literal["html", "pdf", "text"]
    document: str


@dataclass(frozen=True, slots=True)
class NoticeRendered:
    """Forms of a notice's letter that were made to be given out, before they were.

    ``determination_sequence`` is the case's event that the letter tells of.
    """

    determination_sequence: int
    letters: tuple[LetterRef, ...]


@dataclass(frozen=True, slots=True)
class NoticeDelivered:
    """An attempt that succeeded."""

    notice_id: str
    attempt: int
    channel: str


@dataclass(frozen=True, slots=True)
class NoticeFailed:
    """An attempt that failed. ``final`` says that no other will follow by itself."""

    notice_id: str
    attempt: int
    channel: str
    error: str
    final: bool


@dataclass(frozen=True, slots=True)
class CaseQuarantined:
    """A consumer could not handle an event of this case. ``error`` is a class name and no text of the chart."""

    consumer: str
    event_id: str
    event_type: str
    error: str
    attempts: int


@dataclass(frozen=True, slots=True)
class CaseRedriven:
    """An operator releases the case: each consumer takes up what it has not handled."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class CaseErased:
    """The case's key was destroyed. The reason, a code, stands among the public facts: nothing else stays readable."""

    reason: str


EventData = (
    CaseSubmitted
    | InformationReceived
    | CaseUpdated
    | CaseCancelled
    | CaseAppealed
    | CriteriaEvaluated
    | EvidenceAttached
    | CaseDetermined
    | PeerToPeerOpened
    | NoticePrepared
    | NoticeRendered
    | NoticeDelivered
    | NoticeFailed
    | CaseQuarantined
    | CaseRedriven
    | CaseErased
)

MODELS: dict[str, type[EventData]] = {
    flow.CASE_SUBMITTED: CaseSubmitted,
    flow.INFORMATION_RECEIVED: InformationReceived,
    flow.CASE_UPDATED: CaseUpdated,
    flow.CASE_CANCELLED: CaseCancelled,
    flow.CASE_APPEALED: CaseAppealed,
    flow.CRITERIA_EVALUATED: CriteriaEvaluated,
    flow.EVIDENCE_ATTACHED: EvidenceAttached,
    flow.CASE_APPROVED: CaseDetermined,
    flow.CASE_PARTLY_APPROVED: CaseDetermined,
    flow.CASE_DENIED: CaseDetermined,
    flow.CASE_INFORMATION_REQUESTED: CaseDetermined,
    flow.CASE_REFERRED: CaseDetermined,
    flow.PEER_TO_PEER_OPENED: PeerToPeerOpened,
    flow.NOTICE_PREPARED: NoticePrepared,
    flow.NOTICE_RENDERED: NoticeRendered,
    flow.NOTICE_DELIVERED: NoticeDelivered,
    flow.NOTICE_FAILED: NoticeFailed,
    flow.CASE_QUARANTINED: CaseQuarantined,
    flow.CASE_REDRIVEN: CaseRedriven,
    flow.CASE_ERASED: CaseErased,
}
