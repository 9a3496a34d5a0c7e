"""The examples that a criteria set carries, run."""

import datetime as dt
from collections.abc import Iterable

from services.criteria_evaluation.domain.check import Problem
from services.criteria_evaluation.domain.evaluate import evaluate_case
from shared.clinical.criteria_examples import Example
from shared.clinical.criteria_model import CriteriaSet
from shared.clinical.model import CaseOutcome, RequestedItem


def outcome_of(criteria_set: CriteriaSet, example: Example, code: str) -> CaseOutcome:
    """The outcome of the example for one service code, on a day on which the set is in effect."""
    a = criteria_set.applicability
    diagnoses = [pattern.rstrip("*") for pattern in a.diagnoses[:1]]
    line = next(iter(sorted(a.lines_of_business)), None)
    on = a.effective_from or a.effective_to or dt.date(2026, 1, 1)
    return evaluate_case([criteria_set], [RequestedItem(1, code)], diagnoses, line, on, example.facts).outcome


def wrong_examples(criteria_set: CriteriaSet) -> Iterable[Problem]:
    """Examples that come out otherwise than they say; a set without any proves nothing."""
    if not criteria_set.examples:
        yield Problem("examples", "The set carries no examples; add some for each outcome.")
    for example in criteria_set.examples:
        for code in example.items or sorted(criteria_set.applicability.services):
            found = outcome_of(criteria_set, example, code)
            if found != example.outcome:
                yield Problem(example.name, f"The example says {example.outcome} and comes out as {found} for {code}.")
                break
