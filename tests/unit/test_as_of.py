"""A case at an instant, by the two times."""

import datetime as dt
from uuid import UUID, uuid4

from shared import flow
from shared.case.as_of import as_of, difference, view_as_of
from shared.case.history import History, Recorded

T0 = dt.datetime(2026, 11, 16, 9, 0, tzinfo=dt.UTC)
PUBLIC = '{"priority":"standard","due_at":"2026-11-23T09:00:00+00:00","items":[]}'


def minutes(number: float) -> dt.datetime:
    return T0 + dt.timedelta(minutes=number)


def history() -> History:
    """Submitted, asked for information, which was sent at minute 10 and taken in at minute 30, evaluated again."""
    made = History(UUID(int=7), "P")
    rows = [
        (flow.CASE_SUBMITTED, "submitted", 0, 0),
        (flow.CRITERIA_EVALUATED, "criteria_evaluated", 1, 1),
        (flow.EVIDENCE_ATTACHED, "evidence_attached", 2, 2),
        (flow.CASE_INFORMATION_REQUESTED, "information_requested", 3, 3),
        (flow.INFORMATION_RECEIVED, "submitted", 10, 30),
        (flow.CRITERIA_EVALUATED, "criteria_evaluated", 31, 31),
    ]
    before = "new"
    for sequence, (type_, after, occurred, recorded) in enumerate(rows, start=1):
        event = Recorded(
            made.case_id, sequence, uuid4(), type_, before, after, "system:test", "P", "test", uuid4(), minutes(occurred),
            minutes(recorded), None, "test/1", PUBLIC, bytes(32), bytes(32),
        )  # fmt: skip
        made.add(event)
        before = after
    return made


def test_by_recorded_time_only_what_stood_in_the_journal_is_known() -> None:
    known = as_of(history(), minutes(20), "recorded")
    assert (known.sequence, known.state) == (4, "information_requested")
    assert as_of(history(), minutes(30), "recorded").sequence == 5


def test_by_effective_time_what_had_happened_is_known() -> None:
    known = as_of(history(), minutes(20), "effective")
    assert (known.sequence, known.state) == (5, "submitted")


def test_what_came_late_is_shown_as_such() -> None:
    view = view_as_of(history(), minutes(20))
    assert [e["sequence"] for e in view["late"]] == [5]
    assert view_as_of(history(), minutes(40))["late"] == []


def test_before_the_case_there_is_nothing() -> None:
    view = view_as_of(history(), minutes(-1))
    assert view["known"] is False and view["view"] is None and view["late"] == []


def test_a_difference_names_the_events_and_the_fields_that_changed() -> None:
    changed = difference(view_as_of(history(), minutes(5)), view_as_of(history(), minutes(60)))
    assert [e["sequence"] for e in changed["events"]] == [5, 6]
    assert changed["changed"]["state"] == ["information_requested", "criteria_evaluated"]
    first = difference(view_as_of(history(), minutes(-1)), view_as_of(history(), minutes(0)))
    assert first["changed"]["state"] == [None, "submitted"]
