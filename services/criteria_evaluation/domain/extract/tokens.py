"""The tokens of a sentence, and the date at the head of a note. All offsets are the document's."""

import datetime as dt
import itertools
import re
from collections.abc import Callable
from typing import Final

from services.criteria_evaluation.domain.extract.dates import date_at
from services.criteria_evaluation.domain.extract.numerals import MONTHS, read_date
from services.criteria_evaluation.domain.extract.text import Sentence
from services.criteria_evaluation.domain.extract.words import Tokens

MAX_TOKENS: Final = 200
"""A longer sentence is cut: what is related within a sentence stays bounded, and so does the work."""

_TOKEN: Final = re.compile(
    r"([A-WYZa-wyz][A-Za-z0-9]*(?![^\W_])"  # Most words are of plain letters, which is told fastest.
    r"|(?![xX](?:[0-9]|_))[^\W\d_][^\W_]*"
    r"|[0-9]{4}-\n?[0-9]{1,2}-\n?[0-9]{1,2}(?![0-9])"
    r"|(?<![0-9]/)[0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{4}|[0-9]{2})(?![0-9])"
    r"|[0-3]?[0-9]\.[01]?[0-9]\.(?:19|20)[0-9]{2}(?![0-9])"
    r"|[0-9]+(?:\.[0-9]+)?"
    r"|[xX](?=[0-9])"
    r"|_+[xX✓✔√]_*(?![^\W_])|[xX✓✔√]_+|__+"
    r"|[<>]="
    r"|\.{3,}"
    r"|[^\s])"
)
"""One group holds a whole token, so that splitting by it gives what stands between tokens and the tokens in turn."""
_HEAD: Final = 1200
_YEARLY: Final = re.compile(r"[0-9]{4}|[0-9]/[0-9]")
_BEFORE: Final = 60
_BEYOND: Final = 7
_TITLE: Final = 300
_COLUMN: Final = 3
_ENTRY: Final = re.compile(r"^\W{0,3}([0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{4}|[0-9]{2}))(?![0-9])", re.MULTILINE)
_HEADING_OF_AN_ENTRY: Final = re.compile(
    r"^[ \t]{0,8}[0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{4}|[0-9]{2})[ \t]*:?[ \t]*$", re.MULTILINE
)
"""A day that stands alone above what was written on it; two of them are entries."""
_CLOSING: Final = re.compile(
    r"^[A-Z][A-Z /&-]{3,40}[ \t]+([0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{4}|[0-9]{2}))(?![0-9])", re.MULTILINE
)
"""What is written below a flow sheet, under a day of its own: "SUMMARY 03/23/26"."""
_BEGINS_WITH_AN_ENTRY: Final = re.compile(r"\s{0,9}[0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{4}|[0-9]{2})[ \t]?[:–-][ \t]")
"""A text whose first line is an entry, "3/1/2026: stable", has no title: where there are two, it is of the last one's day."""
_ENTRY_OF_A_SERIES: Final = re.compile(
    r"^[ \t]{0,8}(?:(?:Initial|Intake|Baseline|First|Start|Consult|Today|Current|Final|Latest)(?: [a-z]{3,12})?:? )?"
    r"[0-9]{1,2}/(?:[0-9]{4}|[0-9]{1,2}(?:/[0-9]{2,4})?)(?![0-9/])[ \t]",
    re.MULTILINE,
)
_HEADED: Final = re.compile(r"^[A-Z][A-Z ,/&()-]{5,80} {2}([0-9]{1,2}/[0-9]{1,2}/[0-9]{4})[ \t]*$", re.MULTILINE)
_HEADINGS: Final = 4000
_MOST_ENTRIES: Final = 400
_SERIES: Final = 3
"""So many lines that begin with a date are entries of a series, and the note is of the last one's day."""
_MARKS: Final = frozenset(":-–—,.()|*#_")
_DATE_LABELS: Final = frozenset(
    {"date", "dos", "seen", "dictated", "visit", "service", "encounter", "consultation", "discharge"}
)
_OTHERS: Final = frozenset(
    {"from", "prior", "previous", "last", "ed", "er", "first", "initial", "outside", "compared", "since"}
)
"""Words before a label that make its date that of another note: "imported from ED visit 10/09/2025"."""
_STARTS: Final = frozenset({"start", "started", "onset", "began", "injury", "doi", "collected", "soc"})
"""What happened on a day near the head of a note that is not the note's own."""
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
    read = 0
    for near in _YEARLY.finditer(text, 0, _HEAD):
        if near.start() < read:
            continue
        start = max(read, text.rfind("\n", 0, near.start()) + 1, near.start() - _BEFORE)
        read = near.end() + _BEYOND
        for tokens in tokens_of(text, Sentence(start, min(len(text), read), None, None)):
            labelled, date = _heads(tokens, title is None)
            if labelled:
                return date
            title = title or date
    return _last_of_series(text, title) if title else _headed(text)


def _headed(text: str) -> dt.date | None:
    """The latest day that stands in a column of its own beside a heading: what is written below one day was written on it."""
    days = (read_date(one.group(1)) for one in itertools.islice(_HEADED.finditer(text, 0, _HEADINGS), _MOST_ENTRIES))
    return max((day for day in days if day is not None), default=None)


def is_series(text: str) -> bool:
    """Whether so many lines begin with a day or a month that each of them is an entry of its own."""
    return sum(1 for _ in itertools.islice(_ENTRY_OF_A_SERIES.finditer(text), _SERIES)) == _SERIES


def has_entries(text: str) -> bool:
    """Whether two days or more stand alone above what was written on them."""
    return len(_HEADING_OF_AN_ENTRY.findall(text)) > 1


def _last_of_series(text: str, title: dt.date | None) -> dt.date | None:
    """The day of a flow sheet whose first line was taken for its title: that of its last line."""
    found = (read_date(one.group(1)) for one in itertools.islice(_ENTRY.finditer(text), _MOST_ENTRIES))
    days = [day for day in found if day is not None]
    few = 2 if _BEGINS_WITH_AN_ENTRY.match(text) or has_entries(text) else _SERIES
    if title not in days or len(days) < few:
        return title
    closing = (read_date(one.group(1)) for one in itertools.islice(_CLOSING.finditer(text), _MOST_ENTRIES))
    return max([*days, *(day for day in closing if day is not None)])


def _heads(tokens: Tokens, unlabelled: bool) -> tuple[bool, dt.date | None]:
    """The first date that a label announces, else (if ``unlabelled``) the first that may stand in a title."""
    words = tokens.words
    title: dt.date | None = None
    for i, word in enumerate(words):
        if not (word[0].isdigit() or word in MONTHS):
            continue
        before = [w for w in words[max(0, i - 4) : i] if w not in _MARKS]
        last = before[-1] if before else ""
        labelled = last in _DATE_LABELS or before[-3:-1] == ["date", "of"] or before[-3:] == ["d", "/", "c"]
        if i and tokens.starts[i] - tokens.ends[i - 1] >= _COLUMN:
            last = ""  # A date in a column of its own is not governed by the words before it.
        if labelled and (
            not _OTHERS.isdisjoint(before) or (title and before[-2:-1] in (["test"], ["study"], ["exam"]))
        ):
            continue
        if not labelled and (
            title or not unlabelled or tokens.starts[i] > _TITLE or last in _NO_TITLE or not _STARTS.isdisjoint(before)
        ):
            continue
        found = date_at(words, i, None)
        if found is None or last == "birth":
            continue
        if labelled:
            return True, found[0]
        title = found[0]
    return False, title


def tokens_of(text: str, sentence: Sentence, known: Callable[[str], bool] | None = None) -> list[Tokens]:
    """The tokens of a sentence, in pieces of at most ``MAX_TOKENS``.

    With ``known``, which says whether the lexicon has a word, a word that a hyphen breaks at the end of a line is one.
    """
    pieces = _TOKEN.split(text[sentence.start : sentence.end])
    at = list(itertools.accumulate(map(len, pieces), initial=sentence.start))
    found: list[Tokens] = []
    for first in range(1, len(pieces), 2 * MAX_TOKENS):
        last = first + 2 * MAX_TOKENS
        words = list(map(str.lower, pieces[first:last:2]))
        starts, ends = at[first : min(last, len(pieces)) : 2], at[first + 1 : last + 1 : 2]
        if known is not None and "-" in words:
            words, starts, ends = _joined(text, Tokens(words, starts, ends), known)
        found.append(Tokens(words, starts, ends))
    return found


def _joined(text: str, tokens: Tokens, known: Callable[[str], bool]) -> tuple[list[str], list[int], list[int]]:
    """The tokens with those joined that a hyphen breaks at the end of a line ("corp-", "ectomy")."""
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for word, start, end in zip(tokens.words, tokens.starts, tokens.ends, strict=True):
        if (
            len(words) > 1
            and words[-1] == "-"
            and ends[-2] == starts[-1]
            and text[ends[-1] : ends[-1] + 1] == "\n"
            and text[start].islower()
            and words[-2].isalpha()
            and known(words[-2] + word)
            and not (known(words[-2]) and known(word))
        ):
            words[-2:], starts[-2:], ends[-2:] = [words[-2] + word], [starts[-2]], [end]
        else:
            words.append(word)
            starts.append(start)
            ends.append(end)
    return words, starts, ends
