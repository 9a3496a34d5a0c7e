"""The JSON Schema of the evidence library says what its reader says, for shipped files and for files bent anywhere."""

from typing import Any, Final

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.criteria_evaluation.domain.lexicon import load_lexicon
from services.criteria_evaluation.domain.vocabulary import comparable
from shared.clinical.evidence import load_evidence
from shared.policy import PolicyFile, read_policy
from tests.support.policy_shapes import RELATIONS, Verdict, bent, drop, put, rename, verdict

VOCABULARY: Final = comparable(load_lexicon(read_policy("lexicon")).vocabulary)
FILES: Final = {file.name: file for file in read_policy("evidence")}
DATA: Final[dict[str, Any]] = {name: yaml.load(file.text, yaml.CSafeLoader) for name, file in FILES.items()}
SHAPELY: Final = ("cpap.yaml", "oxygen.yaml", "unidentified.yaml", "spine-metastasis.yaml")
"""Files that between them use every field."""


def judged(name: str, data: Any) -> Verdict:
    """The file in the place of the shipped one of its name, since statements cite sources of other files."""
    others = [file for file in FILES.values() if file.name != name]
    return verdict(
        data, lambda text: load_evidence([*others, PolicyFile(name, text)], VOCABULARY), "evidence.schema.json"
    )


@pytest.mark.parametrize("name", FILES)
def test_every_shipped_file_is_valid(name: str) -> None:
    found = judged(name, DATA[name])
    assert found.refusal is None
    assert found.valid


CPAP: Final = DATA["cpap.yaml"]
SOURCE: Final = ("sources", 0)
STATEMENT: Final = ("statements", 0)
FIGURES: Final = (*("statements", 1), "figures", "channels")
WRONG: Final[dict[str, Any]] = {
    "an unknown key at the top": put(CPAP, ("studies",), []),
    "a misspelt key": rename(CPAP, ("sources",), "source"),
    "sources that are a mapping": put(CPAP, ("sources",), {"id": "x"}),
    "sources without a value": put(CPAP, ("sources",), None),
    "a source without an id": drop(CPAP, (*SOURCE, "id")),
    "an id in capitals": put(CPAP, (*SOURCE, "id"), "NCD"),
    "an id that ends in a hyphen": put(CPAP, (*SOURCE, "id"), "ncd-"),
    "an unknown kind": put(CPAP, (*SOURCE, "kind"), "blog"),
    "a kind that is a list": put(CPAP, (*SOURCE, "kind"), ["cohort"]),
    "verified that is text": put(CPAP, (*SOURCE, "verified"), "yes"),
    "nobody who says what was read": drop(CPAP, (*SOURCE, "verified_by")),
    "a level of an unknown scale": put(CPAP, (*SOURCE, "level"), {"scale": "ours", "value": 1}),
    "a level beyond its scale": put(CPAP, (*SOURCE, "level", "value"), 6),
    "a grade that is a number": put(CPAP, (*SOURCE, "level"), {"scale": "grade", "value": 1}),
    "a population without a value": put(CPAP, (*SOURCE, "population"), None),
    "a population of text": put(CPAP, (*SOURCE, "population"), "adults"),
    "a retraction without words": put(CPAP, (*SOURCE, "retracted"), " "),
    "no bibliographic data": drop(CPAP, (*SOURCE, "csl")),
    "an unknown variable": put(CPAP, (*SOURCE, "csl", "journal"), "Lancet"),
    "an unknown type": put(CPAP, (*SOURCE, "csl", "type"), "song"),
    "a type that is a list": put(CPAP, (*SOURCE, "csl", "type"), ["report"]),
    "a volume that is a number": put(CPAP, (*SOURCE, "csl", "volume"), 366),
    "a DOI that is none": put(CPAP, (*SOURCE, "csl", "DOI"), "doi:10.1/x"),
    "a PMID with letters": put(CPAP, (*SOURCE, "csl", "PMID"), "PMID1"),
    "a name of neither kind": put(CPAP, (*SOURCE, "csl", "author"), [{"given": "RA"}]),
    "a name of both kinds": put(CPAP, (*SOURCE, "csl", "author"), [{"literal": "A", "family": "B"}]),
    "a date that is text": put(CPAP, (*SOURCE, "csl", "issued"), "2005"),
    "a date of four parts": put(CPAP, (*SOURCE, "csl", "issued"), {"date-parts": [[2005, 8, 20, 1]]}),
    "nothing to be cited by": drop(drop(CPAP, (*SOURCE, "csl", "author")), (*SOURCE, "csl", "title")),
    "a statement without a source": drop(CPAP, (*STATEMENT, "source")),
    "a statement without text": put(CPAP, (*STATEMENT, "text"), " "),
    "an unknown direction": put(CPAP, (*STATEMENT, "direction"), "neutral"),
    "an unknown directness": put(CPAP, (*STATEMENT, "directness"), "maybe"),
    "figures that are a list": put(CPAP, (*STATEMENT, "figures"), []),
    "a figure without a unit": drop(CPAP, (*FIGURES, "unit")),
    "a figure without a value": drop(CPAP, (*FIGURES, "value")),
    "a value that is text": put(CPAP, (*FIGURES, "value"), "3"),
    "an unknown key of a figure": put(CPAP, (*FIGURES, "n"), 3),
    "events without their total": put(CPAP, (*FIGURES, "events"), 3),
    "a total without a value": put(put(CPAP, (*FIGURES, "events"), 3), (*FIGURES, "of"), None),
    "an interval without its confidence": put(CPAP, (*FIGURES, "ci"), [2, 4]),
    "an interval of one end": put(put(CPAP, (*FIGURES, "ci"), [2]), (*FIGURES, "confidence"), 95),
    "p above one": put(CPAP, (*FIGURES, "p"), 2),
    "a condition on a fact that does not exist": put(CPAP, (*STATEMENT, "applies_when", "fact"), "sleep.ahis"),
    "a condition on an internal fact": put(CPAP, (*STATEMENT, "applies_when", "fact"), "_hearing.able"),
    "a condition of the wrong type": put(CPAP, (*STATEMENT, "applies_when", "is"), 3),
    "an exclusion without a reason": put(CPAP, (*STATEMENT, "exclusions"), [{"when": {"fact": "sleep.ahi", "<": 5}}]),
    "an exclusion of an unknown word": put(
        CPAP,
        (*STATEMENT, "exclusions"),
        [{"when": {"fact": "sleep.ahi", "<": 5}, "reason": "Few events.", "if_unknown": "asks"}],
    ),
    "a limitation without a condition": put(CPAP, (*STATEMENT, "limitations"), [{"text": "With care."}]),
    "exclusions without a value": put(CPAP, (*STATEMENT, "exclusions"), None),
}


@pytest.mark.parametrize("bend", WRONG)
def test_what_is_wrong_is_refused_by_both(bend: str) -> None:
    found = judged("cpap.yaml", WRONG[bend])
    assert found.refusal is not None
    assert found.refusal.startswith("cpap.yaml")
    assert not RELATIONS.search(found.refusal)
    assert not found.valid


RIGHT: Final[dict[str, Any]] = {
    "a level that cannot be given": put(CPAP, (*SOURCE, "level"), None),
    "no level": drop(CPAP, (*SOURCE, "level")),
    "no condition": put(CPAP, (*STATEMENT, "applies_when"), None),
    "counts behind a figure": put(
        CPAP, FIGURES, {"value": 50, "unit": "%", "events": 1, "of": 2, "ci": [1, 99], "confidence": 95, "p": 1}
    ),
    "figures without values beside them": put(CPAP, FIGURES, {"value": 3, "unit": "1", "events": None, "ci": None}),
    "sources alone": {"sources": [{**CPAP["sources"][0], "id": "another"}]},
    "nothing yet": {},
}


@pytest.mark.parametrize("bend", RIGHT)
def test_what_is_right_is_accepted_by_both(bend: str) -> None:
    found = judged("cpap.yaml" if "statements" in RIGHT[bend] else "new.yaml", RIGHT[bend])
    assert found.refusal is None
    assert found.valid


@given(st.sampled_from(SHAPELY).flatmap(lambda name: st.tuples(st.just(name), bent(DATA[name]))))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_reader_and_schema_agree_on_files_bent_anywhere(case: tuple[str, Any]) -> None:
    found = judged(*case)
    assert found.agrees, found
