"""What weight the parts of a note have: text copied from an older note, addenda that correct it, entries of other days."""

import datetime as dt
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.criteria_evaluation.domain.extract.words import Units

_COPIED: Final = frozenset({"copied", "carried", "copy", "brought", "pulled", "imported", "cloned"})
_FORWARD: Final = frozenset({"from", "forward", "forwarded"})
_FIRST_READ: Final = frozenset({"preliminary", "prelim", "provisional"})
"""Heads of what somebody read first, in the night perhaps: it yields as copied text does."""
_AMENDED: Final = frozenset(
    {"addendum", "addenda", "correction", "corrections", "corrected", "amendment", "amended", "erratum"}
)
_LATE: Final = frozenset({"addendum"})
"""What a late entry is."""
_CORRECTS: Final = frozenset(
    [
        "correction",
        "corrections",
        "corrected",
        "amendment",
        "amended",
        "erratum",
        "error",
        "incorrect",
        "incorrectly",
        "wrong",
        "instead",
        "supersedes",
        "replaces",
        "mistake",
        "mistakenly",
        "erroneous",
        "erroneously",
        "corrects",
        "retracted",
        "withdrawn",
        "rescinded",
        "miscounted",
        "misnumbered",
        "mislabeled",
        "misread",
        "misdictated",
    ]
)
_NEWER: Final = frozenset({"update", "interval", "today", "new", "end", "current", "final"})
_MARKING: Final = _COPIED | _FIRST_READ | _AMENDED | _NEWER
_WORDS: Final = re.compile(r"[a-z]+|\d+")
_SOON: Final = 4
_NOW: Final = frozenset({"→", "now", "currently", "today", "presently"})
_EARLIER: Final = frozenset({"was", "were", "from", "previously", "before", "had", "versus", "vs"})
_OF_THEN: Final = frozenset(
    {"in", "on", "at", "last", "a", "yesterday", "before", "previously", "then", "<dur>", "<date>"}
).union({"prior", "initially", "when"})
_PAUSES: Final = frozenset({",", ";", ":", "and", "vs", "versus", "against", "from"})
_LYING: Final = frozenset({"supine", "flat", "recumbent", "lying", "prone", "rest"})
_AFTER_DATE: Final = frozenset({":", "-", "–", "—"})

_ENTRIES: Final = frozenset({"visit", "session", "week", "day", "month", "recording", "night"})
"""What the entries of a series are called: "Visit 6 (02/09/2026)"."""

_FIRST_OR_LAST: Final = frozenset(
    {"initial", "intake", "baseline", "first", "start", "consult", "today", "current", "final", "latest"}
)
"""What the first and the last line of a series begin with before their day: "Initial consult 09/16/2025   238 lb"."""

_LASTS: Final = dt.timedelta(days=30)
_QUOTED: Final = frozenset({"imaging", "pathology"})
"""What an addendum names to say what it found; it goes on after it."""
COPIED: Final = 6
AMENDED: Final = -10


_NOTABLE: Final = _MARKING | _CORRECTS
_DAYS: Final = frozenset({"<date>", "<month>"})
_LOOKED_AT: Final = _NOTABLE | _FORWARD | _DAYS | {"<lvl>"}


@dataclass(slots=True, init=False)
class Marks:
    """What of a sentence bears on the standing of the text around it.

    ``head``: those of its first words that mark something. ``amends``: its first word heads an addendum. ``forward``: it
    may go on after "copied". ``corrects``: it speaks of a mistake. ``date``: it is an entry of this day. ``renews``: its first
    word says that what follows is of today. ``first_read``: it says that somebody only had a first look.
    ``of_day``: the day of what it says was copied.
    ``leads``: the day with which it begins, an entry's in a series. ``alone``: it is nothing but a day.
    """

    head: frozenset[str]
    amends: bool
    forward: bool
    corrects: bool
    date: dt.date | None
    renews: bool
    first_read: bool
    of_day: dt.date | None
    leads: dt.date | None
    alone: bool

    def __init__(
        self,
        head: frozenset[str],
        amends: bool,
        forward: bool,
        corrects: bool,
        date: dt.date | None,
        renews: bool = False,
        first_read: bool = False,
        of_day: dt.date | None = None,
        leads: dt.date | None = None,
        alone: bool = False,
    ) -> None:
        self.head = head
        self.amends = amends
        self.forward = forward
        self.corrects = corrects
        self.date = date
        self.renews = renews
        self.first_read = first_read
        self.of_day = of_day
        self.leads = leads
        self.alone = alone


_UNMARKED: Final = Marks(frozenset(), False, False, False, None)


def marks_of(units: Units, *, row: bool = False) -> Marks:
    """The marks of a sentence. ``row``: it is a cell of a table; a date among its words is the cell's."""
    words = units.words
    late = words[:2] == ["late", "entry"]
    if not late and _LOOKED_AT.isdisjoint(words):
        return _UNMARKED
    return Marks(
        head=_NOTABLE.intersection(words[:_SOON]) | (_LATE if late else frozenset()),
        amends=words[0] in _AMENDED or late,
        forward=not _FORWARD.isdisjoint(words[:12]) or _copied_on(words[:_SOON]),
        corrects=not _CORRECTS.isdisjoint(words) or _another_level(words),
        date=_entry_date(units, row=row),
        renews=words[0] in _NEWER,
        first_read=words[0] in _FIRST_READ,
        leads=_leading_date(units),
        alone=words in (["<date>"], ["<date>", ":"]),
        of_day=None if _COPIED.isdisjoint(words[:_SOON]) else _first_date(units),
    )


def _leading_date(units: Units) -> dt.date | None:
    words = units.words
    if words[0] in _DAYS:
        return units.values[0].date
    return _first_date(units) if words[0] in _FIRST_OR_LAST and "<date>" in words[1:3] else None


def _first_date(units: Units) -> dt.date | None:
    return next((units.values[i].date for i, word in enumerate(units.words) if word == "<date>"), None)


def _entry_date(units: Units, *, row: bool) -> dt.date | None:
    words = units.words
    dates = [i for i, word in enumerate(words) if word in _DAYS] if row else []
    if words[0] in _DAYS and (len(words) == 1 or words[1] in _AFTER_DATE):
        dates = [0]
    elif words[0] in _ENTRIES and "<date>" in words[1:4]:
        dates = [words.index("<date>")]
    return units.values[dates[0]].date if len(dates) == 1 else None


class Standing:
    """The standing of the text that is being read, as its lines change it."""

    def __init__(self, on: dt.date | None, *, series: bool = False, entries: bool = False) -> None:
        self._note = self._entry = on
        self._entries = entries
        self._series = series
        self.on = on
        self.copied = False
        self.amended = False
        self.corrects = False
        self._copied_of: dt.date | None = None
        self._only_here = False
        self._in_rows = False

    def line(
        self, marks: Marks, section: str | None, *, new_section: bool, category: str | None, row: bool = False
    ) -> None:
        """Takes note of a sentence before its statements are read.

        ``new_section``: it is the first of its section, of the kind ``category`` if the lexicon knows it. ``row``: it is a
        cell of a table.
        """
        known = category is not None
        head, dated = marks.head, False
        if new_section:
            self.on = self._entry
            self.copied = self.copied and not (self._only_here and known)
            heading = _WORDS.findall((section or "").lower())
            dated = any(word.isdigit() for word in heading) or not _FORWARD.isdisjoint(heading)
            head = head.union(heading)
            if self.amended and known and category not in _QUOTED and "addendum" not in head:
                self.amended = self.corrects = False
        if not _MARKING.isdisjoint(head):
            self._marked(head, marks, new_section=new_section, dated=dated)
        if self.amended and not self.corrects:
            self.corrects = marks.corrects or not _CORRECTS.isdisjoint(head)
        if row or self._in_rows:
            self.on, self._in_rows = self._note, row
        date = marks.leads if marks.date is None and self._series else marks.date
        if date is not None and (self._note is None or date <= self._note):
            self.on = date
            if marks.alone and self._entries:
                self._entry = date

    def _marked(self, head: frozenset[str], marks: Marks, *, new_section: bool, dated: bool) -> None:
        """Takes note of words that mark copied text, an addendum, or the end of either."""
        if not _AMENDED.isdisjoint(head) and (new_section or marks.amends):
            self.amended, self.copied, self.corrects = True, False, False
        elif ((new_section or marks.first_read) and not _FIRST_READ.isdisjoint(head)) or (
            not _COPIED.isdisjoint(head) and (marks.forward or dated)
        ):
            self.copied, self.amended, self._copied_of = True, False, marks.of_day
            self._only_here = new_section
        elif self.copied and (marks.renews or (new_section and not _NEWER.isdisjoint(head))):
            self.copied = False

    @property
    def stale(self) -> bool:
        """Whether this is text of a day that is long past: what it says of a state that changes is no longer so."""
        of, on = self._copied_of, self._note
        return self.copied and of is not None and on is not None and on - of > _LASTS

    def rank(self, kind: str) -> int:
        """What is added to a statement's rank: copied text yields, an addendum prevails. Sets it only adds to, unless it corrects."""
        if self.amended and (self.corrects or kind not in ("levels", "codes")):
            return AMENDED
        return COPIED if self.copied else 0


def _copied_on(words: Sequence[str]) -> bool:
    """Whether a day follows the word for copied text: "(imported 02/14)"."""
    return any(a in _COPIED and b == "<date>" for a, b in itertools.pairwise(words))


def _another_level(words: Sequence[str]) -> bool:
    """Whether one level is named in the place of another: "at T10, not T9"."""
    return "<lvl>" in words[:-2] and any(a == "not" and b == "<lvl>" for a, b in itertools.pairwise(words))


def superseded(words: Sequence[str], at: int) -> bool:
    """Whether a value is only what was before: ``9/10 on admission, now 4/10``, ``13/24 → 14/24``, ``from 7 to 3``."""
    if words[at - 1 : at] == ["→"] and not _LYING.isdisjoint(words[at + 1 : at + 3]):
        return True  # "9/10 upright → 2/10 supine" is one state in two positions, and the first the worse.
    following = next((i for i in range(at + 1, min(len(words), at + 9)) if words[i] == words[at]), None)
    if following is None:
        return False
    between = words[at + 1 : following]
    after = words[following + 1 : following + 3]
    if between and between[0] in _NOW and (not _EARLIER.isdisjoint(between) or list(after) == ["<dur>", "ago"]):
        return False  # "9/10 now, was 6/10", "ECOG 3 now, ECOG 1 two weeks ago"
    if (
        between
        and between[0] in _NOW
        and _PAUSES.issuperset(between[1:])
        and (len(between) > 1 or not _OF_THEN.isdisjoint(after[:1]))
    ):
        return False  # "6/10 today (4/10 in November)", "4/10 now, 8/10 with turns"
    if "→" in between and not _LYING.isdisjoint(after):
        return False
    return not _NOW.isdisjoint(between) or ("to" in between and "from" in words[max(0, at - 3) : at])
