"""Which of the lexicon's patterns the words of a sentence match: statements, triggers, cues, contexts."""

from collections.abc import Sequence

from services.criteria_evaluation.domain.extract.assertion import Hit
from services.criteria_evaluation.domain.extract.contexts import Opened
from services.criteria_evaluation.domain.extract.words import Units
from services.criteria_evaluation.domain.lexicon import Lexicon
from services.criteria_evaluation.domain.lexicon_entries import Context, Cue, Target, Trigger
from services.criteria_evaluation.domain.lexicon_index import Candidate, Hung
from services.criteria_evaluation.domain.lexicon_patterns import match


class Found:
    """A target's words in a sentence (positions), and the position of its value."""

    __slots__ = ("slot", "taken", "target")

    def __init__(self, target: Target, taken: list[int], slot: int | None) -> None:
        self.target = target
        self.taken = taken
        self.slot = slot

    @property
    def at(self) -> int:
        """The position of the value, else of the first word."""
        return self.taken[0] if self.slot is None else self.slot


class Scanned:
    """What the patterns find in a sentence."""

    __slots__ = ("contexts", "cues", "found", "hits")

    def __init__(self) -> None:
        self.found: list[Found] = []
        self.hits: list[Hit] = []
        self.cues: list[str] = []
        self.contexts: list[Opened] = []


def scan(units: Units, lexicon: Lexicon) -> Scanned:
    """Every pattern that the words match; triggers only where there is a statement on which they might act."""
    scanned = Scanned()
    words = units.words
    known = lexicon.index.look_up_all(words)
    bits = 0
    for word in known:
        bits |= word.bits
    # Python is quick with a positive number and slow with a negative one, which ``~bits`` would be.
    missing = lexicon.index.every_bit ^ bits
    _try([word.statements for word in known], bits, missing, words, scanned)
    if scanned.found:
        _try([word.triggers for word in known], bits, missing, words, scanned)
    return scanned


def _try(hung: Sequence[Hung | None], bits: int, missing: int, words: Sequence[str], scanned: Scanned) -> None:
    """Tries the patterns that hang on each word: those that begin with it there, the others once wherever they begin."""
    elsewhere: dict[Candidate, list[int]] = {}
    for i, patterns in enumerate(hung):
        if patterns is None:
            continue
        called = patterns.bits & bits
        for candidate in patterns.fitting(called, missing) if called else patterns.free:
            if not candidate.reach:
                _take(candidate, words, i, scanned)
            elif (at := elsewhere.get(candidate)) is None:
                elsewhere[candidate] = [i]
            else:
                at.append(i)
    for candidate, places in elsewhere.items():
        _search(candidate, places, words, scanned)


def _search(candidate: Candidate, at: Sequence[int], words: Sequence[str], scanned: Scanned) -> None:
    """Tries a pattern wherever its first word stands before one of the places ``at`` of the word that it hangs on."""
    first = candidate.pattern.elements[0]
    literals, prefixes = first.literals, first.prefixes
    begin = 0
    for end in at:
        for i in range(max(begin, end - candidate.reach), end):
            if words[i] in literals or (prefixes and words[i].startswith(prefixes)):
                _take(candidate, words, i, scanned)
        begin = end


def _take(candidate: Candidate, words: Sequence[str], i: int, scanned: Scanned) -> None:
    """Takes note of a pattern that matches from ``i`` on; one may be held to the sentence's beginning or end."""
    pattern, owner = candidate.pattern, candidate.owner
    if i and pattern.begins:
        return
    if not pattern.rest:
        taken, slot = [i], i if pattern.slot == 0 else None
    elif matched := match(pattern, words, i):
        taken, slot = matched
    else:
        return
    if pattern.ends and taken[-1] != len(words) - 1:
        return
    if isinstance(owner, Target):
        scanned.found.append(Found(owner, taken, slot))
    elif isinstance(owner, Context):
        scanned.contexts.append(Opened(owner, i, taken[-1] + 1))
    elif isinstance(owner, Trigger):
        scanned.hits.append(Hit(owner, i, taken[-1] + 1))
    elif isinstance(owner, Cue):
        scanned.cues.append(owner.id)
