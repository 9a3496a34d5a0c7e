"""Marks of forms: check boxes in all shapes, before or after what they mark, and signs such as (-)."""

import itertools
import re
from collections.abc import Sequence
from typing import Final

from services.criteria_evaluation.domain.extract.words import Tokens

BOX: Final = "<box>"
NO_BOX: Final = "<nobox>"
BOXES: Final = frozenset({BOX, NO_BOX})
FORM: Final = BOXES | {":", "?"}
"""Words of which a form has one: a box, or the end of a question."""
_CHECKED: Final = frozenset("☑☒✓✔✅■√")
_EMPTY: Final = frozenset("☐□❏◻")
_OPENERS: Final = {"[": "]", "(": ")"}
_MARKS: Final = frozenset({"x", "✓", "✔", "√", "*"})
_BLANK: Final = re.compile(r"_+")
_FILLED: Final = re.compile(r"_+[x✓✔√]_+|_+[x✓✔√]|[x✓✔√]_+")
_MINUS: Final = "−"
_PLUS_LINE: Final = re.compile(r"^[ \t]*\+ ?[A-Za-z]", re.MULTILINE)
_MINUS_LINE: Final = re.compile(r"^([ \t]*)[-–](?= ?[A-Za-z])", re.MULTILINE)
_SIGNED_LINES: Final = re.compile(r"(?:^[ \t]*[-–+] ?[A-Za-z][^\n]*(?:\n|$))+", re.MULTILINE)
_LABEL: Final = r"^([ \t]*[A-Za-z][A-Za-z /]{0,24}: ?)"
_LABELED_LINES: Final = re.compile(rf"(?:{_LABEL}[-–+] ?[A-Za-z][^\n]*(?:\n|$))+", re.MULTILINE)
_LABELED_MINUS: Final = re.compile(rf"{_LABEL}[-–](?= ?[A-Za-z])", re.MULTILINE)
_LABELED_PLUS: Final = re.compile(rf"{_LABEL}\+ ?[A-Za-z]", re.MULTILINE)
"""Lines of a review of systems: "Psych: + depression, - SI" above "Neuro: - memory problems"."""
_SIGNS: Final = {"-": "<neg>", "–": "<neg>", "−": "<neg>", "+": "<pos>"}
LIST_SIGNS: Final = frozenset(_SIGNS)
EITHER: Final = frozenset({"y", "n", "yes", "no"})
_CLOSES: Final = frozenset({"", ",", ";", "|", "."})
_OPENS: Final = frozenset({",", ";", "|", ":"})


def mark_at(words: list[str], starts: list[int], ends: list[int], i: int) -> tuple[str, int] | None:
    """The pattern word of a mark at ``i`` and the index after it: ``[ ]``, ``( x )``, ``_X_``, ``____``, ``(-)``, ☑."""
    word = words[i]
    if word in _CHECKED:
        return BOX, i + 1
    if word in _EMPTY:
        return NO_BOX, i + 1
    if "_" in word:
        if _FILLED.fullmatch(word):
            return BOX, i + 1
        blank = len(word) > 1 and _BLANK.fullmatch(word) and not _is_filled(words, starts, ends, i)
        return (NO_BOX, i + 1) if blank else None
    close = _OPENERS.get(word)
    if close is None or i + 1 >= len(words):
        return None
    if words[i + 1] == close:
        return (NO_BOX, i + 2) if starts[i + 1] - ends[i] <= 3 else None
    if i + 2 < len(words) and words[i + 2] == close:
        inner = words[i + 1]
        if inner in _MARKS or _FILLED.fullmatch(inner):
            return BOX, i + 3
        if _BLANK.fullmatch(inner):
            return NO_BOX, i + 3
        if inner in _SIGNS:
            return _SIGNS[inner], i + 3
    return None


def signed_lists(text: str) -> str:
    """The text with minus signs for the hyphens of lists whose other lines begin with a plus: "+ HTN" above "- DM"."""
    if _PLUS_LINE.search(text) is not None:
        text = _SIGNED_LINES.sub(lambda found: _signed(found.group(), _PLUS_LINE, _MINUS_LINE), text)
    if _LABELED_PLUS.search(text) is not None:
        text = _LABELED_LINES.sub(lambda found: _signed(found.group(), _LABELED_PLUS, _LABELED_MINUS), text)
    return text


def _signed(lines: str, plus: re.Pattern[str], minus: re.Pattern[str]) -> str:
    return minus.sub(rf"\1{_MINUS}", lines) if plus.search(lines) else lines


def listed_signs(tokens: Tokens) -> dict[int, str]:
    """The signs of a list, where there are two or more of a kind, by their places: "-DM, +HTN", "DM -, HTN +", "DM: -, HTN: +"."""
    words, starts, ends = tokens.words, tokens.starts, tokens.ends
    before: dict[int, str] = {}
    apart: dict[int, str] = {}
    after: dict[int, str] = {}
    for i, word in enumerate(words):
        sign = _SIGNS.get(word)
        if sign is None:
            continue
        last, following = words[i - 1] if i else "", tokens.word(i + 1)
        if word == _MINUS and i == 0 and following.isalpha():
            return {0: "<neg>"}
        if following in _CLOSES:
            if last == ":" or last[:1].isalpha():
                after[i] = "no" if sign == "<neg>" else "yes"
        elif (last == "" or last in _OPENS) and following.isalpha():
            (before if starts[i + 1] == ends[i] else apart)[i] = sign
    if "<pos>" in apart.values() or _MINUS in words:
        before |= apart  # "+ snoring, - insomnia": among signs that stand apart a plus tells that a dash is none.
    return (before if len(before) > 1 or _MINUS in words else {}) | (after if len(after) > 1 else {})


def marked(cell: Tokens) -> bool | None:
    """Whether a cell that has nothing but a mark is checked: "[x]", "X", "☐"; None where it is no mark."""
    if len(cell.words) == 1 and cell.words[0] in _MARKS:
        return True
    mark = mark_at(cell.words, cell.starts, cell.ends, 0)
    return mark[0] == BOX if mark is not None and mark[0] in BOXES and mark[1] == len(cell.words) else None


def _is_filled(words: list[str], starts: list[int], ends: list[int], i: int) -> bool:
    """Whether a number stands on the line at ``i``: "__60__"."""
    after = i + 1 < len(words) and starts[i + 1] == ends[i] and words[i + 1][0].isdigit()
    return after or (i > 0 and ends[i - 1] == starts[i] and words[i - 1][-1].isdigit())


def boxes_first(words: list[str]) -> list[int] | None:
    """The order that puts boxes which follow their words ("Yes ___ No _X_") before them, or None where all do already.

    The words of a box that follows begin after the box, colon, question mark or comma before it.
    """
    boxes = [i for i, word in enumerate(words) if word in (BOX, NO_BOX)]
    end = len(words) - 1 if words[-1:] in ([";"], [","]) else len(words)
    if not boxes or boxes[-1] != end - 1 or boxes[0] == 0 or words[boxes[0] - 1] in (":", "?", ";", ","):
        return None
    if len(boxes) > 2 and words[boxes[0] + 1] in EITHER and words[boxes[0] - 1] not in EITHER:
        return None  # "Bone density ordered [ ] yes [ ] no ____": the blank is for a date.
    order: list[int] = []
    begin = 0
    for box in boxes:
        part = list(range(begin, box))
        at = max((k + 1 for k, i in enumerate(part) if words[i] in (":", "?", ",", ";")), default=0)
        order += [*part[:at], box, *part[at:]]
        begin = box + 1
    return [*order, *range(end, len(words))]


ANSWERS: Final = frozenset(
    {"no", "n", "none", "absent", "negative", "neg", "nil", "denies", "denied", "false", "never", "<neg>"}
)
"""How a form says no."""


def is_answered(words: list[str]) -> bool:
    """Whether the words so far end with a question and its denial: "Hypertension: denies"."""
    return len(words) > 2 and words[-1] in ANSWERS and words[-2] in (":", "?")


def answers_again(words: Sequence[str]) -> bool:
    """Whether "no" is one more answer of a list: "reflux NO, fatty liver NO (ultrasound normal)"; an N alone is always one."""
    return words[-1:] == ["n"] or (
        words[-1:] == ["no"] and any(a == "no" and b == "," for a, b in itertools.pairwise(words))
    )


_MET_WITH: Final = frozenset({"found", "known", "reported", "identified", "noted", "present"})


def answers_in_full(words: Sequence[str], i: int) -> bool:
    """Whether the answer at ``i`` says so in two words, or once for each of two: "none known", "Heart attack / stroke: no / no"."""
    if words[i] == "none" and i + 2 == len(words) and words[i + 1] in _MET_WITH:
        return True
    alike = list(words[i + 1 : i + 3]) == ["/", words[i]]
    return alike and list(words[i + 3 : i + 4]) in ([], [","], [";"])
