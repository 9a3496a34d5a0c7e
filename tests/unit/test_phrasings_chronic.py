"""Phrasings of sleep, oxygen, obesity, wound, hearing and of conditions, each fact by itself, with their traps."""

import datetime as dt

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.lexicon import Lexicon, load_lexicon
from shared.clinical.model import Document
from shared.policy import read_policy
from tests.support.labels import agree, as_label
from tests.support.phrasings import Phrasing, phrasings

_FAMILIES = ("sleep", "oxygen", "obesity", "wound", "hearing", "conditions")


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon(read_policy("lexicon"))


@pytest.mark.parametrize(
    "phrasing",
    [one for family in _FAMILIES for one in phrasings(family)],
    ids=lambda one: f"{one.fact}: {one.text[:40]}",
)
def test_a_phrasing_states_its_value_and_a_trap_nothing(phrasing: Phrasing, lexicon: Lexicon) -> None:
    document = Document("sha256:0", phrasing.text, date=dt.date(2026, 5, 20))
    found = as_label(extract([document], [], lexicon).get(phrasing.fact))
    assert agree(found, phrasing.value), (phrasing.text, phrasing.value, found)
