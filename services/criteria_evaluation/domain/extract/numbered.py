"""A number in prose with what goes with it: the comparison before, a half, a fraction, a range, its unit."""

import datetime as dt
from typing import Final

from services.criteria_evaluation.domain.extract.counts import number_at
from services.criteria_evaluation.domain.extract.dates import date_at
from services.criteria_evaluation.domain.extract.measures import (
    GOES_ON,
    comparator,
    fraction_at,
    fraction_word,
    is_strength,
    range_at,
    share_at,
    unit_at,
    with_half,
)
from services.criteria_evaluation.domain.extract.numerals import AFTER, compared, date_of
from services.criteria_evaluation.domain.extract.physical import (
    KINDS,
    Unit,
    clock_at,
    dimensions,
    headed_unit,
    is_graded,
    is_kind,
    two_parts,
)
from services.criteria_evaluation.domain.extract.words import Tokens, Units, Value
from services.criteria_evaluation.domain.quantities import Interval

_PRINTED: Final = [str(number) for number in range(11)]
"""A scale of a form, of whose numbers one is marked: "0 1 2 3 4 5 6 [7] 8 9 10"."""
_BRACKETS: Final = {"[": "]", "(": ")"}
_KINDS_OF_APNEA: Final = (["mixed", "/", "central"], ["central", "/", "mixed"])
_IN_WEEKS: Final = (["week"], ["wk"])


def plain(tokens: Tokens, i: int, out: Units) -> int:
    """A word as it stands."""
    out.add(tokens.words[i], tokens.starts[i], tokens.ends[i])
    return i + 1


def number_value(tokens: Tokens, i: int, out: Units, on: dt.date | None) -> int:
    """A value that begins with a number, with the comparison before it and the unit after it."""
    if share := share_at(tokens, i):
        out.add("<part>", tokens.starts[i], tokens.ends[i + 2], Value(Interval.at(share), "%"))
        return i + 3
    if date := date_at(tokens.words, i, on):
        out.add("<date>", tokens.starts[i], tokens.ends[date[1] - 1], Value(date=date[0]))
        return date[1]
    if tokens.word(i) == "0" and (scale := _printed_scale(tokens, i)):
        marked, end = scale
        if marked is None:
            out.add("<scale>", tokens.starts[i], tokens.ends[end - 1])
        else:
            score = Value(Interval.at(float(tokens.words[marked])), "{score}")
            out.add("<n/10>", tokens.starts[marked], tokens.ends[marked], score)
        return end
    asked = tokens.word(i) == "one" and out.words[-1:] in (["circle"], ["check"], ["choose"], ["select"], ["mark"])
    read = None if asked else number_at(tokens, i)
    if read is None:
        return plain(tokens, i, out)
    number, j = read
    if tokens.word(j) == "_" == tokens.word(i - 1) and tokens.starts[j] == tokens.ends[j - 1]:
        j += 1  # A number that was put on a form's line: "_86_ %".
    return valued(tokens, i, number, j, out, on)


def _printed_scale(tokens: Tokens, i: int) -> tuple[int | None, int] | None:
    """Where the one number of a printed scale stands that is in brackets, if any, and where the scale ends.

    None where the numbers from ``i`` on are no such scale.
    """
    words, marked, j = tokens.words, [], i
    for number in _PRINTED:
        bracket = tokens.word(j) in _BRACKETS
        j += bracket
        if tokens.word(j) != number:
            return None
        if bracket and tokens.word(j + 1) in _BRACKETS.values():
            marked.append(j)
            j += 1
        j += 1
    return (marked[0] if len(marked) == 1 else None), min(j, len(words))


def valued(tokens: Tokens, i: int, number: float, j: int, out: Units, on: dt.date | None) -> int:
    """The value whose number stands from ``i`` up to ``j``."""
    if tokens.word(j) not in GOES_ON and not _is_minutes(tokens, j):
        return _united(tokens, i, number, (Interval.at(number), j), j, out, on)
    number, j = with_half(tokens, number, j)
    following = tokens.word(j)
    if following == ":" and (clock := clock_at(tokens, number, j, out.words)):
        return _measured(tokens, i, clock, out)
    if parts := two_parts(tokens, number, j) or dimensions(tokens, number, j):
        return _measured(tokens, i, parts, out)
    in_series = following == "/" and _in_series(tokens, i, out)
    if not in_series and (fraction := fraction_at(tokens, number, j)):
        denominator, end = fraction
        if month := _month_of(number, denominator):
            out.add("<month>", tokens.starts[i], tokens.ends[end - 1], Value(date=month))
            return end
        if unit := _british(tokens, i, denominator):
            out.add("<dur>", tokens.starts[i], tokens.ends[end - 1], Value(Interval.at(number), unit))
            return end
        word = fraction_word(number, denominator, tokens.word(j))
        out.add(word, tokens.starts[i], tokens.ends[end - 1], Value(Interval.at(number), "{score}"))
        return end
    if number == 1 and len(tokens.word(j)) == 1 and tokens.word(j) in "abc" and tokens.starts[j] == tokens.ends[j - 1]:
        out.add("<grade>", tokens.starts[i], tokens.ends[j], Value(grade=f"1{tokens.word(j)}"))
        return j + 1
    interval, k = range_at(tokens, number, j, bool(out.words) and out.words[-1] == "between")
    if k > j and (fraction := fraction_at(tokens, number, k)):
        word = fraction_word(number, fraction[0], "")
        out.add(word, tokens.starts[i], tokens.ends[fraction[1] - 1], Value(interval, "{score}"))
        return fraction[1]
    return _united(tokens, i, number, (interval, k), j, out, on)


def _is_minutes(tokens: Tokens, j: int) -> bool:
    """Whether the word at ``j`` is the rest of "7h22m"."""
    word = tokens.word(j)
    return word[:1] == "h" and word[1:2].isdigit() and tokens.starts[j] == tokens.ends[j - 1]


def _month_of(number: float, denominator: float) -> dt.date | None:
    """The middle of the month that ``08/2023`` names."""
    if not (1 <= number <= 12 and 1900 <= denominator <= 2100):
        return None
    return date_of(int(denominator), int(number), 15)


def _british(tokens: Tokens, i: int, denominator: float) -> str | None:
    """The unit of a duration as British notes shorten it: 4/52 is four weeks, "for 3/12" three months, "x 2/7" two days."""
    if denominator == 52:
        return "wk"
    return {12: "mo", 7: "d"}.get(int(denominator)) if tokens.word(i - 1) in ("x", "for", "past", "over") else None


def _united(
    tokens: Tokens, i: int, number: float, read: tuple[Interval, int], j: int, out: Units, on: dt.date | None
) -> int:
    """The value of a number up to ``j``, or of the range that ``read`` gives with the index after it, with its unit."""
    interval, k = read
    bare = tokens.words[k : k + 3] == ["h", "/", "h"] or _is_flagged(tokens, number, k, out)
    # In "Wagner 3 L heel" the letter is a side.
    bare = bare or (tokens.word(k) == "l" and tokens.starts[k] > tokens.ends[k - 1] and is_graded(out.words))
    kind, unit, end = ("<num>", None, k) if bare else unit_at(tokens, k)  # "WBC 6.2  H/H 11/34": no hours.
    if kind in ("<num>", "<pct>") and "fio2" in out.words[-2:]:
        kind = "<air>" if number in (0.21, 21.0) else "<rich>"
    if kind == "<num>" and k == j == i + 1 and number in KINDS and is_kind(out.words, tokens.words[j : j + 4]):
        out.add(KINDS[number], tokens.starts[i], tokens.ends[i])  # "Type 3" is the name of a kind and no number.
        return i + 1
    if kind == "<num>" and (headed := headed_unit(out.words)):
        kind, unit = headed
    if kind == "<num>" and number >= _LIGHTEST and _behind_inches(out):
        kind, unit = "<mass>", "[lb_av]"  # "Ht 5'7, wt 284": who is measured in feet is weighed in pounds.
    if kind == "<num>" and out.words[-1:] in _IN_WEEKS and tokens.word(k) in ("of", "into"):
        kind, unit = "<dur>", "wk"  # "Week 6 of standard care" is the sixth.
    if kind == "<num>" and is_strength(out.words, interval.low, interval.high, tokens.word(k)):
        graded = tokens.word(k)
        end = k + 1 if graded in ("-", "+", "–") and tokens.starts[k] == tokens.ends[k - 1] else k
        out.add(fraction_word(number, 5, graded), tokens.starts[i], tokens.ends[end - 1], Value(interval, "{score}"))
        return end
    if kind == "<num>" and (interval.low, interval.high) in _SCALES:
        out.add("<scale>", tokens.starts[i], tokens.ends[k - 1])
        return k
    if kind == "<num>" and 1900 <= number <= 2100 and end == i + 1:
        kind = "<pastyear>" if on is not None and number < on.year else "<year>"
    start = tokens.starts[i]
    sign: str | None = AFTER.get((tokens.word(end), tokens.word(end + 1)))
    if sign:
        end += 2
    else:
        sign, start = comparator(out, start, lasting=kind == "<dur>")
    out.add(kind, start, tokens.ends[end - 1], Value(compared(interval, sign), unit))
    return end


def _behind_inches(out: Units) -> bool:
    """Whether a weight is named right here, and a height in feet or inches right before it."""
    names = [word for word in out.words[-8:] if word not in (":", ",", ";", "and", "is", "of")]
    if names[-1:] not in (["weight"], ["wt"], ["weighs"]) or names[-2:-1] != ["<len>"]:
        return False
    height = max(i for i, word in enumerate(out.words) if word == "<len>")
    return out.values[height].unit in ("[in_i]", "[ft_i]")


def _is_flagged(tokens: Tokens, number: float, k: int, out: Units) -> bool:
    """Whether the letter at ``k`` only says that a laboratory's value is high or low: "Hct 57.4 H" are no hours, "pO2 57 L" no litres."""
    letter = tokens.word(k)
    if letter not in _FLAGS or tokens.starts[k] == tokens.ends[k - 1]:
        return False
    return not _LABORATORY.isdisjoint(out.words[-3:]) and (letter == "h" or number > _FASTEST)


def _in_series(tokens: Tokens, i: int, out: Units) -> bool:
    """Whether a number is one of several figures between strokes: a blood gas, or hemoglobin and hematocrit."""
    if tokens.word(i - 1) == "/" and i > 1 and tokens.words[i - 2][0].isdigit():
        return True
    names = [word for word in out.words[-4:] if word not in (":", "of", "was", "is")]
    return (
        names[-1:] in (["hct"], ["hematocrit"], ["crit"]) or names[-2:] == ["h", "h"] or names[-3:] in _KINDS_OF_APNEA
    )


def _measured(tokens: Tokens, i: int, parts: tuple[float, Unit], out: Units) -> int:
    """A measure of two parts, with the comparison before it."""
    number, unit = parts
    sign, start = comparator(out, tokens.starts[i], lasting=unit.kind == "<dur>")
    out.add(unit.kind, start, tokens.ends[unit.end - 1], Value(compared(Interval.at(number), sign), unit.code))
    return unit.end


_LIGHTEST: Final = 80
"""Pounds of the lightest adult, so that a bare number behind a height is a weight."""
_FLAGS: Final = frozenset({"h", "l"})
_FASTEST: Final = 15
"""Litres a minute that a cannula or a mask gives at most: "SpO2 2 L 94%" is a flow."""
_LABORATORY: Final = frozenset(
    ["hct", "hematocrit", "hgb", "hb", "thb", "po2", "pao2", "pco2", "paco2", "so2", "sao2", "spo2", "sat", "saturation", "mmhg"]
)  # fmt: skip
"""Names, and a unit, behind which a value of a blood gas or a blood count stands."""
_SCALES: Final = frozenset({(0, 5), (0, 10), (1, 10), (0, 6), (7, 12), (13, 18), (0, 18), (0, 24), (0, 100)})
"""Ranges of scores, which stand beside their names and are no measurements: "Pain (0-10)"."""
