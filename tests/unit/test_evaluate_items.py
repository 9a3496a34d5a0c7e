"""Items with purposes and levels of their own, the trace, and the texts of the spine set."""

from services.criteria_evaluation.domain.evaluate import evaluate, evaluate_case
from shared.clinical.model import Fact
from tests.unit.spine_case import (
    DIAGNOSES,
    ON,
    SPINE,
    asked,
    chart,
    decide,
    item,
    known,
    nodes,
    number,
)


def test_items_are_decided_on_their_own() -> None:
    e = decide(chart(), item("63101", 1), item("27447", 2), item("22558", 3), item("22610", 4))
    assert [i.outcome for i in e.items] == ["approved", "clinical_review", "clinical_review", "approved"]
    assert e.outcome == "clinical_review"
    assert e.items[2].purpose is None
    assert any("Item 3 (22558)" in reason for reason in e.reasons)
    assert nodes(e.criteria)["procedures-fit"].outcome == "not_met"


def test_an_item_whose_purpose_is_unknown_waits_for_information() -> None:
    facts = chart(
        without=["neuro.motor_deficit", "spine.canal_compromise", "spine.escc_grade"],
    )
    e = decide(facts, item("63101", 1), item("63046", 2))
    assert [i.outcome for i in e.items] == ["approved", "information_requested"]
    assert e.outcome == "information_requested"
    assert len(asked(e)) == 1
    assert e.missing[0].decides == ("procedures-fit.2",)


def test_a_resection_is_judged_by_its_own_level_and_a_construct_by_the_whole() -> None:
    facts = chart(known("spine.requested_levels", ("T6", "T7", "T8", "T9", "T10")))
    own = decide(facts, item("63101", 1, "T8 corpectomy"), item("22610", 2, "Fusion T6-7"))
    assert [i.outcome for i in own.items] == ["approved", "approved"]
    other = decide(facts, item("63101", 1, "T8 corpectomy"), item("63103", 2, "", ("T10",)))
    assert [i.outcome for i in other.items] == ["approved", "clinical_review"]


def test_no_items_is_for_a_person() -> None:
    assert evaluate_case((SPINE,), (), DIAGNOSES, None, ON, chart()).outcome == "clinical_review"


def test_flags_are_carried_and_decide_nothing() -> None:
    e = evaluate_case((SPINE,), (item("63101"),), DIAGNOSES, None, ON, chart(), "sha256:abc", ["doc:no-text"])
    assert (e.outcome, e.lexicon, e.flags) == ("approved", "sha256:abc", ("doc:no-text",))
    assert any("no-text" in reason for reason in e.reasons)


def test_the_facts_are_those_of_the_chart_and_those_that_the_set_lacks() -> None:
    facts = chart(
        known("condition.hypertension", True), Fact("body.bmi", "unknown"), without=["oncology.expected_survival"]
    )
    e = decide(facts)
    assert e.facts["condition.hypertension"].status == "known"
    assert "body.bmi" not in e.facts
    assert set(SPINE.fact_names) <= set(e.facts)
    assert list(e.facts) == sorted(e.facts)


def test_the_trace_reaches_every_comparison() -> None:
    traced = nodes(decide(chart()).criteria)
    leaf = traced["indication-deficit.2.1"]
    assert (leaf.outcome, leaf.facts, leaf.expression) == (
        "met",
        ("spine.canal_compromise",),
        "spine.canal_compromise is true",
    )
    assert {c.id for c in traced["indication"].children} == {
        "indication-instability",
        "indication-deficit",
        "indication-retropulsion",
    }


def test_texts_speak_of_this_patient_only() -> None:
    first = {c.id: c for c in decide(chart()).considerations}
    assert first["radiation-alone"].conclusion == "inadequate"
    assert first["augmentation"].conclusion == "inadequate"
    assert "timing-chemotherapy" not in first
    second = {
        c.id: c
        for c in decide(
            chart(known("spine.retropulsion", True), known("oncology.systemic_therapy_planned", True), level="L4")
        ).considerations
    }
    assert second["augmentation"].conclusion == "contraindicated"
    assert "L4" in second["augmentation"].text
    assert "timing-chemotherapy" in second
    assert "12 months" in second["caution-survival"].text
    third = {c.id: c for c in decide({}).considerations}
    assert {c.conclusion for c in third.values()} == {"undetermined"}


def test_evaluation_is_repeatable_and_the_memory_changes_nothing() -> None:
    assert decide(chart()) == decide(chart())
    other = chart(number("spine.sins_total", 16))
    assert decide(other).facts["spine.sins_total"].low == 16
    texts = {c.id: c.text for c in decide(other).considerations}
    assert "SINS of 16" in texts["soc-instability"]


def test_a_set_is_evaluated_without_items() -> None:
    result = evaluate(SPINE, chart(without=["oncology.expected_survival"]))
    assert [m.facts for m in result.missing] == [("oncology.expected_survival",)]
    assert len(result.refer_rules) == len(SPINE.refer)
    assert result.referrals == ()
