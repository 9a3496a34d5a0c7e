"""The words of letters by language, from the files of ``en/`` and ``es/``, and how a language writes dates.

A language is a folder: ``words.yaml`` (every fixed phrase), ``services.yaml`` (what a service is), ``facts.yaml`` (the
question that settles a fact, for the member) and ``sets.yaml`` (what a criteria set is about, and its title and questions
where the set's own English ones are translated).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, Final, get_args

from shared.clinical.criteria_codes import codes_of
from shared.clinical.policy_yaml import Fields, load_mapping
from shared.letters.model import Language
from shared.policy import PolicyError

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
SET_LANGUAGE: Final[Language] = "en"
"""The language in which criteria sets and the evidence library are written."""


class Words:
    """One language: phrases by their place in ``words.yaml``, such as ``provider.approval.title``, and the other files."""

    def __init__(self, language: Language, files: Mapping[str, Mapping[str, Any]]) -> None:
        self.language = language
        self.phrases: Mapping[str, str] = dict(_leaves(files["words"], ""))
        self.services = files["services"]
        self.facts = files["facts"]
        self.sets = files["sets"]

    def __call__(self, name: str, /, **values: str) -> str:
        """The phrase with its placeholders filled. Raises KeyError for one that is not there or lacks a value."""
        return self.phrases[name].format(**values)

    def has(self, name: str) -> bool:
        """Whether there is such a phrase."""
        return name in self.phrases

    def under(self, name: str) -> dict[str, str]:
        """The phrases directly or further below a name, by the rest of their names, in the order of the file."""
        start = f"{name}."
        return {key.removeprefix(start): text for key, text in self.phrases.items() if key.startswith(start)}

    def date(self, day: dt.date | None) -> str:
        """``March 3, 2026``, ``3 de marzo de 2026``; nothing for None."""
        if day is None:
            return ""
        return self("dates.day", month=self(f"dates.months.{day.month}"), day=str(day.day), year=str(day.year))

    def service(self, code: str) -> str | None:
        """What a service is, in plain words; None for a code that no group has."""
        group = service_groups().get(code)
        return None if group is None else str(self.services[group])

    def member_question(self, fact: str) -> str | None:
        """The question that settles a fact, in words for the member."""
        return self.facts.get(fact)

    def about(self, set_id: str) -> str | None:
        """What a criteria set is about, in plain words; None for a set of someone else's."""
        return self._of_set(set_id).get("plain")

    def title(self, set_id: str) -> str | None:
        """The translated title of a set; None where there is none."""
        return self._of_set(set_id).get("title")

    def question(self, set_id: str, facts: Sequence[str]) -> str | None:
        """The translated question that a set asks for the first of these facts that has one."""
        questions = self._of_set(set_id).get("questions", {})
        return next((str(questions[name]) for name in facts if name in questions), None)

    def _of_set(self, set_id: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.sets.get(set_id, {})
        return found


@cache
def words_of(language: Language) -> Words:
    """The words of a language.

    Raises:
        PolicyError: a file of the language cannot be read as what it should be.
    """
    files = {name: _read(f"{language}/{name}.yaml") for name in ("words", "services", "facts", "sets")}
    return Words(language, files)


@cache
def service_groups() -> Mapping[str, str]:
    """The group of each service code that has plain words."""
    fields = Fields(_read("services.yaml"), "services.yaml")
    return {code: group for group in fields.data for code in codes_of(fields, group)}


@cache
def taglines() -> tuple[Mapping[str, str], ...]:
    """That help is free, in each of the languages of ``taglines.yaml``: ``lang``, ``text``, ``call`` and ``card``."""
    fields = Fields(_read("taglines.yaml"), "taglines.yaml")
    return tuple(
        {key: entry.text(key) for key in ("lang", "text", "call", "card")} for entry in fields.items("taglines")
    )


def _read(name: str) -> dict[str, Any]:
    return load_mapping(name, resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _leaves(tree: Mapping[str, Any], path: str) -> "list[tuple[str, str]]":
    found: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            found += _leaves(value, f"{path}{key}.")
        elif isinstance(value, str) and value.strip():
            found.append((f"{path}{key}", value.strip()))
        else:
            raise PolicyError(f"words.yaml.{path}{key}: must be text.")
    return found
