"""What is remembered of sentences changes nothing, is bounded, and keeps no words of a chart."""

import datetime as dt
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.criteria_evaluation.domain.extract.dates import depends_on_day
from services.criteria_evaluation.domain.extract.memory import Memory
from services.criteria_evaluation.domain.extract.mention import Mention
from services.criteria_evaluation.domain.extract.notes import read_document
from services.criteria_evaluation.domain.extract.reading import Reading
from services.criteria_evaluation.domain.extract.text import Sentence
from services.criteria_evaluation.domain.extract.tokens import tokens_of
from services.criteria_evaluation.domain.extract.values import units_of
from services.criteria_evaluation.domain.lexicon import load_lexicon
from shared.clinical.model import Document
from shared.policy import read_policy
from tests.support.labels import labelled_notes

_LEXICON = load_lexicon(read_policy("lexicon"))
_LINES = sorted({line.strip() for note in labelled_notes() for line in note["text"].splitlines() if line.strip()})
_DATED = [
    "Pain since Monday.",
    "Symptoms since March 3.",
    "Back pain began on 5/5.",
    "Fall on 3/10, walking with a cane since.",
    "Pain since 2024.",
    "Strength 3/5 in both legs.",
    "10/12/2026: pain 8/10.",
    "SINS:",
    "Pain 3, lesion 2, alignment 4.",
    "COPIED FORWARD FROM PRIOR NOTE:",
    "ADDENDUM:",
    "Correction: no retropulsion.",
    "On room air:",
    "SpO2 86%.",
]
_DAYS = st.none() | st.dates(dt.date(2025, 1, 1), dt.date(2026, 12, 31))
_CHARTS = st.lists(st.tuples(st.integers(0, 2**32), _DAYS), min_size=2, max_size=5)


def _chart(seed: int, day: dt.date | None) -> Document:
    """Twelve lines of which few are different ones, so that the charts of a list share sentences."""
    pick = random.Random(seed)
    pool = [*_DATED, *random.Random(seed % 3).sample(_LINES, 20)]
    return Document("chart", "\n".join(pick.choice(pool) for _ in range(12)), date=day)


def _read(document: Document, memory: Memory[Reading]) -> list[Mention]:
    return list(read_document(document, _LEXICON, memory))


@given(_CHARTS)
@settings(deadline=None, max_examples=60)
def test_a_chart_says_the_same_whatever_was_read_before(charts: list[tuple[int, dt.date | None]]) -> None:
    memory: Memory[Reading] = Memory(64)
    for seed, day in charts:
        document = _chart(seed, day)
        assert _read(document, memory) == _read(document, Memory(0))


def test_labelled_charts_say_the_same_when_they_are_read_again_on_another_day() -> None:
    memory: Memory[Reading] = Memory(100_000)
    notes = [note["text"] for note in labelled_notes()]
    for day in (None, dt.date(2026, 11, 20), dt.date(2025, 2, 3)):
        for text in notes:
            document = Document("chart", text, date=day)
            assert _read(document, memory) == _read(document, Memory(0))


_WORDS = ["3", "5", "10", "/", "may", "monday", "since", "on", "2024", "2025-03-04", "1/2/25", "24", "of", "march", "jan",
          ".", ",", "-", "pain", "weeks", "L2", "x", "%", "4.50", "strength", "the", "th", "and"]  # fmt: skip


@given(st.lists(st.sampled_from(_WORDS), max_size=8), st.sampled_from([" ", ""]), _DAYS, _DAYS)
@settings(max_examples=500)
def test_words_that_do_not_depend_on_the_day_are_the_same_on_each(
    words: list[str], between: str, day: dt.date | None, other: dt.date | None
) -> None:
    text = between.join(words)
    for tokens in tokens_of(text, Sentence(0, len(text), None, None)):
        if not depends_on_day(tokens.words):
            units = units_of(tokens, day)
            assert units == units_of(tokens, other)
            assert all(value.date is None for value in units.values.values())


@given(st.integers(1, 5), st.lists(st.integers(0, 9), max_size=60))
def test_a_memory_holds_the_last_used_values_and_no_more_than_twice_its_size(size: int, keys: list[int]) -> None:
    memory: Memory[str] = Memory(size)
    used: list[int] = []
    for key in keys:
        recent = set(list(dict.fromkeys(reversed(used)))[:size])
        held = memory.get(key)
        assert held == str(key) if key in recent else held in (None, str(key))
        if held is None:
            memory.put(key, str(key))
        used.append(key)
    assert sum(memory.get(key) is not None for key in range(10)) <= 2 * size


def test_the_memory_keeps_no_words_of_a_chart() -> None:
    memory: Memory[Reading] = Memory(8)
    text = "EXAM:\nMr. Quillfeather of Ottersby has weakness of both legs, 3/5. He denies pain.\n"
    mentions = _read(Document("chart", text), memory)
    kept = repr([*memory.items()]).lower()
    assert mentions
    assert "neuro.motor_deficit" in kept
    assert "quillfeather" not in kept
    assert "ottersby" not in kept
