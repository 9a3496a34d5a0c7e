"""Notes in capitals, without any, with tabs, or printed with a blank line after each line are read as they were before."""

import random
import re
from collections.abc import Callable
from typing import Any, Final

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.extract.layout import usual
from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.clinical.model import Document, Facts
from tests.support.labels import NOTES, as_label, labelled_notes

SAMPLE: Final = 60
ALIKE: Final = 0.99
OTHERWISE: Final[dict[str, Callable[[str], str]]] = {
    "in capitals": str.upper,
    "without capitals": str.lower,
    "with tabs": lambda text: re.sub(r" {3,}", "\t", text),
    "double-spaced": lambda text: text.replace("\n", "\n\n"),
}


def _read(note: dict[str, Any], text: str, lexicon: Lexicon) -> Facts:
    facts = extract([Document("sha256:0", text, date=note.get("date"))], [], lexicon)
    quoted = [source for fact in facts.values() for source in fact.sources if source.kind == "note"]
    assert all(source.quote == text[source.start : source.end] for source in quoted)
    return facts


@pytest.mark.parametrize("layout", OTHERWISE)
def test_the_layout_of_a_note_changes_little_of_what_it_states(layout: str, lexicon: Lexicon) -> None:
    notes = random.Random(7).sample(labelled_notes([NOTES.parent / "held_out"]), SAMPLE)
    differing, read = [], 0
    for note in notes:
        before, after = (_read(note, text, lexicon) for text in (note["text"], OTHERWISE[layout](note["text"])))
        read += len(before)
        names = before.keys() | after.keys()
        differing += [(note["name"], name) for name in names if as_label(before.get(name)) != as_label(after.get(name))]
    assert len(differing) <= (1 - ALIKE) * read, differing


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Short.\n\nAnd plain.",
        "A note of one paragraph, dictated.\n\nA second one, and more of it.\n\nA third.\n\nFourth.\n\nFifth.\n\nSixth.",
        "SINS 12. MRI: L2 burst fracture in a patient who is otherwise well and walks.",
    ],
)
def test_a_text_in_the_usual_layout_stands(text: str) -> None:
    assert usual(text) is None


def test_a_quote_over_a_line_is_the_text_as_it_was_printed(lexicon: Lexicon) -> None:
    lines = [
        "CONSULT",
        "",
        "Lumbar spine.",
        "She walks",
        "without support and drives.",
        "No fever.",
        "",
        "Sleeps.",
        "Eats.",
    ]
    text = "\n\n".join(lines)
    assert usual(text) is not None
    facts = extract([Document("sha256:0", text)], [], lexicon)
    assert [source.quote for source in facts["neuro.ambulatory"].sources] == ["walks\n\nwithout support"]


def test_columns_that_few_rows_fill_are_not_set_apart_for_all() -> None:
    text = ("x" * 60 + "\t") * 20 + "\n" + ("\t" * 20 + "\n") * 500
    laid = usual(text)
    assert laid is not None
    assert len(laid.text) < 5 * len(text)
