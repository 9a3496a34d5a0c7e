"""The JSON Schema of the lexicon says what its reader says, for shipped files and for files bent anywhere."""

from typing import Any, Final

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.criteria_evaluation.domain.lexicon import load_lexicon
from services.criteria_evaluation.schemas import policy_schemas
from shared.policy import PolicyFile, read_policy
from tests.support.policy_shapes import RELATIONS, Verdict, bent, drop, put, rename, verdict

FILES: Final = {file.name: file for file in read_policy("lexicon")}
DATA: Final[dict[str, Any]] = {name: yaml.load(file.text, yaml.CSafeLoader) for name, file in FILES.items()}


def _thinned(data: Any) -> Any:
    """The same with one pattern in each list: each file is read many times, and one pattern is like another."""
    match data:
        case dict():
            return {key: value[:1] if key == "patterns" else _thinned(value) for key, value in data.items()}
        case list():
            return [_thinned(value) for value in data]
        case _:
            return data


SMALL: Final[dict[str, Any]] = {name: _thinned(data) for name, data in DATA.items()}
THIN: Final = {name: PolicyFile(name, yaml.dump(data, Dumper=yaml.CSafeDumper)) for name, data in SMALL.items()}
BENT: Final = ("coded.yaml", "wound.yaml", "obesity.yaml", "context.yaml")
"""Files that between them use every field, and that define no fact of their own, which others might rest on."""


def judged(name: str, data: Any) -> Verdict:
    """The file in the place of the shipped one of its name. The vocabulary is judged by itself: all others rest on it."""
    others = [file for file in THIN.values() if file.name != name and name != "vocabulary.yaml"]
    return verdict(data, lambda text: load_lexicon([*others, PolicyFile(name, text)]), "lexicon.schema.json")


@pytest.mark.parametrize("name", FILES)
def test_every_shipped_file_is_valid(name: str) -> None:
    found = judged(name, DATA[name])
    assert found.refusal is None
    assert found.valid


WOUND: Final = SMALL["wound.yaml"]
CODED: Final = SMALL["coded.yaml"]
VOCABULARY: Final = SMALL["vocabulary.yaml"]
TARGET: Final = ("targets", 0)
GRADE: Final = ("facts", "spine.fracture_pattern")
SCORE: Final = ("facts", "spine.sins_total")
WRONG: Final[dict[str, tuple[str, Any]]] = {
    "an unknown key at the top": ("wound.yaml", put(WOUND, ("words",), [])),
    "no version": ("wound.yaml", drop(WOUND, ("version",))),
    "an id without a value": ("wound.yaml", put(WOUND, ("id",), None)),
    "classes that are a list": ("wound.yaml", put(WOUND, ("classes",), ["ulcer"])),
    "a class that is a mapping": ("wound.yaml", put(WOUND, ("classes", "ulcer"), {"a": "b"})),
    "a class of true": ("wound.yaml", put(WOUND, ("classes", "ulcer"), [True])),
    "a topic without words": ("wound.yaml", drop(WOUND, ("topics", "wound", "words"))),
    "a topic of an unknown fact": ("wound.yaml", put(WOUND, ("topics", "wound", "facts"), ["wound.smell"])),
    "targets that are a mapping": ("wound.yaml", put(WOUND, ("targets",), {"id": "x"})),
    "a misspelt key of a target": ("wound.yaml", rename(WOUND, (*TARGET, "patterns"), "pattern")),
    "a target without an id": ("wound.yaml", drop(WOUND, (*TARGET, "id"))),
    "a target of no fact": ("wound.yaml", drop(WOUND, (*TARGET, "fact"))),
    "a target of an unknown fact": ("wound.yaml", put(WOUND, (*TARGET, "fact"), "wound.smell")),
    "a target of a fact that is unknown beside another": (
        "wound.yaml",
        put(WOUND, (*TARGET, "fact"), ["wound.lower_extremity", "wound.smell"]),
    ),
    "no patterns": ("wound.yaml", put(WOUND, (*TARGET, "patterns"), [])),
    "patterns without a value": ("wound.yaml", put(WOUND, (*TARGET, "patterns"), None)),
    "an unknown use": ("wound.yaml", put(WOUND, (*TARGET, "past"), "forget")),
    "a rank that is text": ("wound.yaml", put(WOUND, (*TARGET, "rank"), "second")),
    "background that is text": ("wound.yaml", put(WOUND, (*TARGET, "background"), "true")),
    "a value that is none of the fact's": (
        "wound.yaml",
        put(put(WOUND, (*TARGET, "fact"), "spine.escc_grade"), (*TARGET, "value"), "9"),
    ),
    "two values of a fact that has one": (
        "wound.yaml",
        put(put(WOUND, (*TARGET, "fact"), "spine.escc_grade"), (*TARGET, "value"), ["3", "4"]),
    ),
    "a boolean that is text": (
        "wound.yaml",
        put(put(WOUND, (*TARGET, "fact"), "wound.lower_extremity"), (*TARGET, "value"), "yes"),
    ),
    "a quantity with a value": (
        "wound.yaml",
        put(put(WOUND, (*TARGET, "fact"), "wound.standard_care_duration"), (*TARGET, "value"), 30),
    ),
    "a context without patterns": ("wound.yaml", put(WOUND, ("contexts", "at-the-moment"), {"reach": "clause"})),
    "a context of an unknown reach": (
        "wound.yaml",
        put(WOUND, ("contexts", "at-the-moment"), {"reach": "page", "patterns": ["now"]}),
    ),
    "a trigger of an unknown kind": (
        "wound.yaml",
        put(WOUND, ("triggers",), [{"id": "never", "kind": "never", "patterns": ["never"]}]),
    ),
    "a trigger whose reach is text": (
        "wound.yaml",
        put(WOUND, ("triggers",), [{"id": "never", "reach": "far", "patterns": ["never"]}]),
    ),
    "an observation without a fact": ("coded.yaml", drop(CODED, ("observations", "39156-5", "fact"))),
    "an observation of two facts": ("coded.yaml", put(CODED, ("observations", "39156-5", "fact"), ["body.bmi"])),
    "a component's bound that is text": (
        "coded.yaml",
        put(CODED, ("observations", "2703-7", "unless", "3151-8"), "none"),
    ),
    "conditions of a fact that is no boolean": ("coded.yaml", put(CODED, ("conditions", "body.bmi"), {})),
    "conditions without their system": ("coded.yaml", put(CODED, ("conditions", "condition.stroke"), ["I63*"])),
    "a service of an unknown standing": ("coded.yaml", put(CODED, ("services", 0, "standings"), ["hoped"])),
    "a rule of an unknown kind": ("coded.yaml", put(CODED, ("rules", 0, "rule"), "product")),
    "a rule of no kind": ("coded.yaml", drop(CODED, ("rules", 0, "rule"))),
    "a rule over an unknown fact": ("coded.yaml", put(CODED, ("rules", 0, "of"), ["spine.sins.total"])),
    "a rule's bound that is text": ("coded.yaml", put(CODED, ("rules", 1, "true_from"), "13")),
    "a rule's condition on an unknown fact": ("coded.yaml", put(CODED, ("rules", 0, "when"), {"wound.smell": [True]})),
    "a rule's condition of the wrong type": (
        "coded.yaml",
        put(CODED, ("rules", 0, "when"), {"spine.instability": ["yes"]}),
    ),
    "a map to what is no value": ("coded.yaml", put(CODED, ("rules", 2, "values", "lymphoma"), "yes")),
    "a fact of an unknown type": ("vocabulary.yaml", put(VOCABULARY, (*GRADE, "type"), "text")),
    "a fact of no type": ("vocabulary.yaml", drop(VOCABULARY, (*GRADE, "type"))),
    "an unknown key of a fact": ("vocabulary.yaml", put(VOCABULARY, (*GRADE, "codes"), ["burst"])),
    "a code without words": ("vocabulary.yaml", put(VOCABULARY, (*GRADE, "values"), [])),
    "a code with a unit": ("vocabulary.yaml", put(VOCABULARY, (*GRADE, "unit"), "cm")),
    "a quantity without a unit": ("vocabulary.yaml", drop(VOCABULARY, (*SCORE, "unit"))),
    "a quantity with words": ("vocabulary.yaml", put(VOCABULARY, (*SCORE, "values"), ["high"])),
    "a range of one number": ("vocabulary.yaml", put(VOCABULARY, (*SCORE, "range"), [0])),
    "a range of words": ("vocabulary.yaml", put(VOCABULARY, (*SCORE, "range"), ["low", "high"])),
}


@pytest.mark.parametrize("bend", WRONG)
def test_what_is_wrong_is_refused_by_both(bend: str) -> None:
    found = judged(*WRONG[bend])
    assert found.refusal is not None
    assert not RELATIONS.search(found.refusal)
    assert not found.valid


RIGHT: Final[dict[str, tuple[str, Any]]] = {
    "one pattern without a list": ("wound.yaml", put(WOUND, (*TARGET, "patterns"), "wound ~3 <grade>")),
    "a code that YAML reads as a number": (
        "wound.yaml",
        put(put(WOUND, (*TARGET, "fact"), "spine.escc_grade"), (*TARGET, "value"), 3),
    ),
    "a denial that says nothing": ("wound.yaml", put(WOUND, (*TARGET, "negated"), "drop")),
    "a file that has no words yet": ("new.yaml", {"id": "new", "version": 1.0}),
    "one fact that a rule is over": ("coded.yaml", put(CODED, ("rules", 1, "of"), "spine.sins_total")),
}


@pytest.mark.parametrize("bend", RIGHT)
def test_what_is_right_is_accepted_by_both(bend: str) -> None:
    found = judged(*RIGHT[bend])
    assert found.refusal is None
    assert found.valid


@given(st.sampled_from(BENT).flatmap(lambda name: st.tuples(st.just(name), bent(SMALL[name]))))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_reader_and_schema_agree_on_files_bent_anywhere(case: tuple[str, Any]) -> None:
    found = judged(*case)
    assert found.agrees, found


@given(bent(VOCABULARY))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_reader_and_schema_agree_on_a_vocabulary_bent_anywhere(data: Any) -> None:
    found = judged("vocabulary.yaml", data)
    assert found.agrees, found


def test_facts_that_nobody_is_shown_complete_here() -> None:
    names = policy_schemas()["lexicon.schema.json"]["definitions"]["fact"]
    assert "_hearing.able" in names["enum"]
    assert len(names["enumDescriptions"]) == len(names["enum"])
