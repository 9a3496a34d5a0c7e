"""Criteria sets to FHIR R4 and back: nothing is lost, with the attached YAML and without it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.criteria_evaluation.domain.evaluate import evaluate_case
from services.criteria_evaluation.domain.extract import extract
from shared.clinical.criteria import parse_criteria_set
from shared.clinical.criteria_examples import Example
from shared.clinical.criteria_model import CriteriaSet
from shared.clinical.model import Facts, RequestedItem, Resource
from tests.support import r4
from tests.support.criteria_fhir import (
    FILES,
    LEXICON,
    VOCABULARY,
    bundle_of,
    content_of,
    exported,
    imported,
    resource,
    response_of,
    without_library,
)
from tests.unit.test_set_examples import ON

COMPILED = {f.stem: parse_criteria_set(f.read_text(encoding="utf-8"), f.name, VOCABULARY) for f in FILES}
EXAMPLES = [(set_id, example) for set_id, compiled in COMPILED.items() for example in compiled.examples]
each_set = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@each_set
def test_the_file_comes_back_byte_for_byte(file: Path) -> None:
    content = file.read_bytes()
    found = imported(exported(content))
    assert found.attached
    assert found.content == content


@each_set
def test_the_structure_alone_holds_the_whole_set(file: Path) -> None:
    found = imported(without_library(bundle_of(file.stem)))
    assert not found.attached
    assert content_of(found.criteria_set) == content_of(COMPILED[file.stem])
    again = parse_criteria_set(found.content.decode(), "written.yaml", VOCABULARY)
    assert again.digest == COMPILED[file.stem].digest


@each_set
def test_an_export_has_the_same_bytes_each_time(file: Path) -> None:
    bundle = exported(file.read_bytes())
    assert exported(file.read_bytes(), "the same file under another name") == bundle
    # What was written anew from the structure is the same set, so its PlanDefinition is the same too.
    rewritten = json.loads(exported(imported(without_library(json.loads(bundle))).content))
    assert without_library(rewritten) == without_library(json.loads(bundle))


@each_set
def test_the_resources_keep_the_rules_of_r4(file: Path) -> None:
    assert r4.problems(bundle_of(file.stem)) == []


def test_the_rules_of_r4_see_what_is_wrong() -> None:
    bundle = bundle_of("cpap-osa")
    plan, form = resource(bundle, "PlanDefinition"), resource(bundle, "Questionnaire")
    plan["status"] = "final"
    plan["action"][0]["condition"] = [{"kind": "applicability", "expression": {"expression": "x"}}]
    plan["extension"].append({"url": "http://x.org"})
    form["item"][0]["linkId"] = form["item"][1]["linkId"]
    form["note"] = "no such element"
    found = " ".join(r4.problems(bundle))
    for expected in ("final is not in the value set", "language: is required", "ext-1", "que-2", "Questionnaire.note"):
        assert expected in found


def test_a_plan_definition_says_in_fhir_what_the_set_says() -> None:
    plan = resource(bundle_of("spine-tumor-decompression"), "PlanDefinition")
    assert plan["url"] == "https://priorauth.dev/fhir/PlanDefinition/spine-tumor-decompression"
    assert plan["effectivePeriod"] == {"start": "2024-01-01"}
    ranges = [
        u["valueCodeableConcept"] for u in plan["useContext"] if u["valueCodeableConcept"]["text"] == "63300-63308"
    ]
    assert [coding["code"] for coding in ranges[0]["coding"]] == [str(code) for code in range(63300, 63309)]
    indication = plan["action"][0]["action"][2]
    assert (indication["id"], indication["selectionBehavior"]) == ("indication", "one-or-more")
    assert {"type": "citation", "label": "sins-2010"} in indication["documentation"]
    condition = plan["action"][0]["action"][0]["condition"][0]
    assert condition["expression"]["description"] == "oncology.malignancy_confirmed is true"
    assert json.loads(condition["expression"]["expression"]) == {"fact": "oncology.malignancy_confirmed", "is": True}
    statements = {a["label"]: a for a in plan["relatedArtifact"] if a["type"] == "justification"}
    assert "Patchell" in statements["patchell-2005-walking"]["citation"]
    assert statements["reference-2-pain"]["citation"].endswith("(unverified)")


def test_an_exception_of_a_refer_rule_is_a_modifier_that_nobody_can_overlook() -> None:
    plan = resource(bundle_of("spine-tumor-decompression"), "PlanDefinition")
    refer = next(a for a in plan["action"] if a["code"][0]["coding"][0]["code"] == "refer")
    rule = next(a for a in refer["action"] if a["id"] == "refer-complete-paraplegia")
    modified = [condition for condition in rule["condition"] if "modifierExtension" in condition]
    assert len(rule["condition"]) == 2
    assert json.loads(modified[0]["expression"]["expression"])["<="] == 48


@each_set
def test_the_questionnaire_asks_for_every_fact_of_the_set_by_its_name(file: Path) -> None:
    form = resource(bundle_of(file.stem), "Questionnaire")
    compiled = COMPILED[file.stem]
    items = {item["linkId"]: item for item in form["item"]}
    assert set(compiled.fact_names) <= set(items)
    assert {name: items[name]["text"] for name in compiled.questions} == compiled.questions
    for name, item in items.items():
        fact = LEXICON.vocabulary[name]
        assert item["type"] == {"boolean": "boolean", "quantity": "quantity"}.get(fact.kind, "choice")
        assert item.get("repeats", False) == (fact.kind in ("codes", "levels"))


@pytest.mark.parametrize(("set_id", "example"), EXAMPLES, ids=[f"{s}: {e.name}" for s, e in EXAMPLES])
def test_an_answered_questionnaire_is_decided_as_the_example_says(set_id: str, example: Example) -> None:
    form = resource(bundle_of(set_id), "Questionnaire")
    response = response_of(form, example.facts)
    assert r4.problems(response) == [] or not example.facts
    facts = extract([], [Resource("Bundle.entry[0].resource", response)], LEXICON)
    for name, fact in example.facts.items():
        assert (facts[name].value, facts[name].low, facts[name].high) == (fact.value, fact.low, fact.high)
    for code in example.items or sorted(COMPILED[set_id].applicability.services):
        assert _decided(COMPILED[set_id], code, facts) == example.outcome, code


def _decided(criteria_set: CriteriaSet, code: str, facts: Facts) -> str:
    diagnoses = [pattern.rstrip("*") for pattern in criteria_set.applicability.diagnoses[:1]]
    return evaluate_case([criteria_set], [RequestedItem(1, code)], diagnoses, None, ON, facts).outcome


def test_the_documentation_shows_what_is_written() -> None:
    page = (Path(__file__).parents[2] / "docs/criteria-fhir.md").read_text(encoding="utf-8")
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    parts = list(_parts(bundle_of("cpap-osa")))
    assert len(blocks) == 2
    assert all(block in parts for block in blocks)


def _parts(node: object) -> Iterator[object]:
    members = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    yield node
    for member in members:
        yield from _parts(member)
