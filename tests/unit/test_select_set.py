"""Which set decides which item."""

import datetime as dt

import pytest

from services.criteria_evaluation.domain.select import select_set
from services.criteria_evaluation.policy import load_policy
from shared.clinical.criteria import CriteriaSet, parse_criteria_set
from tests.unit.spine_case import ON, SPINE, item


def made(
    set_id: str,
    version: str = "1",
    services: str = '["11111"]',
    diagnoses: str = "[]",
    lines: str = "[]",
    effective: str = "{}",
    companions: str = "[]",
    unless: str = "[]",
) -> CriteriaSet:
    return parse_criteria_set(
        f"""
id: {set_id}
version: "{version}"
title: Made
effective: {effective}
applicability:
  services: {services}
  companions: {companions}
  diagnoses: {diagnoses}
  unless_diagnoses: {unless}
  lines_of_business: {lines}
criteria: [{{id: a, title: A, when: {{fact: pain.worsening, is: true}}}}]
""",
        f"{set_id}.yaml",
    )


def chosen(
    *sets: CriteriaSet, codes: str = "11111", dx: str = "A00.0", lob: str | None = None, on: dt.date = ON
) -> list[str]:
    items = [item(code, i) for i, code in enumerate(codes.split(), 1)]
    return [f"{s.id}@{s.version}" if s else "-" for s in select_set(sets, items, dx.split(), lob, on).sets]


@pytest.mark.parametrize("dx", ["C79.51", "c7951", "M84.58XA", "G95.29", "Z00.0 C90.00", "M8458XD"])
def test_a_spine_request_with_a_tumor_diagnosis(dx: str) -> None:
    assert chosen(SPINE, codes="63090 22558 22842", dx=dx) == ["spine-tumor-decompression@1.0.0"] * 3


@pytest.mark.parametrize("dx", ["M51.26", "S32.010A", "C34.90", ""])
def test_no_set_for_other_diagnoses(dx: str) -> None:
    assert chosen(SPINE, codes="63090", dx=dx) == ["-"]


def test_a_companion_alone_has_no_set() -> None:
    assert chosen(SPINE, codes="22558 22842", dx="C79.51") == ["-", "-"]


def test_an_unknown_code_beside_a_known_one() -> None:
    assert chosen(SPINE, codes="27447 63090", dx="C79.51") == ["-", "spine-tumor-decompression@1.0.0"]


def test_the_version_in_effect() -> None:
    old = made("s", "1.9", effective="{from: 2025-01-01}")
    new = made("s", "1.10", effective="{from: 2025-01-01}")
    future = made("s", "2", effective="{from: 2027-01-01}")
    ended = made("s", "0.1", effective="{to: 2025-12-31}")
    assert chosen(ended, new, old, future) == chosen(future, old, new, ended) == ["s@1.10"]
    assert chosen(old, future, on=dt.date(2027, 1, 1)) == ["s@2"]
    assert chosen(ended) == ["-"]


def test_the_more_specific_set_decides_whatever_the_order() -> None:
    broad, narrow = made("a", diagnoses='["A*"]'), made("z", diagnoses='["A00*"]')
    anyone = made("b")
    assert chosen(broad, anyone, narrow) == chosen(narrow, broad, anyone) == ["z@1"]
    assert chosen(anyone, broad, dx="B01") == ["b@1"]


def test_lines_of_business() -> None:
    medicare = made("s", lines='["MCPOL"]')
    assert chosen(medicare, lob="MCPOL") == ["s@1"]
    assert chosen(medicare, lob="COMPOL") == chosen(medicare) == ["-"]


def test_a_companion_follows_the_set_of_its_primary() -> None:
    first = made("a", services='["11111"]', companions='["33333"]')
    second = made("b", services='["22222"]', companions='["33333"]')
    assert chosen(first, second, codes="22222 33333") == ["b@1", "b@1"]
    assert chosen(first, second, codes="33333") == ["-"]


def test_a_code_of_its_own_follows_the_set_that_takes_it_as_a_companion() -> None:
    tumor = made("z", services='["11111"]', companions='["22222", "33333"]')
    fusion = made("b", services='["22222"]', companions='["33333"]')
    for order in ("11111 22222 33333", "33333 22222 11111"):
        assert chosen(tumor, fusion, codes=order) == chosen(fusion, tumor, codes=order) == ["z@1"] * 3
    assert chosen(tumor, fusion, codes="22222 33333") == ["b@1", "b@1"]


def test_sets_that_take_each_others_codes_keep_their_own() -> None:
    first = made("a", services='["11111"]', companions='["22222"]')
    second = made("b", services='["22222"]', companions='["11111"]')
    assert chosen(first, second, codes="11111 22222") == ["a@1", "b@1"]


def test_a_diagnosis_can_send_a_claim_to_another_set() -> None:
    narrow = made("n", diagnoses='["A00*"]', unless='["B01*"]')
    assert chosen(narrow, dx="A00.0") == ["n@1"]
    assert chosen(narrow, dx="A00.0 B01.1") == ["-"]


def test_the_trace_says_why_each_set_that_lists_the_code_does_or_does_not_decide() -> None:
    broad, narrow = made("a", diagnoses='["A*"]'), made("z", diagnoses='["A00*"]')
    elsewhere, other = made("e", diagnoses='["C*"]'), made("o", services='["99999"]')
    found = select_set([broad, narrow, elsewhere, other], [item("11111", 1)], ["A00.0"], None, ON)
    assert [(s.set_id, s.chosen) for s in found.trace] == [("a", False), ("e", False), ("z", True)]
    assert "closer diagnosis" in found.trace[0].reason
    assert "No diagnosis" in found.trace[1].reason
    assert "A00*" in found.trace[2].reason


@pytest.mark.parametrize(
    ("codes", "dx", "expected"),
    [
        ("63090 22558 22612 22842 63047", "C79.51", "spine-tumor-decompression"),
        ("22612 22840", "C79.51", "lumbar-fusion"),
        ("22630 22840", "M48.062", "lumbar-fusion"),
        ("22558 22853", "M51.370", "lumbar-fusion-disc-degeneration"),
        ("22558 22853", "M51.36 M43.16", "lumbar-fusion"),
        ("22514 22515", "M80.08XA", "vertebral-augmentation"),
        ("E0601 A7034", "G47.33", "cpap-osa"),
        ("E1390 E0431", "J44.9", "home-oxygen"),
        ("43775", "E66.01", "bariatric-surgery"),
        ("99183", "E11.621", "hyperbaric-oxygen-diabetic-wound"),
        ("69930 L8614", "H90.3", "cochlear-implantation"),
    ],
)
def test_each_request_finds_the_shipped_set_that_decides_it(codes: str, dx: str, expected: str) -> None:
    sets = load_policy().criteria_sets
    assert chosen(*sets, codes=codes, dx=dx) == [f"{expected}@1.0.0"] * len(codes.split())
