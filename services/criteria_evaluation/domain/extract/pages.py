"""Days of the parts of a document: that of its last page, and those of the images that it tells of."""

import datetime as dt
import itertools
import re
from collections.abc import Iterator
from typing import Final

from services.criteria_evaluation.domain.extract.dates import date_at
from services.criteria_evaluation.domain.extract.mention import Said
from services.criteria_evaluation.domain.extract.numerals import MONTHS
from services.criteria_evaluation.domain.extract.text import Sentence
from services.criteria_evaluation.domain.extract.tokens import tokens_of
from services.criteria_evaluation.domain.quantities import Interval

_HEAD_LINE: Final = re.compile(r"^\W{0,6}[A-Z][^\n]{0,130}?(?:[0-9]{4}|[0-9]{1,2}/[0-9]{1,2}/[0-9]{2})", re.MULTILINE)
_MOST: Final = 400
_COLUMN: Final = 2
_TYPED: Final = frozenset(
    {
        "note",
        "visit",
        "entry",
        "consult",
        "consultation",
        "addendum",
        "summary",
        "evaluation",
        "clinic",
        "report",
        "stub",
    }
)
"""What a page is called whose day follows: "OFFICE NOTE 07/10/2026"."""
_NOT_WRITTEN: Final = frozenset(
    [
        "next", "dob", "born", "birth", "scheduled", "return", "due", "expires", "appointment", "planned", "copied", "from", "since",
        "surgery", "start", "onset", "injury", "imported", "until", "follow",
    ]
)  # fmt: skip
"""Words of a line whose day is not the one on which its page was written."""
_LATER: Final = dt.timedelta(days=120)
_CONCLUDED: Final = frozenset({"assessment", "impression", "plan"})
_IMAGE: Final = re.compile(r"\b(?:MRI|MR|CT|PET|scan|imaging|study|myelogram)\b", re.IGNORECASE)
_NEAR: Final = 60
_BACK: Final = 24
_REACH: Final = 900
_BEHIND: Final = re.compile(r"[\s,]{0,3}(?:on|by|per|in)?\s?(?:the\s)?(?=(?:MRI|MR|CT)\b)")


def last_day(text: str, first: dt.date | None) -> dt.date | None:
    """The day of the last page of a document of several, whose ``first`` is of another day perhaps."""
    if first is None:
        return None
    last = first
    for line in itertools.islice(_HEAD_LINE.finditer(text), _MOST):
        day = _page_day(text, line.start(), text.find("\n", line.end()))
        if day is not None and last < day <= first + _LATER:
            last = day
    return last


def _page_day(text: str, start: int, end: int) -> dt.date | None:
    """The day in a line that heads a page: in a column of its own, or behind what the page is called."""
    for tokens in tokens_of(text, Sentence(start, end if end >= 0 else len(text), None, None))[:1]:
        words = tokens.words
        for i, word in enumerate(words):
            if not (word[0].isdigit() or word in MONTHS):
                continue
            found = date_at(words, i, None)
            if found is None:
                continue
            apart = i > 0 and tokens.starts[i] - tokens.ends[i - 1] >= _COLUMN
            typed = i > 0 and words[i - 1] in _TYPED
            typed = typed or (words[found[1] :] == [")"] and "(" in words[:i] and not _TYPED.isdisjoint(words[:i]))
            return found[0] if (apart or typed) and _NOT_WRITTEN.isdisjoint(words[:i]) else None
    return None


class Days:
    """Of which day what a document tells is. ``on`` is the day of its head, ``given`` the one that it was sent with."""

    def __init__(self, text: str, on: dt.date | None, given: dt.date | None) -> None:
        self._text = text
        self._on = on
        self._given = given
        self._images: list[tuple[int, dt.date]] | None = None
        self._last: dt.date | None = None

    def by_now(self, said: Said, since: dt.date | None, on: dt.date | None) -> Said:
        """A time that was told on a day ``on``, or that has passed ``since`` another, as it is on the document's last day."""
        if self._last is None:
            self._last = self._given or last_day(self._text, self._on)
        if not isinstance(said, Interval) or self._last is None or on is None or (since is None and on == self._on):
            return said
        more = (self._last - on).days
        low, high = (None if bound is None else bound + more for bound in (said.low, said.high))
        return Interval(low, high, said.low_open, said.high_open)

    def of_image(self, category: str | None, start: int, end: int) -> dt.date | None:
        """The day of the image that what stands in this place was seen on: of the one named behind it, or last before it.

        What is concluded in the end is of no image.
        """
        if category in _CONCLUDED:
            return None
        if self._images is None:
            self._images = list(itertools.islice(_images(self._text, self._on), _MOST))
        behind = _BEHIND.match(self._text, end)
        if behind is not None:
            day = next((day for at, day in self._images if at == behind.end()), None)
            if day is not None:
                return day
        before = [(at, day) for at, day in self._images if at <= start]
        return before[-1][1] if before and start - before[-1][0] <= _REACH else None


def _images(text: str, on: dt.date | None) -> Iterator[tuple[int, dt.date]]:
    """Where an image is named and its day, which stands in its line behind it or directly before it."""
    for image in _IMAGE.finditer(text):
        # Both are looked for nearby only, so that a text of one long line takes no longer than others.
        begin, stop = max(0, image.start() - _BACK), min(len(text), image.end() + _NEAR)
        begin = max(begin, text.rfind("\n", begin, image.start()) + 1)
        end = text.find("\n", image.end(), stop)
        day = _first(text, image.start(), end if end >= 0 else stop, on) or _last(text, begin, image.start(), on)
        if day is not None:
            yield image.start(), day


def _days(text: str, start: int, end: int, on: dt.date | None) -> list[tuple[int, int, dt.date]]:
    found: list[tuple[int, int, dt.date]] = []
    for tokens in tokens_of(text, Sentence(start, end, None, None)):
        i = 0
        while i < len(tokens.words):
            word = tokens.words[i]
            date = date_at(tokens.words, i, on) if word[0].isdigit() or word in MONTHS else None
            if date is None:
                i += 1
            else:
                found.append((tokens.starts[i], tokens.ends[date[1] - 1], date[0]))
                i = date[1]
    return found


def _first(text: str, start: int, end: int, on: dt.date | None) -> dt.date | None:
    """The first day behind the name of an image, in its sentence and before another image."""
    for at, _, day in _days(text, start, end, on):
        between = text[start:at]
        return None if ". " in between or len(_IMAGE.findall(between)) > 1 else day
    return None


def _last(text: str, start: int, end: int, on: dt.date | None) -> dt.date | None:
    """The day directly before the name of an image: "4/2/2026 MRI:"."""
    days = _days(text, start, end, on)
    return days[-1][2] if days and not re.search(r"[A-Za-z;.]", text[days[-1][1] : end]) else None
