"""The grammar of values in prose: numbers, comparisons, ranges, durations, dates, scores, vertebral levels.

``units_of`` turns the tokens of a sentence into the words that lexicon patterns match. A value becomes one word in
angle brackets (``<pct>``, ``<dur>``, ``<lvl>``, ``<n/10>``, ...) that carries a :class:`Value`.
"""

import datetime as dt
from typing import Final

from services.criteria_evaluation.domain.extract.dates import WEEKDAYS, date_at
from services.criteria_evaluation.domain.extract.forms import (
    LIST_SIGNS,
    answers_again,
    boxes_first,
    is_answered,
    listed_signs,
    mark_at,
)
from services.criteria_evaluation.domain.extract.levels import ORDINALS, SPOKEN_REGIONS, read_levels
from services.criteria_evaluation.domain.extract.measures import (
    HALVED,
    PARTS,
    comparator,
    fraction_word,
    part_at,
    with_half,
)
from services.criteria_evaluation.domain.extract.numbered import number_value, plain, valued
from services.criteria_evaluation.domain.extract.numerals import AFTER, MONTHS, NUMBER_WORDS, TIME_UNITS, compared
from services.criteria_evaluation.domain.extract.physical import ROMAN, is_graded
from services.criteria_evaluation.domain.extract.spellings import DENIALS, JOINED, denial, with_or_without
from services.criteria_evaluation.domain.extract.words import Tokens, Units, Value
from services.criteria_evaluation.domain.lexicon_spellings import SPELLINGS
from services.criteria_evaluation.domain.quantities import Interval

_BEFORE: Final = frozenset({"was", "were", "previously", "prior", "previous", "formerly"})
_NOISE: Final = frozenset("()\"'`“”‘’=#*_.\\[]{}")
_SPELLED: Final = frozenset(SPELLINGS)
_ARROWS: Final = frozenset({"→", "⇒", "➔", "➜", "⟶"})


def units_of(tokens: Tokens, on: dt.date | None = None) -> Units:
    """The pattern words of a sentence. ``on`` is the note's date: it tells a past year from the present one."""
    words, starts, ends = tokens.words, tokens.starts, tokens.ends
    spelled = words if _SPELLED.isdisjoint(words) else [SPELLINGS.get(word, word) for word in words]
    out = Units()
    signs = {} if LIST_SIGNS.isdisjoint(words) else listed_signs(tokens)
    marked = False
    opened = -1
    i, n = 0, len(words)
    # Most words are plain, so they are taken in runs; the others are the places at which a run ends.
    for at in [*(k for k, word in enumerate(words) if word in _STARTERS or not word.isalpha()), n]:
        if at < i:
            continue
        if i < at:
            out.words += spelled[i:at]
            out.starts += starts[i:at]
            out.ends += ends[i:at]
            i = at
        if i == n:
            break
        word = words[i]
        first = word[0]
        if first.isalpha():
            if word in _STARTERS or (len(word) <= 3 and word[-1].isdigit()):
                i = _word(tokens, i, out, on)
            else:
                out.add(spelled[i], starts[i], ends[i])
                i += 1
        elif "0" <= first <= "9" or first in "½¼¾":
            i = number_value(tokens, i, out, on)
        elif word in ".,:;":
            if word != ".":
                out.add(word, starts[i], ends[i])
            i += 1
        elif mark := mark_at(words, starts, ends, i):
            marked = True
            out.add(mark[0], starts[i], ends[mark[1] - 1])
            i = mark[1]
        elif i in signs:
            out.add(signs[i], starts[i], ends[i])
            i += 1
        else:
            i = _sign(tokens, i, out)
            if word == "(":
                opened = len(out.words)
            elif word == ")" and opened >= 0:
                out.asides.append((opened, len(out.words)))
                opened = -1
            elif word == ")" and out.words[-1:] == ["<num>"] and ends[i - 2] == starts[i - 1] and "(" not in words[:i]:
                out.add(";", starts[i - 1], ends[i - 1])  # "1) HTN 2) DM": the next of a list.
    return _reordered(out) if marked else out


def _reordered(out: Units) -> Units:
    """The units with every box before what it marks."""
    order = boxes_first(out.words)
    if order is None:
        return out
    moved = Units()
    for i in order:
        moved.add(out.words[i], out.starts[i], out.ends[i], out.values.get(i))
    return moved


def _sign(tokens: Tokens, i: int, out: Units) -> int:
    """Punctuation: an arrow, a pipe, or a sign that is a word of patterns; the rest is left out."""
    word = tokens.words[i]
    start, end = tokens.starts[i], tokens.ends[i]
    if word in _ARROWS:
        out.add("→", start, end)
    elif word in "-–=" and tokens.word(i + 1) == ">" and tokens.starts[i + 1] <= end:
        while tokens.word(i + 1) == ">":
            i += 1
        out.add("→", start, tokens.ends[i])
    elif word == "|":
        out.add(";", start, end)
    elif len(word) > 2 and word[0] == ".":
        led = len(word) > 3 or (i > 0 and tokens.ends[i - 1] < start)  # Three dots within a word's reach only hesitate.
        if led and (not out.words or out.words[-1] not in ("?", ":")):
            out.add(":", start, end)  # Dots lead from a name to its value.
    elif word == "(" and (is_answered(out.words) or _is_before(tokens, i + 1) or answers_again(out.words)):
        # "Hct 42 (was 45)": what was before is a clause of its own.
        out.add(",", start, end)  # "Diabetes: denies (A1c 5.3)": the answer ends here.
    elif word not in _NOISE and word[:2] != "__" and not (word in "-–/" and tokens.joins(i, word == "/")):
        out.add(word, start, end)
    return i + 1


def _is_before(tokens: Tokens, i: int) -> bool:
    """Whether a remark in brackets tells of an earlier day: "(was 45)", "(2019: 45)", "(02/2026: 45)"."""
    word = tokens.word(i)
    if tokens.word(i + 1) == "/" and tokens.word(i + 3) == ":":
        return word.isdigit() and tokens.word(i + 2).isdigit()
    return word in _BEFORE or (len(word) == 4 and word.isdigit() and tokens.word(i + 1) == ":")


def _word(tokens: Tokens, i: int, out: Units, on: dt.date | None) -> int:
    """A word that may begin a value: a level, a month's name, a number word, or a word such as "yesterday"."""
    word = tokens.words[i]
    if levels := read_levels(tokens.words, i):
        out.add("<lvl>", tokens.starts[i], tokens.ends[levels[1] - 1], Value(levels=levels[0]))
        return levels[1]
    if part := part_at(tokens, i):
        out.add("<part>", tokens.starts[i], tokens.ends[part[1] - 1], Value(Interval.at(part[0]), "%"))
        return part[1]
    if word in NUMBER_WORDS:
        return number_value(tokens, i, out, on)
    if date := date_at(tokens.words, i, on):
        out.add("<date>", tokens.starts[i], tokens.ends[date[1] - 1], Value(date=date[0]))
        return date[1]
    if word in ROMAN:
        if not is_graded(out.words):
            return plain(tokens, i, out)
        out.add("<num>", tokens.starts[i], tokens.ends[i], Value(Interval.at(ROMAN[word])))
        return i + 1
    if word == "w" and (short := with_or_without(tokens, i)):
        out.add(short[0], tokens.starts[i], tokens.ends[short[1] - 1])
        return short[1]
    if said := denial(tokens, i):
        for one in said[0]:
            out.add(one, tokens.starts[i], tokens.ends[said[1] - 1])
        return said[1]
    if word == "mrc":
        return _strength(tokens, i, out)
    if word in ("a", "couple", "half") and (read := _counted(tokens, i)):
        return valued(tokens, i, read[0], read[1], out, on)
    whole = word == "a" and tokens.word(i + 1) in _WHOLE
    following = tokens.word(i + 2) if whole else tokens.word(i + 1)
    if (
        word in ("a", "an", "past", "last")
        and following in _SINGULAR
        and not (out.words and out.words[-1] in _HOW_OFTEN)
        and not (word == "last" and following == "year" and out.words and out.words[-1] in _CARE)
    ):
        if word in ("past", "last"):
            plain(tokens, i, out)
        at = i + 1 if word in ("past", "last") else i
        sign, start = comparator(out, tokens.starts[at], lasting=True)
        number, j = with_half(tokens, 1.0, i + 3 if whole else i + 2)
        size, unit = _SINGULAR[following]
        if after := AFTER.get((tokens.word(j), tokens.word(j + 1))):
            sign, j = after, j + 2
        out.add("<dur>", start, tokens.ends[j - 1], Value(compared(Interval.at(size * number), sign), unit))
        return j
    if word == "yesterday":
        if out.words[-2:] == ["day", "before"]:
            out.add("<dur>", tokens.starts[i], tokens.ends[i], Value(Interval(24, 72, high_open=True), "h"))
            return i + 1
        out.add("<dur>", tokens.starts[i], tokens.ends[i], Value(Interval(0, 48, high_open=True), "h"))
        return i + 1
    return plain(tokens, i, out)


def _counted(tokens: Tokens, i: int) -> tuple[float, int] | None:
    """``a couple of``, ``a dozen``: the number and the index after it."""
    j = i + 1 if tokens.word(i) == "a" else i
    number = {"couple": 2.0, "dozen": 12.0, "half": 0.5}.get(tokens.word(j))
    if number is None:
        return None
    if number == 0.5 and tokens.word(j + 1) in ("a", "an"):
        return number, j + 2
    return number, j + 2 if tokens.word(j + 1) == "of" else j + 1


def _strength(tokens: Tokens, i: int, out: Units) -> int:
    """``MRC grade 4``: a muscle's strength without its denominator."""
    j = i + 1
    while tokens.word(j) in ("grade", "scale", "power", "score", ":", "of"):
        j += 1
    if tokens.word(j) not in ("0", "1", "2", "3", "4", "5") or tokens.word(j + 1) in ("/", "out"):
        return plain(tokens, i, out)
    number = float(tokens.word(j))
    sign = tokens.word(j + 1)
    end = j + 2 if sign in ("-", "+") and tokens.starts[j + 1] == tokens.ends[j] else j + 1
    word = fraction_word(number, 5, sign if end == j + 2 else "")
    out.add(word, tokens.starts[i], tokens.ends[end - 1], Value(Interval.at(number), "{score}"))
    return end


_SINGULAR: Final = {
    **{word: (1.0, TIME_UNITS[word]) for word in ("hour", "day", "week", "month", "year")},
    "fortnight": (2.0, "wk"),
}
_WHOLE: Final = frozenset({"full", "whole", "entire", "solid"})
"""Words between "a" and its unit of time: "a full year"."""
_CARE: Final = frozenset(
    {"therapy", "pt", "physiotherapy", "care", "management", "treatment", "measures", "brace", "bracing"}
)
"""Words behind which "last year" tells when, and not how long."""
_HOW_OFTEN: Final = frozenset({"once", "twice", "thrice", "times", "time", "sessions", "visits", "days", "nights"})
"""Words after which "a week" tells how often, and not how long."""
_STARTERS: Final = frozenset(
    {
        *NUMBER_WORDS,
        *MONTHS,
        *ORDINALS,
        *WEEKDAYS,
        "a",
        "an",
        "past",
        "last",
        "yesterday",
        "mrc",
        "couple",
        "half",
        "w",
        *DENIALS,
        *JOINED,
        *PARTS,
        *HALVED,
        *ROMAN,
        *SPOKEN_REGIONS,
    }
)
