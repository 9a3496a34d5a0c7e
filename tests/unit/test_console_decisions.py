"""What counts as a decision, and as a late one: pure."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.console.domain.decisions import Clocked, decision_of

AT = datetime(2026, 6, 1, tzinfo=UTC)
hours = st.integers(0, 400)


def clocked(decided: int | None, requested: int = 0) -> Clocked:
    at = AT + timedelta(hours=requested)
    decided_at = None if decided is None else AT + timedelta(hours=decided)
    return Clocked("approved", "expedited", at, at + timedelta(hours=72), decided_at)


@given(hours)
def test_a_decision_counts_when_it_is_first_seen_and_never_again(decided: int) -> None:
    now = clocked(decided)
    seen = decision_of(None, now)
    assert seen is not None
    assert (seen.seconds, seen.late) == (decided * 3600, decided > 72)
    assert decision_of(now.decided_at, now) is None


def test_an_undecided_case_has_no_decision() -> None:
    assert decision_of(None, clocked(None)) is None
    assert decision_of(AT, clocked(None)) is None


@given(first=hours, changed=hours, second=hours)
def test_a_changed_request_is_decided_anew(first: int, changed: int, second: int) -> None:
    """Also where the projection skipped the moment at which the request was open again."""
    before = AT + timedelta(hours=first)
    requested = first + changed + 1
    seen = decision_of(before, clocked(requested + second, requested))
    assert seen is not None
    assert seen.seconds == second * 3600
