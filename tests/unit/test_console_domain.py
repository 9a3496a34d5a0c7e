"""The console's pure parts: passes, words, clocks, traces."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.domain.passes import Pass, accept, bearer_of, issue, secret_of
from services.console.domain.timeline import duration
from services.console.domain.trace import bars, spans_of
from services.console.domain.words import CRITERION, EVENT, OUTCOME, STATE
from shared import flow
from shared.case.states import STATES
from shared.case.view import OUTCOME_OF_STATE

SECRET = secret_of(bytes(32), b"token")
GIVEN = Pass("session", "dr-osei", 1000, "n")


@given(st.text(max_size=30), st.integers(1, 10**10), st.text(max_size=20))
def test_a_pass_says_what_it_was_issued_for(who: str, expires: int, nonce: str) -> None:
    pass_ = Pass("link", who, expires, nonce)
    text = issue(pass_, SECRET)
    assert bearer_of(text) == who
    assert accept(text, "link", SECRET, expires - 1) == pass_
    assert accept(text, "link", SECRET, expires) is None


@given(st.data())
def test_a_pass_that_was_changed_anywhere_is_not_accepted(data: st.DataObject) -> None:
    text = issue(GIVEN, SECRET)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("AZaz09-_.").filter(lambda c: c != text[place]))
    assert accept(text[:place] + other + text[place + 1 :], "session", SECRET, 0) is None


def test_a_pass_serves_its_kind_and_its_secret_alone() -> None:
    text = issue(GIVEN, SECRET)
    assert accept(text, "session", SECRET, 0) == GIVEN
    assert accept(text, "link", SECRET, 0) is None
    assert accept(text, "session", secret_of(bytes(32), b"another token"), 0) is None
    assert accept(text, "session", secret_of(bytes(31) + b"1", b"token"), 0) is None
    assert "token" not in text


@pytest.mark.parametrize("text", ["", ".", "a.b", "é.é", "W10.x", "bnVsbA.x", "x" * 5000])
def test_what_is_no_pass_lets_nobody_in(text: str) -> None:
    assert bearer_of(text) is None
    assert accept(text, "session", SECRET, 0) is None


def test_every_event_state_and_outcome_has_words() -> None:
    assert set(EVENT) == set(flow.EVENT_TYPES)
    assert set(STATE) == set(STATES)
    assert set(OUTCOME) == set(OUTCOME_OF_STATE.values())
    # Color alone tells nothing: each outcome has a sign and words of its own.
    for table in (CRITERION, OUTCOME):
        assert len({m.word for m in table.values()}) == len(table)
        assert all(m.icon for m in table.values())


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(0), "0 ms"),
        (timedelta(milliseconds=7), "7 ms"),
        (timedelta(seconds=12.34), "12.3 s"),
        (timedelta(minutes=4, seconds=5), "4 min 5 s"),
        (timedelta(hours=4, minutes=5), "4 h 5 min"),
        (timedelta(days=2, hours=3, minutes=59), "2 d 3 h"),
    ],
)
def test_lengths_of_time_in_words(length: timedelta, words: str) -> None:
    assert duration(length) == words


def span(span_id: str, parent: str, start: int, end: int, name: str = "work") -> dict[str, object]:
    times = {"startTimeUnixNano": str(start), "endTimeUnixNano": str(end)}
    return {"spanId": span_id, "parentSpanId": parent, "name": name, **times}


def trace(*spans: object) -> dict[str, object]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "priorauth-intake"}}]}
    return {"result": {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}}


def test_spans_stand_below_their_parents_at_their_time() -> None:
    found = bars(spans_of(trace(span("b", "a", 500, 750), span("a", "", 0, 1000), span("c", "b", 600, 700))))
    assert [(b.service, b.depth, b.offset, b.share) for b in found] == [
        ("intake", 0, 0.0, 1.0),
        ("intake", 1, 0.5, 0.25),
        ("intake", 2, 0.6, 0.1),
    ]


def test_spans_without_their_parents_are_shown_and_circles_end() -> None:
    assert [b.depth for b in bars(spans_of(trace(span("a", "lost", 0, 1))))] == [0]
    assert bars(spans_of(trace(span("a", "b", 0, 1), span("b", "a", 0, 1)))) == []
    assert [b.depth for b in bars(spans_of(trace(span("a", "a", 0, 1))))] == [0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["result", "resourceSpans", "batches", "resource", "attributes", "scopeSpans", "spans", "spanId"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_answer_of_a_trace_store_is_read_without_an_error(content: object) -> None:
    json.dumps(content)
    spans = spans_of(content)
    assert len(bars(spans)) <= len(spans)
