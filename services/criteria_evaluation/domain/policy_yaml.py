"""YAML with line numbers, so that an error can say where it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NoReturn

import yaml

from shared.policy import PolicyError, PolicyFile

_SCALARS: Final = {
    "tag:yaml.org,2002:bool",
    "tag:yaml.org,2002:int",
    "tag:yaml.org,2002:float",
    "tag:yaml.org,2002:null",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A node of a policy file: a scalar, a list of entries, or a mapping of entries, and where it stands."""

    file: str
    line: int
    data: "str | bool | float | tuple[Entry, ...] | dict[str, Entry] | None"

    def fail(self, reason: str) -> NoReturn:
        """Refuses the file at this line."""
        raise PolicyError(f"{self.file}, line {self.line}: {reason}")

    def mapping(self, allowed: frozenset[str] | None = None) -> "dict[str, Entry]":
        """This entry as a mapping with no other keys than those allowed."""
        if not isinstance(self.data, dict):
            self.fail("A mapping is expected here.")
        if allowed is not None and (unknown := sorted(self.data.keys() - allowed)):
            self.data[unknown[0]].fail(f"The key '{unknown[0]}' is not known here; use {', '.join(sorted(allowed))}.")
        return self.data

    def entries(self) -> "tuple[Entry, ...]":
        """The members of a list; a scalar stands for a list of itself."""
        if isinstance(self.data, dict):
            self.fail("A list is expected here.")
        return self.data if isinstance(self.data, tuple) else (self,)

    def text(self) -> str:
        """A scalar as text."""
        if isinstance(self.data, bool) or not isinstance(self.data, str | float):
            self.fail("Text is expected here.")
        return f"{self.data:g}" if isinstance(self.data, float) else self.data

    def words(self) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(entry.text() for entry in self.entries())

    def flag(self) -> bool:
        """A scalar that is true or false."""
        if not isinstance(self.data, bool):
            self.fail("true or false is expected here.")
        return self.data

    def number(self) -> float:
        """A scalar that is a number."""
        if isinstance(self.data, bool) or not isinstance(self.data, float):
            self.fail("A number is expected here.")
        return self.data


def read_yaml(file: PolicyFile) -> Entry:
    """The file's document.

    Raises:
        PolicyError: it is no YAML, holds no mapping, or has a key twice.
    """
    try:
        node = yaml.compose(file.text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyError(f"{file.name}, line {line}: This is not YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise PolicyError(f"{file.name}: This is not YAML.") from error
    if not isinstance(node, yaml.MappingNode):
        raise PolicyError(f"{file.name}, line 1: A policy file is a mapping.")
    return _entry(file.name, node)


def _entry(file: str, node: yaml.Node) -> Entry:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return Entry(file, line, dict(_pairs(file, node)))
    if isinstance(node, yaml.SequenceNode):
        return Entry(file, line, tuple(_entry(file, item) for item in node.value))
    return Entry(file, line, _scalar(node.tag, node.value))


def _pairs(file: str, node: yaml.MappingNode) -> Iterator[tuple[str, Entry]]:
    seen: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.value in seen:
            raise PolicyError(
                f"{file}, line {key.start_mark.line + 1}: The same key stands twice here, or is not a word."
            )
        seen.add(key.value)
        yield key.value, _entry(file, value)


def _scalar(tag: str, value: str) -> str | bool | float | None:
    if tag not in _SCALARS:
        return value
    if tag.endswith("null"):
        return None
    if tag.endswith("bool"):
        return value.lower() in ("true", "yes", "on")
    try:
        return float(value.replace("_", ""))
    except ValueError:
        return value
