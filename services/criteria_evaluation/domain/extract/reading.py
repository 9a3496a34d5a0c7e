"""What the words of one sentence state, wherever in a chart they stand."""

import datetime as dt
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.criteria_evaluation.domain.extract.assertion import Scope, flags_of, scopes
from services.criteria_evaluation.domain.extract.contexts import Holding, Opened, by_group, carried_on
from services.criteria_evaluation.domain.extract.forms import BOXES, FORM
from services.criteria_evaluation.domain.extract.mention import Said, said_in
from services.criteria_evaluation.domain.extract.nought import is_nought
from services.criteria_evaluation.domain.extract.scan import Found, scan
from services.criteria_evaluation.domain.extract.standing import Marks, superseded
from services.criteria_evaluation.domain.extract.text import TITLE
from services.criteria_evaluation.domain.extract.words import Units
from services.criteria_evaluation.domain.lexicon import Lexicon
from services.criteria_evaluation.domain.lexicon_entries import Context, Target
from services.criteria_evaluation.domain.quantities import Interval

_YIELDING: Final = 2
"""What a statement's rank grows by in a context to which it yields."""
_DOUBT: Final = frozenset({"possible"})
_NO_FLAGS: Final[frozenset[str]] = frozenset()


_MEASURES: Final = frozenset(
    ["a1c", "bmi", "bp", "creatinine", "glucose", "hba1c", "hgb", "hr", "pulse", "rr", "temp", "temperature", "tsh", "wbc"]
)  # fmt: skip
"""Names of measures; the number directly behind one is of no other measure."""
_LINKS: Final = frozenset({":", "is", "of", "was"})


@dataclass(slots=True, init=False)
class Statement:
    """A value of a fact, and the offsets of the words that state it; ``on``: the day before the value; ``since``: the day that it is."""

    fact: str
    said: Said
    start: int
    end: int
    rank: int
    lowest: bool
    on: dt.date | None
    since: dt.date | None

    def __init__(
        self,
        fact: str,
        said: Said,
        start: int,
        end: int,
        rank: int,
        lowest: bool = False,
        on: dt.date | None = None,
        since: dt.date | None = None,
    ) -> None:
        self.fact = fact
        self.said = said
        self.start = start
        self.end = end
        self.rank = rank
        self.lowest = lowest
        self.on = on
        self.since = since


@dataclass(slots=True, init=False)
class Reading:
    """What a sentence states and opens. ``contexts`` are those open after it, None where it changes none."""

    statements: tuple[Statement, ...]
    cues: tuple[str, ...]
    contexts: Mapping[str, Context] | None
    marks: Marks

    def __init__(
        self,
        statements: tuple[Statement, ...],
        cues: tuple[str, ...],
        contexts: Mapping[str, Context] | None,
        marks: Marks,
    ) -> None:
        self.statements = statements
        self.cues = cues
        self.contexts = contexts
        self.marks = marks


@dataclass(slots=True, init=False)
class Place:
    """Where a sentence stands: its kind of section, the cues and the contexts (by group) that are open there.

    ``goes_on``: a semicolon ends it. ``begin``: no quote begins before this offset, as a heading's words over a cell do.
    """

    category: str | None
    cues: Mapping[str, int]
    carried: Mapping[str, Context]
    goes_on: bool
    begin: int

    def __init__(
        self,
        category: str | None,
        cues: Mapping[str, int],
        carried: Mapping[str, Context],
        goes_on: bool = False,
        begin: int = 0,
    ) -> None:
        self.category = category
        self.cues = cues
        self.carried = carried
        self.goes_on = goes_on
        self.begin = begin


def read_units(units: Units, place: Place, on: dt.date | None, marks: Marks, lexicon: Lexicon) -> Reading:
    """The statements of a sentence. ``on`` is the day on which they were written, from which a duration is counted."""
    scanned = scan(units, lexicon)
    cues, carried = tuple(scanned.cues), place.carried
    contexts: dict[str, list[Opened]] = {}
    after = None
    if scanned.contexts or any(context.reach != "section" for context in carried.values()):
        contexts = by_group(_chosen(scanned.contexts, units.words))
        after = carried_on(contexts, carried, goes_on=place.goes_on)
    if not scanned.found:
        return Reading((), cues, after, marks)
    holding = Holding(units.words, contexts, carried)
    open_cues = place.cues.keys() | cues if cues else place.cues.keys()
    found = [
        hit
        for hit in scanned.found
        if _stands(hit, place.category, open_cues, holding, lexicon) and _has_value(hit, units, on, lexicon)
    ]
    if not found:
        return Reading((), cues, after, marks)
    bounded = scanned.hits or not FORM.isdisjoint(units.words) or "n" in units.words
    around = scopes(units.words, scanned.hits, units.asides) if bounded else []
    judging = Judging(around, lexicon.section_flags.get(place.category or "", _NO_FLAGS))
    statements: list[Statement] = []
    for hit, judgement in _outermost(found, judging):
        if judgement is None:
            continue
        target, taken = hit.target, hit.taken
        negated, rank = judgement
        if target.yields and holding.one_of(target.yields, hit.at):
            rank += _YIELDING
        said = _said(target, units, hit.slot, negated or is_nought(units, hit), on, lexicon)
        if said is None:
            continue
        start = next((at for p in taken if (at := units.starts[p]) >= place.begin), units.starts[taken[0]])
        day = _day_of(units, hit.slot, on)
        since = units.values[hit.slot].date if hit.slot in units.values else None
        statements.append(Statement(target.fact, said, start, units.ends[taken[-1]], rank, target.lowest, day, since))
    return Reading(tuple(statements), cues, after, marks)


def _day_of(units: Units, slot: int | None, on: dt.date | None) -> dt.date | None:
    """The day that stands directly before sides multiplied, as in a list of measurements: "3/11 2.6 x 1.9, 4/1 2.2 x 1.7"."""
    if slot is None or units.words[slot] != "<dims>":
        return None
    before = slot - 2 if units.words[slot - 1 : slot] == [":"] else slot - 1
    day = units.values[before].date if before >= 0 and units.words[before] == "<date>" else None
    return None if day is None or (on is not None and day > on) else day


def _chosen(contexts: Sequence[Opened], words: Sequence[str]) -> Sequence[Opened]:
    """Without the contexts behind an empty box: "[x] at rest [ ] asleep" tells of no sleep."""
    if "<nobox>" not in words:
        return contexts
    boxes = [i for i, word in enumerate(words) if word in BOXES]
    return [o for o in contexts if words[max((i for i in boxes if i <= o.start), default=o.start)] != "<nobox>"]


def _stands(hit: Found, category: str | None, cues: Container[str], holding: Holding, lexicon: Lexicon) -> bool:
    """Whether the target may stand in this kind of section, in the contexts that it needs, and is not of the past."""
    target = hit.target
    if category not in target.sections and (target.sections or category == TITLE):
        return False
    if category in target.not_sections or (target.cue is not None and target.cue not in cues):
        return False
    if (target.requires or target.excludes) and not holding.fits(target, hit.at):
        return False
    slot = hit.slot if target.value is None else None
    return slot is None or not lexicon.vocabulary[target.fact].latest or not superseded(holding.words, slot)


def _has_value(hit: Found, units: Units, on: dt.date | None, lexicon: Lexicon) -> bool:
    """Whether a bare number may be a value of the fact: in "SpO2 98% RA, glucose 151" and "SpO2 98% RA, BMI 33" the second is not."""
    if hit.slot is None or hit.target.value is not None or units.words[hit.slot] != "<num>":
        return True
    if _is_of_another(units.words, hit):
        return False
    return said_in(lexicon.vocabulary[hit.target.fact], units.values[hit.slot], on) is not None


def _is_of_another(words: Sequence[str], hit: Found) -> bool:
    """Whether the name of another measure stands directly before a bare number."""
    at = (hit.slot or 0) - 1
    while at > 0 and words[at] in _LINKS:
        at -= 1
    return at > hit.taken[0] and words[at] in _MEASURES and at not in hit.taken


Judgement = tuple[bool, int] | None
"""Whether a statement is denied, and its rank; None where it is no source."""


class Judging:
    """Judges the statements of a sentence by the scopes ``around`` them and by what its section makes of all of them."""

    __slots__ = ("_around", "_section")

    def __init__(self, around: Sequence[Scope], section: frozenset[str]) -> None:
        self._around = around
        self._section = section

    def of(self, hit: Found) -> Judgement:
        flags = self._section - _DOUBT if hit.target.background else self._section
        return judge(hit.target, flags_of(self._around, hit.taken) | flags if self._around else flags)


def _outermost(found: list[Found], judging: Judging) -> list[tuple[Found, Judgement]]:
    """Without the statements that lie within a longer one of the same fact ("small cell" in "non-small cell").

    A longer one that is no source hides no shorter one of the same value ("prior pain, VAS 7/10").
    """
    if len(found) == 1:
        return [(found[0], judging.of(found[0]))]
    reach: dict[str, tuple[Found, Judgement]] = {}
    outermost: list[tuple[Found, Judgement]] = []
    kept: Found | None = None
    for hit in sorted(found, key=_outer_first):
        outer, idle = reach.get(hit.target.fact), False
        if outer is not None and hit.taken[-1] <= outer[0].taken[-1] and not _other_code(hit, kept):
            idle = _is_idle(*outer) and (outer[1] is not None or (hit.slot is not None and hit.slot == outer[0].slot))
            if not idle:
                continue
        kept, judgement = hit, judging.of(hit)
        outermost.append((hit, judgement))
        if outer is None or idle or hit.taken[-1] > outer[0].taken[-1]:
            reach[hit.target.fact] = hit, judgement
    return outermost


def _outer_first(hit: Found) -> tuple[int, int, int, int]:
    """Of statements that begin with the same word the one that reaches furthest, then the better ranked, then the fuller."""
    return hit.taken[0], -hit.taken[-1], hit.target.rank, -len(hit.taken)


def _is_idle(hit: Found, judgement: Judgement) -> bool:
    """Whether a statement states nothing: it is no source, or is denied and then says nothing."""
    denied = judgement is not None and judgement[0] and hit.target.undeniable == "no"
    return judgement is None or (denied and hit.target.negated is None)


def _other_code(hit: Found, last: Found | None) -> bool:
    """Whether the same words state another member of a set of codes besides ("cord and root compression")."""
    return (
        last is not None
        and last.taken != hit.taken
        and isinstance(hit.target.value, tuple)
        and hit.target.value != last.target.value
    )


def judge(target: Target, flags: frozenset[str]) -> tuple[bool, int] | None:
    """Whether the statement counts: (denied, rank), or None where it is no source."""
    if "unchecked" in flags or "family" in flags or "possible" in flags:
        return None
    if target.undeniable == "required" and "negated" not in flags:
        return None
    if "answered" in flags and target.undeniable in ("exact", "yes"):
        return None  # "SpO2 of 88% or less: no" asks of a bound, and tells no number.
    rank = target.rank
    for flag, use in (("historical", target.past), ("planned", target.planned), ("reported", target.reported)):
        if flag not in flags:
            if use == "require" and not (flag == "planned" and "plan" in flags):
                return None
        elif use == "drop":
            return None
        elif use == "later":
            rank += 1
    return "negated" in flags, rank


def _said(
    target: Target, units: Units, slot: int | None, negated: bool, on: dt.date | None, lexicon: Lexicon
) -> Said | None:
    if negated and target.undeniable == "no":
        return target.negated
    if target.value is not None:
        return target.value
    value = units.values.get(slot) if slot is not None else None
    said = None if value is None else said_in(lexicon.vocabulary[target.fact], value, on)
    if negated and target.undeniable == "exact" and isinstance(said, Interval) and None in (said.low, said.high):
        return None
    return said
