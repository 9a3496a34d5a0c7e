"""The state machine is a table, and nothing but the table decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import flow
from shared.case.states import (
    CLINICIAN_ONLY,
    ERASED,
    FINAL,
    NEW,
    STATES,
    TRANSITIONS,
    UNCHANGING,
    IllegalTransitionError,
    MachineDenialError,
    check_actor,
    next_state,
)

events = st.sampled_from(flow.EVENT_TYPES)


@given(st.lists(events, max_size=40))
def test_whatever_comes_a_case_stays_in_a_known_state(offered: list[str]) -> None:
    state: str = NEW
    for event in offered:
        try:
            state = next_state(state, event)
        except IllegalTransitionError as error:
            assert state in str(error)
            assert event in str(error)
        assert state == NEW or state in STATES


@given(st.sampled_from(sorted({*STATES} - {ERASED})), st.sampled_from(sorted(UNCHANGING)))
def test_notices_and_quarantine_change_no_state(state: str, event: str) -> None:
    assert next_state(state, event) == state


@given(st.sampled_from(sorted(FINAL)), events)
def test_a_final_state_is_left_by_the_provider_only_unless_the_case_is_erased(state: str, event: str) -> None:
    try:
        after = next_state(state, event)
    except IllegalTransitionError:
        return
    assert after in (state, ERASED) or event in flow.INTAKE.appends


@given(events)
def test_nothing_can_happen_to_an_erased_case(event: str) -> None:
    with pytest.raises(IllegalTransitionError, match="from erased"):
        next_state(ERASED, event)


def test_every_state_can_be_reached_and_every_type_is_used() -> None:
    assert set(TRANSITIONS.values()) == set(STATES)
    assert {event for _, event in TRANSITIONS} | UNCHANGING == set(flow.EVENT_TYPES)


def test_the_error_names_both_states() -> None:
    with pytest.raises(IllegalTransitionError, match=r"from approved to criteria_evaluated"):
        next_state("approved", flow.CRITERIA_EVALUATED)


@pytest.mark.parametrize("event", sorted(CLINICIAN_ONLY))
def test_only_a_clinician_decides_against_a_request(event: str) -> None:
    with pytest.raises(MachineDenialError):
        check_actor(event, "system:determination")
    check_actor(event, "clinician:17")


def test_the_machine_has_no_way_to_a_denial() -> None:
    by_machine = {after for (before, event), after in TRANSITIONS.items() if event not in CLINICIAN_ONLY}
    assert by_machine.isdisjoint({"denied", "partly_approved"})
