"""The numbers that a statement of evidence rests on: written once as data, printed from there."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.policy import PolicyError

Number = int | float

_WORDS: Final[Mapping[str, str]] = {
    "%": "%",
    "d": " days",
    "h": " hours",
    "mo": " months",
    "a": " years",
    "mL": " ml",
    "/h": " an hour",
}
_KEYS: Final = frozenset({"value", "high", "unit", "events", "of", "ci", "confidence", "p"})


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its UCUM unit. ``high`` makes it a range from ``value``.

    ``events`` of ``total`` are the counts behind a proportion; ``ci`` is the confidence interval at ``confidence`` percent.
    """

    value: Number
    unit: str
    high: Number | None = None
    events: int | None = None
    total: int | None = None
    ci: tuple[Number, Number] | None = None
    confidence: Number | None = None
    p: Number | None = None

    def __str__(self) -> str:
        """As a reader expects it: ``42 of 50 (84%)``, ``6.2 (95% CI 2.0 to 19.8; p = 0.001)``, ``917 to 2,261 ml``."""
        shown = (f"{self.value:,} to {self.high:,}" if self.high is not None else f"{self.value:,}") + _word(self.unit)
        notes = []
        if self.ci is not None:
            notes.append(f"{self.confidence}% CI {self.ci[0]} to {self.ci[1]}")
        if self.p is not None:
            notes.append(f"p = {self.p}")
        if self.events is not None:
            return f"{self.events} of {self.total} ({'; '.join([shown, *notes])})"
        return f"{shown} ({'; '.join(notes)})" if notes else shown


def _word(unit: str) -> str:
    # UCUM's "1" and annotations in braces count things whose noun the sentence itself gives.
    return "" if unit == "1" or unit.startswith("{") else _WORDS.get(unit, f" {unit}")


def parse_figure(data: object, where: str) -> Figure:
    """A figure as YAML gives it.

    Raises:
        PolicyError: the unit is missing, a number is not one, the counts do not give the percentage, or the interval
            does not hold the value.
    """
    if not isinstance(data, dict):
        raise PolicyError(f"{where}: a figure needs at least a value and a unit.")
    unknown = sorted(str(k) for k in data if k not in _KEYS)
    if unknown:
        raise PolicyError(f"{where}: a figure has no {unknown[0]}.")
    unit = data.get("unit")
    if not isinstance(unit, str) or not unit:
        raise PolicyError(f'{where}: a figure needs a unit (UCUM; "1" for a ratio).')
    value = _number(data, "value", where)
    if value is None:
        raise PolicyError(f"{where}: a figure needs a value.")
    events, total = _number(data, "events", where), _number(data, "of", where)
    ci = data.get("ci")
    figure = Figure(
        value=value,
        unit=unit,
        high=_number(data, "high", where),
        events=None if events is None else int(events),
        total=None if total is None else int(total),
        ci=None if ci is None else _interval(ci, where),
        confidence=_number(data, "confidence", where),
        p=_number(data, "p", where),
    )
    _check(figure, where)
    return figure


def _number(data: Mapping[object, object], key: str, where: str) -> Number | None:
    value = data.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise PolicyError(f"{where}.{key}: must be a number.")
    return value


def _interval(data: object, where: str) -> tuple[Number, Number]:
    if not isinstance(data, list) or len(data) != 2:
        raise PolicyError(f"{where}.ci: needs the lower and the upper limit.")
    low, high = (_number({"ci": limit}, "ci", where) for limit in data)
    if low is None or high is None:
        raise PolicyError(f"{where}.ci: needs the lower and the upper limit.")
    return low, high


def _check(figure: Figure, where: str) -> None:
    if (figure.events is None) != (figure.total is None):
        raise PolicyError(f"{where}: events and of go together.")
    if figure.events is not None and figure.total is not None:
        if not 0 <= figure.events <= figure.total or figure.total == 0:
            raise PolicyError(f"{where}: {figure.events} of {figure.total} is not a proportion.")
        # Publications round to whole percents, upward or to even.
        if figure.unit == "%" and abs(100 * figure.events / figure.total - figure.value) > 0.51:
            raise PolicyError(f"{where}: {figure.events} of {figure.total} is not {figure.value}%.")
    if figure.high is not None and figure.high <= figure.value:
        raise PolicyError(f"{where}: high must be above value.")
    if (figure.ci is None) != (figure.confidence is None):
        raise PolicyError(f"{where}: ci and confidence go together.")
    if figure.ci is not None and not figure.ci[0] <= figure.value <= figure.ci[1]:
        raise PolicyError(f"{where}: the confidence interval does not hold the value.")
    if figure.p is not None and not 0 <= figure.p <= 1:
        raise PolicyError(f"{where}: p must be between 0 and 1.")
