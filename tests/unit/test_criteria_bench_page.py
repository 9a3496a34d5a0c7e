"""The page for policy authors shows what its commands print, and the files that it speaks of are what it says."""

import json
import re

import pytest
from jsonschema import Draft7Validator

from shared.clinical.policy_yaml import load_mapping
from shared.policy import read_policy
from tests.support.bench_page import PAGE, ROOT, commands, renewed

FIRST_SET = ROOT / "docs/first-set"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_outputs_on_the_page_are_those_of_the_commands() -> None:
    assert len(commands(TEXT)) == 7
    assert renewed(TEXT) == TEXT, "Renew it with python -m tests.support.bench_page"


def test_what_the_page_shows_of_the_set_stands_in_it() -> None:
    text = (FIRST_SET / "policy/lumbar-mri.yaml").read_text(encoding="utf-8")
    shown = [block for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if block.startswith("examples:")]
    assert shown
    assert all(block in text for block in shown)


@pytest.mark.parametrize(("draft", "valid"), [("draft", False), ("second-draft", True), ("policy", True)])
def test_the_editor_sees_what_the_page_says(draft: str, valid: bool) -> None:
    """Each file's first line leads to the schema, which marks the fact that does not exist."""
    file = FIRST_SET / draft / "lumbar-mri.yaml"
    text = file.read_text(encoding="utf-8")
    hint = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert hint is not None
    schema = json.loads((file.parent / hint[1]).read_text(encoding="utf-8"))
    assert Draft7Validator(schema).is_valid(load_mapping(file.name, text)) is valid


def test_the_codes_of_the_page_are_those_of_no_shipped_set() -> None:
    """Else the page's requests would be decided by another set where somebody uses both."""
    assert not any("72148" in file.text for file in read_policy("criteria"))
