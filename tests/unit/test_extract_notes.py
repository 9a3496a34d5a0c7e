"""Facts from prose: a labelled corpus of invented notes, in many styles of writing."""

import datetime as dt
from typing import Any

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.clinical.model import Document
from tests.support.labels import as_label, exact_notes

NOTES = exact_notes()


@pytest.mark.parametrize("note", NOTES, ids=[note["name"] for note in NOTES])
def test_note_states_what_an_expert_reads_in_it(note: dict[str, Any], lexicon: Lexicon) -> None:
    date: dt.date | None = note.get("date")
    document = Document("sha256:0", note["text"], date=date)
    facts = extract([document], [], lexicon)
    said = {name: as_label(facts.get(name)) for name in (*note["known"], *note["unknown"])}
    assert said == {**note["known"], **dict.fromkeys(note["unknown"])}
    for fact in facts.values():
        for source in fact.sources:
            if source.kind == "note":
                assert source.document == document.id
                assert source.quote == document.text[source.start : source.end]
                assert source.quote
