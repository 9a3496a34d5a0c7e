"""The grammar of numbers in prose: words for numbers, halves, fractions, ranges, units and comparisons."""

from collections.abc import Sequence
from typing import Final

from services.criteria_evaluation.domain.extract.counts import HALVES, number_at
from services.criteria_evaluation.domain.extract.numerals import (
    ABOUT,
    COMPARATORS,
    HIGH,
    HIGH_OPEN,
    LOW,
    LOW_OPEN,
    NUMBER_WORDS,
    TIME_UNITS,
)
from services.criteria_evaluation.domain.extract.physical import physical_unit
from services.criteria_evaluation.domain.extract.words import Tokens, Units
from services.criteria_evaluation.domain.quantities import Interval

_RANGE_WORDS: Final = frozenset({"-", "–", "—", "to"})
_DASHES: Final = frozenset({"-", "–", "—"})
GOES_ON: Final = frozenset(
    {
        *HALVES,
        *(word for word, unit in TIME_UNITS.items() if unit in ("h", "wk")),
        *("and", "ft", "foot", "feet", "'", "’", "′", '"', "”", "″", "in", "m", "mm", "cm", "x", "×", "by"),
        *(":", "+", "-", "–", "−", "—", "/", "out", "on", "of", "over", "a", "b", "c", "plus", "to", "or"),
    }
)
"""Words that may carry a number on to a half, a second part or side, a fraction, a grade or a range."""


def with_half(tokens: Tokens, number: float, j: int) -> tuple[float, int]:
    """``2 ½``, ``two and a half``."""
    if tokens.word(j) in HALVES:
        return number + HALVES[tokens.words[j]], j + 1
    if tokens.words[j : j + 2] == ["and", "a"] and tokens.word(j + 2) in ("half", "quarter"):
        return number + (0.5 if tokens.word(j + 2) == "half" else 0.25), j + 3
    return number, j


PARTS: Final[dict[str, float]] = {
    "half": 50.0,
    "third": 33.0,
    "thirds": 33.0,
    "quarter": 25.0,
    "quarters": 25.0,
    "fifth": 20.0,
    "fifths": 20.0,
}
"""Parts of a whole in words, in percent as charts round them."""


HALVED: Final = frozenset({"halved", "halves", "halving"})
_FIGURES: Final = {"1/2": 50.0, "1/3": 33.0, "2/3": 67.0, "1/4": 25.0, "3/4": 75.0}
_OF_WHAT: Final = frozenset({"canal", "height", "ht"})


_ROUGHLY: Final = frozenset({"about", "roughly", "approximately", "almost", "nearly", "around", "some"})


def _by(tokens: Tokens, i: int) -> bool:
    """Whether "by" stands before the word at ``i``: "by a third", "by roughly one third"."""
    before = i - 1 if i and tokens.word(i - 1) in _ROUGHLY else i
    return before > 0 and tokens.word(before - 1) == "by"


def part_at(tokens: Tokens, i: int) -> tuple[float, int] | None:
    """``half of the height``, ``a third of``, ``by two-thirds``, ``halved``: percent, and the index of the words after it."""
    if tokens.word(i) in HALVED:
        return PARTS["half"], i + 1
    j, count = i, 1
    if tokens.word(i) in ("a", "one", "two", "three"):
        count = 1 if tokens.word(i) == "a" else int(NUMBER_WORDS[tokens.word(i)])
        j = i + 2 if tokens.word(i + 1) in _DASHES else i + 1
    word, following = tokens.word(j), tokens.word(j + 1)
    if (
        word not in PARTS
        or not (following in ("of", "the", "its", "loss", "over", "since") or _by(tokens, i))
        or (word.endswith("s") != (count > 1))
    ):
        return None
    percent = {("third", 2): 67.0, ("quarter", 3): 75.0}.get((word.rstrip("s"), count), PARTS[word] * count)
    return percent, j + 1


def share_at(tokens: Tokens, i: int) -> float | None:
    """The percent of "1/3 of the canal"."""
    of = tokens.word(i + 3) == "of" and not _OF_WHAT.isdisjoint(tokens.words[i + 4 : i + 7])
    return _FIGURES.get("".join(tokens.words[i : i + 3])) if of else None


_PARTS: Final = frozenset({5, 10, 18, 24, 30})
"""Denominators that "of" and "over" stand before: "8 of 10", "5 over 5"."""


def fraction_word(number: float, denominator: float, sign: str) -> str:
    """The word of a fraction. Of 5 it is a muscle's strength (MRC scale): none, weak (also 5-), or full."""
    if denominator != 5:
        return f"<n/{denominator:g}>"
    return "<0/5>" if number == 0 else "<5/5>" if number >= 5 and sign not in _DASHES else "<weak/5>"


_MUSCLES: Final = frozenset(
    [
        "ip",
        "hf",
        "ke",
        "kf",
        "df",
        "pf",
        "ehl",
        "ta",
        "gs",
        "lle",
        "rle",
        "ble",
        "quad",
        "quads",
        "iliopsoas",
        "quadriceps",
        "psoas",
        "hamstrings",
        "gastroc",
    ]
)
"""Muscles and limbs after which charts give a strength without its denominator."""


_GROUPS: Final = frozenset({"flexors", "extensors", "dorsiflexors", "plantarflexors", "evertors", "invertors"})
"""Groups of muscles, which are also trained: "knee extensors 4 sets"."""
_SIDES: Final = frozenset({"r", "l", "right", "left"})
_POWER: Final = frozenset({"power", "strength"})
_EXERCISE: Final = frozenset({"set", "sets", "rep", "reps", "times"})
_AFTER_A_STRENGTH: Final = frozenset(
    ["", ".", ",", ";", ")", "|", "-", "–", "+", "on", "and", "bilaterally", "bilateral", "both", "throughout"]
).union(_SIDES)


def is_strength(before: Sequence[str], low: float | None, high: float | None, after: str = "") -> bool:
    """Whether a bare number between these words is a muscle's strength: "IP 3", "LLE 5", "power grade 3", "grade 3 power".

    ``high`` is open where a plus follows: "quads 4+".
    """
    high = low if high is None else high
    if low is None or high is None or not 0 <= low <= high <= 5 or not before or after in _EXERCISE:
        return False
    graded = before[-1] == "grade" and (after in _POWER or not _POWER.isdisjoint(before[-5:]))
    named = (before[-2] if before[-1] == ":" and len(before) > 1 else before[-1]) in _POWER
    if named and after in _AFTER_A_STRENGTH:  # "tone normal, power 5, reflexes brisk"
        return True
    if before[-1] in _SIDES and len(before) > 1:  # "IP R 3 L 4"
        return before[-2] in _MUSCLES or before[-2] in ("<weak/5>", "<5/5>", "<0/5>")
    return before[-1] in _MUSCLES or graded or (before[-1] in _GROUPS and after in _AFTER_A_STRENGTH)


_NUMBERED: Final = frozenset({"phq", "gad"})


def fraction_at(tokens: Tokens, number: float, j: int) -> tuple[float, int] | None:
    """The denominator of ``8/10``, ``4-/5``, ``4+/5``, ``8 out of 10`` or ``8 of 10``, and the index after it."""
    k = j
    if tokens.word(k) in ("+", "-", "–", "−") and tokens.word(k + 1) in ("/", "out", "of"):
        k += 1
    if tokens.word(k) == "/":
        k += 1
    elif tokens.word(k) == "out" and tokens.word(k + 1) == "of":
        k += 2
    elif tokens.word(k) == "on" and tokens.words[k + 1 : k + 4] == ["a", "scale", "of"]:
        k += 4
    elif tokens.word(k) == "on" and tokens.word(k + 1) in ("a", "the") and (scale := _scale_at(tokens, k + 2)):
        return scale
    elif tokens.word(k) in ("of", "over"):
        k += 1
        read = number_at(tokens, k)
        if not _NUMBERED.isdisjoint(tokens.words[max(0, j - 3) : j - 1]):
            return None  # "PHQ-9 of 18": the number is of the questionnaire's name.
        if read is None or read[0] not in _PARTS or number > read[0] or tokens.word(read[1]) in TIME_UNITS:
            return None
    else:
        return None
    read = number_at(tokens, k)
    if read is None or tokens.word(read[1]) == "/" or tokens.word(k)[:1] == "0":
        return None  # "05/05" is a day.
    litres = tokens.word(read[1]) in ("l", "lpm") and tokens.ends[read[1] - 1] == tokens.starts[read[1]]
    return None if litres else read  # "RA 83 / 2L 92": what follows the stroke is a flow.


def _scale_at(tokens: Tokens, k: int) -> tuple[float, int] | None:
    """``ten-point scale``: its highest number and the index after it."""
    read = number_at(tokens, k)
    if read is None:
        return None
    j = read[1] + 1 if tokens.word(read[1]) in _DASHES else read[1]
    return (read[0], j + 2) if tokens.word(j) == "point" and tokens.word(j + 1) == "scale" else None


def range_at(tokens: Tokens, number: float, j: int, between: bool) -> tuple[Interval, int]:
    if tokens.word(j) in ("+", "plus") and not tokens.word(j + 1)[:1].isdigit():
        return Interval(number, None), j + 1
    word = tokens.word(j)
    if word in _RANGE_WORDS or (between and word == "and") or word == "or":
        upper = number_at(tokens, j + 1)
        if upper and upper[0] > number and (word != "or" or tokens.word(upper[1]) in TIME_UNITS):
            return Interval(number, upper[0]), upper[1]
    return Interval.at(number), j


def unit_at(tokens: Tokens, j: int) -> tuple[str, str | None, int]:
    """The kind of value that the unit at ``j`` makes, the UCUM unit, and the index after it."""
    k = j + 1 if tokens.word(j) in _DASHES and tokens.word(j + 1) else j
    word = tokens.word(k)
    if word == "hr" and tokens.word(k + 1)[:1].isdigit():
        return "<num>", None, j  # "T 98.6 HR 88": a heart rate follows.
    if word == "w" and tokens.word(k + 1) == "/":
        return "<num>", None, j  # "Wagner 3 w/ abscess": with it, not three weeks.
    if word in TIME_UNITS:
        return "<dur>", TIME_UNITS[word], k + 1
    if word in ("%", "percent"):
        return "<pct>", "%", k + 1
    if word == "per" and tokens.word(k + 1) == "cent":
        return "<pct>", "%", k + 2
    if word in ("°", "º", "deg", "degree", "degrees"):
        return "<deg>", "deg", k + 1
    physical = physical_unit(tokens, k)
    return ("<num>", None, j) if physical is None else (physical.kind, physical.code, physical.end)


def comparator(out: Units, start: int, *, lasting: bool = False) -> tuple[str | None, int]:
    """Takes the words of a comparison off the end of ``out``: its sign and where it begins.

    "Over" before a time (``lasting``) compares only where a time is expected: "for over 3 weeks" is more than three,
    "progressed over 3 weeks" is not.
    """
    if not out.words or out.words[-1] not in _COMPARING:
        return None, start
    for length in (3, 2, 1):
        sign = COMPARATORS.get(tuple(out.words[-length:]))
        if sign is not None and len(out.words) >= length:
            if lasting and out.words[-1:] == ["over"] and (len(out.words) == 1 or out.words[-2] not in _MEASURED):
                return None, start
            if (flipped := _FLIPPED.get(sign)) and (denied := _denied_before(out.words, len(out.words) - length)):
                sign, length = flipped, length + denied
            start = out.starts[-length]
            for _ in range(length):
                out.words.pop()
                out.starts.pop()
                out.ends.pop()
            inner = comparator(out, start, lasting=lasting) if sign == ABOUT else (None, start)
            return (inner[0] or sign), inner[1]
    return None, start


def _denied_before(words: Sequence[str], end: int) -> int:
    """How many words before a comparison deny it: "never fell below 91 %" is at least 91, "no better than 3" at most 3."""
    for i in range(end - 1, max(-1, end - 1 - _DENIAL_REACH), -1):
        if words[i] in _DENIALS:
            return end - i
        if words[i] not in _FALLS:
            return 0
    return 0


_FLIPPED: Final = {LOW_OPEN: HIGH, HIGH_OPEN: LOW}
_DENIAL_REACH: Final = 4
_DENIALS: Final = frozenset({"not", "never", "no", "t", "without", "nothing"})
_FALLS: Final = frozenset(
    [
        "fell", "fall", "falls", "falling", "drop", "drops", "dropped", "dropping", "dip", "dips", "dipped", "dipping", "went", "go", "goes",
        "going", "gone", "get", "got", "sink", "sank", "decline", "declined", "decrease", "decreased", "rise", "rose", "rising", "been", "be",
        "was", "were", "is", "ever", "once", "any", "reading", "readings", "value", "values", "saturation", "saturations", "spo2", "sat", "sats",
        "desaturation", "desaturations", "desaturate", "desaturated", "measured", "recorded",
    ]
)  # fmt: skip
"""What may stand between a denial and the comparison that it denies."""
_COMPARING: Final = frozenset(phrase[-1] for phrase in COMPARATORS)
"""The last words of comparisons: few values stand after one."""
_MEASURED: Final = frozenset(
    [
        "for", "of", "is", "was", "be", "well", "x", "×", ":", ",", "at", "just", "slightly", "live",
        "lasting", "lasted", "survival", "expectancy", "prognosis", "survive", "estimated", "expected", "being", "or",
    ]
)  # fmt: skip
