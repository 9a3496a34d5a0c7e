"""How charts state each fact, and how they only seem to: one line of a chart at a time."""

import pytest

from services.criteria_evaluation.domain.lexicon import Lexicon
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
