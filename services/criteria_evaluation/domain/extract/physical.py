"""Physical units in prose: weight, length, area, gas pressure, flow, rates; and measures of two parts ("5 ft 4 in")."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.criteria_evaluation.domain.extract.counts import number_at
from services.criteria_evaluation.domain.extract.numerals import TIME_UNITS
from services.criteria_evaluation.domain.extract.words import Tokens

_SINGLE: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(("kg", "kgs", "kilo", "kilos", "kilogram", "kilograms"), ("<mass>", "kg")),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), ("<mass>", "[lb_av]")),
    **dict.fromkeys(("cm", "cms", "centimeter", "centimeters", "centimetre", "centimetres"), ("<len>", "cm")),
    **dict.fromkeys(("mm", "millimeter", "millimeters"), ("<len>", "mm")),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), ("<len>", "m")),
    **dict.fromkeys(("inch", "inches"), ("<len>", "[in_i]")),
    **dict.fromkeys(("ft", "foot", "feet"), ("<len>", "[ft_i]")),
    **dict.fromkeys(("cm2", "cm²", "sqcm"), ("<area>", "cm2")),
    **dict.fromkeys(("mmhg", "torr"), ("<gas>", "mm[Hg]")),
    "kpa": ("<gas>", "kPa"),
    **dict.fromkeys(("l", "lpm", "liter", "liters", "litre", "litres"), ("<flow>", "L")),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), ("<dur>", "min")),
}
_LENGTHS: Final = frozenset({"m", "mm", "cm"})
_PER: Final = frozenset({"/", "per", "an", "each"})
_HOURS: Final = frozenset({"h", "hr", "hour"})
_COUNTED: Final = frozenset({"events", "event", "episodes", "respiratory"})


@dataclass(slots=True, init=False)
class Unit:
    """The pattern word of a value with this unit, its UCUM code, and the index after it."""

    kind: str
    code: str
    end: int

    def __init__(self, kind: str, code: str, end: int) -> None:
        self.kind = kind
        self.code = code
        self.end = end


def physical_unit(tokens: Tokens, k: int) -> Unit | None:
    """The physical unit whose words begin at ``k``, or None."""
    word, following = tokens.word(k), tokens.word(k + 1)
    if word in _COUNTED or word in _PER:
        return _rate(tokens, k)
    if word == "#" and k and tokens.ends[k - 1] == tokens.starts[k]:
        return Unit("<mass>", "[lb_av]", k + 1)
    found = _SINGLE.get(word)
    if found is None:
        return _square(tokens, k)
    if word == "kg" and following == "/":
        if tokens.word(k + 2) in ("m2", "m²"):
            return Unit("<bmi>", "kg/m2", k + 3)
        if tokens.words[k + 2 : k + 5] == ["m", "^", "2"]:
            return Unit("<bmi>", "kg/m2", k + 5)
        return None
    if word == "kg" and following == "per":
        square = tokens.words[k + 2 : k + 4]
        if square[:1] == ["m2"] or square[:1] == ["m²"]:
            return Unit("<bmi>", "kg/m2", k + 3)
        return Unit("<bmi>", "kg/m2", k + 4) if square in (["square", "meter"], ["square", "metre"]) else None
    if word == "mm" and following == "hg":
        return Unit("<gas>", "mm[Hg]", k + 2)
    if word == "l" and following == "/" and tokens.word(k + 2) == "l":
        return Unit("<num>", "1", k + 3)
    if word in _LENGTHS and following == "^" and tokens.word(k + 2) == "2":
        return Unit("<area>", f"{word}2", k + 3)
    if word in ("l", "liter", "liters") and following in ("/", "per") and tokens.word(k + 2) in ("min", "minute", "m"):
        return Unit("<flow>", "L", k + 3)
    return Unit(*found, k + 1)


def _square(tokens: Tokens, k: int) -> Unit | None:
    if tokens.word(k) in ("square", "sq") and tokens.word(k + 1) in ("cm", "centimeter", "centimeters"):
        return Unit("<area>", "cm2", k + 2)
    return None


def _rate(tokens: Tokens, k: int) -> Unit | None:
    """``events/hour``, ``/h``, ``per hour``, ``events an hour``."""
    while tokens.word(k) in _COUNTED:
        k += 1
    if tokens.word(k) in _PER and tokens.word(k + 1) in _HOURS:
        return Unit("<rate>", "/h", k + 2)
    return None


_AFTER_A_HEIGHT: Final = frozenset({"", ",", ";", ".", ")", "/", "|", "and", "tall"})
"""What follows a height without a word for its inches: "5 ft 9 and 228 lb"."""


_HEIGHTS: Final = frozenset({"ht", "height", "hgt"})


def two_parts(tokens: Tokens, number: float, j: int) -> tuple[float, Unit] | None:
    """A height in feet and inches, or a time in hours and minutes or weeks and days, whose first number ends before ``j``."""
    word = tokens.word(j)
    if word in ("ft", "foot", "feet", "'", "’", "′") and 3 <= number <= 8:
        read = number_at(tokens, j + 1)
        if read is not None and read[0] < 12:
            end = read[1]
            while tokens.word(end) in ("in", "inch", "inches", '"', "”", "″", "'", "’"):
                end += 1
            bare = word in ("ft", "feet", "foot") and number >= 4 and tokens.word(end) in _AFTER_A_HEIGHT
            if end > read[1] or word in ("'", "’", "′") or bare:
                return 12 * number + read[0], Unit("<len>", "[in_i]", end)
    if word == "in" and 48 <= number <= 84 and _ends_a_height(tokens.word(j + 1)):
        return number, Unit("<len>", "[in_i]", j + 1)
    if word in ('"', "”", "″") and 48 <= number <= 84 and not _HEIGHTS.isdisjoint(tokens.words[max(0, j - 3) : j]):
        return number, Unit("<len>", "[in_i]", j + 1)
    if len(word) > 2 and word[0] == "h" and (minutes := word[1:].rstrip("min")).isdigit() and int(minutes) < 60:
        return 60 * number + int(minutes), Unit("<dur>", "min", j + 1)  # "7h22m"
    if TIME_UNITS.get(word) == "h":
        k = j + 2 if tokens.word(j + 1) in ("and", ",") else j + 1
        read = number_at(tokens, k)
        if read is not None and read[0] < 60 and tokens.word(read[1]) in ("m", "min", "mins", "minute", "minutes"):
            return 60 * number + read[0], Unit("<dur>", "min", read[1] + 1)
    if TIME_UNITS.get(word) == "wk":
        k = j + 2 if tokens.word(j + 1) in ("and", "plus", "+") else j + 1
        read = number_at(tokens, k)
        if read is not None and read[0] < 7 and tokens.word(read[1]) in ("d", "day", "days"):
            often = tokens.word(read[1] + 1) in ("a", "per", "/", "each", "every", "weekly", "out", "on")
            return None if often else (7 * number + read[0], Unit("<dur>", "d", read[1] + 1))
    return None


_TIMED: Final = frozenset({"time", "duration", "length", "trt", "tib", "recording", "recorded"})
_TO: Final = frozenset({"am", "pm", "to", "-", "–", "until", "and", "a", "p"})


def clock_at(tokens: Tokens, number: float, j: int, before: Sequence[str]) -> tuple[float, Unit] | None:
    """A span written as hours and minutes after the name of a time: "Recording time: 6:45". A time of day is none."""
    if tokens.word(j) != ":" or number > 16 or _TIMED.isdisjoint(before[-3:]):
        return None
    minutes = tokens.word(j + 1)
    adjacent = tokens.ends[j - 1] == tokens.starts[j] and len(minutes) == 2 and tokens.starts[j + 1] == tokens.ends[j]
    if not adjacent or not minutes.isdigit() or int(minutes) > 59 or tokens.word(j + 2) in _TO:
        return None
    end = j + 2
    if tokens.word(end) == ":" and tokens.word(end + 1).isdigit() and tokens.starts[end + 1] == tokens.ends[end]:
        end += 2
    while tokens.word(end) in ("h", "hr", "hrs", "hours"):
        end += 1
    return 60 * number + int(minutes), Unit("<dur>", "min", end)


def _ends_a_height(word: str) -> bool:
    """Whether "64 in" before this word is inches: no number and no article follows, as after the preposition."""
    return not word or not (
        word[0].isdigit() or word in ("the", "a", "an", "his", "her", "total", "all", "past", "last")
    )


_TIMES: Final = frozenset({"x", "×", "by"})


def dimensions(tokens: Tokens, number: float, j: int) -> tuple[float, Unit] | None:
    """The area of ``3.2 x 2.4 cm`` or ``3.2 x 2.4 x 0.8``: its first two sides multiplied, in cm2."""
    sides, end = [number], j
    while len(sides) < 3:
        k = end
        if tokens.word(k) in _LENGTHS:
            k += 1
        if tokens.word(k) not in _TIMES:
            break
        read = number_at(tokens, k + 1)
        if read is None or tokens.word(read[1]) in ("%", "percent"):
            break
        sides.append(read[0])
        end = read[1]
    if len(sides) < 2 or tokens.word(end) in TIME_UNITS:
        return None
    unit = tokens.word(end)
    scale = 0.01 if unit == "mm" else 1.0
    return round(sides[0] * sides[1] * scale, 4), Unit("<dims>", "cm2", end + 1 if unit in _LENGTHS else end)


ROMAN: Final = {"i": 1.0, "ii": 2.0, "iii": 3.0, "iv": 4.0, "v": 5.0}
_GRADED: Final = frozenset({"grade", "wagner", "gr", "bilsky", "escc"})


def is_graded(before: Sequence[str]) -> bool:
    """Whether a roman numeral after these words is a number: "grade III", "Wagner stage III", "Wagner: III"."""
    before = before[-4:-1] if before[-1:] == [":"] else before[-4:]
    return before[-1:] != [] and (
        before[-1] in _GRADED
        or (before[-1] in ("stage", "class", "score", "classification") and "wagner" in before[-3:])
    )


_STUDIES: Final = frozenset(
    {"sleep", "home", "study", "monitor", "channel", "unattended", "portable", "hsat", "hst", "recorder", "device"}
)


def is_kind(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether a number between these words names a kind: "type 3", and "level 3" or "class: 3" of a sleep study."""
    name = before[-2:-1] if before[-1:] == [":"] else before[-1:]
    of_study = not _STUDIES.isdisjoint((*before[-6:], *after))
    return before[-1:] == ["type"] or (name in (["type"], ["level"], ["class"]) and of_study)


KINDS: Final = {1.0: "i", 2.0: "ii", 3.0: "iii", 4.0: "iv"}
"""How a kind that is told by a number is written, so that "type 3" and "type III" are one word."""
HEADED: Final = {
    "kg": ("<mass>", "kg"),
    "lb": ("<mass>", "[lb_av]"),
    "lbs": ("<mass>", "[lb_av]"),
    "cm": ("<len>", "cm"),
    "m": ("<len>", "m"),
    "in": ("<len>", "[in_i]"),
    "inches": ("<len>", "[in_i]"),
    **dict.fromkeys(("min", "minutes"), ("<dur>", "min")),
    **dict.fromkeys(("h", "hr", "hrs", "hours"), ("<dur>", "h")),
}
BODY: Final = frozenset({"height", "ht", "hgt", "weight", "wt", "wgt", "time", "duration", "trt"})
"""Names of measures whose unit may stand with the name."""


def headed_unit(before: Sequence[str]) -> tuple[str, str] | None:
    """The kind and the unit of a bare number behind these words: "Height (m)  1.84", "Weight, kg: 120", "Height in cm 163"."""
    words = [word for word in before[-5:] if word not in (":", ",")]
    if len(words) > 1 and words[-1] in HEADED:
        name = words[-3] if words[-2] == "in" and len(words) > 2 else words[-2]
        return HEADED[words[-1]] if name in BODY else None
    return None
