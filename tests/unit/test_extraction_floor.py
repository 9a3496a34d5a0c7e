"""The figures of ``make evaluate`` have a floor: what a change of lexicon or engine may not fall below.

The floor lies a little under what is measured (docs/extraction.md), so that a new chart may be added with its misses.
"""

from collections import Counter

import pytest

from services.criteria_evaluation.policy import Policy, load_policy
from tests.support.evaluate import Score, f1, measure
from tests.support.labels import NOTES, labelled_notes


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy()


@pytest.fixture(scope="module")
def score(policy: Policy) -> Score:
    return measure(labelled_notes(), policy)


def test_there_are_charts_for_every_set_and_a_third_of_them_are_traps() -> None:
    notes = [note for note in labelled_notes() if "set" in note]
    by_set = Counter(note["set"] for note in notes)
    assert len(notes) >= 60
    assert len(by_set) == 8
    assert min(by_set.values()) >= 10
    assert sum("trap" in note for note in notes) * 3 >= len(notes)


def test_facts_are_read_as_labelled(score: Score) -> None:
    precision, recall, value = f1(score.total)
    assert precision >= 0.97
    assert recall >= 0.96
    assert value >= 0.97


def test_no_request_is_approved_that_should_not_be(score: Score) -> None:
    assert score.unsafe == []


def test_outcomes_are_those_that_an_expert_gave(score: Score) -> None:
    assert score.outcome_accuracy >= 0.95


def test_every_quote_is_exactly_the_documents_text(score: Score) -> None:
    assert score.bad_quotes == 0


@pytest.mark.parametrize(
    ("files", "precision_floor", "recall_floor"),
    [
        (("read.yaml", "read2.yaml"), 0.97, 0.95),
        (("unread.yaml",), 0.97, 0.90),
        (("read3.yaml",), 0.94, 0.93),
        (("read4.yaml",), 0.95, 0.91),
        (("read5.yaml",), 0.96, 0.93),
        (("read6.yaml",), 0.97, 0.96),
        (("read7.yaml",), 0.91, 0.91),
        (("read8.yaml",), 0.90, 0.92),
        (("read9.yaml",), 0.96, 0.94),
        (("read10.yaml",), 0.94, 0.95),
        (("read11.yaml",), 0.97, 0.96),
        (("read12.yaml",), 0.98, 0.98),
        (("read13.yaml",), 0.98, 0.98),
        (("read14.yaml",), 0.96, 0.92),
        (("unread4.yaml",), 0.95, 0.93),
        (("read15.yaml",), 0.94, 0.90),
        (("read16.yaml",), 0.98, 0.98),
        (("read17.yaml",), 0.98, 0.97),
        (("read18.yaml",), 0.98, 0.95),
        (("read19.yaml",), 0.97, 0.96),
        (("unread5.yaml",), 0.93, 0.91),
    ],
)
def test_charts_that_the_lexicon_was_not_written_with_have_a_floor_of_their_own(
    files: tuple[str, ...], precision_floor: float, recall_floor: float, policy: Policy
) -> None:
    folder = NOTES.parent / "held_out"
    held_out = measure(labelled_notes([folder / name for name in files]), policy)
    precision, recall, _ = f1(held_out.total)
    assert precision >= precision_floor
    assert recall >= recall_floor
    assert held_out.unsafe == []
    assert held_out.bad_quotes == 0
