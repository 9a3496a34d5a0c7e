"""What one place of the chart says of one fact, before all places are weighed together."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

from services.criteria_evaluation.domain.extract.words import Value
from services.criteria_evaluation.domain.quantities import Interval, convert
from services.criteria_evaluation.domain.vocabulary import FactType
from shared.clinical.model import Source

Said = bool | str | tuple[str, ...] | Interval


_LOWEST_PRESSURE: Final = 16


@dataclass(slots=True, init=False)
class Mention:
    """A value of a fact with its source. A mention of a higher ``rank`` counts only where none of a lower one exists.

    ``lowest``: it is one of a series, of which only the least value counts.
    """

    fact: str
    said: Said
    source: Source
    date: dt.date | None
    rank: int
    lowest: bool

    def __init__(
        self, fact: str, said: Said, source: Source, date: dt.date | None = None, rank: int = 1, lowest: bool = False
    ) -> None:
        self.fact = fact
        self.said = said
        self.source = source
        self.date = date
        self.rank = rank
        self.lowest = lowest

    def of(self, source: Source) -> "Mention":
        """The same value from another source."""
        return Mention(self.fact, self.said, source, self.date, self.rank, self.lowest)


def lower(one: Mention, other: Mention) -> Mention:
    """The mention with the lower value, the first of equals."""

    def value(mention: Mention) -> float:
        said = mention.said
        numbers = (said.high, said.low) if isinstance(said, Interval) else ()
        return next((number for number in numbers if number is not None), float("inf"))

    return other if value(other) < value(one) else one


def within(fact: FactType, interval: Interval) -> bool:
    """Whether the interval lies in the range that the fact can have."""
    low, high = fact.minimum, fact.maximum
    if low is not None and (
        (interval.low is not None and interval.low < low) or (interval.high is not None and interval.high < low)
    ):
        return False
    return high is None or not (
        (interval.low is not None and interval.low > high) or (interval.high is not None and interval.high > high)
    )


def said_in(fact: FactType, value: Value, on: dt.date | None) -> Said | None:
    """What a value written in prose says of a fact; a date, for a duration, runs to the note's own date ``on``."""
    if fact.kind == "levels":
        return value.levels or None
    if fact.kind == "code":
        word = value.grade or (f"{value.interval.low:g}" if value.interval and value.interval.low is not None else "")
        return word if word in fact.values else None
    if fact.kind != "quantity" or fact.unit is None:
        return None
    interval, unit = value.interval, value.unit
    if value.date is not None and on is not None and value.date <= on:
        interval, unit = Interval.at(float((on - value.date).days)), "d"
    if interval is None:
        return None
    if unit is None and fact.unit == "%" and fact.minimum and interval.high and interval.high < min(1, fact.minimum):
        unit = "1"  # A hematocrit of 0.51 is in litres by litre.
    if unit is None and fact.unit == "mm[Hg]" and interval.high and interval.high < _LOWEST_PRESSURE:
        unit = "kPa"  # Nobody lives at 9 mmHg of oxygen.
    return converted(fact, interval, unit)


def converted(fact: FactType, interval: Interval, unit: str | None) -> Interval | None:
    """The interval in the fact's unit, or None where it cannot be a value of the fact."""
    if unit == "%" and fact.unit == "{score}":
        unit = None  # A score of 0 to 100 is often written with a percent sign.
    from_unit = convert(interval, unit, fact.unit or "1")
    return from_unit if from_unit is not None and within(fact, from_unit) else None
