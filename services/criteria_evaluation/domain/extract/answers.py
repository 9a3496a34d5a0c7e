"""Values of FHIR elements (``value[x]``) as values of facts. Nothing here raises: what cannot be read states nothing."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from services.criteria_evaluation.domain.extract.elements import Body, bodies
from services.criteria_evaluation.domain.extract.levels import levels_in
from services.criteria_evaluation.domain.extract.mention import Said, converted
from services.criteria_evaluation.domain.extract.values import units_of
from services.criteria_evaluation.domain.extract.words import Tokens
from services.criteria_evaluation.domain.quantities import Interval
from services.criteria_evaluation.domain.vocabulary import FactType, in_order

_YES: Final = frozenset({"yes", "y", "true", "present", "positive", "373066001", "LA33-6", "52101004", "10828004"})
_NO: Final = frozenset({"no", "n", "false", "absent", "negative", "373067005", "LA32-8", "2667000", "260385009"})
_SEPARATORS: Final = re.compile(r"[,;|]")
_WORD: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?|[^\W\d_]+|[^\s]")
_LONGEST_TEXT: Final = 400


def value_of(body: Body) -> tuple[str, Any] | None:
    """The ``value[x]`` element of a body: its name and content."""
    for key in body:
        if key.startswith("value") and key != "value":
            return key, body[key]
    return None


def said_by(fact: FactType, element: str, content: Any) -> Said | None:
    """What a ``value[x]`` element says of a fact, or None."""
    if fact.kind == "boolean":
        return _boolean(content)
    if fact.kind == "quantity":
        return _quantity(fact, element, content)
    words = tuple(_words(content))
    if fact.kind == "levels":
        found = in_order(level for word in words for level in levels_in(word))
        return found or None
    codes = [code for word in words for code in _codes(fact, word)]
    if not codes:
        return None
    return codes[0] if fact.kind == "code" else tuple(sorted(set(codes)))


def _boolean(content: Any) -> bool | None:
    if isinstance(content, bool):
        return content
    for word in _words(content):
        bare = word.strip()
        if bare in _YES or bare.lower() in _YES:
            return True
        if bare in _NO or bare.lower() in _NO:
            return False
    return None


def _words(content: Any) -> Iterator[str]:
    """The texts of a string, a number, a Coding or a CodeableConcept."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for key in ("code", "display", "text"):
            if isinstance(content.get(key), str):
                yield content[key]
        for coding in bodies(content.get("coding")):
            yield from _words(coding)
    elif isinstance(content, int | float) and not isinstance(content, bool):
        yield f"{content:g}"


def _codes(fact: FactType, text: str) -> Iterator[str]:
    """The fact's words that a text is, or lists."""
    for part in _SEPARATORS.split(text[:_LONGEST_TEXT]):
        word = part.strip().lower()
        for form in (word, word.replace(" ", "_").replace("-", "_")):
            if form in fact.values:
                yield form
                break


def _quantity(fact: FactType, element: str, content: Any) -> Interval | None:
    if isinstance(content, bool):
        return None
    if isinstance(content, int | float):
        return converted(fact, Interval.at(float(content)), None) if abs(content) < 1e12 else None
    if isinstance(content, Mapping):
        if element == "valueRange":
            return _range(fact, content)
        if "value" in content:
            return _compared(fact, content)
    for word in _words(content):
        if (parsed := quantity_in(fact, word)) is not None:
            return parsed
    return None


def _number(content: object) -> float | None:
    if isinstance(content, bool) or not isinstance(content, int | float) or not abs(content) < 1e12:
        return None
    return float(content)


def _unit(content: Body) -> str | None:
    """The UCUM code, else the unit as written."""
    for key in ("code", "unit"):
        if isinstance(content.get(key), str) and content[key]:
            return str(content[key])
    return None


_COMPARATORS: Final[Mapping[str, Callable[[float], Interval]]] = {
    "<": lambda number: Interval(None, number, high_open=True),
    "<=": lambda number: Interval(None, number),
    ">": lambda number: Interval(number, None, low_open=True),
    ">=": lambda number: Interval(number, None),
    "ad": lambda number: Interval(number, None),
}


def _compared(fact: FactType, content: Body) -> Interval | None:
    number = _number(content.get("value"))
    if number is None:
        return None
    comparator = content.get("comparator")
    compare = _COMPARATORS.get(comparator) if isinstance(comparator, str) else None
    interval = compare(number) if compare else Interval.at(number)
    return converted(fact, interval, _unit(content))


def _range(fact: FactType, content: Body) -> Interval | None:
    """A Range: both ends inclusive (FHIR R4, datatypes, Range)."""
    low, high = content.get("low"), content.get("high")
    ends = [
        None if not isinstance(end, Mapping) else _compared(fact, {**end, "comparator": None}) for end in (low, high)
    ]
    if ends == [None, None]:
        return None
    lower = ends[0].low if ends[0] else None
    upper = ends[1].high if ends[1] else None
    return None if lower is not None and upper is not None and lower > upper else Interval(lower, upper)


def quantity_in(fact: FactType, text: str) -> Interval | None:
    """A quantity written as text: ``greater than 6 months``, ``60 %``, ``8/10``."""
    words, starts, ends = [], [], []
    for found in _WORD.finditer(text[:_LONGEST_TEXT]):
        words.append(found.group().lower())
        starts.append(found.start())
        ends.append(found.end())
    for value in units_of(Tokens(words, starts, ends)).values.values():
        if value.interval is not None:
            return converted(fact, value.interval, value.unit)
    return None
