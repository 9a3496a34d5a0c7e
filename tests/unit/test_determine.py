"""What is concluded, and on what it may rest."""

from collections.abc import Callable
from typing import Literal

import pytest
from msgspec.structs import replace

from services.determination.domain.determine import NO_VERIFIED, UNVERIFIED, determine
from services.evidence_lookup.domain.attach import attach
from shared.clinical.model import Conclusion, Consideration, CriteriaSetRef, Criterion, Evaluation, ItemEvaluation
from tests.unit.determination_cases import (
    Case,
    facts_of,
    incomplete_case,
    known,
    library,
    lumbar_case,
    quantity,
    referred_case,
    thoracic_case,
    thoracic_unstable,
)

Kind = Literal["standard_of_care", "outcome", "alternative", "timing", "caution"]
FIRM, DOUBTFUL, INAPPLICABLE = "klimo-2005-ambulatory", "reference-2-survival", "nobody-2099"


def considering(*considerations: Consideration) -> Conclusion:
    ref = CriteriaSetRef("set", "1", "sha256:0", "A set")
    evaluation = Evaluation(
        "approved", ref, (ItemEvaluation(1, "63085", "approved"),), (), (), thoracic_unstable(), (), considerations
    )
    return determine(evaluation, attach(library(), evaluation))


def consideration(kind: Kind, *evidence: str) -> Consideration:
    conclusion: Literal["inadequate"] | None = "inadequate" if kind == "alternative" else None
    return Consideration(kind, kind, kind.title(), f"Says {' '.join(evidence)}.", conclusion, (), evidence)


@pytest.mark.parametrize("case", [thoracic_case, lumbar_case, incomplete_case, referred_case])
def test_items_are_certified_or_pended_and_never_denied(case: Callable[[], Case]) -> None:
    result = case()
    actions = {"approved": "A1", "information_requested": "A4", "clinical_review": "A4"}
    assert result.conclusion.outcome == result.evaluation.outcome
    assert all(item.review_action == actions[item.outcome] for item in result.conclusion.items)
    assert "denied" not in result.document["text"].lower()


def test_the_outcomes_of_the_four_patients() -> None:
    outcomes = [c().conclusion.outcome for c in (thoracic_case, lumbar_case, incomplete_case, referred_case)]
    assert outcomes == ["approved", "approved", "information_requested", "clinical_review"]


def test_the_summary_pictures_the_patient_and_nobody_else() -> None:
    thoracic, lumbar = thoracic_case().conclusion.summary, lumbar_case().conclusion.summary
    assert "burst fracture at T8 from breast cancer" in thoracic
    assert "burst fracture at L4 from kidney cancer" in lumbar
    assert "T8" not in lumbar and "breast" not in lumbar


def test_the_summary_says_what_is_missing_and_why_a_person_is_asked() -> None:
    assert "expected survival" in incomplete_case().conclusion.summary
    assert "SINS of 7 to 12" in referred_case().conclusion.summary


def test_an_approval_gives_a_reason_with_facts_for_every_criterion() -> None:
    result = thoracic_case()
    reasons = " ".join(result.conclusion.reasons)
    assert all(criterion.title in reasons for criterion in result.evaluation.criteria)
    assert "expected survival: more than 12 months" in reasons


def test_a_case_of_another_kind_is_pictured_by_the_facts_that_carried_it() -> None:
    facts = facts_of(quantity("body.bmi", 43, 43, "kg/m2"), known("obesity.comorbidity", True))
    criterion = Criterion("bmi", "The body mass index is 35 or more", "met", ("body.bmi",))
    ref = CriteriaSetRef("bariatric", "1", "sha256:0", "Bariatric surgery")
    evaluation = Evaluation("approved", ref, (ItemEvaluation(1, "43775", "approved"),), (criterion,), (), facts)
    conclusion = determine(evaluation, attach(library(), evaluation))
    assert "service 43775 for a body mass index of 43 kg/m²" in conclusion.summary


def test_no_criteria_set_is_said() -> None:
    item = ItemEvaluation(1, "99999", "clinical_review")
    evaluation = Evaluation("clinical_review", None, (item,), (), (), {}, reasons=("No criteria set covers 99999.",))
    conclusion = determine(evaluation, attach(library(), evaluation))
    assert "No criteria set covers 99999." in conclusion.summary
    assert conclusion.reasons == ("No criteria set covers 99999.",)


def test_a_claim_about_the_literature_needs_a_verified_source_that_applies() -> None:
    said = considering(
        consideration("standard_of_care", FIRM, DOUBTFUL, INAPPLICABLE),
        consideration("standard_of_care", DOUBTFUL),
        consideration("standard_of_care", INAPPLICABLE),
        consideration("standard_of_care"),
    ).standard_of_care
    assert [point.evidence for point in said] == [(FIRM, DOUBTFUL), ()]


def test_unverified_figures_stand_marked_beside_verified_ones_only() -> None:
    alone = considering(consideration("outcome", DOUBTFUL)).outcomes
    assert alone == ()
    beside = considering(consideration("outcome", DOUBTFUL), consideration("outcome", FIRM)).outcomes
    assert beside[0].text.startswith(UNVERIFIED) and beside[0].evidence == (DOUBTFUL,)
    assert beside[1].text == f"Says {FIRM}."


def test_advice_stands_on_the_patients_facts_without_a_citation_that_does_not_apply() -> None:
    kinds: tuple[Kind, Kind] = ("timing", "caution")
    for kind in kinds:
        conclusion = considering(
            consideration(kind, INAPPLICABLE),
            consideration(kind, DOUBTFUL),
            consideration(kind, INAPPLICABLE, DOUBTFUL),
        )
        points = conclusion.timing if kind == "timing" else conclusion.cautions
        assert [(p.text, p.evidence) for p in points] == [
            (f"Says {INAPPLICABLE}.", ()),
            (f"Says {INAPPLICABLE} {DOUBTFUL}.", ()),
        ]


def test_an_alternative_is_not_ruled_out_by_an_unverified_source() -> None:
    ruled, doubtful, uncited = considering(
        consideration("alternative", FIRM),
        consideration("alternative", DOUBTFUL),
        consideration("alternative", INAPPLICABLE),
    ).alternatives
    assert (ruled.conclusion, ruled.evidence) == ("inadequate", (FIRM,))
    assert (doubtful.conclusion, doubtful.text, doubtful.evidence) == ("undetermined", NO_VERIFIED, ())
    assert (uncited.conclusion, uncited.evidence) == ("inadequate", ())


def test_a_statements_own_caution_is_printed_once() -> None:
    cautions = [p.text for p in lumbar_case().conclusion.cautions if "cervical and thoracic MRI" in p.text]
    assert len(cautions) == 1
    assert not any("cervical and thoracic MRI" in p.text for p in thoracic_case().conclusion.cautions)


def test_the_same_evaluation_gives_the_same_conclusion() -> None:
    case = thoracic_case()
    assert determine(case.evaluation, case.evidence) == determine(replace(case.evaluation), case.evidence)
