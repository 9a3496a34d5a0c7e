"""The languages of letters say the same things: the same phrases, the same placeholders, nothing left out."""

import datetime as dt
import re
from collections import Counter

import pytest

from shared.clinical.criteria_model import CriteriaSet
from shared.letters.model import Language
from shared.letters.words import LANGUAGES, service_groups, taglines, words_of
from tests.unit.letter_cases import SETS

OTHERS = [language for language in LANGUAGES if language != "en"]


def placeholders(text: str) -> Counter[str]:
    return Counter(re.findall(r"{\w*}", text))


def facts_of(criteria_set: CriteriaSet) -> set[str]:
    found = set(criteria_set.questions)
    waiting = list(criteria_set.criteria)
    while waiting:
        node = waiting.pop()
        found.update(node.expression.fact_names)
        waiting += node.children
    return found


def codes_of(criteria_set: CriteriaSet) -> set[str]:
    applies, purposes = criteria_set.applicability, criteria_set.purposes
    ruled = {code for rule in (purposes.rules if purposes else ()) for code in rule.codes}
    return {*applies.services, *applies.companions, *ruled}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_phrases_with_the_same_placeholders(language: Language) -> None:
    english, other = words_of("en").phrases, words_of(language).phrases
    assert set(other) == set(english)
    assert {name: placeholders(text) for name, text in other.items()} == {
        name: placeholders(text) for name, text in english.items()
    }


@pytest.mark.parametrize("language", OTHERS)
def test_no_phrase_was_left_in_english(language: Language) -> None:
    english, other = words_of("en").phrases, words_of(language).phrases
    assert not [name for name, text in other.items() if text == english[name] and len(text.split()) > 2]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("criteria_set", SETS, ids=lambda s: s.ref.id)
def test_every_set_is_described_in_plain_words(language: Language, criteria_set: CriteriaSet) -> None:
    words = words_of(language)
    assert words.about(criteria_set.ref.id)
    assert not [code for code in codes_of(criteria_set) if not words.service(code)]
    assert not [name for name in facts_of(criteria_set) if not words.member_question(name)]


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("criteria_set", SETS, ids=lambda s: s.ref.id)
def test_every_title_and_question_of_a_set_is_translated(language: Language, criteria_set: CriteriaSet) -> None:
    words, set_id = words_of(language), criteria_set.ref.id
    title = words.title(set_id)
    assert title and title != criteria_set.ref.title
    for fact, question in criteria_set.questions.items():
        translated = words.question(set_id, [fact])
        assert translated and translated != question, fact
        assert re.findall(r"\d+", translated) == re.findall(r"\d+", question), fact


def test_a_language_names_no_service_fact_or_set_that_another_lacks() -> None:
    groups = set(service_groups().values())
    for language in LANGUAGES:
        words = words_of(language)
        assert set(words.services) == groups
        assert set(words.facts) == set(words_of("en").facts)
        assert set(words.sets) == {s.ref.id for s in SETS}
        asked = {s.ref.id: set(s.questions) for s in SETS}
        assert all(set(entry.get("questions", {})) <= asked[set_id] for set_id, entry in words.sets.items())


@pytest.mark.parametrize(("language", "written"), [("en", "March 3, 2026"), ("es", "3 de marzo de 2026")])
def test_dates_are_written_as_the_language_does(language: Language, written: str) -> None:
    assert words_of(language).date(dt.date(2026, 3, 3)) == written
    assert len({words_of(language).date(dt.date(2026, month, 1)) for month in range(1, 13)}) == 12


def test_a_service_code_belongs_to_one_group() -> None:
    assert words_of("en").service("63090") == "Surgery to take out a damaged or sick bone of the spine"
    assert words_of("en").service("27447") is None


def test_taglines_name_each_language_once_and_say_where_to_call() -> None:
    lines = taglines()
    assert len({line["lang"] for line in lines}) == len(lines) >= 10
    assert set(LANGUAGES) <= {line["lang"] for line in lines}
    assert all("{phone}" in line["call"] and "{phone}" not in line["card"] for line in lines)
