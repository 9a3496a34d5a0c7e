"""What ``priorauth criteria check`` finds: everything, with file and line."""

from pathlib import Path

import pytest

from services.cli.criteria_show import document
from services.criteria_evaluation.bench import Finding, check_folder
from services.criteria_evaluation.domain.missing import attainable
from services.criteria_evaluation.policy import load_policy
from shared.clinical.criteria_model import CriteriaSet
from shared.clinical.expression import parse_expression
from shared.clinical.kleene import MET, NOT_MET
from shared.policy import read_policy

CPAP = next(file.text for file in read_policy("criteria") if file.name == "cpap-osa.yaml")


def findings(folder: Path, *texts: str) -> list[Finding]:
    for i, text in enumerate(texts):
        (folder / f"set-{i}.yaml").write_text(text, encoding="utf-8")
    return check_folder(folder)[1]


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_the_shipped_sets_have_nothing_wrong() -> None:
    assert check_folder(None)[1] == []


@pytest.mark.parametrize(
    ("old", "new", "at", "reason"),
    [
        ('{fact: sleep.ahi, ">=": 15}\n', '{fact: sleep.ahis, ">=": 15}\n', "positive-test", "not a fact"),
        ("outcomes:\n", "outcome:\n", "", "not a field"),
        (
            "when: {fact: sleep.clinical_evaluation, is: true}",
            "when: {fact: sleep.clinical_evaluation, is: psg}",
            "",
            "boolean",
        ),
    ],
)
def test_a_file_that_does_not_compile_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, at: str, reason: str
) -> None:
    found = findings(tmp_path, CPAP.replace(old, new, 1))
    assert [f.unreadable for f in found] == [True]
    assert found[0].file == "set-0.yaml"
    assert reason in found[0].reason
    if at:
        assert found[0].line is not None
        assert found[0].line >= line_of(CPAP, at)


def test_every_problem_is_reported_and_not_only_the_first(tmp_path: Path) -> None:
    text = CPAP.replace("evidence: [ncd-240-4-evaluation]", "evidence: [nowhere]", 1)
    text = text.replace("  sleep.channels: How many channels did the home test record?\n", "")
    text = text.replace("outcome: approved\n  - name: just below", "outcome: clinical_review\n  - name: just below", 1)
    found = {(f.place, f.line): f.reason for f in findings(tmp_path, text)}
    assert len(found) == 3
    assert any("nowhere" in reason for reason in found.values())
    assert any("sleep.channels" in reason for reason in found.values())
    assert any("comes out as approved" in reason for reason in found.values())
    assert all(line for _, line in found)


def test_a_rule_that_contradicts_itself_or_never_fails_is_found(tmp_path: Path) -> None:
    text = CPAP.replace(
        '- {fact: sleep.ahi, "<": 15}\n          - id: symptom',
        '- {fact: sleep.ahi, "<": 5}\n          - id: symptom',
        1,
    )
    assert any("contradict" in f.reason for f in findings(tmp_path, text))
    always = '{any_of: [{fact: sleep.ahi, ">=": 15}, {fact: sleep.ahi, "<": 15}]}'
    text = CPAP.replace("when: {fact: sleep.clinical_evaluation, is: true}", f"when: {always}", 1)
    assert any("never fail" in f.reason for f in findings(tmp_path, text))


def test_two_sets_that_only_their_names_tell_apart_are_found(tmp_path: Path) -> None:
    found = findings(tmp_path, CPAP, CPAP.replace("id: cpap-osa", "id: cpap-other", 1))
    assert [f.place for f in found] == ["applicability"]
    assert "cpap-other" in found[0].reason and "E0601" in found[0].reason


def test_one_version_in_two_files_is_found(tmp_path: Path) -> None:
    assert any("stands in set-0.yaml too" in f.reason for f in findings(tmp_path, CPAP, CPAP))


@pytest.mark.parametrize(
    ("data", "met", "not_met"),
    [
        ({"fact": "sleep.ahi", ">=": 15}, True, True),
        ({"all_of": [{"fact": "sleep.ahi", ">=": 15}, {"fact": "sleep.ahi", "<": 5}]}, False, True),
        ({"any_of": [{"fact": "sleep.ahi", ">=": 15}, {"fact": "sleep.ahi", "<": 15}]}, True, False),
        ({"all_of": [{"fact": "a.b", "is": True}, {"not": {"fact": "a.b", "is": True}}]}, False, True),
    ],
)
def test_what_an_expression_can_come_to(data: object, met: bool, not_met: bool) -> None:
    expression = parse_expression(data, "here")
    assert (attainable(expression, MET), attainable(expression, NOT_MET)) == (met, not_met)


@pytest.mark.parametrize("criteria_set", load_policy().criteria_sets, ids=lambda s: s.id)
def test_a_set_shown_names_every_criterion_and_its_source(criteria_set: CriteriaSet) -> None:
    shown = document(criteria_set)
    assert shown["criteria"] and shown["digest"].startswith("sha256:")
    declared = {source["id"] for source in shown["sources"]}
    assert all(set(criterion["sources"]) <= declared for criterion in shown["criteria"])
