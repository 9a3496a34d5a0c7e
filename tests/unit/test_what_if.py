"""What another policy would have changed: which criteria caused it, and what it does to the published metrics."""

from shared.clinical.model import Criterion, Evaluation
from shared.journal.what_if import Flip, Tally, WhatIf, changed_criteria


def tree(**outcomes: str) -> Evaluation:
    """A set of two branches: ``a`` over ``a1`` and ``a2``, and ``b``."""

    def criterion(name: str, *children: Criterion) -> Criterion:
        outcome = outcomes.get(name, "met")
        assert outcome in ("met", "not_met", "unknown")
        return Criterion(
            name,
            name,
            "met" if outcome == "met" else "not_met" if outcome == "not_met" else "unknown",
            children=children,
        )

    part = Criterion("a1.1", "a1.1", "not_met" if outcomes.get("a1") == "not_met" else "met")
    a = criterion("a", Criterion("a1", "a1", criterion("a1").outcome, children=(part,)), criterion("a2"))
    return Evaluation("approved", None, (), (a, criterion("b")), (), {})


def test_the_deepest_criteria_that_changed_are_named() -> None:
    assert changed_criteria(tree(), tree(a="not_met", a1="not_met")) == ("a1",)
    assert changed_criteria(tree(), tree(b="unknown")) == ("b",)
    assert changed_criteria(tree(), tree(a="unknown", a1="unknown", a2="not_met", b="not_met")) == ("b", "a1", "a2")
    assert changed_criteria(tree(), tree()) == ()


def test_a_criterion_that_only_one_policy_has_counts() -> None:
    fewer = Evaluation("approved", None, (), (Criterion("b", "b", "met"),), (), {})
    assert set(changed_criteria(tree(), fewer)) == {"a1", "a2"}


def test_metrics_count_decided_cases_only() -> None:
    tally = Tally()
    for outcome, hours in (("approved", 1.0), ("approved", 3.0), ("denied", 50.0), ("clinical_review", None)):
        tally.add(outcome, hours)
    found = tally.as_dict()
    assert (found["cases"], found["approved_percent"], found["denied_percent"]) == (4, 66.7, 33.3)
    assert (found["average_hours"], found["median_hours"]) == (18.0, 3.0)
    assert Tally().as_dict()["approved_percent"] is None


def test_flips_are_counted_by_code_and_by_payer() -> None:
    flips = [
        Flip("c1", 1, "E0601", "P", "approved", "clinical_review", ("x",)),
        Flip("c2", 1, "E0601", "Q", "approved", "clinical_review", ("x",)),
        Flip("c2", 2, "E0562", "Q", "information_requested", "approved", ("y",)),
    ]
    found = WhatIf(cases=2, flips=flips).as_dict()
    assert found["by_code"]["E0601"] == {"approved -> clinical_review": 2}
    assert found["by_payer"]["Q"] == {"approved -> clinical_review": 1, "information_requested -> approved": 1}
    assert found["flips"][0] == {
        "case": "c1", "item": 1, "code": "E0601", "payer": "P", "from": "approved", "to": "clinical_review", "because": ["x"],
    }  # fmt: skip
