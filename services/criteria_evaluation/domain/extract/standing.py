"""What weight the parts of a note have: text copied from an older note, addenda that correct it, entries of other days."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from services.criteria_evaluation.domain.extract.words import Units

_COPIED: Final = frozenset({"copied", "carried", "copy", "brought", "pulled", "imported", "cloned"})
_FORWARD: Final = frozenset({"from", "forward", "forwarded"})
_AMENDED: Final = frozenset(
    {"addendum", "addenda", "correction", "corrections", "corrected", "amendment", "amended", "erratum"}
)
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
    ]
)
_NEWER: Final = frozenset({"update", "today", "new", "end", "current"})
_MARKING: Final = _COPIED | _AMENDED | _NEWER
_SOON: Final = 4
_NOW: Final = frozenset({"→", "now", "currently", "today", "presently"})
_AFTER_DATE: Final = frozenset({":", "-", "–", "—"})

COPIED: Final = 6
AMENDED: Final = -10


class Standing:
    """The standing of the text that is being read, as its lines change it."""

    def __init__(self, on: dt.date | None) -> None:
        self._note = on
        self.on = on
        self.copied = False
        self.amended = False
        self.corrects = False

    def line(self, units: Units, section: str | None, *, new_section: bool, known: bool) -> None:
        """Takes note of a sentence before its statements are read.

        ``new_section``: it is the first of its section, ``known``: whose kind the lexicon knows.
        """
        words = units.words
        head = words[:_SOON]
        if new_section:
            self.on = self._note
            head = [*(section or "").lower().split(), *head]
            if self.amended and known and "addendum" not in head:
                self.amended = self.corrects = False
        if not _MARKING.isdisjoint(head):
            self._marked(head, words, new_section=new_section)
        if self.amended and not self.corrects:
            self.corrects = not (_CORRECTS.isdisjoint(head) and _CORRECTS.isdisjoint(words))
        if words and words[0] == "<date>" and (len(words) == 1 or words[1] in _AFTER_DATE):
            date = units.values[0].date
            if date is not None and (self._note is None or date <= self._note):
                self.on = date

    def _marked(self, head: Sequence[str], words: Sequence[str], *, new_section: bool) -> None:
        """Takes note of words that mark copied text, an addendum, or the end of either."""
        if not _AMENDED.isdisjoint(head) and (new_section or (words and words[0] in _AMENDED)):
            self.amended, self.copied, self.corrects = True, False, False
        elif not _COPIED.isdisjoint(head) and not _FORWARD.isdisjoint(words[:12]):
            self.copied, self.amended = True, False
        elif self.copied and new_section and not _NEWER.isdisjoint(head):
            self.copied = False

    def rank(self, kind: str) -> int:
        """What is added to a statement's rank: copied text yields, an addendum prevails. Sets it only adds to, unless it corrects."""
        if self.amended and (self.corrects or kind not in ("levels", "codes")):
            return AMENDED
        return COPIED if self.copied else 0


def superseded(words: Sequence[str], at: int) -> bool:
    """Whether a value is only what was before: ``9/10 on admission, now 4/10``, ``13/24 → 14/24``, ``from 7 to 3``."""
    following = next((i for i in range(at + 1, min(len(words), at + 9)) if words[i] == words[at]), None)
    if following is None:
        return False
    between = words[at + 1 : following]
    return not _NOW.isdisjoint(between) or ("to" in between and "from" in words[max(0, at - 3) : at])
