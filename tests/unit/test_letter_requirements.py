"""What a notice must contain: each requirement, taken away by itself, keeps the letter from being sent."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest

from shared.letters.compose import compose
from shared.letters.content import printed
from shared.letters.model import Audience, LetterContext, LetterIncompleteError, LetterKind
from shared.letters.notices import Requirement, check, given, notices
from shared.letters.words import LANGUAGES, Words, words_of
from tests.unit.determination_cases import Case
from tests.unit.letter_cases import LETTERS, letter

AUDIENCES: tuple[Audience, ...] = get_args(Audience)
CASES: dict[LetterKind, Callable[[], Case]] = {
    "approval": LETTERS[0][1],
    "information_request": LETTERS[1][1],
    "referral": LETTERS[2][1],
}


def needs() -> Iterator[Any]:
    for (audience, kind), notice in notices().items():
        for requirement in notice.required:
            for path in requirement.needs:
                yield pytest.param(
                    audience, kind, requirement, path, id=f"{audience}-{kind}-{requirement.id}-{'.'.join(path)}"
                )


def blank(data: Any, path: tuple[str, ...]) -> None:
    """Empties what stands at the path; the paths of ``notices.yaml`` all lead somewhere in a whole letter."""
    step, *rest = path
    if step == "*":
        for entry in data:
            blank(entry, tuple(rest))
    elif rest:
        blank(data[step], tuple(rest))
    else:
        assert data[step]
        data[step] = type(data[step])() if isinstance(data[step], str | list | dict) else None


def whole(context: LetterContext, document: dict[str, Any]) -> dict[str, Any]:
    words = words_of(context.language)
    return {**given(document, context, words), "printed": printed(compose(document, context))}


@pytest.mark.parametrize(("audience", "kind", "requirement", "path"), list(needs()))
def test_a_letter_without_one_of_its_parts_is_refused_by_name(
    audience: Audience, kind: LetterKind, requirement: Requirement, path: tuple[str, ...]
) -> None:
    context, document = letter(kind, audience=audience), CASES[kind]().document
    data = whole(context, copy.deepcopy(document))
    check(context, data)
    blank(data, path)
    with pytest.raises(LetterIncompleteError) as refused:
        check(context, data)
    assert requirement.text in refused.value.missing


def wordless(words: Words, name: str) -> Words:
    files = {"words": {}, "services": words.services, "facts": words.facts, "sets": words.sets}
    made = Words(words.language, files)
    made.phrases = {key: text for key, text in words.phrases.items() if key != name}
    return made


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("kind", get_args(LetterKind))
def test_a_right_that_loses_its_words_keeps_the_letter_back(
    audience: Audience, kind: LetterKind, language: Any
) -> None:
    """What is checked is what is printed: a right that is listed and has no words does not count."""
    context, document = letter(kind, audience=audience, language=language), CASES[kind]().document
    words = words_of(language)
    required = {
        path[2] for r in notices()[audience, kind].required for path in r.needs if path[:2] == ("printed", "rights")
    }
    assert "criteria" in required
    for right in required:
        with pytest.raises(LetterIncompleteError):
            compose(document, context, wordless(words, f"{audience}.{kind}.rights.{right}"))


@pytest.mark.parametrize("name", ["language_help", "fairness"])
def test_a_member_letter_without_help_in_languages_or_fair_treatment_is_kept_back(name: str) -> None:
    context = letter("referral", audience="member")
    with pytest.raises(LetterIncompleteError, match="45 CFR 92"):
        compose(CASES["referral"]().document, context, wordless(words_of("en"), f"member.{name}"))


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_letter_whose_payer_gives_no_contact_at_all_is_refused(audience: Audience) -> None:
    context = replace(letter("approval", audience=audience), contacts=())
    with pytest.raises(LetterIncompleteError, match="a contact for questions"):
        compose(CASES["approval"]().document, context)


def test_every_right_that_has_words_is_listed_and_the_other_way_round() -> None:
    words = words_of("en")
    for (audience, kind), notice in notices().items():
        assert set(words.under(f"{audience}.{kind}.rights")) == set(notice.rights)
