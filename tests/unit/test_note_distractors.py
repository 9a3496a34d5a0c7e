"""A paragraph that only seems to state a fact, put between those of a whole chart, changes little and approves nothing."""

import random
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest

from services.criteria_evaluation.domain.extract import Chart, extract
from services.criteria_evaluation.policy import Policy, load_policy
from shared.clinical.model import Document
from tests.support.evaluate import outcome_of
from tests.support.labels import NOTES, as_label, labelled_notes
from tests.support.phrasings import FAMILIES, Phrasing, phrasings

SAMPLE: Final = 400
TAKEN: Final = 0.98
"""Where a paragraph stands, what is before and after it may belong to it: one in a hundred is taken for the patient's."""


class Read(NamedTuple):
    """What is read of the fact that the paragraph is about, and the outcome by it, without the paragraph and with it.

    All other facts are those of the chart: the paragraph may well state some.
    """

    what: str
    before: Any
    after: Any
    outcome_before: str
    outcome_after: str


@pytest.fixture(scope="module")
def readings() -> list[Read]:
    return list(_readings(load_policy(), random.Random(7)))


def _readings(policy: Policy, chance: random.Random) -> Iterator[Read]:
    charts = [note for note in labelled_notes([NOTES.parent / "held_out"]) if "outcome" in note]
    traps = [one for family in FAMILIES for one in phrasings(family) if one.value is None]
    for trap in chance.sample(traps, SAMPLE):
        topic = trap.fact.partition(".")[0]
        note = chance.choice([note for note in charts if any(fact.startswith(topic) for fact in note["known"])])
        yield _with_and_without(note, trap, policy, chance)


def _with_and_without(note: dict[str, Any], trap: Phrasing, policy: Policy, chance: random.Random) -> Read:
    paragraphs = note["text"].split("\n\n")
    at = chance.randint(1, len(paragraphs))
    texts = [note["text"], "\n\n".join([*paragraphs[:at], trap.text, *paragraphs[at:]])]
    both = [extract([Document("sha256:0", text, date=note.get("date"))], [], policy.lexicon) for text in texts]
    said = [as_label(facts.get(trap.fact)) for facts in both]
    others = {name: fact for name, fact in both[0].items() if name != trap.fact}
    outcomes = [
        outcome_of(
            note,
            Chart(others | {name: fact for name, fact in facts.items() if name == trap.fact}, ()),
            policy,
        )
        for facts in both
    ]
    return Read(f"{trap.fact} in {note['name']}: {trap.text}", *said, *outcomes)


def test_it_is_not_taken_for_a_statement(readings: list[Read]) -> None:
    taken = [one for one in readings if one.before != one.after]
    assert len(taken) <= (1 - TAKEN) * len(readings), taken


def test_it_makes_no_request_approved(readings: list[Read]) -> None:
    assert [one for one in readings if one.outcome_after == "approved" != one.outcome_before] == []
