"""The index that finds the few patterns of the lexicon that a sentence may match.

A pattern hangs on its rarest word, so that "no" and "pain" call up few. Every other word that it cannot do without is a
bit: a sentence whose words together lack one of its bits cannot match it, which spares most of the matching.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.criteria_evaluation.domain.lexicon_entries import Context, Owner, Trigger
from services.criteria_evaluation.domain.lexicon_patterns import Element, Pattern

_CACHED_WORDS: Final = 50_000
"""Beyond so many distinct words none is remembered any more, so that a hostile text cannot fill the memory."""
_Key = tuple[frozenset[str], tuple[str, ...]]
"""What makes two elements of patterns the same to a word."""


class Candidate:
    """A pattern and what it stands for. ``needs`` are the bits of the words that it needs beside the one it hangs on.

    That one stands at most ``reach`` words after the pattern's first; 0: it is the first.
    """

    # No named tuple: compiled code reads an attribute of its own class at once, and one of a tuple through Python.
    __slots__ = ("needs", "owner", "pattern", "reach")

    def __init__(self, needs: int, pattern: Pattern, owner: Owner, reach: int) -> None:
        self.needs = needs
        self.pattern = pattern
        self.owner = owner
        self.reach = reach


class Hung:
    """The patterns that hang on a word.

    ``free`` are those that need no other word. The others stand in ``groups``, by their places, and each group under the
    rarest bit that it needs, so that a sentence is asked once for all of them: ``bits`` has the bits of all groups.
    """

    __slots__ = ("_at", "bits", "candidates", "free", "groups")

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.candidates = tuple(candidates)
        self.free = tuple(candidate for candidate in candidates if not candidate.needs)
        self._at = [i for i, candidate in enumerate(candidates) if not candidate.needs]
        groups: dict[int, list[int]] = {}
        for i, candidate in enumerate(candidates):
            if candidate.needs:
                groups.setdefault(candidate.needs.bit_length(), []).append(i)
        self.groups = {length: (1 << length - 1, tuple(places)) for length, places in groups.items()}
        self.bits = 0
        for bit, _ in self.groups.values():
            self.bits |= bit

    def fitting(self, called: int, missing: int) -> Sequence[Candidate]:
        """Those that need none of the ``missing`` bits, in their order. ``called`` are the bits of the groups to look into."""
        candidates, places = self.candidates, self._at.copy()
        while called:
            bit, group = self.groups[called.bit_length()]
            for i in group:
                if not candidates[i].needs & missing:
                    places.append(i)
            called ^= bit
        if len(places) > 1:
            places.sort()
        return [candidates[i] for i in places]


@dataclass(frozen=True, slots=True)
class Word:
    """What the patterns make of a word: those that hang on it, if any, and the bits that it satisfies.

    Of those that hang on it the ones that begin with it come first. Triggers stand apart: they matter only in a sentence
    that states something.
    """

    statements: Hung | None = None
    triggers: Hung | None = None
    bits: int = 0


_UNKNOWN: Final = Word()


@dataclass(frozen=True, slots=True)
class Index:
    """All patterns by the words that they hang on, and the bits of all words; those of a stem by its letters.

    ``every_bit`` is the union of all bits. ``words`` and ``stems`` are those of any pattern, and no stem is longer than
    ``longest``. ``headings`` remembers what the words of headings open, ``cache`` what ``look_up`` found.
    """

    exact: Mapping[str, tuple[Candidate, ...]]
    prefixed: Mapping[str, Mapping[int, Candidate]]
    bits: Mapping[str, int]
    stem_bits: Mapping[str, int]
    every_bit: int
    words: frozenset[str]
    stems: frozenset[str]
    longest: int
    cache: dict[str, Word]
    headings: dict[str, tuple[Context, ...]]

    def knows(self, word: str) -> bool:
        """Whether any pattern has the word."""
        return word in self.words or bool(self._stems_of(word))

    def _stems_of(self, word: str) -> list[str]:
        """The stems that the word begins with."""
        stems = self.stems
        return [word[:n] for n in range(1, min(len(word), self.longest) + 1) if word[:n] in stems]

    def look_up_all(self, words: Sequence[str]) -> list[Word]:
        """What the patterns make of each word."""
        cache = self.cache
        try:
            return [cache[word] for word in words]
        except KeyError:
            return [cache.get(word) or self.look_up(word) for word in words]

    def look_up(self, word: str) -> Word:
        """Computes and remembers what the patterns make of a word."""
        found = self._made_of(word) if self.knows(word) else _UNKNOWN
        if len(self.cache) < _CACHED_WORDS:
            self.cache[word] = found
        return found

    def _made_of(self, word: str) -> Word:
        bits = self.bits.get(word, 0)
        begun: dict[int, Candidate] = {}
        for stem in self._stems_of(word):
            bits |= self.stem_bits.get(stem, 0)
            begun |= self.prefixed.get(stem, {})
        candidates = self.exact.get(word, ()) + tuple(begun[place] for place in sorted(begun))
        statements: list[Candidate] = []
        triggers: list[Candidate] = []
        for candidate in sorted(candidates, key=lambda c: c.reach > 0):
            (triggers if isinstance(candidate.owner, Trigger) else statements).append(candidate)
        return Word(Hung(statements) if statements else None, Hung(triggers) if triggers else None, bits)


_COMMON: Final = frozenset(
    [
        "no",
        "not",
        "of",
        "in",
        "on",
        "at",
        "with",
        "without",
        "the",
        "a",
        "to",
        "for",
        "is",
        "was",
        "and",
        "or",
        "by",
        "from",
        "pain",
        ":",
        ",",
        ";",
        "<num>",
        "<dur>",
        "<lvl>",
        "<pct>",
        "<date>",
        "<n/10>",
        "<5/5>",
        "mri",
        "ct",
        "x",
        "since",
        "over",
        "has",
        "have",
        "had",
        "non",
        "any",
        "history",
        "motor",
        "strength",
        "normal",
        "loss",
        "patient",
        "left",
        "right",
        "back",
        "fracture",
    ]
)
_COMMON_WEIGHT: Final = 40
_STEM_WEIGHT: Final = 4


def _rarity(element: Element) -> int:
    """How often an element may be met, roughly: the less the better a pattern hangs on it."""
    return (
        sum(_COMMON_WEIGHT if word in _COMMON else 1 for word in element.literals)
        + _STEM_WEIGHT * len(element.prefixes)
        + (1 << 20 if element.optional else 0)
    )


def index_of(owners: Sequence[tuple[Pattern, Owner]]) -> Index:
    """The index of all patterns; of patterns that hang on one word the first stands first."""
    hung = [(pattern, owner, min(pattern.elements, key=_rarity)) for pattern, owner in owners]
    numbers = _numbered(hung)
    exact: dict[str, list[Candidate]] = {}
    prefixed: dict[str, dict[int, Candidate]] = {}
    for place, (pattern, owner, hanger) in enumerate(hung):
        needs = 0
        for element in _needed(pattern, hanger):
            needs |= 1 << numbers[_key(element)]
        candidate = Candidate(needs, pattern, owner, _reach(pattern, hanger))
        for word in sorted(hanger.literals):
            exact.setdefault(word, []).append(candidate)
        for stem in hanger.prefixes:
            prefixed.setdefault(stem, {})[place] = candidate
    bits: dict[str, int] = {}
    stem_bits: dict[str, int] = {}
    for (literals, prefixes), number in numbers.items():
        for word in literals:
            bits[word] = bits.get(word, 0) | 1 << number
        for stem in prefixes:
            stem_bits[stem] = stem_bits.get(stem, 0) | 1 << number
    elements = {_key(element) for pattern, _ in owners for element in pattern.elements}
    stems = frozenset(stem for _, prefixes in elements for stem in prefixes)
    return Index(
        exact={word: tuple(found) for word, found in exact.items()},
        prefixed=prefixed,
        bits=bits,
        stem_bits=stem_bits,
        every_bit=(1 << len(numbers)) - 1,
        words=frozenset().union(*(literals for literals, _ in elements)),
        stems=stems,
        longest=max(map(len, stems), default=0),
        cache={},
        headings={},
    )


def _numbered(hung: Sequence[tuple[Pattern, Owner, Element]]) -> dict[_Key, int]:
    """The number of each element's bit. Those that many patterns need come first, which keeps most of the bits short."""
    uses = Counter(_key(element) for pattern, _, hanger in hung for element in _needed(pattern, hanger))
    return {key: number for number, (key, _) in enumerate(uses.most_common())}


def _needed(pattern: Pattern, hanger: Element) -> list[Element]:
    return [element for element in pattern.elements if element is not hanger and not element.optional]


def _reach(pattern: Pattern, hanger: Element) -> int:
    """How many words after the pattern's first one the word that it hangs on may stand."""
    at = next(i for i, element in enumerate(pattern.elements) if element is hanger)
    return sum(element.gap + 1 for element in pattern.elements[1 : at + 1])


def _key(element: Element) -> _Key:
    return element.literals, element.prefixes
