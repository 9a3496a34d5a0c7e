"""A notice of a determination, and when a failed attempt is made again. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from shared.case.history import History, Recorded
from shared.case.view import OUTCOME_OF_STATE

LONGEST_WAIT: Final = timedelta(hours=6)


class NoDeterminationError(Exception):
    """A notice whose determination does not stand in the case's history."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The letter in the three forms that a message can carry."""

    text: str
    html: str
    pdf: bytes


@dataclass(frozen=True, slots=True)
class Notice:
    """What a channel sends. ``attempt`` counts from 1; ``letter`` is None where the channel carries none.

    ``event_type`` is the determination's without its version, ``state`` the case's after it, and ``decided_at`` its
    time: a notice tells of that determination, whatever has happened to the case since.
    """

    id: UUID
    case_id: UUID
    kind: str
    event_type: str
    state: str
    outcome: str
    decided_at: datetime
    prepared_at: datetime
    attempt: int
    links: tuple[tuple[str, str], ...]
    letter: Rendered | None = None


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a notice is about: its ``notice.prepared``, the determination that this answers, and the kind of notice."""

    prepared: Recorded
    determination: Recorded
    kind: str


def occasion_of(history: History, sequence: int) -> Occasion:
    """What the case's history says of the notice that was prepared at ``sequence``.

    Raises:
        NoDeterminationError: there is no such notice, or it answers no event of this case.
    """
    prepared = history.at(sequence)
    stored = [e for e in history.events if isinstance(e, Recorded)]
    cause = next((e for e in stored if prepared is not None and e.event_id == prepared.causation_id), None)
    if prepared is None or cause is None:
        raise NoDeterminationError("A delivery names no notice that answers a determination of its case.")
    return Occasion(prepared, cause, str(msgspec.json.decode(prepared.public).get("kind", "")))


def as_determined(history: History, occasion: Occasion) -> History:
    """The case as it stood right after the determination: its letter says nothing of what came later."""
    return history.until(occasion.determination.sequence)


def notice_of(notice_id: UUID, occasion: Occasion, attempt: int, base_url: str, letter: Rendered | None) -> Notice:
    """The notice for one attempt. Only ``attempt`` differs between attempts."""
    cause = occasion.determination
    return Notice(
        id=notice_id,
        case_id=cause.case_id,
        kind=occasion.kind,
        event_type=cause.type.rpartition(".v")[0],
        state=cause.state_after,
        outcome=OUTCOME_OF_STATE.get(cause.state_after, cause.state_after),
        decided_at=cause.occurred_at,
        prepared_at=occasion.prepared.occurred_at,
        attempt=attempt,
        links=links_of(base_url, cause.case_id),
        letter=letter,
    )


def links_of(base_url: str, case_id: UUID) -> tuple[tuple[str, str], ...]:
    """Where the provider reads the case, the determination and the letter, behind the provider's own access."""
    case = f"{base_url.rstrip('/')}/cases/{case_id}"
    return (("case", case), ("determination", f"{case}/determination"), ("letter", f"{case}/letter"))


def webhook_body(notice: Notice) -> str:
    """The payload, as Standard Webhooks recommends it: ``type``, ``timestamp``, ``data``.

    It is a thin payload on purpose: it carries no clinical content and no person, only the opaque case id, the outcome
    and links. So a receiver's logs and queues hold nothing to protect. Every attempt sends the same bytes.
    """
    body = {
        "type": notice.event_type,
        "timestamp": notice.decided_at,
        "data": {
            "case_id": notice.case_id,
            "state": notice.state,
            "outcome": notice.outcome,
            "notice": {"id": notice.id, "kind": notice.kind},
            "links": dict(notice.links),
        },
    }
    return msgspec.json.encode(body).decode()


def retry_after(attempt: int, backoff: timedelta) -> timedelta:
    """How long to wait after the ``attempt``-th failure: doubling, at most six hours.

    No jitter: deliveries fall due at the times of their determinations, which spread them already.
    """
    # The exponent is bounded because 2**n of a timedelta overflows long before n reaches the setting's limit.
    return min(backoff * 2 ** min(attempt - 1, 30), LONGEST_WAIT) if backoff < LONGEST_WAIT else LONGEST_WAIT


def exhausted(attempt: int, attempts: int, retryable: bool) -> bool:
    """Whether no other attempt follows the ``attempt``-th failure."""
    return not retryable or attempt >= attempts
