"""The banks of tests/cases/phrasings: single statements of a fact as charts make them, and what is to be read."""

import datetime as dt
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.clinical.model import Document
from tests.support.labels import as_label

PLACE: Final = Path(__file__).parent.parent / "cases" / "phrasings"
FAMILIES: Final = tuple(sorted(path.stem for path in PLACE.glob("*.yaml")))
WRITTEN_ON: Final = dt.date(2026, 5, 20)
"""The day of every note, for those that tell how long ago something was."""


class Phrasing(NamedTuple):
    """A text, and what it states of a fact as the labels write it; None where nothing may be read."""

    fact: str
    text: str
    value: Any


def phrasings(family: str) -> list[Phrasing]:
    """The phrasings of a family of facts, in the order of its file."""
    rows = yaml.load((PLACE / f"{family}.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return [Phrasing(row["fact"], row["text"], row["value"]) for row in rows]


def read(phrasing: Phrasing, lexicon: Lexicon) -> Any:
    """What the extractor reads of the phrasing's fact."""
    document = Document("sha256:0", phrasing.text, date=WRITTEN_ON)
    return as_label(extract([document], [], lexicon).get(phrasing.fact))
