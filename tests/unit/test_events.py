"""Events survive the journal's bytes, and old ones are read as the current version."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from shared import flow
from shared.case.history import Accepted, ContentUnavailableError, History, Proposed, Recorded
from shared.case.states import IllegalTransitionError, MachineDenialError
from shared.clinical.model import Criterion, Evaluation, Fact, Source
from shared.events.codec import UnknownEventTypeError, decode, encode
from shared.events.envelope import EventMessage, decode_message, encode_message
from shared.events.model import (
    MODELS,
    CaseCancelled,
    CaseDetermined,
    CriteriaEvaluated,
    NoticeFailed,
    NoticePrepared,
)

NOW = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)


def _evaluated() -> CriteriaEvaluated:
    fact = Fact(
        "spine.sins_total", "known", low=13, high=13, unit="{score}", sources=(Source("note", quote="SINS 13"),)
    )
    leaf = Criterion("sins", "SINS", "met", ("spine.sins_total",))
    tree = Criterion("all", "All", "met", children=(leaf,))
    evaluation = Evaluation("approved", None, (), (tree,), (), {fact.name: fact})
    return CriteriaEvaluated(evaluation, "standard", NOW, NOW)


def test_every_event_type_has_a_model_and_a_schema() -> None:
    assert set(MODELS) == set(flow.EVENT_TYPES)
    for model in MODELS.values():
        schema = msgspec.json.schema(model)
        assert schema["$defs"][model.__name__]["type"] == "object"


def test_content_comes_back_as_it_went() -> None:
    data = _evaluated()
    assert decode(flow.CRITERIA_EVALUATED, encode(data)) == (flow.CRITERIA_EVALUATED, data)
    assert encode(data) == encode(_evaluated())


def test_an_event_of_an_earlier_version_is_read_as_the_current_one() -> None:
    def to_v1(content: dict[str, Any]) -> dict[str, Any]:
        return {"notice_id": content["id"], "attempt": content["try"], "channel": "fax", "error": "", "final": False}

    upcasters = {
        "notice.failed.v0": (flow.NOTICE_FAILED, to_v1),
        "notice.failed.v00": ("notice.failed.v0", lambda old: {"id": old["key"], "try": 1}),
    }
    stored = msgspec.msgpack.encode({"key": "n-1"})
    assert decode("notice.failed.v00", stored, upcasters) == (
        flow.NOTICE_FAILED,
        NoticeFailed("n-1", 1, "fax", "", False),
    )


def test_a_field_added_later_takes_its_default() -> None:
    stored = msgspec.msgpack.encode({"rationale": "new imaging"})
    assert decode(flow.CASE_REFERRED, stored)[1] == CaseDetermined(rationale="new imaging")


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(UnknownEventTypeError):
        decode("case.teleported.v1", encode(CaseCancelled()))


def test_a_message_comes_back_as_it_went() -> None:
    message = EventMessage(
        uuid4(), uuid4(), 3, flow.CASE_APPROVED, "a", "b", "system:x", "P", NOW, NOW, {"outcome": "approved"}
    )
    assert decode_message(encode_message(message)) == message
    for garbage in (b"", b"null", b"{", b'{"case_id": "no"}', b"\xff\xfe"):
        with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
            decode_message(garbage)


def _accept(history: History, proposed: Proposed, actor: str = "system:test") -> Accepted:
    return history.accept(
        proposed,
        actor=actor,
        consumer="test",
        causation_id=uuid4(),
        occurred_at=NOW,
        recorded_at=NOW,
        traceparent=None,
        code_version="test/1",
    )


def _recorded(accepted: Accepted, opener: Any = None) -> Recorded:
    return Recorded(
        accepted.case_id,
        accepted.sequence,
        accepted.event_id,
        accepted.type,
        accepted.state_before,
        accepted.state_after,
        accepted.actor,
        accepted.payer,
        accepted.consumer,
        accepted.causation_id,
        accepted.occurred_at,
        accepted.recorded_at,
        None,
        "test/1",
        "{}",
        bytes(32),
        bytes(32),
        opener,
    )


def test_a_history_numbers_its_events_and_refuses_what_the_table_does_not_have() -> None:
    history = History(UUID(int=3), "P")
    first = _accept(history, Proposed(flow.CASE_SUBMITTED, CaseCancelled()))
    assert (first.sequence, first.state_before, first.state_after, history.state) == (
        1,
        "new",
        "submitted",
        "submitted",
    )
    with pytest.raises(IllegalTransitionError):
        _accept(history, Proposed(flow.CASE_APPROVED, CaseDetermined()))
    assert history.sequence == 1
    assert _accept(history, Proposed(flow.CRITERIA_EVALUATED, _evaluated())).sequence == 2


def test_a_machine_cannot_deny() -> None:
    history = History(UUID(int=3), "P")
    _accept(history, Proposed(flow.CASE_SUBMITTED, CaseCancelled()))
    history.state = "in_review"
    with pytest.raises(MachineDenialError):
        _accept(history, Proposed(flow.CASE_DENIED, CaseDetermined()))
    assert _accept(history, Proposed(flow.CASE_DENIED, CaseDetermined()), "clinician:4").state_after == "denied"


def test_an_answer_is_stale_once_the_case_has_moved_on_but_not_for_a_notice() -> None:
    writer, history = History(UUID(int=3), "P"), History(UUID(int=3), "P")
    submitted = _recorded(_accept(writer, Proposed(flow.CASE_SUBMITTED, CaseCancelled())))
    history.add(submitted)
    assert history.current(submitted)
    notice = NoticePrepared("n", "approval", 1, "none")
    history.add(_recorded(_accept(writer, Proposed(flow.NOTICE_PREPARED, notice))))
    assert history.current(submitted)
    history.add(_recorded(_accept(writer, Proposed(flow.CASE_UPDATED, CaseCancelled()))))
    assert not history.current(submitted)


def test_content_that_was_not_read_cannot_be_opened() -> None:
    event = _recorded(_accept(History(UUID(int=3), "P"), Proposed(flow.CASE_SUBMITTED, CaseCancelled())))
    with pytest.raises(ContentUnavailableError):
        event.data()
