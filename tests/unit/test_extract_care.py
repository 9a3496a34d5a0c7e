"""Facts of Conditions, procedures, orders, drugs, encounters, reports, questionnaires and what the Claim brings along."""

from typing import Any

import pytest

from tests.unit.coded_chart import (
    CPT,
    FACTS_SYSTEM,
    ICD,
    SNOMED,
    concept,
    condition,
    facts_of,
    paths_of,
    quantity,
    values_of,
)


@pytest.mark.parametrize(
    ("code", "system", "fact"),
    [
        ("I10", ICD, "condition.hypertension"),
        ("E119", ICD, "condition.diabetes"),
        ("E11.621", "urn:oid:2.16.840.1.113883.6.90", "condition.diabetes"),
        ("78275009", SNOMED, "condition.osa"),
        ("I25.2", ICD, "condition.ischemic_heart_disease"),
        ("E78.5", ICD, "obesity.comorbidity"),
        ("K76.0", ICD, "obesity.comorbidity"),
        ("M17.0", ICD, "obesity.comorbidity"),
        ("396275006", SNOMED, "obesity.comorbidity"),
    ],
)
def test_a_condition_states_its_fact(code: str, system: str, fact: str) -> None:
    found = facts_of(condition(code, system))[fact]
    assert found.value is True
    assert paths_of(found) == ["Bundle.entry[0].resource.code.coding[0]"]


@pytest.mark.parametrize(
    "more",
    [
        {"clinical": "resolved"},
        {"clinical": "inactive"},
        {"verified": "entered-in-error"},
        {"verified": "provisional"},
        {"verified": "differential"},
        {"abatementDateTime": "2020-01-01"},
        {"abatementBoolean": True},
    ],
)
def test_a_condition_that_is_over_or_not_held_states_nothing(more: dict[str, Any]) -> None:
    assert facts_of(condition("I10", **more)) == {}


def test_what_lasts_counts_though_it_is_over_and_what_is_refuted_is_denied() -> None:
    assert values_of(facts_of(condition("I63.9", clinical="resolved"))) == {"condition.stroke": True}
    assert values_of(facts_of(condition("G47.33", verified="refuted"))) == {"condition.osa": False}
    assert facts_of(condition("E78.5", verified="refuted")) == {}


def test_a_condition_without_a_known_code_is_read_in_its_own_words() -> None:
    body = condition("x", "http://example.org/local")
    body["code"]["text"] = "Essential hypertension"
    assert values_of(facts_of(body)).get("condition.hypertension") is True
    body["code"]["text"] = "Pulmonary hypertension"
    assert "condition.hypertension" not in facts_of(body)


def test_a_known_active_cancer_is_a_confirmed_malignancy() -> None:
    facts = facts_of(condition("C50.911"))
    assert values_of(facts)["oncology.malignancy_confirmed"] is True
    assert values_of(facts)["oncology.primary"] == "breast"


@pytest.mark.parametrize("code", ["C79.51", "C80.1", "M84.58XA", "Z85.3", "D49.2", "C44.91"])
def test_a_secondary_uncertain_or_former_tumor_confirms_none(code: str) -> None:
    assert "oncology.malignancy_confirmed" not in facts_of(condition(code))


def test_a_cancer_must_be_confirmed_and_active_and_more_than_the_claims_assertion() -> None:
    assert "oncology.malignancy_confirmed" not in facts_of(condition("C61", verified="unconfirmed"))
    assert "oncology.malignancy_confirmed" not in facts_of(condition("C61", clinical="remission"))
    claim = {"resourceType": "Claim", "diagnosis": [{"diagnosisReference": {"reference": "Condition/dx"}}]}
    assert facts_of(condition("C61", id="dx"), claim) == {}
    assert "oncology.malignancy_confirmed" in facts_of(condition("C61", id="other"), claim)


def test_the_code_of_lung_cancer_names_no_origin_since_it_does_not_tell_small_cell() -> None:
    assert "oncology.primary" not in facts_of(condition("C34.90"))


def test_prose_about_the_origin_stands_before_the_code() -> None:
    facts = facts_of(condition("C50.911"), note="Metastatic renal cell carcinoma, biopsy proven.")
    assert facts["oncology.primary"].value == "kidney"


def _procedure(code: str, system: str = CPT, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Procedure", "status": "completed", "code": concept(code, system), **more}


def test_what_a_procedure_states() -> None:
    therapy = _procedure("91251008", SNOMED, performedPeriod={"start": "2026-01-05", "end": "2026-03-02T10:00:00Z"})
    facts = facts_of(therapy, _procedure("77080"), _procedure("95810"))
    assert facts["treatment.physical_therapy_duration"].low == 8
    assert facts["treatment.nonoperative_duration"].low == pytest.approx(56 / 30.4375)
    assert facts["referral.bone_density"].value is True
    assert facts["sleep.study_type"].value == "psg"


@pytest.mark.parametrize("status", ["preparation", "not-done", "stopped", "entered-in-error", "unknown", None])
def test_a_procedure_that_was_not_done_states_nothing(status: str | None) -> None:
    assert facts_of(_procedure("77080") | {"status": status}) == {}


def test_therapy_under_way_or_without_its_days_has_no_duration() -> None:
    period = {"performedPeriod": {"start": "2026-01-05", "end": "2026-03-02"}}
    assert facts_of(_procedure("91251008", SNOMED, **period) | {"status": "in-progress"}) == {}
    assert facts_of(_procedure("91251008", SNOMED, performedPeriod={"start": "2026-01", "end": "2026-03"})) == {}


def test_radiation_to_the_requested_level() -> None:
    claim = {"resourceType": "Claim", "item": [{"bodySite": {"text": "L2 vertebra"}}]}
    radiation = _procedure("33195004", SNOMED, bodySite=[{"text": "L1-L3 vertebrae"}])
    assert facts_of(claim, radiation)["oncology.spine_radiation_prior"].value is True
    elsewhere = _procedure("33195004", SNOMED, bodySite=[{"text": "T4 vertebra"}])
    assert facts_of(claim, elsewhere)["oncology.spine_radiation_prior"].value is False


def _order(code: str, **more: Any) -> dict[str, Any]:
    kind = {"resourceType": "ServiceRequest", "status": "active", "intent": "order"}
    return {**kind, "code": concept(code, CPT), **more}


def test_an_order_counts_where_ordering_is_the_fact_and_nowhere_else() -> None:
    assert values_of(facts_of(_order("77080"))) == {"referral.bone_density": True}
    assert facts_of(_order("95810")) == {}


@pytest.mark.parametrize(
    "more", [{"doNotPerform": True}, {"status": "revoked"}, {"status": "draft"}, {"intent": "proposal"}]
)
def test_an_order_that_does_not_hold_states_nothing(more: dict[str, Any]) -> None:
    assert facts_of(_order("77080", **more)) == {}


def _drug(text: str = "", **more: Any) -> dict[str, Any]:
    body = {"resourceType": "MedicationRequest", "status": "active", "intent": "order"}
    return {**body, "medicationCodeableConcept": {"text": text}, **more}


def test_a_drug_against_cancer_is_a_systemic_therapy_and_one_against_blood_pressure_no_hypertension() -> None:
    assert values_of(facts_of(_drug("Pembrolizumab 200 mg IV"))) == {"oncology.systemic_therapy_planned": True}
    coded = _drug(medicationCodeableConcept=concept("L01EF01", "http://www.whocc.no/atc"))
    assert values_of(facts_of(coded)) == {"oncology.systemic_therapy_planned": True}
    assert facts_of(_drug("Lisinopril 10 mg"), _drug("Metformin 500 mg"), _drug("Dexamethasone 4 mg")) == {}
    assert facts_of(_drug("Cisplatin", status="stopped"), _drug("Cisplatin", intent="proposal")) == {}


def test_a_drug_may_stand_in_a_resource_of_its_own() -> None:
    request = _drug(medicationReference={"reference": "#m"})
    del request["medicationCodeableConcept"]
    medication = {"resourceType": "Medication", "id": "m", "code": {"text": "Carboplatin"}}
    fact = facts_of(request, medication)["oncology.systemic_therapy_planned"]
    assert paths_of(fact) == ["Bundle.entry[1].resource.code"]


@pytest.mark.parametrize(
    ("status", "kind", "inpatient"),
    [
        ("in-progress", "IMP", True),
        ("in-progress", "AMB", False),
        ("finished", "IMP", None),
        ("in-progress", "EMER", None),
    ],
)
def test_an_encounter_under_way_says_where_the_patient_is(status: str, kind: str, inpatient: bool | None) -> None:
    fact = facts_of({"resourceType": "Encounter", "status": status, "class": {"code": kind}}).get("care.inpatient")
    assert (fact.value if fact else None) is inpatient


def test_the_conclusion_of_a_report_is_read_as_the_reader_s() -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": [{"coding": [{"code": "RAD"}]}],
        "conclusion": "L2 burst fracture with retropulsed fragments. No canal compromise.",
    }
    facts = facts_of(report)
    assert facts["spine.retropulsion"].value is True
    assert facts["spine.canal_compromise"].value is False
    source = facts["spine.retropulsion"].sources[0]
    assert (source.kind, source.path) == ("resource", "Bundle.entry[0].resource.conclusion")
    assert (source.quote or "?") in str(report["conclusion"])
    assert facts_of(report | {"status": "entered-in-error"}) == {}


def test_a_question_may_be_known_by_its_definition_or_by_the_code_of_its_questionnaire() -> None:
    form = {
        "resourceType": "Questionnaire",
        "url": "http://example.org/q",
        "item": [
            {"linkId": "1", "item": [{"linkId": "1.1", "code": [{"system": FACTS_SYSTEM, "code": "pain.mechanical"}]}]}
        ],
    }
    answers = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": "http://example.org/q|2",
        "item": [
            {"linkId": "1", "item": [{"linkId": "1.1", "answer": [{"valueBoolean": True}]}]},
            {"linkId": "2", "definition": "http://example.org/d#pain.worsening", "answer": [{"valueBoolean": False}]},
        ],
    }
    facts = facts_of(answers, form)
    assert values_of(facts) == {"pain.mechanical": True, "pain.worsening": False}
    assert paths_of(facts["pain.mechanical"]) == ["Bundle.entry[0].resource.item[0].item[0].answer[0].valueBoolean"]
    assert facts_of(answers | {"status": "stopped"}, form) == {}


def test_what_the_claim_brings_along_is_a_source_and_its_diagnosis_is_none() -> None:
    claim = {
        "resourceType": "Claim",
        "diagnosis": [{"diagnosisCodeableConcept": concept("I10", ICD)}],
        "supportingInfo": [
            {"code": concept("39156-5", "http://loinc.org"), **quantity(42, "kg/m2")},
            {"valueString": "CT shows retropulsion of bone at L2."},
        ],
    }
    facts = facts_of(claim)
    assert paths_of(facts["body.bmi"]) == ["Bundle.entry[0].resource.supportingInfo[0].valueQuantity"]
    assert paths_of(facts["spine.retropulsion"]) == ["Bundle.entry[0].resource.supportingInfo[1].valueString"]
    assert "condition.hypertension" not in facts
