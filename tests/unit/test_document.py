"""The determination as JSON and as text."""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.clinical.document import determination_text
from shared.clinical.model import Fact
from tests.support.determinations import SECTIONS
from tests.unit.determination_cases import (
    THORACIC_CODES,
    Case,
    conclude,
    evaluation_of,
    facts_of,
    incomplete_case,
    lumbar_case,
    referred_case,
    thoracic_case,
    thoracic_unstable,
    without,
)

CASES = (thoracic_case, lumbar_case, incomplete_case, referred_case)
REQUIRED = [
    "schema",
    "outcome",
    "summary",
    "reasons",
    "priority",
    "items",
    "criteria_set",
    "criteria",
    "facts",
    "missing",
    "standard_of_care",
    "outcomes",
    "alternatives",
    "timing",
    "cautions",
    "evidence",
    "bibliography",
    "text",
]


def cited(document: dict[str, Any]) -> Iterator[list[str]]:
    """The lists of statement ids of every criterion and point."""
    stack = [*document["criteria"], *document["referrals"]]
    while stack:
        criterion = stack.pop()
        yield criterion["evidence"]
        stack += criterion["children"]
    for key in ("standard_of_care", "outcomes", "alternatives", "timing", "cautions"):
        for point in document[key]:
            yield point["evidence"]


def check_citations(document: dict[str, Any]) -> None:
    applying = {s["id"]: s["source"] for s in document["evidence"] if s["applies"]}
    verified = {entry["id"]: entry["verified"] for entry in document["bibliography"]}
    lists = list(cited(document))
    assert {i for ids in lists for i in ids} <= applying.keys()
    assert {applying[i] for ids in lists for i in ids} == verified.keys()
    outcomes = [point["evidence"] for point in document["outcomes"]]
    for ids in lists:
        assert not ids or ids in outcomes or any(verified[applying[i]] for i in ids), ids
    numbers = [entry["number"] for entry in document["bibliography"]]
    assert numbers == list(range(1, len(numbers) + 1))
    body, _, bibliography = document["text"].partition("\nBIBLIOGRAPHY\n")
    marks = re.findall(r"\[(\d+(?: unverified)?(?:, \d+(?: unverified)?)*)\]", body)
    printed = {int(n.split()[0]) for mark in marks for n in mark.split(", ")}
    assert printed <= set(numbers)
    assert all(re.search(rf"^{n}\. ", bibliography, re.M) for n in printed)
    unverified = {int(n.split()[0]) for mark in marks for n in mark.split(", ") if n.endswith("unverified")}
    assert unverified == {e["number"] for e in document["bibliography"] if not e["verified"]} & printed


@pytest.mark.parametrize("case", CASES)
def test_every_citation_resolves_and_applies(case: Callable[[], Case]) -> None:
    document = case().document
    assert not [key for key in REQUIRED if key not in document]
    check_citations(document)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.sampled_from(sorted(thoracic_unstable()))), st.sets(st.sampled_from(sorted(thoracic_unstable()))))
def test_it_holds_for_any_chart(left_out: set[str], disputed: set[str]) -> None:
    facts = {
        **without(thoracic_unstable(), *left_out),
        **facts_of(*(Fact(name, "conflicting") for name in sorted(disputed - left_out))),
    }
    check_citations(conclude(evaluation_of(facts, *THORACIC_CODES)).document)


@pytest.mark.parametrize("case", CASES)
def test_the_same_case_gives_the_same_bytes(case: Callable[[], Case]) -> None:
    assert json.dumps(case().document) == json.dumps(case().document)


def test_the_text_is_written_from_the_document_alone() -> None:
    document = thoracic_case().document
    stored = json.loads(json.dumps(document))
    assert determination_text(stored) == document["text"]


def test_different_patients_get_different_sentences() -> None:
    thoracic, lumbar = thoracic_case().document["text"], lumbar_case().document["text"]
    assert "at T8" in thoracic and "at T8" not in lumbar
    assert "at L4" in lumbar and "at L4" not in thoracic
    assert "42 of 50 (84%)" in thoracic and "42 of 50 (84%)" not in lumbar


def test_the_text_has_every_section_of_a_determination() -> None:
    text = thoracic_case().document["text"]
    headings = [line for line in text.splitlines() if line and line == line.upper() and line[0].isalpha()]
    assert headings == [*SECTIONS]


def test_facts_carry_their_quotes_and_a_quote_over_two_lines_is_printed_in_one() -> None:
    document = thoracic_case().document
    (source,) = document["facts"]["spine.retropulsion"]["sources"]
    assert source["quote"] == "fragments displaced\n  into the canal"
    assert set(source) == {"kind", "document", "section", "start", "end", "quote"}
    assert "“hip flexion 2/5 on both sides” (IMAGING)" in document["text"]


def test_facts_have_the_shapes_of_the_interface() -> None:
    facts = incomplete_case().document["facts"]
    assert facts["oncology.expected_survival"] == {"status": "unknown", "value": None, "sources": []}
    assert facts["spine.sins_total"]["low"] == 15 and facts["spine.sins_total"]["unit"] == "{score}"
    assert facts["spine.requested_levels"]["value"] == ["T7", "T8", "T9"]
    survival = thoracic_case().document["facts"]["oncology.expected_survival"]
    assert (survival["low"], survival["high"], survival["low_open"]) == (12, None, True)
    assert list(facts) == sorted(facts)


def test_a_procedure_without_purpose_is_named() -> None:
    facts = {**thoracic_unstable()}
    document = conclude(evaluation_of(facts, "63085", "22558")).document
    assert [item["purpose"] is None for item in document["items"]] == [False, True]
    assert re.search(r"- 22558: .*No purpose", document["text"])


def test_what_is_missing_names_the_criterion_it_decides() -> None:
    document = incomplete_case().document
    (missing,) = document["missing"]
    assert missing["facts"] == ["oncology.expected_survival"]
    assert "It decides: Expected survival" in document["text"]


def test_a_conflict_shows_both_sources() -> None:
    one, other = (thoracic_unstable()["spine.sins_total"].sources[0] for _ in range(2))
    disputed = Fact("oncology.expected_survival", "conflicting", sources=(one, other))
    document = conclude(evaluation_of({**thoracic_unstable(), disputed.name: disputed}, *THORACIC_CODES)).document
    assert document["outcome"] == "clinical_review"
    assert "expected survival: the sources disagree — “SINS 15” (IMAGING); “SINS 15” (IMAGING)" in document["text"]


def test_the_authorization_is_printed() -> None:
    document = conclude(
        evaluation_of(thoracic_unstable(), *THORACIC_CODES),
        case_id="c-77",
        authorization_number="AUTH-5",
        valid_from=dt.date(2026, 3, 3),
        valid_until=dt.date(2026, 9, 3),
    ).document
    assert document["valid_until"] == "2026-09-03"
    assert "Authorization number: AUTH-5\nValid: 2026-03-03 to 2026-09-03" in document["text"]


def test_a_request_that_no_criteria_set_covers_still_has_a_document() -> None:
    document = conclude(evaluation_of({}, "99999")).document
    assert document["criteria_set"] is None and document["criteria"] == [] and document["bibliography"] == []
    assert "No criteria set in effect covers this request." in document["text"]
