"""Notices, messages and the schedule of attempts: pure."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notification.domain.message import SUBJECTS, message_of
from services.notification.domain.notice import (
    LONGEST_WAIT,
    NoDeterminationError,
    Notice,
    Rendered,
    as_determined,
    exhausted,
    links_of,
    notice_of,
    occasion_of,
    retry_after,
    webhook_body,
)
from services.notification.handlers import KINDS, answer
from shared import flow
from shared.case.history import History, Recorded
from shared.case.ids import derived_id, event_id

CASE = UUID("0196f0aa-2222-7333-8444-555566667777")
AT = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
LETTER = Rendered("Dear colleague\n", "<p>Dear colleague</p>", b"%PDF-")


def recorded(sequence: int, type_: str, state: str, cause: UUID, public: dict[str, object]) -> Recorded:
    at = AT + timedelta(minutes=sequence)
    names = ("system:test", "Payer", "test")
    identifier, text = event_id(CASE, sequence), msgspec.json.encode(public).decode()
    return Recorded(
        CASE, sequence, identifier, type_, state, state, *names, cause, at, at, None, "t", text, bytes(32), bytes(32)
    )


def decided_twice() -> History:
    """A case that was approved, changed, and denied, with a notice of each."""
    history = History(CASE, "Payer")
    steps = [
        (flow.CASE_APPROVED, "approved", 0),
        (flow.NOTICE_PREPARED, "approved", 1),
        (flow.CASE_DENIED, "denied", 0),
        (flow.NOTICE_PREPARED, "denied", 3),
    ]
    for sequence, (type_, state, cause) in enumerate(steps, start=1):
        kind = {1: "approval", 3: "denial"}.get(cause, "")
        causation = event_id(CASE, cause) if cause else derived_id("other", str(sequence))
        history.add(recorded(sequence, type_, state, causation, {"kind": kind}))
    return history


def test_a_notice_tells_of_its_own_determination_though_the_case_went_on() -> None:
    history = decided_twice()
    for sequence, outcome, kind in ((2, "approved", "approval"), (4, "denied", "denial")):
        occasion = occasion_of(history, sequence)
        notice = notice_of(derived_id("n"), occasion, 1, "", None)
        assert (notice.state, notice.outcome, notice.kind) == (outcome, outcome, kind)
        assert notice.event_type == f"case.{outcome}"
        past = as_determined(history, occasion)
        assert (past.state, past.sequence) == (outcome, sequence - 1)


@pytest.mark.parametrize("sequence", [0, 1, 3, 5, 99])
def test_what_is_no_notice_is_refused(sequence: int) -> None:
    with pytest.raises(NoDeterminationError):
        occasion_of(decided_twice(), sequence)


def test_every_determination_has_a_kind_and_every_kind_a_subject() -> None:
    assert set(KINDS) == set(flow.DETERMINATIONS)
    assert set(KINDS.values()) == set(SUBJECTS)


def test_the_notice_of_a_determination_has_one_id() -> None:
    cause = decided_twice().events[0]
    assert isinstance(cause, Recorded)
    assert answer(cause, "smtp").public["notice_id"] == answer(cause, "webhook").public["notice_id"]


@given(attempt=st.integers(1, 10_000), seconds=st.floats(0.001, 1e9, allow_nan=False))
def test_waits_grow_and_stay_within_six_hours(attempt: int, seconds: float) -> None:
    backoff = timedelta(seconds=seconds)
    wait, longer = retry_after(attempt, backoff), retry_after(attempt + 1, backoff)
    assert min(backoff, LONGEST_WAIT) <= wait <= longer <= LONGEST_WAIT
    assert longer in (2 * wait, LONGEST_WAIT)


@given(attempt=st.integers(1, 60), attempts=st.integers(1, 50))
def test_attempts_end_at_the_limit_or_where_trying_cannot_help(attempt: int, attempts: int) -> None:
    assert exhausted(attempt, attempts, retryable=False)
    assert exhausted(attempt, attempts, retryable=True) is (attempt >= attempts)


def notice(kind: str, attempt: int, letter: Rendered | None) -> Notice:
    links = links_of("https://payer.example/", CASE)
    identifier = derived_id("notice", kind)
    return Notice(identifier, CASE, kind, "case.denied", "denied", "denied", AT, AT, attempt, links, letter)


@settings(deadline=None)
@given(kind=st.sampled_from(sorted(SUBJECTS)), attempt=st.integers(1, 50), with_letter=st.booleans())
def test_attempts_differ_in_nothing_that_is_sent(kind: str, attempt: int, with_letter: bool) -> None:
    letter = LETTER if with_letter else None
    first, later = notice(kind, 1, letter), notice(kind, attempt, letter)
    assert webhook_body(first) == webhook_body(later)
    mails = [message_of(n, "a@payer.example", "b@clinic.example").as_bytes() for n in (first, later)]
    assert mails[0] == mails[1]
    assert str(CASE).encode() in mails[0]


def test_a_message_without_a_letter_says_where_the_case_is_to_be_seen() -> None:
    message = message_of(notice("denial", 1, None), "a@payer.example", "b@clinic.example")
    assert f"https://payer.example/cases/{CASE}/letter" in message.get_content()
    assert "denied" in message["Subject"]
