"""Replay for fidelity: each service's answer is made again from the history before it and compared byte for byte.

There is no producer and no socket but the database's, whose role may only read. The clock and every identifier come
from the stored event; the content of other events is opened with the case's key.
"""

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.case.history import ContentUnavailableError, History, Proposed, Recorded
from shared.events.codec import decode, encode
from shared.events.model import MODELS, EventData
from shared.journal.archives import Archives
from shared.journal.crypto import KeyUnavailableError, MasterKey
from shared.journal.documents import StoredDocument, read_documents
from shared.journal.spans import ALL, EVERY, Chosen, Span, case_batches
from shared.journal.store import read_histories
from shared.messaging.work import Work
from shared.platform.version import CODE_VERSION

Answer = Callable[[Work, Recorded, Mapping[str, StoredDocument]], Proposed]
"""Makes a service's answer again. The stored answer is given too, for the settings that it was made under."""

_to_json: Final = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True)
class Difference:
    """An answer that came out otherwise. ``paths`` name the parts that differ, without what they hold."""

    case: str
    sequence: int
    type: str
    code_version: str
    paths: tuple[str, ...]


class PolicyGoneError(Exception):
    """An answer cannot be made again, because the policy that it was made by is not at hand. The text names it."""


@dataclass(frozen=True, slots=True)
class Gone:
    """An answer that could not be made again, and the policy that is missing for it."""

    case: str
    sequence: int
    type: str
    policy: str


@dataclass(slots=True)
class Replay:
    """What a replay found. A case that differs counts as different, also where a policy is gone for another answer of it.

    ``events`` are those whose answer was made again, ``stored`` all events of the cases.
    """

    cases: int = 0
    events: int = 0
    stored: int = 0
    different: set[UUID] = field(default_factory=set)
    without_policy: set[UUID] = field(default_factory=set)
    gone: list[Gone] = field(default_factory=list)
    erased: int = 0
    differences: list[Difference] = field(default_factory=list)

    def add(self, later: "Replay") -> None:
        """Takes in what was found of the cases that come next."""
        self.cases += later.cases
        self.events += later.events
        self.stored += later.stored
        self.different |= later.different
        self.without_policy |= later.without_policy
        self.gone += later.gone
        self.erased += later.erased
        self.differences += later.differences

    def as_dict(self) -> dict[str, Any]:
        """The JSON of ``priorauth audit replay``."""
        return {
            "cases": self.cases,
            "same": self.cases - len(self.different | self.without_policy) - self.erased,
            "different": len(self.different),
            "policy_gone": len(self.without_policy - self.different),
            "erased": self.erased,
            "events": self.events,
            "stored_events": self.stored,
            "code_version": CODE_VERSION,
            "differences": [asdict(d) for d in self.differences],
            "gone": [asdict(g) for g in self.gone],
        }


async def replay(
    connection: AsyncConnection,
    master: MasterKey,
    answers: Mapping[str, Answer],
    span: Span = ALL,
    *,
    chosen: Chosen = EVERY,
    archives: Archives | None = None,
) -> Replay:
    """Replays the chosen cases of a range, from the table and the archives, a batch in memory at a time.

    Raises:
        ArchiveError: an archive is damaged.
    """
    found = Replay()
    async for case_ids in case_batches(connection, span, archives, chosen=chosen):
        histories = await read_histories(connection, master, case_ids, tuple(MODELS), archives)
        wanted = {case_id: history for case_id, history in histories.items() if chosen.by_set(history)}
        documents = await documents_of(connection, wanted)
        for history in wanted.values():
            _replay_case(history, documents.get(history.case_id, {}), answers, found)
    return found


async def documents_of(
    connection: AsyncConnection, histories: Mapping[UUID, History]
) -> dict[UUID, dict[str, StoredDocument]]:
    """The documents of a batch in one query; where one does not open, case by case, so that only its case lacks it."""
    keys = {case_id: history.key for case_id, history in histories.items() if history.key is not None}
    try:
        return await read_documents(connection, keys, keys)
    except KeyUnavailableError:
        opened: dict[UUID, dict[str, StoredDocument]] = {}
        for case_id, key in keys.items():
            with contextlib.suppress(KeyUnavailableError):
                opened |= await read_documents(connection, {case_id: key}, [case_id])
        return opened


class _Opened(Recorded, frozen=True):
    """An event whose content is decrypted and decoded once, although several answers are made from it."""

    opened: list[bytes] = msgspec.field(default_factory=list)
    decoded: list[EventData] = msgspec.field(default_factory=list)

    def content(self) -> bytes:
        if not self.opened:
            if self.open_data is None:
                raise ContentUnavailableError(f"The content of {self.type} was not read.")
            self.opened.append(self.open_data())
        return self.opened[0]

    def data(self) -> EventData:
        if not self.decoded:
            self.decoded.append(decode(self.type, self.content())[1])
        return self.decoded[0]


def _replay_case(
    history: History, documents: Mapping[str, StoredDocument], answers: Mapping[str, Answer], found: Replay
) -> None:
    found.cases += 1
    found.stored += len(history.events)
    if history.key is None:
        found.erased += 1
        return
    so_far = History(history.case_id, history.payer, history.key)
    by_id: dict[UUID, Recorded] = {}
    for stored in history.events:
        event = _Opened(*msgspec.structs.astuple(stored))
        by_id[event.event_id] = event
        answer = answers.get(event.consumer)
        if answer is not None:
            found.events += 1
            work = Work(so_far, by_id[event.causation_id], event.recorded_at)
            try:
                paths = _compare(event, answer, work, documents)
            except PolicyGoneError as error:
                found.without_policy.add(history.case_id)
                found.gone.append(Gone(str(history.case_id), event.sequence, event.type, str(error)))
                paths = ()
            if paths:
                found.different.add(history.case_id)
                found.differences.append(
                    Difference(str(history.case_id), event.sequence, event.type, event.code_version, paths)
                )
        so_far.add(event)


def _compare(event: _Opened, answer: Answer, work: Work, documents: Mapping[str, StoredDocument]) -> tuple[str, ...]:
    if event.open_data is None:
        return ("content",)
    try:
        stored = event.content()
        proposed = answer(work, event, documents)
    except PolicyGoneError:
        raise
    except Exception as error:
        # What the code of today cannot answer is a difference to report, and no reason to stop the others.
        return (f"error:{type(error).__name__}",)
    paths = [] if proposed.type == event.type else ["type"]
    public = _to_json(proposed.public)
    # Alike as bytes is the rule; only what is not is taken apart.
    if public != event.public.encode() and json.loads(public) != json.loads(event.public):
        paths.append("public")
    again = encode(proposed.data)
    if again != stored:
        paths += _differing(msgspec.msgpack.decode(stored), msgspec.msgpack.decode(again), "data") or ["data"]
    return tuple(paths)


def _differing(a: Any, b: Any, path: str) -> list[str]:
    """Where two decoded contents differ, by field."""
    if isinstance(a, dict) and isinstance(b, dict):
        keys = [*a, *(k for k in b if k not in a)]
        return [p for k in keys for p in _differing(a.get(k), b.get(k), f"{path}.{k}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [p for i, (x, y) in enumerate(zip(a, b, strict=True)) for p in _differing(x, y, f"{path}[{i}]")]
    return [] if a == b else [path]
