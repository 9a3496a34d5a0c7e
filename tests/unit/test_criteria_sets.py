"""Reading criteria sets: what is refused, what the digest is over, and that the sets that ship are sound."""

from pathlib import Path

import pytest

from services.criteria_evaluation.domain.check import check_set
from services.criteria_evaluation.policy import load_policy
from shared.clinical.criteria import load_criteria, parse_criteria_set
from shared.clinical.model import Fact
from shared.clinical.wording import fill, parse_sentence, say
from shared.policy import PolicyError, PolicyFile, read_policy
from tests.unit.spine_case import SPINE, VOCABULARY, known, quantity

SMALL = """
id: small
version: "1.0"
title: A small set
effective: {from: 2025-01-01, to: 2025-12-31}
sources: [{id: s1, text: A source}]
applicability:
  services: ["10000-10002", "G0001"]
criteria:
  - id: one
    title: One
    question: Is there a deficit?
    when: {fact: neuro.motor_deficit, is: true}
  - id: two
    title: Two of three
    at_least:
      n: 2
      of:
        - {id: two-a, title: A, when: {fact: spine.instability, is: true}}
        - {id: two-b, title: B, when: {fact: spine.retropulsion, is: true}}
        - {id: two-c, title: C, when: {fact: pain.worsening, is: true}, sources: [s1]}
questions:
  spine.instability: Is it unstable?
  spine.retropulsion: Is bone pushed back?
  pain.worsening: Is the pain worse?
"""


def test_a_set_is_compiled() -> None:
    parsed = parse_criteria_set(SMALL, "small.yaml", VOCABULARY)
    assert (parsed.id, parsed.version) == ("small", "1.0")
    assert parsed.applicability.services == {"10000", "10001", "10002", "G0001"}
    assert [child.id for child in parsed.criteria[1].children] == ["two-a", "two-b", "two-c"]
    assert parsed.fact_names == ("neuro.motor_deficit", "pain.worsening", "spine.instability", "spine.retropulsion")
    assert check_set(parsed, frozenset(), VOCABULARY) == []


def test_the_digest_is_over_the_content() -> None:
    digest = parse_criteria_set(SMALL, "a").digest
    assert parse_criteria_set("# a remark\n" + SMALL, "b").digest == digest
    assert parse_criteria_set(SMALL.replace("n: 2", "n: 1"), "c").digest != digest
    assert digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("id: small", "id: Small Set", "lower-case"),
        ("id: two-b", "id: two-a", "two-a is used twice"),
        ("id: one\n", "id: one.1\n", "lower-case"),
        ('version: "1.0"', "version: 1.0", "quote"),
        ("title: One", "title: One\n    titel: One", "titel is not a field"),
        ("title: One", "title: One\n    title: One", "line 10: a key stands here twice"),
        ("    when: {fact: neuro.motor_deficit, is: true}", "    all_of: []", "at least one criterion"),
        ("neuro.motor_deficit, is: true", "neuro.motor_deficit, equals: true", r"criteria\[0\].when"),
        ("      n: 2", "      n: 4", "asks for 4 of 3"),
        ("to: 2025-12-31", "to: 2024-12-31", "ends before"),
        ("from: 2025-01-01", "from: soon", "must be a date"),
        ("10000-10002", "10002-10000", "backwards"),
        ('services: ["10000-10002", "G0001"]', "services: [10000]", "list of texts"),
        ('services: ["10000-10002", "G0001"]', "services: []", "at least one service code"),
        ("criteria:", "criteria_: ", "at least one criterion|criteria_ is not"),
        ("id: small", "id: [", "YAML|expected"),
    ],
)
def test_a_wrong_set_is_refused(old: str, new: str, reason: str) -> None:
    assert old in SMALL
    with pytest.raises(PolicyError, match=reason) as caught:
        parse_criteria_set(SMALL.replace(old, new, 1), "small.yaml", VOCABULARY)
    assert str(caught.value).startswith("small.yaml")


def test_the_same_version_twice_is_refused() -> None:
    with pytest.raises(PolicyError, match="another file"):
        load_criteria([PolicyFile("a.yaml", SMALL), PolicyFile("b.yaml", SMALL)])


def test_the_check_finds_what_compiling_cannot() -> None:
    text = SMALL.replace("sources: [s1]", "sources: [s2], evidence: [nobody-2020]")
    text = text.replace("pain.worsening: Is the pain worse?", "pain.worsned: Is it?")
    text = text.replace("spine.instability, is: true", "spine.sins_total, is: true")
    messages = " ".join(
        f"{p.place} {p.message}" for p in check_set(parse_criteria_set(text, "x"), frozenset(), VOCABULARY)
    )
    for expected in (
        "s2",
        "nobody-2020",
        "pain.worsned",
        "pain.worsening may be missing",
        "spine.sins_total is of type",
    ):
        assert expected in messages


def test_the_spine_set_is_sound_but_for_its_evidence() -> None:
    cited = {e for node in SPINE.criteria for e in node.evidence} | {e for rule in SPINE.refer for e in rule.evidence}
    cited |= {e for statement in SPINE.statements for e in statement.evidence}
    cited |= {e for node in SPINE.criteria for child in node.children for e in child.evidence}
    cited |= {e for rule in SPINE.alternatives for ruling in rule.rulings for e in ruling.evidence}
    assert check_set(SPINE, cited, VOCABULARY) == []
    assert len(check_set(SPINE, cited - {"patchell-2005-walking"}, VOCABULARY)) > 0


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (known("spine.lesion_levels", ("L1", "L2", "L3", "S1")), "L1-L3 and S1"),
        (known("spine.lesion_levels", ("T12", "L1")), "T12-L1"),
        (
            known("neuro.compressed_structure", ("cauda_equina", "conus", "nerve_root")),
            "cauda equina, conus and nerve root",
        ),
        (quantity("oncology.expected_survival", 6, None, low_open=True), "more than 6 months"),
        (quantity("oncology.expected_survival", None, 1), "at most 1 month"),
        (quantity("oncology.expected_survival", 3, 6), "3 to 6 months"),
        (quantity("spine.canal_compromise_percent", 50, 50), "50%"),
        (quantity("spine.sins_total", 13, 13), "13"),
        (known("spine.instability", True), ""),
        (known("spine.lesion_levels", ()), ""),
    ],
)
def test_facts_in_words(fact: Fact, words: str) -> None:
    assert say(fact) == words


def test_a_sentence_with_an_unknown_fact_is_left_out() -> None:
    sentences = (
        parse_sentence("The lesion is at {spine.lesion_levels}."),
        parse_sentence("SINS is {spine.sins_total}."),
    )
    assert fill(sentences, {"spine.lesion_levels": known("spine.lesion_levels", ("T8",))}) == "The lesion is at T8."
    with pytest.raises(ValueError, match="brace"):
        parse_sentence("A {placeholder} without a dot.")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("spine.sins_total", "spine.sins_totals", "spine.sins_totals"),
        ("acr-2018-surgical-consultation", "acr-nowhere", "acr-nowhere"),
    ],
)
def test_a_set_that_names_what_nobody_declares_is_refused_at_the_start(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    shipped = next(file for file in read_policy("criteria") if file.name.endswith("spine-tumor-decompression.yaml"))
    (tmp_path / shipped.name).write_text(shipped.text.replace(old, new), encoding="utf-8")
    assert load_policy().criteria_sets
    with pytest.raises(PolicyError, match=reason):
        load_policy(tmp_path)
