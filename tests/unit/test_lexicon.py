"""The lexicon's files: what ships compiles, and what is wrong is refused with file, line and reason."""

import datetime as dt
from typing import Final

import pytest

from services.criteria_evaluation.domain.extract.text import Sentence
from services.criteria_evaluation.domain.extract.tokens import tokens_of
from services.criteria_evaluation.domain.extract.values import units_of
from services.criteria_evaluation.domain.lexicon import Lexicon, load_lexicon
from shared.policy import PolicyError, PolicyFile, digest_of, read_policy

_HEAD = 'id: x\nversion: "1"\nfacts:\n  a.b: {type: boolean}\n  a.n: {type: quantity, unit: h}\n  a.c: {type: code, values: [p, q]}\n'


def _load(text: str) -> None:
    load_lexicon([PolicyFile("x.yaml", text)])


def test_what_ships_compiles_and_is_addressed_by_its_content() -> None:
    files = read_policy("lexicon")
    lexicon = load_lexicon(files)
    assert lexicon.digest == digest_of(*(file.text for file in files))
    assert "vocabulary 2026.11.1" in lexicon.version
    assert {"spine.requested_levels", "hearing.able_and_willing"} <= lexicon.vocabulary.keys()
    assert lexicon.vocabulary["oncology.expected_survival"].unit == "mo"


@pytest.mark.parametrize(
    "text, reason",
    [
        ("[", "x.yaml, line 2: This is not YAML"),
        ("- a", "x.yaml, line 1: A policy file is a mapping."),
        ("id: x\n", "The key 'version' is missing"),
        (_HEAD + "extra: 1\n", "x.yaml, line 7: The key 'extra' is not known"),
        (_HEAD + "facts: {}\n", "x.yaml, line 7: The same key stands twice"),
        ('id: x\nversion: "1"\nfacts:\n  a.b: {type: color}\n', "x.yaml, line 4: The type of 'a.b' must be one of"),
        (
            'id: x\nversion: "1"\nfacts:\n  a.b: {type: quantity, unit: furlong}\n',
            "x.yaml, line 4: 'a.b': the unit 'furlong' cannot be converted",
        ),
        ('id: x\nversion: "1"\nfacts:\n  a.b: {type: code}\n', "x.yaml, line 4: 'a.b': a code has"),
        ("id: x\nversion: 1\nfacts:\n  a.b: {type: boolean, beside: a.z}\n", "x.yaml, line 4: There is no fact 'a.z'"),
        (
            "id: x\nversion: 1\nfacts:\n  a.b: {type: code, values: [u], kinds_of: {u: v}}\n",
            "x.yaml, line 4: 'a.b': 'v' is not among its words",
        ),
        (_HEAD + "targets:\n  - {id: t, fact: a.z, patterns: [w]}\n", "x.yaml, line 8: 'a.z' is no fact"),
        (_HEAD + "targets:\n  - {id: t, fact: a.b, value: maybe, patterns: [w]}\n", "x.yaml, line 8: true or false"),
        (_HEAD + "targets:\n  - {id: t, fact: a.c, value: r, patterns: [w]}\n", "x.yaml, line 8: 'r' is no value"),
        (_HEAD + "targets:\n  - {id: t, fact: a.n, patterns: [w]}\n", "x.yaml, line 8: This target has no value"),
        (_HEAD + "targets:\n  - {id: t, fact: a.b, patterns: ['@no w']}\n", "x.yaml, line 8: There is no class '@no'"),
        (_HEAD + "targets:\n  - {id: t, fact: a.b, patterns: ['w ~3']}\n", "x.yaml, line 8: The pattern 'w ~3' must"),
        (_HEAD + "targets:\n  - {id: t, fact: a.b, cue: c, patterns: [w]}\n", "x.yaml, line 8: There is no cue 'c'"),
        (
            _HEAD + "targets:\n  - {id: t, fact: a.b, patterns: [w]}\n  - {id: t, fact: a.b, patterns: [v]}\n",
            "x.yaml, line 9: The id 't' stands twice.",
        ),
        (_HEAD + "triggers:\n  - {id: t, kind: odd, patterns: [w]}\n", "x.yaml, line 8: 'odd' is none of"),
        (_HEAD + "rules:\n  - {id: r, fact: a.b, rule: guess}\n", "x.yaml, line 8: A rule is one of"),
        (
            _HEAD + "rules:\n  - {id: r, fact: a.b, rule: when, when: {a.z: true}, value: true}\n",
            "x.yaml, line 8: 'a.z' is no",
        ),
        (_HEAD + 'observations:\n  "1-1": {fact: a.z}\n', "x.yaml, line 8: 'a.z' is no fact"),
        (_HEAD + "conditions:\n  a.n: {x: [y]}\n", "x.yaml, line 8: 'a.n' is no boolean fact"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place_and_reason(text: str, reason: str) -> None:
    with pytest.raises(PolicyError) as refused:
        _load(text)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "pattern, reason",
    [
        ("has the 1st toe", "'1st' is split into '1' 'st'"),
        ("it|this didn't help", "'didn't' is split into"),
        ("l-spine|lumbar", "'l-spine' is split into 'l' '-' 'spine'"),
        ("vitamin|phq 9 ~2 score", "'9' is a number"),
        ("in 2026", "'2026' is a number"),
        ("a = b", "'=' is no word of a text"),
        ("done ,|;|$", "'$' is no word of a text"),
        ("tumour* seen", "'tumour' is spelled 'tumor'"),
        ("~2|well healed", "'~2|well' is no gap"),
        ("well|~2 healed", "'~2' is split into"),
        ("a|@nouns b", "'@verbs' is split into"),
    ],
)
def test_a_word_that_no_text_can_match_is_refused(pattern: str, reason: str) -> None:
    classes = "classes: {nouns: [noun, some @verbs], verbs: [does]}\n"
    target = f'targets:\n  - {{id: t, fact: a.b, patterns: ["{pattern}"]}}\n'
    with pytest.raises(PolicyError) as refused:
        _load(_HEAD + classes + target)
    assert "x.yaml, line 9: " in str(refused.value)
    assert reason in str(refused.value)


_PLACES: Final = (
    "{}",
    "the {} of it",
    "no {}",
    "{} 5",
    "5 {}",
    "{}:",
    "grade {}",
    "in {}",
    "({} pain)",
    "normal {} signal",
    "circle {}",
)


def test_every_word_of_a_pattern_is_what_some_text_says(lexicon: Lexicon) -> None:
    """A number word is ``<num>`` and "yesterday" is ``<dur>`` before any pattern is tried, so that neither may name itself."""
    words = [word for word in lexicon.index.words if not word.startswith("<")]
    assert [word for word in words if not any(word in _read(place.format(word)) for place in _PLACES)] == []
    stems = lexicon.index.stems
    assert [stem for stem in stems if not any(read.startswith(stem) for read in _read(f"the {stem}s of it"))] == []


def _read(text: str) -> list[str]:
    tokens = tokens_of(text, Sentence(0, len(text), None, None))
    return [word for part in tokens for word in units_of(part, dt.date(2026, 5, 20)).words]


def test_two_files_may_not_have_one_id() -> None:
    with pytest.raises(PolicyError, match=r"b\.yaml, line 1: The id 'x' stands twice"):
        load_lexicon([PolicyFile("a.yaml", 'id: x\nversion: "1"\n'), PolicyFile("b.yaml", 'id: x\nversion: "1"\n')])


@pytest.mark.parametrize("key, entry", [("classes", "[w]"), ("cues", "[w]"), ("contexts", "{patterns: [w]}")])
def test_two_files_may_not_give_one_name(key: str, entry: str) -> None:
    files = [PolicyFile(f"{name}.yaml", f'id: {name}\nversion: "1"\n{key}:\n  x: {entry}\n') for name in ("a", "b")]
    with pytest.raises(PolicyError, match=r"b\.yaml, line 4: The name 'x' stands twice"):
        load_lexicon(files)


def test_no_file_is_no_lexicon() -> None:
    with pytest.raises(PolicyError):
        load_lexicon([])
