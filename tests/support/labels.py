"""The labelled charts of tests/cases, and a fact as the labels write it."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from shared.clinical.model import Fact

NOTES: Final = Path(__file__).parent.parent / "cases" / "notes"
_NEAR: Final = 0.005
"""Charts round, and months and pounds convert with a remainder: numbers that differ by half a percent agree."""


def labelled_notes(places: Sequence[Path] = (NOTES,)) -> list[dict[str, Any]]:
    """Every labelled chart of the files and folders, in order of file and place."""
    files = [file for place in places for file in (sorted(place.glob("*.yaml")) if place.is_dir() else [place])]
    return [note for file in files for note in yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)["notes"]]


def exact_notes() -> list[dict[str, Any]]:
    """The notes that list facts as unknown too: extraction must agree with each of their labels.

    The others are labelled completely and measured (``make evaluate``); a miss there lowers a score and breaks no test.
    """
    return [note for note in labelled_notes() if "unknown" in note]


def as_label(fact: Fact | None) -> Any:
    """A fact as the labels write it; None where the chart is silent."""
    if fact is None or fact.status == "unknown":
        return None
    if fact.status == "conflicting":
        return "conflicting"
    if fact.unit is None:
        return list(fact.value) if isinstance(fact.value, tuple) else fact.value
    low = f">{fact.low:g}" if fact.low_open else fact.low
    high = f"<{fact.high:g}" if fact.high_open else fact.high
    return [low, high]


def agree(found: Any, wanted: Any) -> bool:
    """Whether a label and a finding are the same: bounds of quantities up to rounding, all else exactly.

    A label's bound without a sign, ``[24, null]``, leaves open whether it is meant itself, as the vocabulary does; ``[">24", null]`` does not.
    """
    if found == wanted or not (isinstance(found, list) and isinstance(wanted, list)):
        return bool(found == wanted)
    if all(isinstance(word, str) and word[:1] not in ("<", ">") for word in (*found, *wanted)):
        return set(found) == set(wanted)  # Codes and levels are sets, in whatever order the label has them.
    if len(found) != 2 or len(wanted) != 2:
        return False
    return all(_same_bound(a, b) for a, b in zip(found, wanted, strict=True))


def _same_bound(found: Any, wanted: Any) -> bool:
    if isinstance(found, str) and isinstance(wanted, str) and found[:1] in "<>" and found[:1] == wanted[:1]:
        return math.isclose(float(found[1:]), float(wanted[1:]), rel_tol=_NEAR)
    if isinstance(found, str) and isinstance(wanted, int | float) and found[:1] in "<>":
        return math.isclose(float(found[1:]), wanted, rel_tol=_NEAR)
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        return math.isclose(found, wanted, rel_tol=_NEAR)
    return bool(found == wanted)
