"""The examples of a criteria set as extensions of its PlanDefinition: R4 has no element for a module's own test cases."""

import json
from collections.abc import Mapping
from typing import Any

from services.criteria_evaluation.domain.fhir_elements import Element
from services.criteria_evaluation.domain.fhir_terms import EMPTY, UCUM, Json, address, filled
from shared.clinical.expression import Vocabulary


def example_extension(example: Mapping[str, Any], vocabulary: Vocabulary) -> Json:
    """One example: its name, outcome and items, and each fact with its value in the type of FHIR that fits it."""
    parts = [{"url": "name", "valueString": example["name"]}, {"url": "outcome", "valueCode": example["outcome"]}]
    parts += [{"url": "item", "valueString": item} for item in example.get("items") or ()]
    for name, value in example["facts"].items():
        unit = vocabulary[name][1] if name in vocabulary else None
        values = _values(value, unit)
        parts.append({"url": "fact", "extension": [{"url": "name", "valueString": name}, *values]})
    parts += [
        {"url": "empty", "valueString": json.dumps({key: value})} for key, value in example.items() if value in EMPTY
    ]
    return {"url": address("example"), "extension": parts}


def _values(value: Any, unit: str | None) -> list[Json]:
    if isinstance(value, list):
        # A set of one is not the same as a value, so its members have a name of their own.
        return [{"url": "member", **_scalar(member, None)} for member in value] or [
            {"url": "empty", "valueString": "[]"}
        ]
    if not isinstance(value, Mapping):
        return [{"url": "value", **_scalar(value, unit)}]
    ends = {side: _quantity(end, unit) for side, end in value.items() if end is not None}
    open_ends = {side: None for side, end in value.items() if end is None}
    return [
        *([{"url": "value", "valueRange": ends}] if ends else ()),
        *([{"url": "empty", "valueString": json.dumps(open_ends)}] if open_ends or not ends else ()),
    ]


def _scalar(value: Any, unit: str | None) -> Json:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int | float) and unit is not None:
        return {"valueQuantity": _quantity(value, unit)}
    # A code such as ESCC grade 2, which YAML reads as a number.
    return {"valueInteger": value} if isinstance(value, int) else {"valueString": value}


def _quantity(value: float, unit: str | None) -> Json:
    return filled({"value": value, "system": UCUM if unit else None, "code": unit})


def read_example(element: Element, vocabulary: Vocabulary) -> Json:
    """The example as a set writes it.

    Raises:
        PolicyError: a part is missing or has another type, or a quantity is in another unit than that of its fact.
    """
    parts = element.children("extension")
    empty: Json = {}
    example: Json = {}
    items: list[str] = []
    facts: Json = {}
    for part in parts:
        match part.text("url"):
            case "name":
                example["name"] = part.text("valueString")
            case "outcome":
                example["outcome"] = part.text("valueCode")
            case "item":
                items.append(part.text("valueString"))
            case "fact":
                name = part.children("extension")[0].text("valueString")
                facts[name] = _read_fact(part, vocabulary[name][1] if name in vocabulary else None)
            case "empty":
                empty |= part.json_object("valueString")
            case _:
                part.refuse("is no part of an example")
        part.done()
    return {**example, **({"items": items} if items else {}), **({"facts": facts} if facts else {}), **empty}


def _read_fact(fact: Element, unit: str | None) -> Any:
    """The value of a fact whose name is the first part."""
    members: list[Any] = []
    values: list[Any] = []
    for part in fact.children("extension")[1:]:
        match part.text("url"):
            case "member":
                members.append(_read_scalar(part, unit))
            case "value":
                values.append(_read_scalar(part, unit))
            case "empty":
                values.append(part.json("valueString"))
            case _:
                part.refuse("is no part of a fact")
        part.done()
    if members and not values:
        return members
    if len(values) == 1:
        return values[0]
    if len(values) != 2 or members or not all(isinstance(value, dict) for value in values):
        fact.refuse("has not exactly one value")
    # A range and its open end.
    return {**values[0], **values[1]}


def _read_scalar(part: Element, unit: str | None) -> Any:
    if part.has("valueBoolean"):
        return part.flag("valueBoolean")
    if part.has("valueInteger"):
        return part.number("valueInteger")
    if part.has("valueQuantity"):
        return _read_quantity(part.child("valueQuantity"), unit)
    return _read_range(part.child("valueRange"), unit) if part.has("valueRange") else part.text("valueString")


def _read_range(part: Element, unit: str | None) -> Json:
    ends = {side: _read_quantity(part.child(side), unit) for side in ("low", "high") if part.has(side)}
    part.done()
    return ends


def _read_quantity(part: Element, unit: str | None) -> float:
    value = part.number("value")
    if part.has("code") and part.text("code") != unit:
        part.refuse("is in another unit than that of its fact")
    part.ignore("system")
    part.done()
    return value
