"""Where in a policy file a problem stands: file, line, place."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import yaml

from shared.policy import PolicyError, PolicyFile

_STEP: Final = re.compile(r"\.?([a-z_]+)(?:\[(\d+)\])?")
_PATH: Final = re.compile(r"^[^:]*?\.ya?ml((?:\.[a-z_]+(?:\[\d+\])?)+|: [a-z_]+\[\d+\])")
_LINE: Final = re.compile(r", line (\d+)")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a policy cannot be used. ``file``, ``line`` and ``place`` are None or empty where they are not known."""

    file: str | None
    line: int | None
    place: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file or ""
        return ": ".join(part for part in (where, self.place, self.reason) if part)


def fault_of(files: Iterable[PolicyFile], error: PolicyError) -> Fault:
    """Takes a reader's message apart and finds the line that it is about."""
    message = str(error)
    named = [file for file in files if message.startswith(file.name)]
    if not named:
        return Fault(None, None, "", message)
    file = max(named, key=lambda file: len(file.name))
    stated = _LINE.match(message, len(file.name))
    head, _, reason = message.partition(": ")
    place = "" if stated else head.removeprefix(file.name).lstrip(".")
    line = int(stated[1]) if stated else line_of_message(file.text, message)
    return Fault(file.name, line, place, reason or message)


def line_of_message(text: str, message: str) -> int | None:
    """The line that the path at the head of a reader's message names ("x.yaml.criteria[0].when: ...")."""
    found = _PATH.match(message)
    if found is None:
        return None
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return None
    line = 1
    for name, index in _STEP.findall(found[1]):
        if not isinstance(node, yaml.MappingNode):
            break
        values = {key.value: (key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        if name not in values:
            break
        key, node = values[name]
        line = key.start_mark.line + 1
        if index and isinstance(node, yaml.SequenceNode) and int(index) < len(node.value):
            node = node.value[int(index)]
            line = node.start_mark.line + 1
    return line


def line_of_place(text: str, place: str) -> int | None:
    """The line at which an id, a name or a comparison's fact stands for the first time."""
    words = [place, place.split(" ", 1)[0]]
    for word in words:
        for number, line in enumerate(text.split("\n"), start=1):
            if word and word in line:
                return number
    return None
