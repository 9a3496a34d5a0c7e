"""Each criteria set has a whole determination: every section of an expert's letter, and sources that were read."""

import re

import pytest

from shared.policy import read_policy
from tests.support.determinations import FOLDER, REQUESTS, SECTIONS, determinations


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    return determinations()


def section(text: str, name: str) -> str:
    return text.partition(f"\n{name}\n")[2].partition("\n\n")[0]


@pytest.mark.parametrize("set_id", REQUESTS)
def test_the_file_is_what_the_code_says(said: dict[str, str], set_id: str) -> None:
    kept = (FOLDER / f"{set_id}.txt").read_text(encoding="utf-8")
    assert kept == said[set_id], "Renew it with python -m tests.support.determinations"


@pytest.mark.parametrize("set_id", REQUESTS)
def test_an_approval_has_every_section(said: dict[str, str], set_id: str) -> None:
    text = said[set_id]
    assert text.startswith("DETERMINATION: Approved")
    assert [name for name in SECTIONS if not section(text, name)] == []
    assert f"({set_id}, sha256:" in text


@pytest.mark.parametrize("set_id", REQUESTS)
def test_every_number_that_is_cited_is_in_the_bibliography(said: dict[str, str], set_id: str) -> None:
    body, _, bibliography = said[set_id].partition("\nBIBLIOGRAPHY\n")
    listed = {int(line.split(".")[0]) for line in bibliography.splitlines() if re.match(r"\d+\. ", line)}
    # A mark stands behind a word and a blank, or begins a line; "entry[8]" of a FHIR path is none.
    cited = {
        int(n)
        for mark in re.findall(r"(?<!\w)\[(\d+(?: unverified)?(?:, \d+(?: unverified)?)*)\]", body)
        for n in re.findall(r"\d+", mark)
    }
    assert cited == listed == set(range(1, len(listed) + 1))


@pytest.mark.parametrize("set_id", REQUESTS)
def test_outcomes_rest_on_a_source_that_was_read(said: dict[str, str], set_id: str) -> None:
    outcomes = section(said[set_id], "PUBLISHED OUTCOMES")
    assert re.search(r"^    \[\d+\] .*\d", outcomes, re.MULTILINE), "A figure with a verified source is printed."
    alternatives = section(said[set_id], "ALTERNATIVES CONSIDERED")
    assert "inadequate for this patient" in alternatives or "contraindicated for this patient" in alternatives


def test_no_set_is_left_out() -> None:
    sets = {file.name.removesuffix(".yaml") for file in read_policy("criteria")}
    assert sets - REQUESTS.keys() == {"lumbar-fusion-disc-degeneration"}, "a variant of the set for lumbar fusion"
