"""How charts state each fact, and how they only seem to: one line of a chart at a time."""

from collections import Counter
from collections.abc import Iterator

import pytest
import yaml

from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.policy import read_policy
from tests.support.labels import agree
from tests.support.phrasings import FAMILIES, Phrasing, phrasings, read


@pytest.mark.parametrize(
    "phrasing",
    [one for family in FAMILIES for one in phrasings(family)],
    ids=lambda one: f"{one.fact}: {one.text[:40]}",
)
def test_a_phrasing_states_its_value_and_a_trap_nothing(phrasing: Phrasing, lexicon: Lexicon) -> None:
    found = read(phrasing, lexicon)
    assert agree(found, phrasing.value), (phrasing.text, phrasing.value, found)


def test_no_phrasing_stands_twice() -> None:
    said = Counter((one.fact, one.text) for family in FAMILIES for one in phrasings(family))
    assert [key for key, times in said.items() if times > 1] == []


def test_no_pattern_or_word_stands_twice_in_its_list() -> None:
    repeated = [
        (file.name, word)
        for file in read_policy("lexicon")
        for words in _lists(yaml.load(file.text, yaml.CSafeLoader))
        for word, times in Counter(words).items()
        if times > 1
    ]
    assert repeated == []


def _lists(entry: object) -> Iterator[list[str]]:
    """The lists of words below an entry of a policy file."""
    if isinstance(entry, dict):
        entry = list(entry.values())
    if isinstance(entry, list):
        if all(isinstance(one, str) for one in entry):
            yield entry
        else:
            for one in entry:
                yield from _lists(one)
