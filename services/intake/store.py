"""SQL of intake: new cases in one transaction a batch, follow-ups one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.intake.domain.pas_request import PasRequest
from services.intake.handlers import causation_of, change, submission
from shared import flow
from shared.case.history import Accepted, History
from shared.case.ids import new_case_id
from shared.case.states import EVALUATING
from shared.journal.commands import append_one
from shared.journal.crypto import MasterKey
from shared.journal.documents import StoredDocument, store_documents
from shared.journal.store import ConcurrentAppendError, add_keys, append, cases_by_cause, read_histories
from shared.platform import telemetry
from shared.platform.version import CODE_VERSION

CONSUMER = flow.INTAKE.name
ACTOR = "system:intake"

_CLAIMS = text(
    """
    INSERT INTO intake_claims (claim_key, case_id)
    SELECT * FROM unnest(CAST(:claim_key AS text[]), CAST(:case_id AS uuid[])) ON CONFLICT DO NOTHING
    """
)
_CASE_OF_CLAIM = text("SELECT case_id FROM intake_claims WHERE claim_key = :claim_key ORDER BY case_id DESC LIMIT 1")


@dataclass(frozen=True, slots=True)
class Submission:
    """A request to store, and the trace that it belongs to."""

    request: PasRequest
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Received:
    """Where a request went: its case, the sequence of its event, and whether it was there before.

    ``awaited`` says that the machine will answer: not to a cancellation, nor where a clinician has the case.
    """

    case_id: UUID
    sequence: int
    repeated: bool
    awaited: bool = True


class Submissions:
    """Writes batches of new cases."""

    def __init__(self, engine: AsyncEngine, master: MasterKey) -> None:
        self._engine = engine
        self._master = master

    async def write(self, batch: Sequence[Submission]) -> list[Received]:
        """Stores new cases and finds repeated ones, in one transaction; a collision is tried again.

        Raises:
            ConcurrentAppendError: another intake stored the same requests five times in a row.
        """
        for attempt in range(5):
            try:
                async with self._engine.begin() as connection:
                    return await self._store(connection, batch)
            except ConcurrentAppendError:
                if attempt == 4:
                    raise
        raise AssertionError("unreachable")

    async def _store(self, connection: AsyncConnection, batch: Sequence[Submission]) -> list[Received]:
        causes = [causation_of(s.request) for s in batch]
        known = await cases_by_cause(connection, causes)
        fresh = {c: (new_case_id(), s) for c, s in zip(causes, batch, strict=True) if c not in known}
        if fresh:
            await self._add(connection, fresh)
        return [
            Received(known[c], 1, True) if c in known else Received(fresh[c][0], 1, fresh[c][1] is not s)
            for c, s in zip(causes, batch, strict=True)
        ]

    async def _add(self, connection: AsyncConnection, fresh: dict[UUID, tuple[UUID, Submission]]) -> None:
        keys = await add_keys(connection, self._master, [case_id for case_id, _ in fresh.values()])
        now = datetime.now(UTC)
        histories: dict[UUID, History] = {}
        accepted: list[Accepted] = []
        for cause, (case_id, item) in fresh.items():
            history = histories[case_id] = History(case_id, item.request.payer, keys[case_id])
            accepted.append(
                history.accept(
                    submission(item.request),
                    actor=ACTOR,
                    consumer=CONSUMER,
                    causation_id=cause,
                    occurred_at=item.request.received_at,
                    recorded_at=now,
                    traceparent=item.traceparent,
                    code_version=CODE_VERSION,
                )
            )
        documents = [
            (case_id, StoredDocument(d.id, d.content_type, d.data))
            for case_id, item in fresh.values()
            for d in item.request.documents
        ]
        await store_documents(connection, self._master, keys, documents)
        await append(connection, accepted, histories)
        claims = {(item.request.claim_key, case_id) for case_id, item in fresh.values()}
        await connection.execute(
            _CLAIMS, {"claim_key": [k for k, _ in claims], "case_id": [case_id for _, case_id in claims]}
        )
        telemetry.EVENTS_APPENDED.labels(CONSUMER, flow.CASE_SUBMITTED).inc(len(accepted))

    async def follow_up(self, request: PasRequest) -> Received | None:
        """Stores an update or a cancellation; None where no case has that claim.

        Raises:
            IllegalTransitionError: the case does not take it in its state.
        """
        async with self._engine.connect() as connection:
            row = (await connection.execute(_CASE_OF_CLAIM, {"claim_key": request.related_key})).first()
        if row is None:
            return None
        case_id: UUID = row[0]
        cause = causation_of(request)

        async def also(connection: AsyncConnection, _: Accepted) -> None:
            history = (await read_histories(connection, self._master, [case_id]))[case_id]
            documents = [(case_id, StoredDocument(d.id, d.content_type, d.data)) for d in request.documents]
            if history.key is not None:
                await store_documents(connection, self._master, {case_id: history.key}, documents)
            await connection.execute(_CLAIMS, {"claim_key": [request.claim_key], "case_id": [case_id]})

        history = await append_one(
            self._engine,
            self._master,
            case_id,
            lambda history: change(history, request),
            actor=ACTOR,
            consumer=CONSUMER,
            causation_id=cause,
            needs=(flow.CASE_SUBMITTED, flow.CASE_UPDATED),
            also=also,
        )
        new = next((e for e in history.events if isinstance(e, Accepted)), None)
        if new is not None:
            telemetry.EVENTS_APPENDED.labels(CONSUMER, new.type).inc()
        earlier = next(e for e in history.events if (e.consumer, e.causation_id) == (CONSUMER, cause))
        return Received(case_id, earlier.sequence, new is None, history.state in EVALUATING)
