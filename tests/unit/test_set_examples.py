"""Every example that a shipped criteria set carries comes out as it says, for every code that the set decides."""

import datetime as dt

import pytest

from services.criteria_evaluation.domain.evaluate import evaluate_case
from services.criteria_evaluation.policy import load_policy
from shared.clinical.criteria_examples import Example
from shared.clinical.criteria_model import CriteriaSet
from shared.clinical.model import CaseOutcome, Facts, RequestedItem

SETS = {s.id: s for s in load_policy().criteria_sets}
CASES = [(s.id, example) for s in SETS.values() for example in s.examples]
ON = dt.date(2026, 6, 1)


def outcome_of(criteria_set: CriteriaSet, codes: tuple[str, ...], facts: Facts) -> CaseOutcome:
    diagnoses = [pattern.rstrip("*") for pattern in criteria_set.applicability.diagnoses[:1]]
    items = [RequestedItem(i, code) for i, code in enumerate(codes, start=1)]
    return evaluate_case([criteria_set], items, diagnoses, None, ON, facts).outcome


@pytest.mark.parametrize(("set_id", "example"), CASES, ids=[f"{s}: {e.name}" for s, e in CASES])
def test_an_example_has_the_outcome_that_it_states(set_id: str, example: Example) -> None:
    criteria_set = SETS[set_id]
    for code in example.items or sorted(criteria_set.applicability.services):
        assert outcome_of(criteria_set, (code,), example.facts) == example.outcome, code


@pytest.mark.parametrize("set_id", sorted(SETS))
def test_a_set_shows_each_outcome_by_example(set_id: str) -> None:
    assert {e.outcome for e in SETS[set_id].examples} == {"approved", "information_requested", "clinical_review"}


@pytest.mark.parametrize(
    ("set_id", "example"),
    [(s, e) for s, e in CASES if e.outcome == "approved"],
    ids=[f"{s}: {e.name}" for s, e in CASES if e.outcome == "approved"],
)
def test_silence_is_never_approved(set_id: str, example: Example) -> None:
    """Of an approved example any fact may be missing from another chart; with none at all nothing is approved."""
    criteria_set = SETS[set_id]
    code = (example.items or tuple(sorted(criteria_set.applicability.services)))[0]
    assert outcome_of(criteria_set, (code,), {}) == "information_requested"
