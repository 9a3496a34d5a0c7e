"""Dates as charts write them: 2026-10-24, 10/24/26, 24-OCT-2026, October 24, 2026, the 24th of October, "since 10/24"."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from services.criteria_evaluation.domain.extract.levels import ORDINALS
from services.criteria_evaluation.domain.extract.numerals import MONTHS, NUMBER_WORDS, date_of, read_date

_DASHES: Final = frozenset({"-", "–", "—"})
_SUFFIXES: Final = frozenset({"st", "nd", "rd", "th"})
_BEFORE: Final = frozenset(
    {"since", "on", "began", "started", "starting", "onset", "occurred", "dated", "until", "from", "after", "of", "by"}
)
"""Words after which 3/5 is a day of March and no strength of a muscle."""
_EVENTS: Final = frozenset(
    [
        "fell", "fall", "slid", "slipped", "tripped", "stumbled", "sneezed", "coughed", "lifted", "bent", "twisted", "injury", "injured",
        "buckled", "collapsed", "gave", "began", "started", "noticed", "developed", "woke", "awoke", "lost", "landed", "glf", "mvc", "missed", "went", "onset", "doi", "sustained",
    ]
)  # fmt: skip
"""What happens on a day: where one of them stands shortly before, 4/12 is a day, and so is "Monday"."""
_NEAR: Final = 8
_STRENGTHS: Final = frozenset({"5", "10"})
_HAPPENINGS: Final = frozenset(
    {"injury", "accident", "fall", "fell", "surgery", "admission", "admitted", "seen", "visit", "film", "mri", "ct", "collision", "crash"}
)  # fmt: skip
"""What happened "on 3/10", which is a day and no score."""
_SCORED: Final = frozenset({"pain", "nrs", "vas", "score", "scored", "rated", "rates", "now", "today", "at", "is", ":"})
"""Words near before a score: "pain 03/10"."""
_SCALES: Final = frozenset({"18", "24", "28", "30"})
"""Days that are the highest number of a score as well: "Roland-Morris 12/24"."""
_SCALE_NAMES: Final = frozenset(
    {"score", "ess", "epworth", "scale", "moca", "mmse", "slums", "isi", "index", "morris", "sins", "questionnaire"}
)
"""Names of scores that "of" parts from their number: "ESS of 6/24"."""
_FRACTIONS: Final = frozenset({"5", "6", "8", "10", "12", "18", "24", "28", "30"})
WEEKDAYS: Final = {
    name: n for n, name in enumerate(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])
}
_LATE_ORDINALS: Final = {
    "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18, "nineteenth": 19,
    "twentieth": 20, "thirtieth": 30,
}  # fmt: skip
_CALENDAR: Final = frozenset({*MONTHS, *WEEKDAYS})
_AFTER_DAY: Final = frozenset({*_SUFFIXES, *_DASHES, *MONTHS, "of", "/"})
"""Words of which one follows a number that begins a date."""
_AFTER_DATE: Final = frozenset(
    {"", ".", ",", ";", "and", "when", "while", "he", "she", "his", "her", "the", "with", "after"}
)
_AHEAD: Final = dt.timedelta(days=60)
"""A day without a year that lies further ahead than this is one of the year before."""


def depends_on_day(words: Sequence[str]) -> bool:
    """Whether what the words say may depend on the day they were written: they hold a date, a year, or a day's name."""
    if not _CALENDAR.isdisjoint(words):
        return True
    for word in words:
        if len(word) > 3 and word[0].isdigit():
            return True
    if not _SUFFIXES.isdisjoint(words):
        return True
    return "/" in words and any(word == "/" and _is_day(words, i) for i, word in enumerate(words))


def _is_day(words: Sequence[str], i: int) -> bool:
    """Whether the stroke at ``i`` may part a month from a day, as it parts a strength from its maximum in 3/5."""
    return (
        _digits(_at(words, i - 1), 2)
        and _digits(_at(words, i + 1), 2)
        and (words[i + 1] not in _STRENGTHS or _at(words, i - 2) in _BEFORE or _is_measured(words, i + 2))
    )


def _is_measured(words: Sequence[str], j: int) -> bool:
    """Whether sides multiplied stand at ``j``: what is before them is the day of a measurement ("2/5 1.9 x 1.6")."""
    return _at(words, j)[:1].isdigit() and _at(words, j + 1) in ("x", "×")


def date_at(words: Sequence[str], i: int, on: dt.date | None) -> tuple[dt.date, int] | None:
    """A date that begins at ``i`` and the index after it. ``on``, the note's date, gives the year where none is written."""
    word = words[i]
    if word[0].isdigit():
        if "-" in word or "/" in word or word.count(".") == 2:
            date = read_date(word)
            return None if date is None else (date, i + 1)
        if _at(words, i + 1) not in _AFTER_DAY:
            return None
        return _day_first(words, i, on) or _day_alone(words, i, on) or _short(words, i, on)
    if word in MONTHS:
        return _month_first(words, i, on)
    return _weekday(words, i, on) if word in WEEKDAYS and on is not None else None


def _weekday(words: Sequence[str], i: int, on: dt.date) -> tuple[dt.date, int] | None:
    """``since Monday``, ``gave way on Monday``, ``Monday the 9th``: the last such day before the note."""
    back = (on.weekday() - WEEKDAYS[words[i]]) % 7
    if _at(words, i + 1) == "the" and _digits(_at(words, i + 2), 2) and _at(words, i + 3) in _SUFFIXES:
        date = _last_with_day(int(words[i + 2]), on)
        return None if date is None or date.weekday() != WEEKDAYS[words[i]] else (date, i + 4)
    before = _at(words, i - 1)
    if before == "since" or (before in ("on", "last") and _happens(words, i)):
        return on - dt.timedelta(days=back), i + 1
    return None


def _happens(words: Sequence[str], i: int) -> bool:
    return not _EVENTS.isdisjoint(words[max(0, i - _NEAR) : i])


def _last_with_day(day: int, on: dt.date) -> dt.date | None:
    """The last day of this number in its month, not after ``on``."""
    before = on.replace(day=1) - dt.timedelta(days=1)
    return date_of(on.year, on.month, day) if day <= on.day else date_of(before.year, before.month, day)


def _day_alone(words: Sequence[str], i: int, on: dt.date | None) -> tuple[dt.date, int] | None:
    """``on the 9th``, at the end of a clause or before a person: "on the 3rd floor" is no day."""
    if on is None or not _digits(words[i], 2) or _at(words, i + 1) not in _SUFFIXES:
        return None
    if _at(words, i - 1) != "the" or _at(words, i - 2) not in ("on", "since") or _at(words, i + 2) not in _AFTER_DATE:
        return None
    date = _last_with_day(int(words[i]), on)
    return None if date is None else (date, i + 2)


def _at(words: Sequence[str], i: int) -> str:
    return words[i] if 0 <= i < len(words) else ""


def _digits(word: str, longest: int) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= longest


def _year(words: Sequence[str], i: int) -> tuple[int, int] | None:
    """A year at ``i`` of four digits, after a comma or a dash perhaps, or as dictated, and the index after it."""
    if _at(words, i) == "," or _at(words, i) in _DASHES:
        i += 1
    word = _at(words, i)
    if word == "twenty" and _at(words, i + 1) == "twenty":
        unit = NUMBER_WORDS.get(_at(words, i + 2), 0)
        return (2020 + int(unit), i + 3) if 1 <= unit <= 9 else (2020, i + 2)
    return (int(word), i + 1) if len(word) == 4 and _digits(word, 4) and 1900 <= int(word) <= 2100 else None


def _of(month: int, day: int, on: dt.date | None) -> dt.date | None:
    """A day without a year: the last one before the note, or one soon after it."""
    if on is None:
        return None
    date = date_of(on.year, month, day)
    return date_of(on.year - 1, month, day) if date is not None and date - on > _AHEAD else date


def _dated(words: Sequence[str], j: int, month: int, day: int, on: dt.date | None) -> tuple[dt.date, int] | None:
    if year := _year(words, j):
        date, j = date_of(year[0], month, day), year[1]
    else:
        date = _of(month, day, on)
    return None if date is None else (date, j)


_AFTER_HEAD: Final = frozenset({":", ",", ";", *_DASHES})
"""What follows a day that heads an entry: "May 20: debrided"."""


def _month_first(words: Sequence[str], i: int, on: dt.date | None) -> tuple[dt.date, int] | None:
    """``October 24, 2026``, ``Oct. 24th``, ``october twenty fourth twenty twenty six``."""
    j = i + 2 if _at(words, i + 1) == "." else i + 1
    if spoken := _spoken_day(words, j):
        return _dated(words, spoken[1], MONTHS[words[i]], spoken[0], on)
    day = _at(words, j)
    if not _digits(day, 2):
        return None
    j += 2 if _at(words, j + 1) in _SUFFIXES else 1
    if words[i] == "may" and _year(words, j) is None and not _happens(words, i):
        heads = _at(words, j) in _AFTER_HEAD if i == 0 else words[i - 1] in _BEFORE
        if not heads:
            return None
    return _dated(words, j, MONTHS[words[i]], int(day), on)


def _spoken_day(words: Sequence[str], j: int) -> tuple[int, int] | None:
    """``third``, ``twenty second``: the day and the index after it."""
    tens = {"twenty": 20, "thirty": 30}.get(_at(words, j))
    if tens is not None and 1 <= ORDINALS.get(_at(words, j + 1), 0) <= 9:
        return tens + ORDINALS[words[j + 1]], j + 2
    day = ORDINALS.get(_at(words, j)) or _LATE_ORDINALS.get(_at(words, j))
    return None if day is None else (day, j + 1)


def _day_first(words: Sequence[str], i: int, on: dt.date | None) -> tuple[dt.date, int] | None:
    """``24 October 2026``, ``24-OCT-2026``, ``the 24th of October``."""
    if not _digits(words[i], 2):
        return None
    j = i + 2 if _at(words, i + 1) in _SUFFIXES else i + 1
    if _at(words, j) == "of" or _at(words, j) in _DASHES:
        j += 1
    month = MONTHS.get(_at(words, j))
    told = j > i + 1 or _at(words, i - 1) in _BEFORE or _happens(words, i) or _is_measured(words, j + 1)
    if month is None or (_at(words, j) == "may" and not told and _year(words, j + 1) is None):
        return None  # "of whom 3 may", but "3rd May" and "3-May"
    return _dated(words, j + 1, month, int(words[i]), on)


def _short(words: Sequence[str], i: int, on: dt.date | None) -> tuple[dt.date, int] | None:
    """``10/24`` beside a word such as "since", or with a month of two digits, of which the first is a zero."""
    day = _at(words, i + 2)
    if (
        on is None
        or _at(words, i + 1) != "/"
        or _at(words, i + 3) == "/"
        or not (_digits(words[i], 2) and _digits(day, 2))
    ):
        return None
    before = _at(words, i - 1)
    padded = (
        len(words[i]) == 2 and (words[i][0] == "0" or (len(day) == 2 and day not in _SCALES)) and day not in _STRENGTHS
    )
    padded = padded or (len(words[i]) == 1 and len(day) == 2 and day not in _FRACTIONS and day >= "11")
    scored = before == "of" and day in _SCALES and not _SCALE_NAMES.isdisjoint(words[max(0, i - 4) : i])
    named = (before in _BEFORE and not scored and (day not in _STRENGTHS or before == "since")) or (
        day not in _STRENGTHS and _happens(words, i)
    )
    tenth = day == "10" and (
        (before == "on" and _at(words, i - 2) in _HAPPENINGS)
        or (words[i][0] == "0" and len(words[i]) == 2 and _SCORED.isdisjoint(words[max(0, i - 4) : i]))
    )
    if not ((padded and not scored) or named or tenth or _is_measured(words, i + 3)) or not 1 <= int(words[i]) <= 12:
        return None
    date = _of(int(words[i]), int(day), on)
    return None if date is None else (date, i + 3)
