"""Amounts of nothing: "Retropulsion: 0 mm", "0% canal compromise", "0 mm of translation". What is measured as nought is absent."""

from collections.abc import Iterator
from typing import Final

from services.criteria_evaluation.domain.extract.scan import Found
from services.criteria_evaluation.domain.extract.words import Units

_MEASURES: Final = frozenset({"<len>", "<pct>", "<num>"})
_LINKS: Final = frozenset({":", "of", "is", "was", "at", "mm", "%"})
_ENDS: Final = frozenset({",", ";", "and", "mm", "%", "percent"})


def is_nought(units: Units, hit: Found) -> bool:
    """Whether what a statement says is there is measured as nought, within its words or directly beside them."""
    if hit.target.value is not True:
        return False
    held = [p for p in hit.taken if units.words[p] in ("<len>", "<pct>")]
    measured = held or list(_beside(units, hit))
    return bool(measured) and all(_is_zero(units, p) for p in measured)


def _beside(units: Units, hit: Found) -> Iterator[int]:
    words, first, after = units.words, hit.taken[0], hit.taken[-1] + 1
    while after < len(words) and words[after] in _LINKS:
        after += 1
    if after < len(words) and words[after] in _MEASURES and (after + 1 == len(words) or words[after + 1] in _ENDS):
        yield after
    elif first > 0 and words[first - 1] in ("<len>", "<pct>"):
        yield first - 1
    elif first > 1 and words[first - 1] == "of" and words[first - 2] in ("<len>", "<pct>"):
        yield first - 2


def _is_zero(units: Units, p: int) -> bool:
    value = units.values.get(p)
    return value is not None and value.interval is not None and value.interval.high == 0
