"""Facts of Observations: the code names the fact, units are converted, circumstances count."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.coded_chart import FACTS_SYSTEM, SNOMED, concept, facts_of, observation, paths_of, quantity, values_of


@pytest.mark.parametrize(
    ("code", "value", "fact", "expected"),
    [
        ("39156-5", quantity(41.2, "kg/m2"), "body.bmi", 41.2),
        ("39156-5", quantity(41.2), "body.bmi", 41.2),
        ("2703-7", quantity(54, "mm[Hg]"), "oxygen.pao2_rest", 54),
        ("2703-7", quantity(7.2, "kPa"), "oxygen.pao2_rest", 7200 / 133.322387415),
        ("2708-6", quantity(87, "%"), "oxygen.sao2_rest", 87),
        ("59408-5", quantity(0.87, "1"), "oxygen.sao2_rest", 87),
        ("4544-3", quantity(0.57, "{L/L}"), "lab.hematocrit", 57),
        ("20570-8", quantity(57, "%"), "lab.hematocrit", 57),
        ("72514-3", quantity(8, "{score}"), "pain.score", 8),
        ("89243-0", quantity(70, "%"), "performance.kps", 70),
        ("89247-1", {"valueInteger": 2}, "performance.ecog", 2),
        ("69990-0", quantity(22.4, "{events}/h"), "sleep.ahi", 22.4),
        ("90566-1", quantity(22.4, "/h"), "sleep.ahi", 22.4),
    ],
)
def test_a_code_and_its_value_state_a_fact(code: str, value: dict[str, Any], fact: str, expected: float) -> None:
    found = facts_of(observation(code, value))[fact]
    assert found.low == pytest.approx(expected)
    assert paths_of(found) == [f"Bundle.entry[0].resource.{next(iter(value))}"]


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("2703-7", quantity(7.2)),
        ("29463-7", quantity(290)),
        ("4544-3", quantity(0.57)),
        ("59408-5", quantity(0.87)),
        ("2703-7", quantity(54, "mg/dL")),
        ("39156-5", {"valueQuantity": {"value": "heavy"}}),
        ("90564-6", quantity(12, "/h")),
        ("8310-5", quantity(38, "Cel")),
    ],
)
def test_a_number_whose_unit_is_missing_or_wrong_states_nothing(code: str, value: dict[str, Any]) -> None:
    assert facts_of(observation(code, value), observation("8302-2", quantity(1.7, "m"))) == {}


def test_feet_and_pounds_give_a_body_mass_index() -> None:
    facts = facts_of(observation("8302-2", quantity(5.5, "[ft_i]")), observation("29463-7", quantity(250, "[lb_av]")))
    assert facts["body.bmi"].low == pytest.approx(113.398 / 1.6764**2, abs=0.01)
    assert paths_of(facts["body.bmi"]) == [
        "Bundle.entry[1].resource.valueQuantity",
        "Bundle.entry[0].resource.valueQuantity",
    ]


def test_a_component_is_a_source_with_its_own_path() -> None:
    pressure = {"code": concept("2703-7", "http://loinc.org"), **quantity(52, "mm[Hg]")}
    gas = observation("24336-0", {}, component=[{"code": {}}, pressure])
    assert paths_of(facts_of(gas)["oxygen.pao2_rest"]) == ["Bundle.entry[0].resource.component[1].valueQuantity"]


@pytest.mark.parametrize(
    ("more", "fact"),
    [
        ({}, "oxygen.sao2_rest"),
        ({"note": [{"text": "Seated at rest, on room air."}]}, "oxygen.sao2_rest"),
        ({"method": {"text": "Overnight oximetry"}}, "oxygen.sao2_asleep"),
        (
            {"component": [{"code": {"text": "Activity"}, "valueCodeableConcept": {"text": "walking"}}]},
            "oxygen.sao2_exercise",
        ),
        ({"note": [{"text": "during six minute walk on room air"}]}, "oxygen.sao2_exercise"),
        ({"note": [{"text": "before exercise"}]}, "oxygen.sao2_rest"),
        ({"component": [{"code": concept("3151-8", "http://loinc.org"), **quantity(0, "L/min")}]}, "oxygen.sao2_rest"),
        ({"component": [{"code": concept("3150-6", "http://loinc.org"), **quantity(0.21, "1")}]}, "oxygen.sao2_rest"),
    ],
)
def test_rest_sleep_and_exercise_are_told_apart(more: dict[str, Any], fact: str) -> None:
    assert values_of(facts_of(observation("59408-5", quantity(86, "%"), **more))) == {fact: 86}


@pytest.mark.parametrize(
    "more",
    [
        {"component": [{"code": concept("3151-8", "http://loinc.org"), **quantity(2, "L/min")}]},
        {"component": [{"code": concept("3150-6", "http://loinc.org"), **quantity(28, "%")}]},
        {"component": [{"code": concept("3150-6", "http://loinc.org"), **quantity(0.28, "1")}]},
        {"component": [{"code": concept("3150-6", "http://loinc.org"), **quantity(0.4)}]},
        {"note": [{"text": "on 2 L nasal cannula"}]},
        {"method": {"text": "during CPAP"}},
    ],
)
def test_a_saturation_on_oxygen_is_no_source(more: dict[str, Any]) -> None:
    assert facts_of(observation("2708-6", quantity(86, "%"), **more)) == {}


def test_oxygen_recorded_beside_the_saturation_at_the_same_moment_makes_it_no_source() -> None:
    at = {"effectiveDateTime": "2026-05-01T10:00:00Z"}
    flow = observation("3151-8", quantity(3, "L/min"), **at)
    assert facts_of(observation("59408-5", quantity(86, "%"), **at), flow) == {}
    later = {"effectiveDateTime": "2026-05-01T11:00:00Z"}
    assert "oxygen.sao2_rest" in facts_of(observation("59408-5", quantity(86, "%"), **later), flow)


def test_codes_that_say_the_circumstance_themselves() -> None:
    facts = facts_of(
        observation("59412-7", quantity(85, "%")),
        observation("59417-6", quantity(91, "%")),
        observation("59409-3", quantity(80, "%")),
    )
    assert values_of(facts) == {"oxygen.sao2_exercise": 85, "oxygen.sao2_rest": 91}


def test_an_index_under_titration_or_in_one_position_is_none_of_the_study() -> None:
    for words in ("CPAP titration", "AHI supine", "REM AHI", "residual AHI"):
        assert (
            facts_of(
                observation("69990-0", quantity(3, "/h"))
                | {"code": {"coding": [{"system": "http://loinc.org", "code": "69990-0", "display": words}]}}
            )
            == {}
        )


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "registered", "unknown"])
def test_an_observation_without_a_result_states_nothing(status: str) -> None:
    assert facts_of(observation("72514-3", {"valueInteger": 8}) | {"status": status}) == {}


def test_an_absent_value_or_another_subject_states_nothing() -> None:
    assert facts_of(observation("72514-3", {"valueInteger": 8}, focus=[{"reference": "Patient/2"}])) == {}
    assert facts_of(observation("72514-3", {}, dataAbsentReason={"text": "refused"})) == {}


def test_a_reading_of_the_day_stands_beside_the_one_of_an_hour_of_that_day() -> None:
    day = observation("89243-0", {"valueInteger": 50}, effectiveDateTime="2026-05-01")
    hour = observation("89243-0", {"valueInteger": 80}, effectiveDateTime="2026-05-01T09:00:00Z")
    assert facts_of(day, hour)["performance.kps"].status == "conflicting"


def test_an_interpretation_is_the_value_of_a_finding_that_has_none() -> None:
    found = observation("spine.retropulsion", {}, FACTS_SYSTEM, interpretation=[concept("NEG", "x")])
    fact = facts_of(found)["spine.retropulsion"]
    assert (fact.value, paths_of(fact)) == (False, ["Bundle.entry[0].resource.interpretation[0]"])


def test_findings_in_words_are_read_by_the_note_engine() -> None:
    imaging = {"category": [concept("imaging", "http://terminology.hl7.org/CodeSystem/observation-category")]}
    text = {"valueString": "Burst fracture of L2 with retropulsion. No osteolytic lesion."}
    facts = facts_of(observation("18748-4", text) | imaging)
    assert facts["spine.retropulsion"].value is True
    assert paths_of(facts["spine.retropulsion"]) == ["Bundle.entry[0].resource.valueString"]
    assert (facts["spine.retropulsion"].sources[0].quote or "?") in text["valueString"]


def test_codes_of_other_systems_with_the_same_digits_state_nothing() -> None:
    assert facts_of(observation("39156-5", quantity(41, "kg/m2"), "http://example.org")) == {}
    assert values_of(facts_of(observation("60621009", quantity(41, "kg/m2"), SNOMED))) == {"body.bmi": 41}


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.sampled_from(["39156-5", "http://loinc.org", "", "final"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["coding", "code", "system", "valueQuantity", "value", "component", "text", "unit", "note", "low"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(
    st.sampled_from(
        ["Observation", "Condition", "Procedure", "ServiceRequest", "MedicationRequest", "Encounter", "DiagnosticReport",
         "Claim", "QuestionnaireResponse", "Questionnaire"]
    ),
    st.dictionaries(
        st.sampled_from(
            ["status", "code", "component", "valueQuantity", "effectivePeriod", "category", "conclusion", "conclusionCode", "item",
             "bodySite", "performedPeriod", "intent", "medicationCodeableConcept", "medicationReference", "class", "interpretation",
             "clinicalStatus", "verificationStatus", "diagnosis", "supportingInfo", "questionnaire", "note", "url", "id"]
        ),
        _JSON,
        max_size=6,
    ),
)  # fmt: skip
def test_no_shape_of_a_resource_makes_extraction_fail(kind: str, body: dict[str, Any]) -> None:
    for fact in facts_of({"resourceType": kind, **body}).values():
        assert fact.sources


def test_a_weight_that_is_a_bound_bounds_the_index() -> None:
    heavy = observation("29463-7", {"valueQuantity": {"value": 150, "code": "kg", "comparator": ">"}})
    fact = facts_of(observation("8302-2", quantity(170, "cm")), heavy)["body.bmi"]
    assert fact.low == pytest.approx(51.9)
    assert fact.high is None
