"""The sections and the required contents of each letter, from ``notices.yaml``, and the check of a letter against them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any, Final, get_args

from shared.clinical.policy_yaml import Fields, load_mapping
from shared.letters.model import Audience, Contact, LetterContext, LetterIncompleteError, LetterKind
from shared.letters.words import Words

FILE: Final = "notices.yaml"
Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something a notice must contain: paths into the determination, the letter, its contacts, or what is printed."""

    id: str
    text: str
    needs: tuple[tuple[str, ...], ...]
    equals: str | None = None
    unless: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One kind of letter to one audience, as data."""

    sections: tuple[str, ...]
    rights: tuple[str, ...]
    required: tuple[Requirement, ...]


@cache
def notices() -> Mapping[tuple[Audience, LetterKind], Notice]:
    """All notices by audience and kind.

    Raises:
        PolicyError: the file lacks a kind or a field, or has one that does not belong there.
    """
    text = resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    top = Fields(load_mapping(FILE, text), FILE)
    common = Fields(top.require("common"), f"{FILE}.common")
    shared = _requirements(common)
    common.done()
    found: dict[tuple[Audience, LetterKind], Notice] = {}
    for audience in get_args(Audience):
        group = Fields(top.require(audience), f"{FILE}.{audience}")
        of_all = (*shared, *_requirements(group))
        for kind in get_args(LetterKind):
            data = Fields(group.require(kind), f"{FILE}.{audience}.{kind}")
            found[audience, kind] = Notice(
                sections=data.texts("sections", None),
                rights=data.texts("rights", None),
                required=(*of_all, *_requirements(data)),
            )
            data.done()
        group.done()
    top.done()
    return found


def notice_of(letter: LetterContext) -> Notice:
    """The notice that a letter follows."""
    return notices()[letter.audience, letter.kind]


def _requirements(data: Fields) -> tuple[Requirement, ...]:
    return tuple(_requirement(entry) for entry in data.items("required"))


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


def contacts_of(letter: LetterContext, words: Words) -> tuple[Contact, ...]:
    """The payer's contacts; one without a value is on the member's card, as the letter says in its language."""
    unnamed = {**words.under("unnamed"), **(words.under("member.unnamed") if letter.audience == "member" else {})}
    return tuple(Contact(c.purpose, c.value or unnamed.get(c.purpose) or unnamed["card"]) for c in letter.contacts)


def given(document: Data, letter: LetterContext, words: Words) -> dict[str, Any]:
    """What requirements look at before the letter is composed."""
    return {
        "document": document,
        "letter": {f.name: getattr(letter, f.name) for f in fields(letter)},
        "contact": {contact.purpose: contact.value for contact in contacts_of(letter, words)},
    }


def check(letter: LetterContext, data: Data) -> None:
    """Refuses a letter that misses required contents. Paths that lead into none of ``data`` are not looked at.

    Raises:
        LetterIncompleteError: names all that is missing at once.
    """
    missing = tuple(r.text for r in notice_of(letter).required if not satisfied(r, data))
    if missing:
        raise LetterIncompleteError(letter.kind, missing)


def satisfied(requirement: Requirement, data: Data) -> bool:
    """Whether the data hold what the requirement needs of them."""
    if requirement.unless is not None and _holds(list(_values(data, requirement.unless)), None):
        return True
    looked_at = (path for path in requirement.needs if path[0] in data)
    return all(_holds(list(_values(data, path)), requirement.equals) for path in looked_at)


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
