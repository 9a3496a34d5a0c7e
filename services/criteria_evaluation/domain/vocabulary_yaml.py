"""Reading the vocabulary and values of its facts from policy files."""

from collections.abc import Sequence
from typing import Final

from services.criteria_evaluation.domain.policy_yaml import Entry
from services.criteria_evaluation.domain.vocabulary import LEVEL_INDEX, FactKind, FactType, Vocabulary, in_order
from shared.clinical.units import is_unit

_KINDS: Final[dict[str, FactKind]] = {
    "boolean": "boolean",
    "quantity": "quantity",
    "code": "code",
    "codes": "codes",
    "levels": "levels",
}
_KEYS: Final = frozenset(
    {
        "type",
        "unit",
        "values",
        "latest",
        "imaged",
        "aged",
        "earliest",
        "prefer",
        "kinds_of",
        "internal",
        "range",
        "meaning",
        "beside",
    }
)


def read_facts(parts: Sequence[Entry]) -> dict[str, FactType]:
    """The fact types of all ``facts`` mappings.

    Raises:
        PolicyError: a name twice, an unknown type, unit or fact beside it, a code without its words.
    """
    found: dict[str, FactType] = {}
    paired: list[tuple[Entry, str]] = []
    for part in parts:
        for name, entry in part.mapping().items():
            if name in found:
                entry.fail(f"The fact '{name}' stands twice.")
            found[name] = _fact(name, entry)
            if found[name].beside:
                paired.append((entry, found[name].beside))
    for entry, other in paired:
        if other not in found:
            entry.fail(f"There is no fact '{other}' for it to stand beside.")
    return found


def _fact(name: str, entry: Entry) -> FactType:
    data = entry.mapping(_KEYS)
    kind = _KINDS.get(data["type"].text()) if "type" in data else None
    if kind is None:
        entry.fail(f"The type of '{name}' must be one of {', '.join(_KINDS)}.")
    unit = data["unit"].text() if "unit" in data else None
    if (kind == "quantity") != (unit is not None):
        entry.fail(f"'{name}': a quantity has a UCUM unit, and no other type has one.")
    if unit is not None and not is_unit(unit):
        entry.fail(f"'{name}': the unit '{unit}' cannot be converted.")
    values = data["values"].words() if "values" in data else ()
    if (kind in ("code", "codes")) != bool(values):
        entry.fail(f"'{name}': a code has the list of its words, and no other type has one.")
    prefer = data["prefer"].words() if "prefer" in data else ()
    if wrong := [word for word in prefer if word not in values]:
        entry.fail(f"'{name}': '{wrong[0]}' is not among its words.")
    kinds_of = (
        tuple((word, wider.text()) for word, wider in data["kinds_of"].mapping().items()) if "kinds_of" in data else ()
    )
    if wrong := [word for pair in kinds_of for word in pair if word not in values]:
        entry.fail(f"'{name}': '{wrong[0]}' is not among its words.")
    bounds = [bound.number() for bound in data["range"].entries()] if "range" in data else [None, None]
    if len(bounds) != 2:
        entry.fail(f"'{name}': a range is two numbers.")
    return FactType(
        name=name,
        kind=kind,
        unit=unit,
        values=values,
        latest=data["latest"].flag() if "latest" in data else False,
        imaged=data["imaged"].flag() if "imaged" in data else False,
        aged=data["aged"].flag() if "aged" in data else False,
        earliest=data["earliest"].flag() if "earliest" in data else False,
        prefer=prefer,
        kinds_of=kinds_of,
        internal=data["internal"].flag() if "internal" in data else False,
        minimum=bounds[0],
        maximum=bounds[1],
        meaning=data["meaning"].text() if "meaning" in data else "",
        beside=data["beside"].text() if "beside" in data else "",
    )


def fact_named(entry: Entry, vocabulary: Vocabulary) -> FactType:
    """The fact type that a scalar names."""
    fact = vocabulary.get(entry.text())
    if fact is None:
        entry.fail(f"'{entry.text()}' is no fact of the vocabulary.")
    return fact


def read_value(entry: Entry, fact: FactType) -> bool | str | tuple[str, ...]:
    """A value of a boolean, code, codes or levels fact."""
    if fact.kind == "boolean":
        return entry.flag()
    if fact.kind == "quantity":
        entry.fail(f"'{fact.name}' is a quantity: its value stands in the text, not here.")
    words = entry.words()
    allowed = LEVEL_INDEX if fact.kind == "levels" else fact.values
    if wrong := [word for word in words if word not in allowed]:
        entry.fail(f"'{wrong[0]}' is no value of '{fact.name}'.")
    if fact.kind == "code":
        if len(words) != 1:
            entry.fail(f"'{fact.name}' has one word as its value.")
        return words[0]
    return in_order(words) if fact.kind == "levels" else tuple(sorted(set(words)))
