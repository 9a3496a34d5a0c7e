"""The words and the required contents of each letter, from ``notices.yaml``, and the check of a letter against them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any, Final, get_args

from shared.clinical.policy_yaml import Fields, load_mapping
from shared.letters.model import ContactPurpose, LetterContext, LetterIncompleteError, LetterKind

FILE: Final = "notices.yaml"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something a notice must contain: paths into the determination, the letter, or its contacts by purpose."""

    id: str
    text: str
    needs: tuple[tuple[str, ...], ...]
    equals: str | None = None
    unless: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One kind of letter as data."""

    title: str
    lead: str
    closing: str
    sections: tuple[str, ...]
    rights: tuple[str, ...]
    required: tuple[Requirement, ...]
    contacts: Mapping[str, str]


@cache
def notices() -> Mapping[LetterKind, Notice]:
    """All notices by kind.

    Raises:
        PolicyError: the file lacks a kind or a field, or has one that does not belong there.
    """
    text = resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    top = Fields(load_mapping(FILE, text), FILE)
    common = Fields(top.require("common"), f"{FILE}.common")
    shared = tuple(_requirement(entry) for entry in common.items("required"))
    contacts = Fields(common.require("contacts"), f"{FILE}.common.contacts")
    labels = {purpose: contacts.text(purpose) for purpose in get_args(ContactPurpose)}
    contacts.done()
    common.done()
    found: dict[LetterKind, Notice] = {}
    for kind in get_args(LetterKind):
        data = Fields(top.require(kind), f"{FILE}.{kind}")
        found[kind] = Notice(
            title=data.text("title"),
            lead=data.text("lead"),
            closing=data.text("closing"),
            sections=data.texts("sections", None),
            rights=data.texts("rights", None),
            required=(*shared, *(_requirement(entry) for entry in data.items("required"))),
            contacts=labels,
        )
        data.done()
    top.done()
    return found


def _requirement(data: Fields) -> Requirement:
    unless = data.text("unless", "")
    requirement = Requirement(
        id=data.text("id"),
        text=data.text("text"),
        needs=tuple(tuple(path.split(".")) for path in data.texts("needs", None)),
        equals=data.text("equals", "") or None,
        unless=tuple(unless.split(".")) if unless else None,
    )
    data.done()
    return requirement


def check(document: Mapping[str, Any], letter: LetterContext) -> None:
    """Refuses a letter that misses required contents.

    Raises:
        LetterIncompleteError: names all that is missing at once.
    """
    data = {
        "document": document,
        "letter": {f.name: getattr(letter, f.name) for f in fields(letter)},
        "contact": {contact.purpose: contact.value for contact in letter.contacts},
    }
    missing = tuple(r.text for r in notices()[letter.kind].required if not _satisfied(r, data))
    if missing:
        raise LetterIncompleteError(letter.kind, missing)


def _satisfied(requirement: Requirement, data: Mapping[str, Any]) -> bool:
    if requirement.unless is not None and _holds(list(_values(data, requirement.unless)), None):
        return True
    return all(_holds(list(_values(data, path)), requirement.equals) for path in requirement.needs)


def _holds(values: list[Any], equals: str | None) -> bool:
    if equals is not None:
        return values == [equals]
    return bool(values) and all(bool(v.strip() if isinstance(v, str) else v) for v in values)


def _values(data: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if not path:
        yield data
    elif path[0] == "*":
        for entry in data or ():
            yield from _values(entry, path[1:])
    else:
        yield from _values(data.get(path[0]) if isinstance(data, Mapping) else None, path[1:])
