"""The vocabulary of clinical facts: names, types and units, and what a value of each type may be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

FactKind = Literal["boolean", "quantity", "code", "codes", "levels"]

LEVELS: Final[tuple[str, ...]] = tuple(
    [f"C{n}" for n in range(1, 8)]
    + [f"T{n}" for n in range(1, 13)]
    + [f"L{n}" for n in range(1, 6)]
    + [f"S{n}" for n in range(1, 6)]
)
"""Vertebrae from the skull down. A range of levels is a slice of this."""
LEVEL_INDEX: Final[Mapping[str, int]] = {level: index for index, level in enumerate(LEVELS)}


@dataclass(frozen=True, slots=True)
class FactType:
    """One entry of the vocabulary.

    ``latest``: of several dated values the most recent counts; ``earliest``: the first. ``prefer``: codes that win over the less specific ones
    that the same chart also uses. ``kinds_of``: (code, a wider code of which it is a kind): where a chart has both, the narrower counts. ``internal``: an intermediate finding that rules use and nobody is shown.
    ``imaged``: the day of a value is that of the image it was seen on. ``aged``: a time that has passed by the last day of the document, whatever day its entry is of.
    A quantity beyond ``minimum`` and ``maximum`` is no value of it. ``beside``: another fact that measures the same state; copied
    text yields to what the note itself says of that fact.
    """

    name: str
    kind: FactKind
    unit: str | None = None
    values: tuple[str, ...] = ()
    latest: bool = False
    imaged: bool = False
    aged: bool = False
    earliest: bool = False
    prefer: tuple[str, ...] = ()
    kinds_of: tuple[tuple[str, str], ...] = ()
    internal: bool = False
    minimum: float | None = None
    maximum: float | None = None
    meaning: str = ""
    beside: str = ""


Vocabulary = Mapping[str, FactType]


def in_order(levels: Iterable[str]) -> tuple[str, ...]:
    """Distinct vertebrae from the skull down."""
    return tuple(sorted(set(levels), key=LEVEL_INDEX.__getitem__))


def level_range(first: str, last: str) -> tuple[str, ...]:
    """All vertebrae from one to the other, whichever is named first."""
    low, high = sorted((LEVEL_INDEX[first], LEVEL_INDEX[last]))
    return LEVELS[low : high + 1]


def comparable(vocabulary: Vocabulary) -> dict[str, tuple[str, str | None, tuple[str, ...]]]:
    """The facts that criteria and evidence may compare, with type, unit and codes.

    Not the internal ones: an evaluation never lists them, so a criterion over one would be unknown for ever.
    """
    return {name: (fact.kind, fact.unit, fact.values) for name, fact in vocabulary.items() if not fact.internal}
