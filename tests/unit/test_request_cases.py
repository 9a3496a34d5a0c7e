"""Requests with charts for the coverage sets, each to its outcome by the same code as ``priorauth determine``."""

import json
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from services.cli.offline import document_of, evaluate_parsed, read_file
from services.criteria_evaluation.policy import load_policy
from services.intake.domain.pas_request import PasRequest
from shared.clinical.attachment_text import document_text
from shared.clinical.evidence import load_evidence
from shared.policy import read_policy
from tests.support.profile_check import violations
from tests.support.published import structure_definitions
from tests.support.request_case import FOLDER, RequestCase, text_of
from tests.support.request_cases import CASES, bundle_of, file_of
from tests.support.running import ROOT

POLICY = load_policy()
LIBRARY = load_evidence(read_policy("evidence"))


@cache
def request(name: str) -> PasRequest:
    return read_file(FOLDER / f"{name}.json", [], None)


@cache
def determination(name: str) -> dict[str, Any]:
    return document_of(request(name), POLICY, LIBRARY)


def test_the_files_are_what_the_table_makes() -> None:
    """After a change of the table or of a note: ``python -m tests.support.request_cases``."""
    for case in CASES:
        assert file_of(case).read_text(encoding="utf-8") == text_of(bundle_of(case)), case.name
    attached = {f"{case.name}-{note.file}" for case in CASES for note in case.notes}
    assert attached == {path.name for path in (FOLDER / "notes").iterdir()}


def test_the_demonstration_shows_cases_of_other_sets_than_spine() -> None:
    """Two of these, the same to the byte."""
    shown = {path.name[2:]: path.read_bytes() for path in (ROOT / "services/cli/demo_cases").glob("[45]-*.json")}
    assert len(shown) == 2
    assert all((FOLDER / name).read_bytes() == body for name, body in shown.items())


def test_every_coverage_set_has_an_approval_and_another_outcome() -> None:
    outcomes = Counter((case.set_id, case.outcome == "approved") for case in CASES)
    sets = {case.set_id for case in CASES}
    assert len(sets) == 7
    assert all(outcomes[set_id, approved] for set_id in sets for approved in (True, False))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_comes_to_its_outcome_for_its_reason(case: RequestCase) -> None:
    found = determination(case.name)
    assert found["outcome"] == case.outcome
    assert found["criteria_set"]["id"] == case.set_id
    assert [name for missing in found["missing"] for name in missing["facts"]] == list(case.asks)
    failed = [c["id"] for c in found["criteria"] if c["outcome"] == "not_met"]
    assert (*failed, *(rule["id"] for rule in found["referrals"])) == case.because
    assert found["flags"] == [], "every document is read, and no two disagree"
    assert {item["outcome"] for item in found["items"]} == {case.outcome}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_quote_stands_in_its_document(case: RequestCase) -> None:
    texts = {d.id: document_text(d.content_type, d.data)[0] for d in request(case.name).documents}
    sources = [s for fact in determination(case.name)["facts"].values() for s in fact["sources"] if s["kind"] == "note"]
    assert sources
    for source in sources:
        assert texts[source["document"]][source["start"] : source["end"]] == source["quote"]


@pytest.mark.parametrize("case", [c for c in CASES if c.outcome == "approved"], ids=lambda case: case.name)
def test_without_its_charts_it_is_not_approved(case: RequestCase) -> None:
    """The claim asserts; only the chart shows."""
    parsed = request(case.name)
    bundle = json.loads(parsed.bundle)
    bundle["entry"] = [e for e in bundle["entry"] if e["resource"]["resourceType"] not in ("Observation", "Condition")]
    bare = evaluate_parsed(replace(parsed, documents=(), bundle=json.dumps(bundle).encode()), POLICY)
    assert bare.outcome == "information_requested"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_keeps_to_the_published_profiles(case: RequestCase) -> None:
    """Where the implementation guide's definitions lie beside the project."""
    definitions = structure_definitions("2.2.1")
    bundle = json.loads(file_of(case).read_text(encoding="utf-8"))
    profiled = [bundle, *(e["resource"] for e in bundle["entry"] if "meta" in e["resource"])]
    if definitions:
        assert [violation for resource in profiled for violation in violations(resource, definitions)] == []
