"""What the lexicon's patterns stand for, and the index that finds the patterns that a sentence may match.

``docs/lexicon-format.md`` explains the keys of targets, contexts and the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from services.criteria_evaluation.domain.lexicon_patterns import Pattern

Direction = Literal["forward", "backward", "both"]
Use = Literal["drop", "keep", "later", "require"]
Reach = Literal["clause", "sentence", "section"]
Grouped = tuple[str, frozenset[str]]
"""A group of contexts, and contexts of it."""

_CACHED_WORDS: Final = 50_000
"""Beyond so many distinct words none is remembered any more, so that a hostile text cannot fill the memory."""


@dataclass(frozen=True, slots=True)
class Target:
    """A statement of a fact. ``value`` None: the value stands in the pattern's slot.

    ``negated`` is the value that a negated statement states (None: it states nothing). ``past``, ``planned`` and
    ``reported`` say what becomes of a statement about the past, about a plan, or that only the patient makes: it is
    dropped, kept, counts only where nothing better is said (later), or is required. ``requires`` are the contexts in
    which the statement must stand (one of each group), ``excludes`` those in which it must not,
    ``yields`` those in which it counts only where nothing better is said.
    """

    id: str
    fact: str
    value: bool | str | tuple[str, ...] | None
    negated: bool | str | tuple[str, ...] | None
    past: Use = "drop"
    planned: Use = "keep"
    reported: Use = "keep"
    sections: frozenset[str] = frozenset()
    not_sections: frozenset[str] = frozenset()
    cue: str | None = None
    rank: int = 1
    requires: tuple[Grouped, ...] = ()
    excludes: tuple[Grouped, ...] = ()
    yields: tuple[Grouped, ...] = ()


@dataclass(frozen=True, slots=True)
class Trigger:
    """Words that change what statements beside them mean. ``reach`` bounds the words on which they act."""

    id: str
    kind: str
    direction: Direction
    lists: bool
    reach: int


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that open a context in which short statements count ("SINS" before "pain 3, lesion 2")."""

    id: str


@dataclass(frozen=True, slots=True)
class Context:
    """Words that say under what circumstances the values beside them were taken ("on 2 L", "titration portion").

    Contexts of one ``group`` shut each other out. ``reach``: a context holds for its clause; for the rest of its sentence
    until another of its group opens; or for the rest of its section, likewise.
    """

    id: str
    group: str
    reach: Reach


Owner = Target | Trigger | Cue | Context


class Candidate(NamedTuple):
    """A pattern that may begin at a word: ``needs`` are the bits of the other words that it cannot do without."""

    needs: int
    pattern: Pattern
    owner: Owner


class Word(NamedTuple):
    """What the patterns make of a word: those that may begin with it, and the bits of the elements that it satisfies.

    A sentence whose words together lack a bit that a pattern needs cannot match it, which spares most of the matching.
    """

    candidates: tuple[Candidate, ...]
    bits: int


@dataclass(frozen=True, slots=True)
class Index:
    """All patterns by the words that they begin with, and all their elements by the words that satisfy them."""

    exact: Mapping[str, tuple[Candidate, ...]]
    prefixed: tuple[tuple[tuple[str, ...], Candidate], ...]
    bits: Mapping[str, int]
    prefix_bits: tuple[tuple[tuple[str, ...], int], ...]
    cache: dict[str, Word]

    def knows(self, word: str) -> bool:
        """Whether any pattern has the word."""
        found = self.cache.get(word) or self.look_up(word)
        return bool(found.candidates or found.bits)

    def look_up(self, word: str) -> Word:
        """Computes and remembers what the patterns make of a word."""
        candidates = self.exact.get(word, ()) + tuple(c for starts, c in self.prefixed if word.startswith(starts))
        bits = self.bits.get(word, 0)
        for starts, bit in self.prefix_bits:
            if word.startswith(starts):
                bits |= bit
        found = Word(candidates, bits)
        if len(self.cache) < _CACHED_WORDS:
            self.cache[word] = found
        return found


def index_of(owners: Sequence[tuple[Pattern, Owner]]) -> Index:
    numbers: dict[tuple[frozenset[str], tuple[str, ...]], int] = {}
    exact: dict[str, list[Candidate]] = {}
    prefixed: list[tuple[tuple[str, ...], Candidate]] = []
    for pattern, owner in owners:
        needs = 0
        for element in pattern.elements[1:]:
            if not element.optional:
                needs |= 1 << numbers.setdefault((element.literals, element.prefixes), len(numbers))
        candidate = Candidate(needs, pattern, owner)
        first = pattern.elements[0]
        for word in sorted(first.literals):
            exact.setdefault(word, []).append(candidate)
        if first.prefixes:
            prefixed.append((first.prefixes, candidate))
    bits: dict[str, int] = {}
    for (literals, _), number in numbers.items():
        for word in literals:
            bits[word] = bits.get(word, 0) | 1 << number
    return Index(
        exact={word: tuple(found) for word, found in exact.items()},
        prefixed=tuple(prefixed),
        bits=bits,
        prefix_bits=tuple((prefixes, 1 << number) for (_, prefixes), number in numbers.items() if prefixes),
        cache={},
    )
