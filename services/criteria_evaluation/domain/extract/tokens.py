"""The tokens of a sentence, and the date at the head of a note. All offsets are the document's."""

import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Final

from services.criteria_evaluation.domain.extract.dates import date_at
from services.criteria_evaluation.domain.extract.numerals import MONTHS
from services.criteria_evaluation.domain.extract.text import Sentence
from services.criteria_evaluation.domain.extract.words import Tokens

MAX_TOKENS: Final = 200
"""A longer sentence is cut: what is related within a sentence stays bounded, and so does the work."""

_TOKEN: Final = re.compile(
    r"[0-9]{4}-\n?[0-9]{1,2}-\n?[0-9]{1,2}(?![0-9])"
    r"|[0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{4}|[0-9]{2})(?![0-9])"
    r"|[0-9]+(?:\.[0-9]+)?"
    r"|[xX](?=[0-9])"
    r"|_+[xX✓✔√]_*(?![^\W_])|[xX✓✔√]_+|__+"
    r"|[^\W\d_][^\W_]*"
    r"|[^\s]"
)
_HEAD: Final = 1200
_TITLE: Final = 300
_MARKS: Final = frozenset(":-–—,.()|*#_")
_DATE_LABELS: Final = frozenset({"date", "dos", "seen", "dictated", "visit", "service", "encounter", "consultation"})
_NO_TITLE: Final = frozenset(
    [
        "dob",
        "birth",
        "born",
        "of",
        "on",
        "since",
        "from",
        "in",
        "by",
        "was",
        "is",
        "fx",
        "fracture",
        "bx",
        "biopsy",
        "mri",
        "ct",
        "pet",
        "until",
        "before",
        "after",
        "at",
        "sustained",
    ]
)


def note_date(text: str) -> dt.date | None:
    """The date that the head of a note bears: one that a label such as "Date of service" announces, else one in its title.

    A date of birth, of an image or of an event is none.
    """
    title: dt.date | None = None
    for tokens in itertools.islice(tokens_of(text, Sentence(0, min(len(text), _HEAD), None, None)), 2):
        words = tokens.words
        for i, word in enumerate(words):
            if not (word[0].isdigit() or word in MONTHS):
                continue
            before = [w for w in words[max(0, i - 4) : i] if w not in _MARKS]
            last = before[-1] if before else ""
            labelled = last in _DATE_LABELS or before[-3:-1] == ["date", "of"]
            if not labelled and (title or tokens.starts[i] > _TITLE or last in _NO_TITLE):
                continue
            found = date_at(words, i, None)
            if found is None or last == "birth":
                continue
            if labelled:
                return found[0]
            title = found[0]
    return title


def tokens_of(text: str, sentence: Sentence, known: Callable[[str], bool] | None = None) -> Iterator[Tokens]:
    """The tokens of a sentence, in pieces of at most ``MAX_TOKENS``.

    With ``known``, which says whether the lexicon has a word, a word that a hyphen breaks at the end of a line is one.
    """
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for found in _TOKEN.finditer(text, sentence.start, sentence.end):
        if known is not None and _joined(words, starts, ends, found, known):
            continue
        words.append(found.group().lower())
        starts.append(found.start())
        ends.append(found.end())
        if len(words) >= MAX_TOKENS:
            yield Tokens(words, starts, ends)
            words, starts, ends = [], [], []
    if words:
        yield Tokens(words, starts, ends)


def _joined(
    words: list[str], starts: list[int], ends: list[int], found: re.Match[str], known: Callable[[str], bool]
) -> bool:
    """Whether a token was joined to the word before the hyphen that ends the line before ("corp-", "ectomy")."""
    if len(words) < 2 or words[-1] != "-" or found.string[ends[-1] : ends[-1] + 1] != "\n" or ends[-2] != starts[-1]:
        return False
    first, second = words[-2], found.group().lower()
    if not (first.isalpha() and second.isalpha()) or not found.group()[0].islower():
        return False
    if not known(first + second) or (known(first) and known(second)):
        return False
    words[-2:], starts[-2:], ends[-2:] = [first + second], [starts[-2]], [found.end()]
    return True
