"""Strict reading of FHIR elements: what has no place in a criteria set is refused, never silently dropped."""

import json
import math
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from services.criteria_evaluation.domain.fhir_terms import BASE, address
from shared.policy import PolicyError

_DEEPEST: Final = 60
"""Levels of elements. The deepest set that ships has ten."""


def decode(text: str, where: str) -> Any:
    """A JSON document.

    Raises:
        PolicyError: it is none, names a key twice, or has a number that JSON does not know.
    """
    try:
        return json.loads(text, object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"{where}: this is not a JSON document.") from error


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


class Element:
    """A FHIR element whose members are taken one by one; ``done`` refuses those that nobody took.

    Messages name paths and never values: whoever names the wrong file may have named a chart.
    """

    def __init__(self, data: object, path: str, depth: int = 0) -> None:
        self.path = path
        self._depth = depth
        if not isinstance(data, Mapping) or not data:
            self.refuse("is not an element with members")
        if depth > _DEEPEST:
            self.refuse("lies too deep")
        self.data: Mapping[str, Any] = data
        self._left = set(data)

    def refuse(self, reason: str) -> NoReturn:
        """Raises PolicyError that names this element."""
        raise PolicyError(f"{self.path} {reason}.")

    def has(self, key: str) -> bool:
        return key in self.data

    def _take(self, key: str) -> Any:
        self._left.discard(key)
        if key not in self.data:
            self.refuse(f"has no {key}")
        return self.data[key]

    def text(self, key: str) -> str:
        value = self._take(key)
        if not isinstance(value, str) or not value:
            self.refuse(f"has a {key} that is not text")
        return value

    def flag(self, key: str) -> bool:
        value = self._take(key)
        if not isinstance(value, bool):
            self.refuse(f"has a {key} that is neither true nor false")
        return value

    def number(self, key: str) -> int | float:
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.refuse(f"has a {key} that is not a number")
        return value

    def json(self, key: str) -> Any:
        """JSON within a text."""
        return decode(self.text(key), f"{self.path}.{key}")

    def json_object(self, key: str) -> dict[str, Any]:
        found = self.json(key)
        if not isinstance(found, dict):
            self.refuse(f"has a {key} that is not a JSON object")
        return found

    def child(self, key: str) -> "Element":
        return Element(self._take(key), f"{self.path}.{key}", self._depth + 1)

    def children(self, key: str) -> "list[Element]":
        """The members of a list; none where the list is absent."""
        if key not in self.data:
            return []
        value = self._take(key)
        if not isinstance(value, list) or not value:
            self.refuse(f"has a {key} that is not a list")
        return [Element(entry, f"{self.path}.{key}[{i}]", self._depth + 1) for i, entry in enumerate(value)]

    def codings(self) -> list[Mapping[str, Any]]:
        """The codings of a CodeableConcept."""
        return [coding.data for coding in self.children("coding")]

    def extensions(self, *names: str) -> "dict[str, list[Element]]":
        """This project's extensions by name. Those of others are passed over; an unknown one of ours is refused."""
        found: dict[str, list[Element]] = {name: [] for name in names}
        for entry in self.children("extension"):
            url = entry.text("url")
            name = next((n for n in names if url == address(n)), None)
            if name is not None:
                found[name].append(entry)
            elif url.startswith(BASE):
                entry.refuse("is not an extension that belongs here")
        return found

    def ignore(self, *keys: str) -> None:
        """Members that say nothing a set holds."""
        self._left.difference_update(keys)

    def done(self) -> None:
        if left := sorted(self._left - {"id"}):
            self.refuse(f"has {left[0][:40]}, which has no place in a criteria set")
