"""The JSON Schemas of policy files say what the readers say: every refusal for shape, and nothing that a reader accepts."""

from typing import Any, Final

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from services.criteria_evaluation.domain.lexicon import load_lexicon
from services.criteria_evaluation.domain.vocabulary import comparable
from services.criteria_evaluation.schemas import policy_schemas
from shared.clinical.criteria import parse_criteria_set
from shared.policy import PolicyError, read_policy
from tests.support.policy_shapes import Verdict, bent, drop, put, rename, verdict

LEXICON: Final = load_lexicon(read_policy("lexicon"))
VOCABULARY: Final = comparable(LEXICON.vocabulary)
SETS: Final[dict[str, Any]] = {
    file.name.removesuffix(".yaml"): yaml.load(file.text, yaml.CSafeLoader) for file in read_policy("criteria")
}
CPAP: Final = SETS["cpap-osa"]
WHEN: Final = ("criteria", 0, "when")
SHAPELY: Final = ("bariatric-surgery", "cochlear-implantation", "cpap-osa", "vertebral-augmentation")
"""Sets that between them use every field and are short enough to be read some hundred times."""


def judged(data: Any) -> Verdict:
    return verdict(data, lambda text: parse_criteria_set(text, "file.yaml", VOCABULARY), "criteria.schema.json")


def test_the_schemas_are_schemas() -> None:
    schemas = policy_schemas()
    assert "criteria.schema.json" in schemas
    for schema in schemas.values():
        Draft7Validator.check_schema(schema)


@pytest.mark.parametrize("name", SETS)
def test_every_shipped_set_is_valid(name: str) -> None:
    found = judged(SETS[name])
    assert found.refusal is None
    assert found.valid


def when(**leaf: Any) -> Any:
    """The set with another expression in its first criterion; ``op`` stands for ``>=``."""
    return put(CPAP, WHEN, {(">=" if key == "op" else key): value for key, value in leaf.items()})


WRONG: Final[dict[str, Any]] = {
    "an unknown key at the top": put(CPAP, ("outcome",), []),
    "a misspelt key": rename(CPAP, ("criteria",), "criterias"),
    "an unknown key in a criterion": put(CPAP, ("criteria", 0, "titel"), "x"),
    "an unknown key in the applicability": put(CPAP, ("applicability", "codes"), ["E0601"]),
    "an unknown key in an example": put(CPAP, ("examples", 0, "result"), "approved"),
    "no id": drop(CPAP, ("id",)),
    "an id without a value": put(CPAP, ("id",), None),
    "an id in capitals": put(CPAP, ("id",), "CPAP"),
    "an id with a dot": put(CPAP, ("criteria", 0, "id"), "one.1"),
    "a version that is a number": put(CPAP, ("version",), 1.0),
    "a blank title": put(CPAP, ("title",), "  "),
    "no criteria": put(CPAP, ("criteria",), []),
    "criteria that are a mapping": put(CPAP, ("criteria",), {"one": 1}),
    "a criterion without a title": drop(CPAP, ("criteria", 0, "title")),
    "a criterion without a body": drop(CPAP, WHEN),
    "a criterion with two bodies": put(CPAP, ("criteria", 0, "all_of"), CPAP["criteria"][1]["any_of"]),
    "a group of none": put(CPAP, ("criteria", 1, "any_of"), []),
    "no services": put(CPAP, ("applicability", "services"), []),
    "services that are numbers": put(CPAP, ("applicability", "services"), [22510]),
    "services that are one text": put(CPAP, ("applicability", "services"), "E0601"),
    "a first day that is no date": put(CPAP, ("effective", "from"), "soon"),
    "a day that no calendar has": put(CPAP, ("effective", "from"), "2025-02-30"),
    "a source without text": drop(CPAP, ("sources", 0, "text")),
    "an operator that does not exist": when(fact="sleep.ahi", equals=5),
    "a leaf that compares nothing": when(fact="sleep.ahi"),
    "a leaf that compares twice": when(fact="sleep.ahi", op=5, known=True),
    "a fact that does not exist": when(fact="sleep.ahis", op=5),
    "a fact that is internal": when(fact="_hearing.able", known=True),
    "a bound that is text": when(fact="sleep.ahi", op="5"),
    "a bound that is true": when(fact="sleep.ahi", op=True),
    "a quantity compared with true": put(CPAP, WHEN, {"fact": "sleep.ahi", "is": True}),
    "a boolean compared with a number": when(fact="sleep.clinical_evaluation", op=1),
    "a boolean compared with a code": put(CPAP, WHEN, {"fact": "sleep.clinical_evaluation", "is": "psg"}),
    "a code that the fact does not have": put(CPAP, WHEN, {"fact": "sleep.study_type", "is": "eeg"}),
    "a list where one code belongs": put(CPAP, WHEN, {"fact": "sleep.study_type", "is": ["psg"]}),
    "an empty list of codes": put(CPAP, WHEN, {"fact": "sleep.study_type", "in": []}),
    "includes_any of a code": put(CPAP, WHEN, {"fact": "sleep.study_type", "includes_any": ["psg"]}),
    "levels that do not exist": put(CPAP, WHEN, {"fact": "spine.lesion_levels", "overlaps": ["L9"]}),
    "levels over a fact of another type": put(CPAP, WHEN, {"fact": "spine.lesion_levels", "overlaps": "sleep.ahi"}),
    "known: false": when(fact="sleep.ahi", known=False),
    "quantities of two units": when(fact="sleep.ahi", exceeds="body.bmi"),
    "by without exceeds": when(fact="sleep.ahi", op=5, by=2),
    "a unit beside known": when(fact="sleep.ahi", known=True, unit="/h"),
    "a unit that is a number": when(fact="sleep.ahi", op=5, unit=1),
    "an expression of two kinds": when(all_of=[{"fact": "sleep.ahi", "known": True}], any_of=[]),
    "an expression that is a list": put(CPAP, WHEN, [{"fact": "sleep.ahi", "known": True}]),
    "an empty expression": put(CPAP, WHEN, {}),
    "at_least without n": when(at_least={"of": [{"fact": "sleep.ahi", "known": True}]}),
    "at_least of no number": when(at_least={"n": None, "of": [{"fact": "sleep.ahi", "known": True}]}),
    "at_least of none": when(at_least={"n": 0, "of": [{"fact": "sleep.ahi", "known": True}]}),
    "a brace that is no placeholder": put(CPAP, ("timing", 0, "text"), "Use {it}."),
    "a placeholder of a boolean": put(CPAP, ("timing", 0, "text"), "It is {condition.stroke}."),
    "a text that is a number": put(CPAP, ("timing", 0, "text"), 12),
    "a sentence with an unknown key": put(CPAP, ("timing", 0, "text"), [{"text": "A.", "if": {}}]),
    "a rule without a reason": drop(CPAP, ("refer", 0, "reason")),
    "an alternative without a ruling": drop(CPAP, ("alternatives", 0, "inadequate")),
    "an alternative with an empty ruling": put(CPAP, ("alternatives", 0, "inadequate"), None),
    "an alternative that stays silent": drop(CPAP, ("alternatives", 0, "undetermined")),
    "own_levels that is text": put(CPAP, ("purposes", "rules", 0, "own_levels"), "yes"),
    "a purpose without a condition": drop(CPAP, ("purposes", "rules", 0, "when")),
    "a question for a fact that does not exist": put(CPAP, ("questions", "sleep.ahis"), "How many?"),
    "a question without words": put(CPAP, ("questions", "sleep.ahi"), None),
    "an outcome that does not exist": put(CPAP, ("examples", 0, "outcome"), "denied"),
    "an example of a fact that does not exist": put(CPAP, ("examples", 0, "facts", "sleep.ahis"), 5),
    "an example with text for a boolean": put(CPAP, ("examples", 0, "facts", "care.inpatient"), "yes"),
    "an example with a code that is none": put(CPAP, ("examples", 0, "facts", "sleep.study_type"), "eeg"),
    "an example with an end that is text": put(CPAP, ("examples", 0, "facts", "sleep.ahi"), {"low": "5"}),
}


@pytest.mark.parametrize("bend", WRONG)
def test_what_is_wrong_is_refused_by_both(bend: str) -> None:
    found = judged(WRONG[bend])
    assert found.refusal is not None
    assert not found.valid


RIGHT: Final[dict[str, Any]] = {
    "a field without a value": put(CPAP, ("applicability", "companions"), None),
    "a section without a value": put(CPAP, ("outcomes",), None),
    "a date in quotes": put(CPAP, ("effective", "from"), "2008-03-13"),
    "an open interval": put(CPAP, ("examples", 0, "facts", "sleep.ahi"), {"low": 15, "high": None}),
    "a code that YAML reads as a number": put(CPAP, WHEN, {"fact": "spine.escc_grade", "in": [2, "3", "1b"]}),
    "levels and ranges": put(CPAP, WHEN, {"fact": "spine.lesion_levels", "overlaps": ["T9-T12", "S1"]}),
    "two facts of levels": put(CPAP, WHEN, {"fact": "spine.lesion_levels", "overlaps": "spine.requested_levels"}),
    "quantities of one unit": when(fact="oxygen.sao2_rest", exceeds="oxygen.sao2_asleep", by=5),
    "a unit": when(fact="treatment.nonoperative_duration", op=6, unit="wk"),
    "negation": put(CPAP, WHEN, {"not": {"fact": "sleep.clinical_evaluation", "is": False}}),
    "no examples": drop(CPAP, ("examples",)),
    "a criterion of at least two": put(
        drop(CPAP, ("criteria", 1, "any_of")),
        ("criteria", 1, "at_least"),
        {"n": 2, "of": CPAP["criteria"][1]["any_of"]},
    ),
}


@pytest.mark.parametrize("bend", RIGHT)
def test_what_is_right_is_accepted_by_both(bend: str) -> None:
    found = judged(RIGHT[bend])
    assert found.refusal is None
    assert found.valid


@given(st.sampled_from(SHAPELY).flatmap(lambda name: bent(SETS[name])))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_reader_and_schema_agree_on_sets_bent_anywhere(data: Any) -> None:
    found = judged(data)
    assert found.agrees, found


def test_facts_complete_in_an_editor() -> None:
    """The names stand as an enumeration, with what each fact is called, and internal ones do not."""
    names = policy_schemas()["criteria.schema.json"]["definitions"]["leaf"]["properties"]["fact"]
    assert names["enum"] == [name for name, fact in LEXICON.vocabulary.items() if not fact.internal]
    assert len(names["enumDescriptions"]) == len(names["enum"])
    assert "apnea-hypopnea index (quantity in /h)" in names["enumDescriptions"]


@pytest.mark.parametrize("text", ["id: x\neffective: {from: 2025-02-30}", "id: .inf", "? [a]\n: b"])
def test_a_value_that_yaml_cannot_make_is_refused_with_one_sentence(text: str) -> None:
    with pytest.raises(PolicyError, match=r"^file\.yaml"):
        parse_criteria_set(text, "file.yaml", VOCABULARY)
