"""Which statements apply to which patient, and why not."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.evidence_lookup.domain.attach import ABSENT, attach
from shared.clinical.model import AttachedEvidence, Criterion, Evaluation, Fact, Facts
from tests.unit.determination_cases import (
    facts_of,
    known,
    library,
    lumbar_roots_only,
    quantity,
    stable_without_deficit,
    thoracic_unstable,
    without,
)

ALL = tuple(sorted(library().statements))


def citing(facts: Facts, *ids: str) -> Evaluation:
    criteria = tuple(Criterion(f"c-{i}", i, "met", evidence=(i,)) for i in ids or ALL)
    return Evaluation("approved", None, (), criteria, (), facts)


def attached(facts: Facts, *ids: str) -> AttachedEvidence:
    return attach(library(), citing(facts, *ids))


def verdicts(facts: Facts) -> dict[str, tuple[bool, str | None]]:
    return {s.id: (s.applies, s.reason) for s in attached(facts).statements}


def test_the_trial_of_cord_compression_applies_to_a_patient_like_those_it_studied() -> None:
    statement = next(s for s in attached(thoracic_unstable()).statements if s.id == "patchell-2005-walking")
    assert statement.applies and statement.reason is None
    assert {"neuro.compressed_structure", "oncology.expected_survival", "oncology.radiosensitive"} <= {
        *statement.because
    }


@pytest.mark.parametrize("structures", [("nerve_root",), ("cauda_equina",), ("cauda_equina", "nerve_root")])
def test_it_does_not_apply_where_only_roots_are_compressed(structures: tuple[str, ...]) -> None:
    facts = {**lumbar_roots_only(), **facts_of(known("neuro.compressed_structure", structures))}
    applies, reason = verdicts(facts)["patchell-2005-walking"]
    assert not applies and reason is not None and "cauda equina or nerve roots only" in reason


def test_it_may_apply_at_the_conus() -> None:
    facts = {**lumbar_roots_only(), **facts_of(known("neuro.compressed_structure", ("conus", "nerve_root")))}
    assert verdicts(facts)["patchell-2005-walking"][0]


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (quantity("oncology.expected_survival", None, 2, "mo"), "three months or longer"),
        (quantity("oncology.expected_survival", 8, 8, "wk"), "three months or longer"),
        (quantity("oncology.expected_survival", 2, 6, "mo"), "does not say enough on: expected survival"),
        (Fact("oncology.expected_survival", "conflicting"), "sources disagree on: expected survival"),
        (known("oncology.radiosensitive", True), "radiosensitive tumors"),
        (known("oncology.malignancy_confirmed", False), "confirmed malignancy"),
    ],
)
def test_what_the_trial_asked_of_its_patients_must_be_documented(fact: Fact, reason: str) -> None:
    applies, said = verdicts({**thoracic_unstable(), fact.name: fact})["patchell-2005-eligibility"]
    assert not applies and said is not None and reason in said


def test_paraplegia_counts_when_it_is_complete_and_old() -> None:
    old = facts_of(known("neuro.complete_paraplegia", True), quantity("neuro.deficit_duration", 72, 72, "h"))
    assert not verdicts({**thoracic_unstable(), **old})["patchell-2005-walking"][0]
    recent = facts_of(known("neuro.complete_paraplegia", True), quantity("neuro.deficit_duration", 20, 20, "h"))
    assert verdicts({**thoracic_unstable(), **recent})["patchell-2005-walking"][0]
    # Someone who walks with help is not paraplegic, however long the weakness has lasted.
    walking = facts_of(known("neuro.ambulatory", "assisted"), quantity("neuro.deficit_duration", 240, 240, "h"))
    assert verdicts({**thoracic_unstable(), **walking})["patchell-2005-walking"][0]


def test_regained_walking_is_about_patients_who_could_not_walk() -> None:
    assert verdicts(thoracic_unstable())["patchell-2005-regained"][0]
    walking = {**thoracic_unstable(), **facts_of(known("neuro.ambulatory", "independent"))}
    assert not verdicts(walking)["patchell-2005-regained"][0]


def test_a_compression_grade_at_a_lumbar_level_comes_with_a_caution() -> None:
    assert verdicts(thoracic_unstable())["bilsky-2010-grades"] == (True, None)
    applies, caution = verdicts(lumbar_roots_only())["bilsky-2010-grades"]
    assert applies and caution is not None and "cervical and thoracic MRI" in caution


def test_an_osteoporotic_fracture_is_not_what_the_cancer_guideline_is_about() -> None:
    facts = {**thoracic_unstable(), **facts_of(known("spine.fracture_cause", "osteoporosis"))}
    assert not verdicts(facts)["acr-2018-surgical-consultation"][0]


def test_silence_of_the_chart_supports_nothing() -> None:
    assert not any(applies for applies, _ in verdicts({}).values())
    assert attached({}).bibliography == ()


def test_neither_a_stable_spine_nor_a_missing_deficit_calls_for_the_guideline() -> None:
    facts = {**stable_without_deficit(), **facts_of(known("spine.instability", False))}
    assert not verdicts(facts)["acr-2018-surgical-consultation"][0]


def test_the_order_is_by_applying_level_directness_year_and_id() -> None:
    statements = attached(lumbar_roots_only()).statements
    ranks = [
        (
            not s.applies,
            (source := library().sources[s.source]).level or 6,
            library().statements[s.id].directness == "indirect" or (s.applies and s.reason is not None),
            -(source.year or 0),
            s.id,
        )
        for s in statements
    ]
    assert ranks == sorted(ranks)
    # Of one level and later than others, the statement that comes with a caution still stands behind those without.
    of_level_3 = [s.id for s in statements if s.applies and library().sources[s.source].level == 3]
    assert of_level_3.index("klimo-2005-ambulatory") < of_level_3.index("bilsky-2010-grades")


def test_an_edition_that_a_later_one_replaced_is_never_cited() -> None:
    result = attached(lumbar_roots_only())
    (old,) = (s for s in result.statements if s.id == "acr-2014-surgical-consultation")
    assert not old.applies and old.reason == "A later edition took its place: acr-2018-vertebral-fractures."
    assert "acr-2014-vertebral-fractures" not in {e.id for e in result.bibliography}


def test_a_retracted_publication_is_never_cited() -> None:
    source = library().sources["klimo-2005"]
    statement = library().statements["klimo-2005-ambulatory"]
    retracted = dataclasses.replace(source, retracted="notice of 2026 in the same journal")
    statements = {statement.id: dataclasses.replace(statement, source=retracted)}
    changed = dataclasses.replace(library(), sources={source.id: retracted}, statements=statements)
    result = attach(changed, citing(lumbar_roots_only(), statement.id))
    assert result.bibliography == () and not result.statements[0].applies
    assert result.statements[0].reason == "The publication was retracted: notice of 2026 in the same journal"


def test_the_bibliography_is_numbered_as_it_is_cited_and_has_only_what_applies() -> None:
    result = attached(lumbar_roots_only(), "sins-2010-cutoffs", "patchell-2005-walking", "klimo-2005-ambulatory")
    assert [(e.number, e.id) for e in result.bibliography] == [(1, "sins-2010"), (2, "klimo-2005")]


def test_a_statement_that_the_library_lacks_does_not_apply() -> None:
    (statement,) = attached(thoracic_unstable(), "nobody-2099").statements
    assert not statement.applies and statement.reason == ABSENT


def test_what_was_remembered_for_one_patient_is_not_said_of_another() -> None:
    first, second = attached(thoracic_unstable()), attached(lumbar_roots_only())
    assert first != second
    assert attached(thoracic_unstable()) == first
    disputed = {**thoracic_unstable(), **facts_of(Fact("neuro.compressed_structure", "conflicting"))}
    silent = without(thoracic_unstable(), "neuro.compressed_structure")
    reasons = [verdicts(facts)["patchell-2005-walking"][1] for facts in (disputed, silent)]
    assert reasons[0] != reasons[1]


@given(st.sets(st.sampled_from(sorted(thoracic_unstable()))))
def test_leaving_facts_out_of_a_chart_never_makes_a_statement_apply(left_out: set[str]) -> None:
    full = {s.id for s in attached(thoracic_unstable()).statements if s.applies}
    fewer = {s.id for s in attached(without(thoracic_unstable(), *left_out)).statements if s.applies}
    assert fewer <= full


def test_criteria_below_others_and_referrals_cite_too() -> None:
    inner = Criterion("inner", "inner", "met", evidence=("sins-2010-cutoffs",))
    refer = Criterion("refer", "refer", "met", evidence=("klimo-2005-ambulatory",))
    evaluation = citing(thoracic_unstable(), "noms-2013-framework")
    outer = replace(evaluation.criteria[0], children=(inner,))
    result = attach(library(), replace(evaluation, criteria=(outer,), referrals=(refer,)))
    assert [e.id for e in result.bibliography] == ["noms-2013", "sins-2010", "klimo-2005"]
