"""The labelled notes of tests/cases, and a fact as the labels write it."""

from pathlib import Path
from typing import Any

import yaml

from shared.clinical.model import Fact

_FOLDER = Path(__file__).parent.parent / "cases" / "notes"


def labelled_notes() -> list[dict[str, Any]]:
    """Every labelled note, in order of file and place."""
    return [n for f in sorted(_FOLDER.glob("*.yaml")) for n in yaml.safe_load(f.read_text(encoding="utf-8"))["notes"]]


def exact_notes() -> list[dict[str, Any]]:
    """The notes that list facts as unknown too: extraction must agree with each of their labels.

    The others are labelled completely and measured (``make evaluate``); a miss there lowers a score and breaks no test.
    """
    return [note for note in labelled_notes() if "unknown" in note]


def as_label(fact: Fact | None) -> Any:
    """A fact as the labels write it; None where the chart is silent."""
    if fact is None:
        return None
    if fact.status == "conflicting":
        return "conflicting"
    if fact.unit is None:
        return list(fact.value) if isinstance(fact.value, tuple) else fact.value
    low = f">{fact.low:g}" if fact.low_open else fact.low
    high = f"<{fact.high:g}" if fact.high_open else fact.high
    return [low, high]
