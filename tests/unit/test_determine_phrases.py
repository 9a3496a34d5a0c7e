"""The one-line picture of a case and how facts are said."""

from shared.clinical.model import Criterion, Fact
from shared.clinical.phrases import carrying, label, phrase
from shared.clinical.pictures import picture
from tests.unit.determination_cases import facts_of, known, quantity, thoracic_unstable, without

SPINE = ("spine.fracture_pattern", "spine.lesion_on_imaging")


def test_a_picture_says_only_what_the_chart_says() -> None:
    facts = facts_of(
        known("spine.lesion_levels", ("L1", "L2", "S1")),
        known("spine.fracture_pattern", "compression"),
        known("spine.fracture_cause", "osteoporosis"),
    )
    assert picture(facts, (), SPINE) == "an osteoporotic compression fracture at L1-L2 and S1"
    assert picture({}, (), SPINE) == ""


def test_a_lesion_without_a_fracture_is_a_lesion() -> None:
    facts = {**thoracic_unstable(), **facts_of(known("spine.fracture_pattern", "none"))}
    facts = without(facts, "spine.fracture_cause", "oncology.primary")
    assert picture(facts, (), SPINE).startswith(
        "a tumor lesion at T8 from a confirmed malignancy with spinal instability"
    )


def test_a_tumor_that_is_not_confirmed_is_not_named() -> None:
    assert "breast" not in picture(without(thoracic_unstable(), "oncology.malignancy_confirmed"), (), SPINE)


def test_tumors_are_called_by_their_names() -> None:
    for primary, said in (("lymphoma", "from lymphoma"), ("small_cell_lung", "from small cell lung cancer")):
        assert said in picture({**thoracic_unstable(), **facts_of(known("oncology.primary", primary))}, (), SPINE)


def test_what_the_sources_disagree_on_is_not_pictured() -> None:
    disputed = {**thoracic_unstable(), **facts_of(Fact("spine.instability", "conflicting"))}
    assert "instability" not in picture(disputed, (), SPINE)


def test_what_the_criteria_do_not_look_at_is_not_pictured() -> None:
    facts = {**thoracic_unstable(), **facts_of(quantity("sleep.ahi", 22, 22, "/h"), known("condition.stroke", True))}
    sleep = ("sleep.ahi", "condition.stroke", "sleep.study_type")
    assert picture(facts, (), sleep) == "an apnea-hypopnea index of 22 an hour and a history of stroke"
    assert picture(facts, ("sleep.ahi",), ("other.fact",)) == "apnea-hypopnea index: 22 an hour"


def test_facts_are_said_with_their_values() -> None:
    assert phrase(quantity("sleep.ahi", 22, 22, "/h")) == "apnea-hypopnea index: 22 an hour"
    assert phrase(known("spine.instability", False)) == "spinal instability: no"
    assert phrase(Fact("pain.score", "conflicting")).endswith("the sources disagree")
    assert phrase(Fact("pain.score", "unknown")).endswith("not documented")
    assert label("spine.kyphosis") == "kyphosis"


def test_the_facts_that_carry_a_criterion_are_those_of_the_parts_that_share_its_outcome() -> None:
    met = Criterion("a", "a", "met", ("one",))
    open_ = Criterion("b", "b", "unknown", ("two",))
    assert carrying(Criterion("any", "any", "met", ("one", "two"), children=(met, open_))) == ("one",)
    assert carrying(Criterion("not", "not", "not_met", ("one",), children=(met,))) == ("one",)
