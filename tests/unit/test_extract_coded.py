"""Facts from FHIR resources: any fact of the vocabulary can be submitted coded."""

import datetime as dt
from typing import Any

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.clinical.model import Document, Fact, Facts, Resource

FACTS_SYSTEM = "https://priorauth.dev/fhir/CodeSystem/clinical-facts"


def _facts(lexicon: Lexicon, *bodies: dict[str, Any], note: str | None = None, on: dt.date | None = None) -> Facts:
    resources = [Resource(f"Bundle.entry[{i}].resource", body) for i, body in enumerate(bodies)]
    documents = [] if note is None else [Document("sha256:0", note, date=on)]
    return extract(documents, resources, lexicon)


def _answers(**answers: Any) -> dict[str, Any]:
    items = [{"linkId": name.replace("__", "."), "answer": [answer]} for name, answer in answers.items()]
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "item": [{"linkId": "group", "item": items}],
    }


def _observation(code: str, value: dict[str, Any], system: str = "http://loinc.org", **more: Any) -> dict[str, Any]:
    coding = [{"system": system, "code": code}]
    return {"resourceType": "Observation", "status": "final", "code": {"coding": coding}, **value, **more}


def _condition(code: str, system: str = "http://hl7.org/fhir/sid/icd-10-cm", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "code": {"coding": [{"system": system, "code": code}]}, **more}


def _status(code: str) -> dict[str, Any]:
    return {"coding": [{"code": code}]}


def _interval(fact: Fact) -> tuple[float | None, float | None, bool, bool]:
    return fact.low, fact.high, fact.low_open, fact.high_open


def test_every_fact_of_the_vocabulary_can_be_answered(lexicon: Lexicon) -> None:
    for fact in lexicon.vocabulary.values():
        if fact.internal:
            continue
        answers: dict[str, dict[str, Any]] = {
            "boolean": {"valueBoolean": True},
            "quantity": {"valueDecimal": fact.minimum if fact.minimum is not None else 1.0},
            "code": {"valueCoding": {"code": (fact.values or ("",))[0]}},
            "codes": {"valueString": (fact.values or ("",))[-1]},
            "levels": {"valueString": "T11-L1"},
        }
        answer = answers[fact.kind]
        body = {"resourceType": "QuestionnaireResponse", "item": [{"linkId": fact.name, "answer": [answer]}]}
        found = _facts(lexicon, body)[fact.name]
        assert found.status == "known", fact.name
        (element,) = answer
        assert found.sources[0].path == f"Bundle.entry[0].resource.item[0].answer[0].{element}"


def test_answers_of_each_type(lexicon: Lexicon) -> None:
    facts = _facts(
        lexicon,
        _answers(
            spine__retropulsion={"valueBoolean": False},
            spine__requested_levels={"valueString": "L1-3"},
            spine__escc_grade={"valueCoding": {"system": "x", "code": "1c"}},
            neuro__deficit_duration={"valueQuantity": {"value": 5, "unit": "days"}},
            oncology__expected_survival={"valueQuantity": {"value": 26, "code": "wk", "comparator": ">"}},
            oncology__primary={"valueString": "Unknown primary"},
            neuro__motor_deficit={"valueCoding": {"system": "http://loinc.org", "code": "LA33-6"}},
            performance__kps={"valueInteger": 70},
            spine__height_loss_percent={"valueString": "about 60 %"},
        ),
    )
    assert facts["spine.retropulsion"].value is False
    assert facts["spine.requested_levels"].value == ("L1", "L2", "L3")
    assert facts["spine.escc_grade"].value == "1c"
    assert _interval(facts["neuro.deficit_duration"]) == (120.0, 120.0, False, False)
    survival = facts["oncology.expected_survival"]
    assert survival.low == pytest.approx(26 * 7 / 30.4375)
    assert (survival.high, survival.low_open, survival.unit) == (None, True, "mo")
    assert facts["oncology.primary"].value == "unknown_primary"
    assert facts["neuro.motor_deficit"].value is True
    assert _interval(facts["performance.kps"]) == (70.0, 70.0, False, False)
    assert _interval(facts["spine.height_loss_percent"]) == (60.0, 60.0, False, False)


@pytest.mark.parametrize(
    "answer",
    [
        {"valueQuantity": {"value": 5, "code": "kg"}},
        {"valueQuantity": {"value": True}},
        {"valueQuantity": None},
        {"valueInteger": -4},
        {"valueDecimal": 1e300},
        {"valueString": "many"},
        {},
        "text",
    ],
)
def test_an_answer_that_cannot_be_read_states_nothing(answer: Any, lexicon: Lexicon) -> None:
    body = {"resourceType": "QuestionnaireResponse", "item": [{"linkId": "neuro.deficit_duration", "answer": [answer]}]}
    assert _facts(lexicon, body) == {}


def test_observations_by_loinc_and_by_fact_name(lexicon: Lexicon) -> None:
    facts = _facts(
        lexicon,
        _observation("89243-0", {"valueInteger": 60}),
        _observation("72514-3", {"valueQuantity": {"value": 9, "code": "{score}", "comparator": ">="}}),
        _observation("spine.retropulsion", {"valueCodeableConcept": {"text": "yes"}}, system=FACTS_SYSTEM),
        _observation("29463-7", {"valueQuantity": {"value": 220.462, "code": "[lb_av]"}}),
        _observation("8302-2", {"valueQuantity": {"value": 180, "code": "cm"}}),
    )
    assert _interval(facts["performance.kps"]) == (60.0, 60.0, False, False)
    assert _interval(facts["pain.score"]) == (9.0, None, False, False)
    assert facts["spine.retropulsion"].value is True
    assert facts["body.bmi"].low == pytest.approx(30.86, abs=0.01)
    assert facts["body.bmi"].sources[0].rule == "weight-and-height"


def test_the_most_recent_observation_counts_and_a_void_one_never(lexicon: Lexicon) -> None:
    facts = _facts(
        lexicon,
        _observation("89243-0", {"valueInteger": 90}, effectiveDateTime="2026-01-05"),
        _observation("89243-0", {"valueInteger": 50}, effectiveDateTime="2026-03-05T10:00:00Z"),
        _observation("89243-0", {"valueInteger": 20}, effectiveDateTime="2026-04-05") | {"status": "entered-in-error"},
        _observation("72514-3", {"valueInteger": 4}) | {"status": "cancelled"},
    )
    assert _interval(facts["performance.kps"]) == (50.0, 50.0, False, False)
    assert "pain.score" not in facts


def test_a_saturation_on_supplemental_oxygen_is_no_source(lexicon: Lexicon) -> None:
    flow = {"code": {"coding": [{"code": "3151-8"}]}, "valueQuantity": {"value": 2, "code": "L/min"}}
    value = {"valueQuantity": {"value": 86, "code": "%"}}
    assert _facts(lexicon, _observation("59408-5", value))["oxygen.sao2_rest"].low == 86.0
    assert "oxygen.sao2_rest" not in _facts(lexicon, _observation("59408-5", value, component=[flow]))


def test_coded_and_prose_that_agree_are_one_fact_with_the_coded_source_first(lexicon: Lexicon) -> None:
    body = _answers(spine__height_loss_percent={"valueDecimal": 60})
    fact = _facts(lexicon, body, note="IMAGING: 60% loss of height at L2.")["spine.height_loss_percent"]
    assert (fact.status, [source.kind for source in fact.sources]) == ("known", ["resource", "note"])


def test_coded_and_prose_that_disagree_conflict(lexicon: Lexicon) -> None:
    body = _answers(spine__retropulsion={"valueBoolean": False})
    fact = _facts(lexicon, body, note="IMAGING: CT shows retropulsion at L2.")["spine.retropulsion"]
    assert (fact.status, fact.value, len(fact.sources)) == ("conflicting", None, 2)


def test_a_pain_score_is_the_most_recent_of_code_and_prose(lexicon: Lexicon) -> None:
    earlier = _observation("72514-3", {"valueInteger": 5}, effectiveDateTime="2026-05-01")
    fact = _facts(lexicon, earlier, note="Pain 8/10.", on=dt.date(2026, 5, 9))["pain.score"]
    assert (fact.status, fact.low) == ("known", 8.0)


def test_conditions_state_conditions_and_nothing_else(lexicon: Lexicon) -> None:
    facts = _facts(
        lexicon,
        _condition("I10"),
        _condition("M84.58XA"),
        _condition("C79.51"),
        _condition("E11.9", verificationStatus=_status("refuted")),
        _condition("G47.33", verificationStatus=_status("provisional")),
        _condition("I63.9", clinicalStatus=_status("resolved")),
        _condition("I27.20"),
    )
    assert {name: fact.value for name, fact in facts.items()} == {
        "condition.hypertension": True,
        "condition.diabetes": False,
        "condition.stroke": True,
        "obesity.comorbidity": True,
    }


def test_a_resolved_hypertension_is_none(lexicon: Lexicon) -> None:
    assert _facts(lexicon, _condition("I10", clinicalStatus=_status("resolved"))) == {}


def _claim(*items: dict[str, Any]) -> dict[str, Any]:
    diagnosis = [{"diagnosisCodeableConcept": {"coding": [{"code": "C79.51", "display": "Metastasis at T4"}]}}]
    return {"resourceType": "Claim", "item": list(items), "diagnosis": diagnosis}


def _item(display: str, **more: Any) -> dict[str, Any]:
    return {"productOrService": {"coding": [{"code": "1", "display": display}]}, **more}


def test_requested_levels_come_from_every_item_else_from_the_plan(lexicon: Lexicon) -> None:
    plan = "PLAN: T11-L1 posterior fusion."
    site = {"bodySite": {"text": "L3 vertebra"}}
    placed = _facts(lexicon, _claim(_item("T12 corpectomy"), _item("Posterior fusion", **site)), note=plan)
    assert placed["spine.requested_levels"].value == ("T12", "L3")
    partly = _facts(lexicon, _claim(_item("T12 corpectomy"), _item("Posterior fusion")), note=plan)
    assert partly["spine.requested_levels"].value == ("T11", "T12", "L1")
    assert [source.kind for source in partly["spine.requested_levels"].sources] == ["resource", "note"]


def test_the_extent_of_a_fusion_may_stand_in_the_item(lexicon: Lexicon) -> None:
    facts = _facts(lexicon, _claim(_item("T10-L2 posterior fusion")))
    assert _interval(facts["spine.fusion_levels"]) == (4.0, 4.0, False, False)


def test_diagnoses_of_the_claim_are_no_source(lexicon: Lexicon) -> None:
    assert _facts(lexicon, _claim(_item("Office visit"))) == {}


@pytest.mark.parametrize("total, instability", [(13, True), (6, False), (7, None), (12, None)])
def test_stability_by_sins(total: int, instability: bool | None, lexicon: Lexicon) -> None:
    fact = _facts(lexicon, _answers(spine__sins_total={"valueInteger": total})).get("spine.instability")
    assert (fact.value if fact else None) is instability


def test_a_stated_stability_stands_before_the_score(lexicon: Lexicon) -> None:
    answers = _answers(spine__sins_total={"valueInteger": 13}, spine__instability={"valueBoolean": False})
    assert _facts(lexicon, answers)["spine.instability"].value is False


def test_resources_of_the_wrong_shape_state_nothing(lexicon: Lexicon) -> None:
    shapes: list[dict[str, Any]] = [
        {},
        {"resourceType": "Observation", "code": []},
        {"resourceType": "Observation", "code": {"coding": [{"system": 4, "code": []}]}, "component": {}},
        {"resourceType": "QuestionnaireResponse", "item": {"linkId": "pain.score"}},
        {"resourceType": "QuestionnaireResponse", "item": [{"linkId": ["pain.score"], "answer": {}}]},
        {"resourceType": "Condition", "code": {"coding": "I10"}},
        {"resourceType": "Claim", "item": [{"bodySite": 3, "productOrService": ["L2"]}]},
    ]
    assert _facts(lexicon, *shapes) == {}
