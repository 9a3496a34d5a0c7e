"""Which statements are denied, doubted, past, planned, or about somebody else: scopes of trigger words (ConText).

A trigger acts on the words after it (forward), before it (backward) or on both sides, up to a word that ends its scope.
Method: Harkema H et al., ConText, J Biomed Inform 2009;42(5):839-851. The words themselves are the lexicon's.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.criteria_evaluation.domain.extract.forms import ANSWERS, BOXES, EITHER, FORM, answers_in_full
from services.criteria_evaluation.domain.extract.listed import PART_ENDS, aside_of, end_of_list, parts_questions
from services.criteria_evaluation.domain.lexicon_entries import Trigger

_ASKS: Final = frozenset({":", "?", "<box>"})
_AFFIRMED: Final = (["yes"], ["y"], ["present"], ["positive"], ["admits"], ["endorses"])
_REPLIES: Final = ANSWERS | BOXES | {"yes", "y", "present", "positive"}
_DENYING: Final = frozenset({"no", "not", "never", "without"})
_LONGEST_ASKED: Final = 5
_LONGEST_IN_A_QUESTION: Final = 3
_TOLD: Final = frozenset(
    {"on", "with", "and", "for", "since", "has", "had", "is", "was", "by", "controlled", "treated", "old", "takes", "no", "well", "in", "at"}
)  # fmt: skip
"""Words that say something of a disease, so that what stands before a colon is more than names."""


class Hit:
    """A trigger's words: from ``start`` up to ``end``."""

    __slots__ = ("end", "start", "trigger")

    def __init__(self, trigger: Trigger, start: int, end: int) -> None:
        self.trigger = trigger
        self.start = start
        self.end = end


@dataclass(slots=True, init=False)
class Scope:
    """What a trigger does to the words from ``start`` up to ``end``; ``by`` are its own words."""

    kind: str
    start: int
    end: int
    by_start: int
    by_end: int

    def __init__(self, kind: str, start: int, end: int, by_start: int, by_end: int) -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.by_start = by_start
        self.by_end = by_end


def scopes(words: Sequence[str], hits: Sequence[Hit], asides: Sequence[tuple[int, int]] = ()) -> list[Scope]:
    """The scopes in a sentence. Of triggers that overlap the longest counts, so a pseudo-trigger disarms what it holds.

    A denial in brackets (``asides``) ends with them, and ends none that began before them: "denies HTN (no drugs), DM".
    """
    kept = [hit for hit in _longest(hits) if not _answered(words, hit)]
    if not FORM.isdisjoint(words):
        kept = [hit for hit in kept if not _closes_a_question(words, hit)]
    signs = _signs_before(words)
    if signs:
        kept = [hit for hit in kept if words[hit.end - 1] != "<neg>"]
    stops = [(hit.start, hit.end) for hit in kept if hit.trigger.kind == "terminator"]
    turns = [(hit.start, hit.end) for hit in kept if hit.trigger.kind == "turn"]
    boxes = [] if BOXES.isdisjoint(words) else [i for i, word in enumerate(words) if word in BOXES]
    stops += [(i, i + 1) for i in boxes]
    denials = [(hit.start, hit.end) for hit in kept if hit.trigger.kind == "negated"]
    found: list[Scope] = []
    for hit in kept:
        aside, others = None, denials
        if asides and hit.trigger.kind == "negated":
            aside = aside_of(hit.start, hit.end, asides)
            others = [d for d in denials if aside_of(*d, asides) in (None, aside)]
        ends = _ends_for(hit, stops, turns, others)
        if asides and hit.trigger.kind == "family":  # "Diabetes: no (mother yes)"
            told = next((begin for begin, close in asides if begin <= hit.start < close), 0)
            ends = [*ends, (told, told)] if ANSWERS.intersection(words[max(told - 2, 0) : told]) else ends
        if words[hit.end - 1] == "<neg>":
            # "DM (+) CAD (-)": a sign is of what stands between the one before it and it.
            ends = [*ends, *((k, k + 1) for k in range(hit.start) if words[k] in ("<neg>", "<pos>"))]
        if aside is not None:
            ends = [*ends, (aside[1], aside[1])]
        found += _scopes_of(words, hit, ends, asides)
    for i, following in itertools.pairwise([*signs, len(words)]):
        if words[i] == "<neg>":
            found.append(Scope("negated", i + 1, following, i, i + 1))
    for n, i in enumerate(boxes):
        if words[i] == "<nobox>":
            found.append(Scope("unchecked", i, boxes[n + 1] if n + 1 < len(boxes) else len(words), i, i + 1))
    if boxes:
        found += _unanswered(words, boxes)
    if not ANSWERS.isdisjoint(words):
        found += [scope for i in range(1, len(words)) if words[i] in ANSWERS for scope in _answer(words, i)]
    if not boxes:
        return found
    return [s for s in found if not (s.kind != "unchecked" and _unchecked(words, boxes, s.by_start))]


def _signs_before(words: Sequence[str]) -> list[int]:
    """The signs of a list that puts them before what they say: "(+) snoring (-) memory loss (-) depression"."""
    if "<neg>" not in words:
        return []
    signs = [i for i, word in enumerate(words) if word in ("<neg>", "<pos>")]
    return signs if signs[0] == 0 or words[signs[0] - 1] in PART_ENDS else []


def _unanswered(words: Sequence[str], boxes: Sequence[int]) -> list[Scope]:
    """The questions of a form none of whose boxes is checked: "Insomnia: [ ] yes [ ] no", "Daytime sleepiness: ____"."""
    found = []
    asked = [i for i, word in enumerate(words) if word in (":", "?")]
    for i, following in itertools.pairwise([*asked, len(words)]):
        own = [box for box in boxes if i < box < following]
        if own[:1] == [i + 1] and all(words[box] == "<nobox>" for box in own):
            begin = max((k + 1 for k in range(i) if words[k] in PART_ENDS or k in boxes), default=0)
            found.append(Scope("unchecked", begin, i, i + 1, i + 2))
    for i in boxes[:-1]:
        if words[i + 1] in EITHER and words[i + 2 : i + 3] == ["<nobox>"] and words[i] == "<nobox>" and i:
            begin = max((k + 1 for k in range(i) if k in boxes or parts_questions(words, k)), default=0)
            found.append(Scope("unchecked", begin, i, i, i + 1))  # "Cor pulmonale [ ] Y [ ] N"
    return found


def _asks_anew(words: Sequence[str], i: int) -> bool:
    """Whether a form goes on with its next question after the word at ``i``: "HTN: [ ] yes [x] no DM: [x] yes [ ] no"."""
    return any(words[k] in (":", "?") and words[k + 1] in _REPLIES for k in range(i + 1, min(i + 6, len(words) - 1)))


def _closes_a_question(words: Sequence[str], hit: Hit) -> bool:
    """Whether a denial only answers the question before it, and says nothing of the next."""
    i = hit.start
    return hit.end == i + 1 and i > 0 and words[i] in ANSWERS and words[i - 1] in FORM and _asks_anew(words, i)


def _answered(words: Sequence[str], hit: Hit) -> bool:
    """Whether a question mark only parts a form's question from its answer: "Pain worsening? Yes", "Diabetes? [ ] Yes [x] No"."""
    if words[hit.start] != "?" or hit.end != hit.start + 1:
        return False
    if words[hit.end : hit.end + 1] in _AFFIRMED:
        return True
    if words[hit.end : hit.end + 1] and words[hit.end] in ANSWERS:
        return hit.end + 1 == len(words) or words[hit.end + 1] in PART_ENDS or _asks_anew(words, hit.end)
    own = itertools.takewhile(lambda word: word not in (":", "?"), words[hit.end :])
    return words[hit.end : hit.end + 1] in (["<box>"], ["<nobox>"]) and "<box>" in own


def _ends_for(
    hit: Hit, stops: list[tuple[int, int]], turns: list[tuple[int, int]], denials: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """What ends the scope of a trigger: the next denial ends one before it, and "who has" leads on to no other person."""
    match hit.trigger.kind:
        case "family":
            return stops
        case "negated":
            return [*stops, *turns, *(d for d in denials if d[0] >= hit.end)]
        case _:
            return [*stops, *turns]


def _unchecked(words: Sequence[str], boxes: Sequence[int], i: int) -> bool:
    """Whether the word at ``i`` stands behind an empty box."""
    before = [box for box in boxes if box <= i]
    return bool(before) and words[before[-1]] == "<nobox>"


def _longest(hits: Sequence[Hit]) -> list[Hit]:
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (h.start, -h.end)):
        last = kept[-1] if kept else None
        if last is not None and hit.start < last.end and (hit.start, hit.end) != (last.start, last.end):
            continue
        kept.append(hit)
    return kept


def _scopes_of(
    words: Sequence[str], hit: Hit, stops: Sequence[tuple[int, int]], asides: Sequence[tuple[int, int]]
) -> list[Scope]:
    trigger = hit.trigger
    if trigger.kind == "ignore":
        # Its own words are no statement: the name of a score says nothing of the patient.
        return [Scope("possible", hit.start, hit.end, -1, -1)]
    if trigger.kind in ("terminator", "turn", "pseudo"):
        return []
    if _is_answer(words, hit):
        ends = PART_ENDS | {"/"} if _parted_by_strokes(words) else PART_ENDS
        edges = [i + 1 for i in range(hit.start) if words[i] in ends]
        return [Scope("negated", edges[-1] if edges else 0, hit.start, hit.start, hit.end)]
    found: list[Scope] = []
    if trigger.direction in ("forward", "both"):
        end = min([start for start, _ in stops if start >= hit.end] + [len(words), hit.end + trigger.reach])
        if trigger.kind in ("negated", "possible") and not trigger.lists:
            end = end_of_list(words, hit.end, end, asides)
        # What stands within the words about somebody else is theirs too: "her husband (BMI 47) had surgery".
        begin = hit.start if trigger.kind == "family" else hit.end
        found.append(Scope(trigger.kind, begin, end, *_denying(words, hit)))
    if trigger.direction in ("backward", "both"):
        begin = max([end for _, end in stops if end <= hit.start] + [0, hit.start - trigger.reach])
        if not trigger.lists:
            commas = [i + 1 for i in range(begin, hit.start - 1) if words[i] == ","]
            begin = commas[-1] if commas else begin
        found.append(Scope(trigger.kind, begin, hit.start, hit.start, hit.end))
    return found


def _denying(words: Sequence[str], hit: Hit) -> tuple[int, int]:
    """The words of a trigger that a statement must hold to be one about a denial itself: of "has had no" only the last.

    So "has had no relief" denies "relief", and nothing of what is told by "no relief".
    """
    if hit.trigger.kind == "negated":
        for i in range(hit.end - 1, hit.start - 1, -1):
            if words[i] in _DENYING:
                return i, i + 1
    return hit.start, hit.end


def _is_answer(words: Sequence[str], hit: Hit) -> bool:
    """Whether "no" answers what stands before it, as in a list of them: "diabetes NO, stroke NO"."""
    i = hit.start
    if i == 0 or hit.end - i != 1 or words[i] != "no" or words[i - 1] in PART_ENDS or words[i - 1] in _ASKS:
        return False
    return (
        hit.end == len(words) or words[hit.end] in (",", ";") or (words[hit.end] == "/" and _parted_by_strokes(words))
    )


def _parted_by_strokes(words: Sequence[str]) -> bool:
    """Whether strokes part answers: "diabetes no / high BP yes / stroke no"."""
    return "/" in words and sum(a in ("no", "yes") and b == "/" for a, b in itertools.pairwise(words)) > 1


def _answer(words: Sequence[str], i: int) -> list[Scope]:
    """A form's answer: ``Retropulsion: no``, ``Weakness? None``, ``[ ] Yes [x] No``. It denies what stands before it."""
    closed = (
        i + 1 == len(words) or words[i + 1] in BOXES or words[i + 1] in (",", ";", "-", "–") or _asks_anew(words, i)
    )
    closed = closed or answers_in_full(words, i)
    lettered = words[i] == "n" and i > 1
    closed = closed or (lettered and any(word in ("y", "n") for word in words[i + 2 : i + 5]))  # "CAD N CVA N OSA Y"
    begin = max((k + 1 for k in range(i) if words[k] in PART_ENDS), default=0)
    if lettered:
        begin = max(begin, max((k + 1 for k in range(i - 1) if words[k] in ("y", "n")), default=0))
    named = words[i - 1].isalpha() and words[i - 1] not in ("y", "o")  # Not "Stroke Y/N", nor "weaker o/n" (overnight).
    dashed = words[i - 1] in ("-", "–") and i > 1 and words[i - 2].isalpha()
    cell = words[i] == "n" and (named or dashed) and 0 < i - begin < _LONGEST_ASKED  # "Stroke N" in its column.
    if not closed or not (cell or words[i - 1] in _ASKS):
        return []
    together = None if cell else _asked_together(words, i)
    begin, asked = begin if cell else 0, False
    for j in range(i - 2, -1, -1):
        asked = asked or words[j] in (":", "?")
        if words[j] in (",", ";"):
            begin = j + 1
            break
        if j and words[j - 1] in _ASKS and words[j] in _REPLIES and words[j] not in BOXES:
            begin = j + 1  # The answer to the question before this one.
            break
        if asked and words[j] in BOXES:
            begin = j + 2  # The box, and its word, answer the question before this one.
            break
    begin = begin if together is None else together
    end = i if cell else i - 1
    return [Scope(kind, begin, end, i, i + 1) for kind in ("negated", "answered")]


def _asked_together(words: Sequence[str], i: int) -> int | None:
    """Where a list begins that one answer denies: "HTN, DM, CAD: denies"; None where only its last part is asked."""
    begin = max((k + 1 for k in range(i - 1) if words[k] in (":", "?", ";")), default=0)
    asked = words[begin : i - 1]
    if (
        words[i - 1] not in (":", "?")
        or "," not in asked
        or any(w[0] == "<" or w in _TOLD or w in _REPLIES for w in asked)
    ):
        return None
    lengths = [len(list(part)) for comma, part in itertools.groupby(asked, key=lambda word: word == ",") if not comma]
    return begin if max(lengths, default=0) <= _LONGEST_IN_A_QUESTION else None


def flags_of(scopes_here: Sequence[Scope], taken: Sequence[int]) -> frozenset[str]:
    """What the triggers around a statement make of it; triggers that lie within the statement itself are left out.

    One that begins before it counts although it shares words with it: "has not had radiation" denies "had radiation".
    """
    found: set[str] = set()
    for scope in scopes_here:
        within = taken[0] <= scope.by_start and scope.by_end <= taken[-1] + 1
        if within and any(scope.by_start <= p < scope.by_end for p in taken):
            continue
        if any(scope.start <= p < scope.end for p in taken):
            found.add(scope.kind)
    return frozenset(found)
