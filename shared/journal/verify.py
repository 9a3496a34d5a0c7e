"""Verifies the journal: chains, sequences, states, actors, ids, causes. Streams in order of case; memory stays constant.

What a chain by itself cannot show (a tail that was cut, a case that is gone, a past that was written anew with all of its
hashes) is found by holding the journal against its checkpoints: ``shared.journal.sealing``.
"""

from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import flow
from shared.case.ids import event_id
from shared.case.states import NEW, IllegalTransitionError, MachineDenialError, check_actor, next_state
from shared.journal.archives import Archives, with_archived
from shared.journal.chain import GENESIS, is_linked
from shared.journal.problems import Problem
from shared.journal.spans import ALL, Span, span_of

_ROWS = text(
    """
    SELECT case_id, sequence, event_id, type, state_before, state_after, actor, payer, consumer, causation_id,
        occurred_at, recorded_at, traceparent, code_version, public, data, previous_hash, hash
    FROM journal WHERE case_id >= :first AND (CAST(:before AS uuid) IS NULL OR case_id < CAST(:before AS uuid))
    ORDER BY case_id, sequence
    """
)


@dataclass(slots=True)
class Verification:
    """What a verification found."""

    cases: int = 0
    events: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, other: "Verification") -> None:
        """Takes what another part of the same verification found."""
        self.cases += other.cases
        self.events += other.events
        self.problems += other.problems

    def as_dict(self) -> dict[str, Any]:
        """The JSON of ``priorauth audit verify``."""
        return {
            "cases": self.cases,
            "events": self.events,
            "intact": not self.problems,
            "problems": [asdict(p) for p in self.problems],
        }


async def verify(engine: AsyncEngine, case_id: UUID | None = None) -> Verification:
    """Recomputes every chain of the table and checks what must hold of each event, over all cases or one."""
    async with engine.connect() as connection:
        return await verify_within(connection, span_of(case_id))


async def verify_within(
    connection: AsyncConnection, span: Span = ALL, archives: Archives | None = None
) -> Verification:
    """The same for a range of cases, of the table and the archives, in a transaction of the caller's: as of one instant.

    Raises:
        ArchiveError: an archive is damaged.
    """
    found = Verification()
    checker: _CaseChecker | None = None
    archived = archives.rows(*span) if archives is not None else iter(())
    async with connection.stream(_ROWS, {"first": span[0], "before": span[1]}) as result:
        async for row in with_archived(result, archived):
            if checker is None or checker.case_id != row.case_id:
                found.cases += 1
                checker = _CaseChecker(row.case_id)
            found.events += 1
            found.problems += checker.check(row)
    return found


class _CaseChecker:
    """Follows one case's chain."""

    def __init__(self, case_id: UUID) -> None:
        self.case_id = case_id
        self._sequence = 0
        self._hash = GENESIS
        self._state: str = NEW
        self._types: dict[UUID, str] = {}

    def check(self, row: Any) -> list[Problem]:
        """The problems of the next event. Afterwards the chain goes on from what is stored, so that one is told once."""
        problems = [Problem(str(self.case_id), row.sequence, kind, message) for kind, message in self._faults(row)]
        self._sequence, self._hash, self._state = row.sequence, row.hash, row.state_after
        self._types[row.event_id] = row.type
        return problems

    def _faults(self, row: Any) -> list[tuple[str, str]]:
        faults = []
        if row.sequence != self._sequence + 1:
            faults.append(("sequence", f"Event {self._sequence + 1} is missing."))
        if row.previous_hash != self._hash:
            faults.append(("chain", "It does not follow from the event before it."))
        if not is_linked(row):
            faults.append(("hash", "It was changed after it was written."))
        if row.event_id != event_id(row.case_id, row.sequence):
            faults.append(("id", "Its id does not follow from its case and sequence."))
        if row.state_before != self._state:
            faults.append(("state", f"It starts from {row.state_before}, but the case was {self._state}."))
        service = flow.SERVICES.get(row.consumer)
        if service is not None and service.reads and row.type in service.appends:
            cause = self._types.get(row.causation_id)
            if cause is None or cause not in (*service.reads, flow.CASE_REDRIVEN):
                faults.append(("causation", f"{row.consumer} was not caused by an earlier event that it reads."))
        return faults + _rule_faults(row)


def _rule_faults(row: Any) -> list[tuple[str, str]]:
    try:
        if next_state(row.state_before, row.type) != row.state_after:
            return [("transition", f"{row.type} does not lead to {row.state_after}.")]
        check_actor(row.type, row.actor)
    except IllegalTransitionError as error:
        return [("transition", str(error))]
    except MachineDenialError as error:
        return [("actor", str(error))]
    return []
