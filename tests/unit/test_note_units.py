"""Numbers whose unit, series or sign is told by what stands before them."""

import pytest

from services.criteria_evaluation.domain.extract.text import Sentence
from services.criteria_evaluation.domain.extract.tokens import tokens_of
from services.criteria_evaluation.domain.extract.values import units_of


def _words(text: str) -> list[str]:
    return [word for tokens in tokens_of(text, Sentence(0, len(text), None, None)) for word in units_of(tokens).words]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Height (cm): 163", ["height", "cm", ":", "<len>"]),
        ("Height in cm 163", ["height", "in", "cm", "<len>"]),
        ("Ht 5'7, wt 284", ["ht", "<len>", ",", "wt", "<mass>"]),
        ("wt 284", ["wt", "<num>"]),
        ("mixed / central: 0 / 2", ["mixed", "/", "central", ":", "<num>", "/", "<num>"]),
        ("7h22m rec", ["<dur>", "rec"]),
        ("ABG 7.40/41/58/25", ["abg", "<num>", "<num>", "<num>", "<num>"]),
        ("+ snoring, - insomnia", ["<pos>", "snoring", ",", "<neg>", "insomnia"]),
        ("RA 88% (02/2026: 85%)", ["ra", "<pct>", ",", "<month>", ":", "<pct>"]),
    ],
)
def test_what_stands_before_a_number_tells_what_it_is(text: str, words: list[str]) -> None:
    assert _words(text) == words
