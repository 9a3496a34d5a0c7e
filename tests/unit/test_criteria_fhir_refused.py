"""Bundles that are no criteria set, or that contradict themselves: each is refused in one sentence that names the place."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from services.criteria_evaluation.domain.fhir_terms import BASE
from shared.policy import PolicyError
from tests.support.criteria_fhir import SETS, bundle_of, exported, imported, resource, without_library

Json = dict[str, Any]
Change = Callable[[Json], Any]


def plan(bundle: Json) -> Json:
    return resource(bundle, "PlanDefinition")


def form(bundle: Json) -> Json:
    return resource(bundle, "Questionnaire")


def attachment(bundle: Json) -> Json:
    found: Json = resource(bundle, "Library")["content"][0]
    return found


def section(bundle: Json, name: str) -> Json:
    found: Json = next(a for a in plan(bundle)["action"] if a["code"][0]["coding"][0]["code"] == name)
    return found


def rewrite(bundle: Json, old: str, new: str) -> None:
    """Changes the attached YAML and its hash with it."""
    text = base64.b64decode(attachment(bundle)["data"]).decode()
    assert old in text
    other = exported(text.replace(old, new, 1).encode())
    attachment(bundle).update(attachment(json.loads(other)))


@pytest.mark.parametrize(
    "content", [b"", b"id: x", b"[1", b"\xff\xfe", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 100_000]
)
def test_what_is_not_json_is_refused(content: bytes) -> None:
    with pytest.raises(PolicyError, match=r"bundle\.json: this is not"):
        imported(content)


@pytest.mark.parametrize("document", [[], {}, "x", {"resourceType": "Patient"}, {"resourceType": ["Bundle"]}])
def test_another_resource_is_refused(document: Any) -> None:
    with pytest.raises(PolicyError, match="not a FHIR Bundle"):
        imported(json.dumps(document).encode())


ATTACHED: list[tuple[str, Change, str]] = [
    ("no plan", lambda b: b["entry"].pop(0), "one PlanDefinition, and this has 0"),
    ("two forms", lambda b: b["entry"].append(b["entry"][1]), "one Questionnaire, and this has 2"),
    ("broken hash", lambda b: attachment(b).update(hash="AAAA"), r"content\[0\] has a hash that is not"),
    ("no hash", lambda b: attachment(b).pop("hash"), "has no hash"),
    ("no base64", lambda b: attachment(b).update(data="a b"), "not base64"),
    (
        "two files",
        lambda b: resource(b, "Library")["content"].append(attachment(b)),
        "one attached file, and this has 2",
    ),
    ("other file", lambda b: rewrite(b, '"<=": 88', '"<=": 90'), r"disagree on criteria\[0\].any_of\[0\].when"),
    ("other title", lambda b: rewrite(b, "title: Oxygen at home", "title: Oxygen"), "disagree on title"),
]


@pytest.mark.parametrize(("change", "reason"), [c[1:] for c in ATTACHED], ids=[c[0] for c in ATTACHED])
def test_a_library_that_is_damaged_or_says_something_else_is_refused(change: Change, reason: str) -> None:
    bundle = bundle_of("home-oxygen")
    change(bundle)
    with pytest.raises(PolicyError, match=reason) as caught:
        imported(bundle)
    assert "\n" not in str(caught.value)


def first(bundle: Json) -> Json:
    found: Json = plan(bundle)["action"][0]["action"][0]
    return found


def expression(bundle: Json) -> Json:
    found: Json = first(bundle)["action"][0]["condition"][0]["expression"]
    return found


STRUCTURE: list[tuple[str, Change, str]] = [
    ("path in id", lambda b: plan(b).update(id="../../etc/passwd"), "lower-case letters, digits and hyphens"),
    (
        "version",
        lambda b: plan(b).update(version=1),
        "bundle.json: Bundle.entry.0..resource has a version that is not text",
    ),
    ("goal", lambda b: plan(b).update(goal=[{"id": "x"}]), "goal, which has no place in a criteria set"),
    ("modifier", lambda b: plan(b).update(modifierExtension=[{"url": "u"}]), "modifierExtension, which has no place"),
    ("own extension", lambda b: plan(b)["extension"].append({"url": f"{BASE}/x"}), "not an extension that belongs"),
    ("timing", lambda b: first(b).update(timingDateTime="2026"), r"action\[0\].action\[0\] has timingDateTime, which"),
    ("selection", lambda b: first(b).update(selectionBehavior="any"), "selects in a way"),
    ("top selection", lambda b: section(b, "criteria").update(selectionBehavior="any"), "all are required"),
    ("section", lambda b: plan(b)["action"].append(section(b, "criteria")), "stands twice"),
    ("no code", lambda b: section(b, "criteria").pop("code"), "not exactly one code"),
    ("language", lambda b: expression(b).update(language="text/cql"), "another language than text/x-priorauth"),
    ("no json", lambda b: expression(b).update(expression="x > 3"), "expression.expression: this is not a JSON"),
    ("unknown fact", lambda b: expression(b).update(expression='{"fact": "x.y", "is": true}'), "x.y is not a fact"),
    (
        "deep",
        lambda b: expression(b).update(expression='{"not":' * 900 + "1" + "}" * 900),
        "nested too|not a JSON|mapping",
    ),
    ("kind", lambda b: first(b)["action"][0]["condition"][0].update(kind="start"), "only applicability condition"),
    (
        "modified",
        lambda b: first(b)["action"][0]["condition"][0].update(modifierExtension=[{"url": "u", "valueBoolean": True}]),
        "modifier that does",
    ),
    (
        "codes",
        lambda b: plan(b)["useContext"][0]["valueCodeableConcept"].update(text="E9999"),
        "other codes than its text",
    ),
    ("use", lambda b: plan(b)["useContext"][0]["code"].update(code="venue"), "not a kind of use"),
    ("date", lambda b: plan(b).update(effectivePeriod={"start": "2024"}), "not a day"),
    ("digest", lambda b: plan(b).update(title="Other"), "not the digest of the set"),
    ("no id", lambda b: plan(b).pop("id"), "resource has no id"),
    ("no action", lambda b: plan(b).pop("action"), "at least one criterion"),
    ("list", lambda b: plan(b).update(action={}), "action that is not a list"),
    ("evidence kind", lambda b: first(b)["documentation"][0].update(type="successor"), "neither a justification nor"),
    ("link", lambda b: form(b)["item"][0].update(linkId="lab.sodium"), r"item\[0\] has a linkId that is not a fact"),
    ("type", lambda b: form(b)["item"][0].update(type="boolean"), "another type than oxygen.sao2_rest"),
    ("twice", lambda b: form(b)["item"].append(form(b)["item"][0]), "another item asks for"),
]


@pytest.mark.parametrize(("change", "reason"), [c[1:] for c in STRUCTURE], ids=[c[0] for c in STRUCTURE])
def test_a_structure_that_is_no_criteria_set_is_refused(change: Change, reason: str) -> None:
    bundle = without_library(bundle_of("home-oxygen"))
    change(bundle)
    with pytest.raises(PolicyError, match=reason) as caught:
        imported(bundle)
    assert "\n" not in str(caught.value)


def test_the_refusal_quotes_nothing_of_a_chart() -> None:
    chart = {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Patient", "name": [{"family": "Doe"}]}}],
    }
    with pytest.raises(PolicyError) as caught:
        imported(chart)
    assert "Doe" not in str(caught.value)


def test_an_example_in_another_unit_is_refused() -> None:
    bundle = without_library(bundle_of("spine-tumor-decompression"))
    text = json.dumps(bundle)
    assert '"code": "mo"}' in text
    examples = [e for e in plan(bundle)["extension"] if e["url"].endswith("/example")]
    plan(bundle)["extension"] = json.loads(
        json.dumps(plan(bundle)["extension"]).replace('"code": "mo"', '"code": "wk"')
    )
    assert examples != [e for e in plan(bundle)["extension"] if e["url"].endswith("/example")]
    with pytest.raises(PolicyError, match="another unit than that of its fact"):
        imported(bundle)


def test_what_a_server_adds_to_a_resource_changes_nothing() -> None:
    bundle = bundle_of("home-oxygen")
    plan(bundle).update(meta={"versionId": "3"}, text={"status": "generated", "div": "<div/>"}, publisher="Other")
    plan(bundle)["extension"].append({"url": "http://example.org/foreign", "valueBoolean": True})
    grouped = {"linkId": "all", "type": "group", "item": form(bundle)["item"]}
    form(bundle)["item"] = [grouped]
    assert imported(bundle).content == (SETS / "home-oxygen.yaml").read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("id: home-oxygen", f"id: {'a' * 65}", "at most 64 characters"),
        ("title: Oxygen at home", 'title: "Oxygen\\x07"', "a character or a number that FHIR does not"),
        ("{oxygen.sao2_rest: 87}", "{oxygen.sao2_rest: .inf}", "cannot be a value"),
        ("title: Oxygen at home", "title: [", "home-oxygen.yaml"),
        ("  lab.hematocrit: What", "  lab.sodium: What", "lab.sodium is not a fact"),
    ],
)
def test_a_set_that_fhir_cannot_carry_is_not_exported(old: str, new: str, reason: str) -> None:
    text = (SETS / "home-oxygen.yaml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(PolicyError, match=reason):
        exported(text.replace(old, new, 1).encode(), "home-oxygen.yaml")
