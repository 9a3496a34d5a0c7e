"""Strict reading of policy YAML: a key written twice or misspelt is an error, never silently dropped."""

import contextlib
import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from shared.policy import PolicyError

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class _StrictLoader(yaml.CSafeLoader):
    """Refuses a mapping that names a key twice; YAML itself would keep the last one.

    A date is text, as in YAML 1.2 and so in editors; ``Fields.date`` reads it.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep=True)
        if len(mapping) != len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands here twice", node.start_mark)
        return mapping


_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def load_mapping(name: str, text: str) -> dict[str, Any]:
    """The YAML document of a policy file. Raises PolicyError with the file and line where the text is not such a mapping."""
    try:
        data = _StrictLoader(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise PolicyError(f"{name}{line}: {error.problem or 'is not YAML'}.") from error
    except yaml.YAMLError as error:
        raise PolicyError(f"{name}: is not YAML ({type(error).__name__}).") from error
    if not isinstance(data, dict):
        raise PolicyError(f"{name}: must be a mapping at the top.")
    return Fields(data, name).data


def read_count(n: object, parts: int, where: str) -> int:
    """The ``n`` of an ``at_least`` with so many parts. Raises PolicyError where they are fewer than it asks for."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise PolicyError(f"{where}.n: must be a whole number of at least 1.")
    if n > parts:
        raise PolicyError(f"{where}.n: asks for {n} of {parts}.")
    return n


def finite(value: object) -> float | None:
    """The value as a number, or None where it is none: text, true or false, not a number, or beyond what a float holds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


class Fields:
    """A mapping whose fields are taken one by one; ``done`` refuses those that nobody took."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, Mapping) or not all(isinstance(key, str) for key in data):
            raise PolicyError(f"{where}: must be a mapping with text keys.")
        self.data: dict[str, Any] = dict(data)
        self.where = where
        self._left = set(self.data)

    def take(self, key: str, default: object = None) -> Any:
        self._left.discard(key)
        value = self.data.get(key)
        return default if value is None else value

    def require(self, key: str) -> Any:
        value = self.take(key)
        if value is None:
            raise PolicyError(f"{self.where}: {key} is missing.")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        value = self.require(key) if default is None else self.take(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise PolicyError(f"{self.where}.{key}: must be text (quote what YAML would read as a number).")
        return value.strip()

    def texts(self, key: str, default: tuple[str, ...] | None = ()) -> tuple[str, ...]:
        value = self.require(key) if default is None else self.take(key, list(default))
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise PolicyError(f"{self.where}.{key}: must be a list of texts (quote what YAML would read as a number).")
        return tuple(value)

    def items(self, key: str) -> "tuple[Fields, ...]":
        value = self.take(key, [])
        if not isinstance(value, list):
            raise PolicyError(f"{self.where}.{key}: must be a list.")
        return tuple(Fields(item, f"{self.where}.{key}[{i}]") for i, item in enumerate(value))

    def date(self, key: str) -> dt.date | None:
        value = self.take(key)
        if value is None:
            return None
        if isinstance(value, str) and _DATE.fullmatch(value):
            with contextlib.suppress(ValueError):
                return dt.date.fromisoformat(value)
        raise PolicyError(f"{self.where}.{key}: must be a date such as 2026-01-31.")

    def done(self) -> None:
        if self._left:
            raise PolicyError(f"{self.where}: {', '.join(sorted(self._left))} is not a field that belongs here.")
