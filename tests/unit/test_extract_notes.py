"""Facts from prose: a labelled corpus of invented notes, in many styles of writing."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.lexicon import Lexicon, load_lexicon
from shared.clinical.model import Document, Fact
from shared.policy import read_policy

_CASES = Path(__file__).parent.parent / "cases" / "notes" / "spine.yaml"
NOTES: list[dict[str, Any]] = yaml.safe_load(_CASES.read_text(encoding="utf-8"))["notes"]


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return load_lexicon(read_policy("lexicon"))


def _said(fact: Fact | None) -> Any:
    """A fact as the labels write it."""
    if fact is None:
        return None
    if fact.status == "conflicting":
        return "conflicting"
    if fact.unit is None:
        return list(fact.value) if isinstance(fact.value, tuple) else fact.value
    low = f">{fact.low:g}" if fact.low_open else fact.low
    high = f"<{fact.high:g}" if fact.high_open else fact.high
    return [low, high]


@pytest.mark.parametrize("note", NOTES, ids=[note["name"] for note in NOTES])
def test_note_states_what_an_expert_reads_in_it(note: dict[str, Any], lexicon: Lexicon) -> None:
    date: dt.date | None = note.get("date")
    document = Document("sha256:0", note["text"], date=date)
    facts = extract([document], [], lexicon)
    said = {name: _said(facts.get(name)) for name in (*note["known"], *note["unknown"])}
    assert said == {**note["known"], **dict.fromkeys(note["unknown"])}
    for fact in facts.values():
        for source in fact.sources:
            if source.kind == "note":
                assert source.document == document.id
                assert source.quote == document.text[source.start : source.end]
                assert source.quote
