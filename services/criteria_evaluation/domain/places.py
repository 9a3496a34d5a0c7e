"""The line of a policy file at which a problem stands."""

import re
from typing import Final

import yaml

_STEP: Final = re.compile(r"\.?([a-z_]+)(?:\[(\d+)\])?")
_PATH: Final = re.compile(r"^[^:]*?\.ya?ml((?:\.[a-z_]+(?:\[\d+\])?)+)")


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
