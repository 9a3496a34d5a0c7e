"""The three outcomes, over tables of facts for the spine set."""

import pytest

from shared.clinical.model import Evaluation, Facts
from tests.unit.spine_case import SPINE, asked, chart, conflicting, decide, item, known, nodes, number, quantity


def referred(e: Evaluation) -> list[str]:
    return [rule.id for rule in e.referrals]


@pytest.mark.parametrize(
    ("level", "codes"),
    [
        ("T8", ("63101", "22556", "22610", "22614", "22843", "63046")),
        ("L4", ("63090", "22558", "22585", "22612", "22842", "63047")),
        ("L2", ("63090", "22558", "22612", "22853", "20936")),
        ("T12", ("63087", "63088", "22556", "22614", "22845", "61783")),
        ("C5", ("63300", "22554", "22600", "22840", "63045")),
    ],
)
def test_a_complete_request_is_approved(level: str, codes: tuple[str, ...]) -> None:
    e = decide(chart(level=level), *(item(code, i) for i, code in enumerate(codes, 1)))
    assert e.outcome == "approved"
    assert {i.outcome for i in e.items} == {"approved"}
    assert all(i.purpose and level in i.purpose for i in e.items if i.code != "61783")
    assert e.missing == () and e.referrals == ()
    assert {c.outcome for c in e.criteria} == {"met"}
    assert e.criteria_set == SPINE.ref
    printed = " ".join(c.text for c in e.considerations)
    assert level in printed and "L3" not in printed


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(
            chart(
                known("spine.fracture_pattern", "burst"),
                known("neuro.motor_deficit", False),
                without=["spine.sins_total"],
            ),
            id="instability with a burst fracture",
        ),
        pytest.param(
            chart(number("spine.sins_total", 6), known("spine.instability", False)), id="deficit with compression"
        ),
        pytest.param(
            chart(
                known("spine.escc_grade", "3"),
                without=["spine.sins_total", "spine.instability", "spine.canal_compromise"],
            ),
            id="deficit with high-grade compression",
        ),
        pytest.param(
            chart(
                known("spine.retropulsion", True),
                known("neuro.motor_deficit", False),
                known("pain.worsening", True),
                without=["spine.sins_total", "spine.instability"],
            ),
            id="retropulsion with progressing symptoms",
        ),
        pytest.param(chart(without=["treatment.nonoperative_failed"]), id="non-operative care unsuitable"),
        pytest.param(chart(quantity("oncology.expected_survival", 3, None)), id="survival of exactly the bound"),
        pytest.param(chart(known("oncology.radiosensitive", True)), id="radiosensitive but unstable"),
        pytest.param(
            chart(without=["oncology.radiosensitive", "spine.fracture_pattern", "spine.retropulsion"]), id="silence"
        ),
        pytest.param(
            chart(conflicting("pain.mechanical"), conflicting("spine.fracture_cause")), id="harmless conflict"
        ),
        pytest.param(chart(conflicting("spine.retropulsion")), id="conflict that another indication makes moot"),
    ],
)
def test_other_ways_to_approval(facts: Facts) -> None:
    e = decide(facts)
    assert (e.outcome, e.reasons) == ("approved", (f"Every required criterion of “{SPINE.ref.title}” is met.",))


REFER: list[tuple[str, Facts]] = [
    (
        "refer-potentially-unstable",
        chart(number("spine.sins_total", 9), known("neuro.motor_deficit", False), without=["spine.instability"]),
    ),
    ("refer-short-survival", chart(quantity("oncology.expected_survival", None, 3, high_open=True))),
    (
        "refer-complete-paraplegia",
        chart(known("neuro.complete_paraplegia", True), number("neuro.deficit_duration", 72)),
    ),
    (
        "refer-radiosensitive",
        chart(known("oncology.radiosensitive", True), number("spine.sins_total", 8), known("spine.instability", False)),
    ),
    (
        "refer-radiosensitive",
        chart(known("oncology.radiosensitive", True), without=["spine.sins_total", "spine.instability"]),
    ),
    # A duration that nobody states is not taken for a short one.
    ("refer-complete-paraplegia", chart(known("neuro.complete_paraplegia", True))),
    ("refer-other-level", chart(known("spine.requested_levels", ("L4",)))),
    (
        "refer-osteoporotic",
        chart(known("spine.fracture_cause", "osteoporosis"), known("oncology.malignancy_confirmed", False)),
    ),
    ("refer-deficit-unexplained", chart(known("neuro.compressed_structure", ("cauda_equina",)), level="T4")),
]


@pytest.mark.parametrize(("rule", "facts"), REFER)
def test_each_refer_rule_refers(rule: str, facts: Facts) -> None:
    e = decide(facts)
    assert e.outcome == "clinical_review"
    assert rule in referred(e)
    assert rule in e.items[0].because
    reason = next(r.reason for r in SPINE.refer if r.id == rule)
    assert reason in e.reasons


@pytest.mark.parametrize(
    ("facts", "not_referred"),
    [
        (chart(number("spine.sins_total", 9), without=["neuro.motor_deficit"]), "refer-potentially-unstable"),
        (
            chart(known("neuro.complete_paraplegia", True), number("neuro.deficit_duration", 48)),
            "refer-complete-paraplegia",
        ),
        (chart(quantity("oncology.expected_survival", 2, None, low_open=True)), "refer-short-survival"),
        (chart(without=["spine.lesion_levels"]), "refer-other-level"),
        (
            chart(known("neuro.compressed_structure", ("cauda_equina", "conus")), level="T4"),
            "refer-deficit-unexplained",
        ),
    ],
)
def test_an_unknown_or_failed_refer_rule_does_not_refer(facts: Facts, not_referred: str) -> None:
    assert not_referred not in referred(decide(facts))


@pytest.mark.parametrize(
    ("without", "fact", "criterion"),
    [
        (["oncology.malignancy_confirmed"], "oncology.malignancy_confirmed", "malignancy"),
        (["spine.lesion_on_imaging"], "spine.lesion_on_imaging", "lesion-treated"),
        (["spine.lesion_levels"], "spine.lesion_levels", "lesion-treated"),
        (["spine.requested_levels"], "spine.requested_levels", "lesion-treated"),
        (["oncology.expected_survival"], "oncology.expected_survival", "expected-survival"),
    ],
)
def test_each_missing_fact_is_asked_for(without: list[str], fact: str, criterion: str) -> None:
    e = decide(chart(without=without))
    assert e.outcome == e.items[0].outcome == "information_requested"
    assert asked(e) == {fact}
    assert criterion in e.missing[0].decides
    assert e.missing[0].question == SPINE.questions[fact]
    assert e.facts[fact].status == "unknown"


def test_an_interval_over_the_bound_is_asked_for() -> None:
    e = decide(chart(quantity("oncology.expected_survival", 2, None, low_open=True)))
    assert (e.outcome, asked(e)) == ("information_requested", {"oncology.expected_survival"})


def test_one_fact_is_asked_for_where_one_can_decide_several_criteria() -> None:
    without = ["spine.sins_total", "spine.instability", "neuro.motor_deficit", "treatment.nonoperative_failed"]
    e = decide(chart(without=without))
    assert asked(e) == {"spine.sins_total"}
    assert set(e.missing[0].decides) == {"indication", "nonoperative-care"}


@pytest.mark.parametrize(
    ("facts", "criterion"),
    [
        (chart(known("oncology.malignancy_confirmed", False)), "malignancy"),
        (chart(known("spine.lesion_on_imaging", False)), "lesion-treated"),
        (chart(number("oncology.expected_survival", 2)), "expected-survival"),
        (
            chart(
                number("spine.sins_total", 5),
                known("spine.instability", False),
                known("neuro.motor_deficit", False),
            ),
            "indication",
        ),
    ],
)
def test_a_failed_criterion_goes_to_a_clinician(facts: Facts, criterion: str) -> None:
    e = decide(facts)
    assert e.outcome == "clinical_review"
    assert nodes(e.criteria)[criterion].outcome == "not_met"
    assert criterion in e.items[0].because


@pytest.mark.parametrize(
    "facts",
    [
        chart(conflicting("oncology.malignancy_confirmed")),
        chart(conflicting("oncology.expected_survival")),
        chart(conflicting("spine.lesion_levels")),
        chart(conflicting("neuro.motor_deficit"), without=["spine.sins_total", "spine.instability"]),
    ],
)
def test_a_conflict_that_could_decide_goes_to_a_clinician(facts: Facts) -> None:
    e = decide(facts)
    assert e.outcome == "clinical_review"
    assert any(reason.startswith("Sources in the chart disagree on") for reason in e.reasons)
    assert any(flag.startswith("conflicting:") for flag in e.flags)


def test_a_conflict_elsewhere_leaves_the_request_for_information() -> None:
    e = decide(chart(conflicting("spine.retropulsion"), without=["oncology.expected_survival"]))
    assert e.outcome == "information_requested"


def test_a_conflict_about_a_reason_for_a_clinician_is_no_approval() -> None:
    e = decide(chart(conflicting("neuro.complete_paraplegia")))
    assert e.outcome == "clinical_review"
    assert e.items[0].because == ("refer-complete-paraplegia",)
    assert e.reasons == ("Sources in the chart disagree on: complete paraplegia.",)


def test_where_something_is_missing_a_conflict_about_such_a_reason_leaves_it_asked_for() -> None:
    e = decide(chart(conflicting("neuro.complete_paraplegia"), without=["oncology.expected_survival"]))
    assert e.outcome == "information_requested"


def test_without_a_set_the_case_is_for_a_clinician() -> None:
    e = decide(chart(), diagnoses=("M51.26",))
    assert (e.outcome, e.criteria_set, e.criteria, e.missing) == ("clinical_review", None, (), ())
    assert "63101" in e.reasons[0]
    assert "spine.sins_total" in e.facts
