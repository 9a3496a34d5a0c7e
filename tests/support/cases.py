"""Cases written straight into the journal, and the messages that the relay would make of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import flow
from shared.case.clocks import Priority, due_at
from shared.case.history import Accepted, History, Proposed
from shared.case.ids import new_case_id
from shared.clinical.model import AttachedEvidence, Evaluation
from shared.events.envelope import EventMessage, decode_message
from shared.events.model import (
    CaseAppealed,
    CaseCancelled,
    CaseDetermined,
    CaseErased,
    CaseQuarantined,
    CaseRedriven,
    CaseSubmitted,
    CaseUpdated,
    CriteriaEvaluated,
    EventData,
    EvidenceAttached,
    InformationReceived,
    LetterRef,
    NoticeDelivered,
    NoticeFailed,
    NoticePrepared,
    NoticeRendered,
    PeerToPeerOpened,
)
from shared.journal.crypto import MasterKey
from shared.journal.relay import message_of
from shared.journal.store import add_keys, append, read_histories

START: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLINICIAN: Final = "clinician:dr-lindqvist"
TRACEPARENT: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

_DETERMINED: Final = {
    flow.CASE_APPROVED: "approved",
    flow.CASE_PARTLY_APPROVED: "partly_approved",
    flow.CASE_DENIED: "denied",
    flow.CASE_INFORMATION_REQUESTED: "information_requested",
    flow.CASE_REFERRED: "clinical_review",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """An event to write: its type, and its time after the case's start."""

    type: str
    after: timedelta = timedelta(0)
    actor: str = "system:test"
    codes: tuple[str, ...] = ("63087", "22842")
    priority: Priority = "standard"
    public: Mapping[str, Any] | None = None
    """Public facts that take the place of those that the services write."""


def content(happening: Happening, at: datetime) -> tuple[EventData, dict[str, Any]]:
    """A small but whole content of the type, and its public facts in the shape that the services write."""
    kind = happening.type
    priority = happening.priority
    due = due_at(at, priority)
    request = {"priority": priority, "due_at": due.isoformat(), "codes": sorted(happening.codes), "items": []}
    if kind in (flow.CASE_SUBMITTED, flow.CASE_UPDATED):
        model = CaseSubmitted if kind == flow.CASE_SUBMITTED else CaseUpdated
        return model(b"{}", (), (), (), None, priority, at, due), request
    if kind in _DETERMINED:
        return CaseDetermined(), {"outcome": _DETERMINED[kind], "items": []}
    evaluation = Evaluation("approved", None, (), (), (), {})
    plain: dict[str, EventData] = {
        flow.CRITERIA_EVALUATED: CriteriaEvaluated(evaluation, priority, at, due),
        flow.EVIDENCE_ATTACHED: EvidenceAttached(AttachedEvidence("none")),
        flow.INFORMATION_RECEIVED: InformationReceived(b"{}", ()),
        flow.CASE_CANCELLED: CaseCancelled(),
        flow.CASE_APPEALED: CaseAppealed(),
        flow.PEER_TO_PEER_OPENED: PeerToPeerOpened(),
        flow.NOTICE_PREPARED: NoticePrepared(str(uuid4()), "approval", 1, "none"),
        flow.NOTICE_RENDERED: NoticeRendered(1, (LetterRef("provider", "en", "html", "sha256:00"),)),
        flow.NOTICE_DELIVERED: NoticeDelivered(str(uuid4()), 1, "none"),
        flow.NOTICE_FAILED: NoticeFailed(str(uuid4()), 1, "none", "timeout", False),
        flow.CASE_QUARANTINED: CaseQuarantined("determination", str(uuid4()), flow.CASE_SUBMITTED, "ValueError", 4),
        flow.CASE_REDRIVEN: CaseRedriven(),
        flow.CASE_ERASED: CaseErased("member_request"),
    }
    return plain[kind], {}


async def write_case(
    engine: AsyncEngine,
    master: MasterKey,
    happenings: Sequence[Happening],
    *,
    case_id: UUID | None = None,
    payer: str = "Cascade Health Plan",
    start: datetime = START,
) -> UUID:
    """Appends events to a new case, or to ``case_id``; returns the case."""
    async with engine.begin() as connection:
        if case_id is None:
            case_id = new_case_id()
            keys = await add_keys(connection, master, [case_id])
            histories = {case_id: History(case_id, payer, keys[case_id])}
        else:
            histories = await read_histories(connection, master, [case_id])
        accepted = [_accept(histories[case_id], happening, start) for happening in happenings]
        await append(connection, accepted, histories)
    return case_id


def _accept(history: History, happening: Happening, start: datetime) -> Accepted:
    at = start + happening.after
    data, public = content(happening, at)
    return history.accept(
        Proposed(happening.type, data, public if happening.public is None else happening.public),
        actor=happening.actor,
        consumer="test",
        causation_id=uuid4(),
        occurred_at=at,
        recorded_at=at,
        traceparent=TRACEPARENT,
        code_version="test",
    )


async def messages(engine: AsyncEngine, case_ids: Sequence[UUID]) -> list[EventMessage]:
    """The messages of cases, in the order of the journal, made by the relay's own function."""
    columns = (
        "event_id, case_id, sequence, type, state_before, state_after, actor, payer, occurred_at, recorded_at, public, "
        "traceparent"
    )
    statement = text(f"SELECT {columns} FROM journal WHERE case_id = ANY(:ids) ORDER BY position")
    async with engine.connect() as connection:
        rows = (await connection.execute(statement, {"ids": list(case_ids)})).mappings().all()
    return [decode_message(_value({**row})) for row in rows]


def _value(row: Mapping[str, Any]) -> bytes:
    _, _, value, _ = message_of(row, row["traceparent"])
    return value
