"""Policy files bent out of shape, read twice: by their reader and by their JSON Schema."""

import copy
import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml
from hypothesis import strategies as st
from jsonschema import Draft7Validator, FormatChecker

from services.criteria_evaluation.schemas import policy_schemas
from shared.clinical.policy_yaml import load_mapping
from shared.policy import PolicyError

Path = tuple[str | int, ...]
Read = Callable[[str], object]

RELATIONS: Final = re.compile(
    r"is used twice|runs backwards|asks for \d+ of|cannot be converted|ends before it begins|range of vertebrae"
    "|is there twice|not in the library|is not a proportion|is not .*%|high must be above|does not hold the value"
    "|is printed but not given|is given but not printed|stands twice|There is no (?:context|cue|class)|has no slot"
    "|to stand beside|must begin with a word|is no gap|that no text can match|classes of these patterns"
    "|is not among its words"
)
"""What no JSON Schema says: how one value stands to another. A reader refuses these, and the schema cannot."""

VALUES: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [None, True, False, 0, 1, 3, -2, 2.5, "", " ", "x", "psg", "L1-L3", "2", "a-b", "A b", "{sleep.ahi}", "{", "unknown",
     "2024-02-30", "2024-03-01", dt.date(2024, 3, 1), dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC), [], ["x"], [None], [1], ["L2"], ["", "y"], {},
     {"x": 1}, {"low": 1, "high": None}, {"low": "1"}, {"fact": "sleep.ahi", ">=": 5}, {"fact": "body.bmi", "is": True},
     {"fact": "symptom.insomnia", "is": True}, {"fact": "symptom.insomnia", "known": True}, {"fact": "no.such", "is": True},
     {"fact": "spine.escc_grade", "is": 2}, {"fact": "spine.lesion_levels", "overlaps": ["L2", "T9-T12"]},
     {"all_of": []}, {"not": {"fact": "care.inpatient", "is": False}}, {"when": None, "text": "Said."}, {"text": "Said."}]
)  # fmt: skip


@cache
def validator(schema: str) -> Draft7Validator:
    """The validator of one of the schemas under ``docs/``, with dates checked as dates."""
    return Draft7Validator(policy_schemas()[schema], format_checker=FormatChecker(["date"]))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a text. ``refusal`` is the reader's message, None where it accepts."""

    refusal: str | None
    valid: bool

    @property
    def agrees(self) -> bool:
        """Whether reader and schema say the same, relations between values aside.

        A reader stops at the first fault, so a relation says nothing of what else the schema may find.
        """
        if self.refusal is not None and RELATIONS.search(self.refusal):
            return True
        return (self.refusal is None) == self.valid


def verdict(data: Any, read: Read, schema: str) -> Verdict:
    """Reads the data as YAML text by both."""
    text = yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    try:
        read(text)
    except PolicyError as error:
        refusal: str | None = str(error)
    else:
        refusal = None
    try:
        document = load_mapping("file.yaml", text)
    except PolicyError:
        document = None
    return Verdict(refusal, validator(schema).is_valid(_as_json(document)))


def _as_json(data: Any) -> Any:
    """As an editor holds it against a schema: every key is text."""
    if isinstance(data, dict):
        return {str(key): _as_json(value) for key, value in data.items()}
    return [_as_json(value) for value in data] if isinstance(data, list) else data


def places(data: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in the data, the whole of it first."""
    yield path
    steps = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in steps:
        yield from places(value, (*path, step))


def at(data: Any, path: Path) -> Any:
    """What stands at a place."""
    for step in path:
        data = data[step]
    return data


def put(data: Any, path: Path, value: Any) -> Any:
    """A copy with another value at a place, which may be a new key."""
    bent = copy.deepcopy(data)
    at(bent, path[:-1])[path[-1]] = value
    return bent


def drop(data: Any, path: Path) -> Any:
    """A copy without what stands at a place."""
    bent = copy.deepcopy(data)
    del at(bent, path[:-1])[path[-1]]
    return bent


def rename(data: Any, path: Path, key: str) -> Any:
    """A copy in which a key is called otherwise."""
    bent = copy.deepcopy(data)
    parent = at(bent, path[:-1])
    renamed = {key if old == path[-1] else old: value for old, value in parent.items()}
    parent.clear()
    parent.update(renamed)
    return bent


@st.composite
def bent(draw: st.DrawFn, data: Any) -> Any:
    """The data with one thing changed: a value replaced, dropped, renamed, copied from elsewhere, or a key added."""
    every = [path for path in places(data) if path]
    path = draw(st.sampled_from(every))
    in_mapping = isinstance(path[-1], str)
    how = draw(st.sampled_from(["value", "drop", "copy", *(["rename", "add"] if in_mapping else [])]))
    if how == "value":
        return put(data, path, draw(VALUES))
    if how == "drop":
        return drop(data, path)
    if how == "copy":
        return put(data, path, copy.deepcopy(at(data, draw(st.sampled_from(every)))))
    keys = sorted({str(step) for other in every for step in other if isinstance(step, str)} | {"unknown"})
    key = draw(st.sampled_from(keys))
    return rename(data, path, key) if how == "rename" else put(data, (*path[:-1], key), draw(VALUES))
