"""The banks of tests/cases/phrasings: how charts state one fact at a time, and what looks like it and states nothing."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

_BANKS: Final = Path(__file__).parent.parent / "cases" / "phrasings"


class Phrasing(NamedTuple):
    """A line of a chart, and what it says of a fact as the labels write it; None where it must say nothing."""

    fact: str
    text: str
    value: Any


def phrasings(family: str) -> list[Phrasing]:
    """The bank of a family of facts: ``tests/cases/phrasings/<family>.yaml``."""
    entries = yaml.safe_load((_BANKS / f"{family}.yaml").read_text(encoding="utf-8"))
    return [Phrasing(one["fact"], one["text"], one["value"]) for one in entries]
