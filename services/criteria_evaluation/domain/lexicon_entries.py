"""What the lexicon's patterns stand for, and the index that finds the patterns that a sentence may match.

``docs/lexicon-format.md`` explains the keys of targets, contexts and the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from services.criteria_evaluation.domain.lexicon_patterns import Element, Pattern

Direction = Literal["forward", "backward", "both"]
Use = Literal["drop", "keep", "later", "require"]
Reach = Literal["clause", "sentence", "section"]
Undeniable = Literal["no", "exact", "yes"]
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
    ``yields`` those in which it counts only where nothing better is said. An ``undeniable`` statement stands whatever is
    denied beside it ("no healing over 8 weeks of standard care" denies healing, not the weeks); one that is so where it is
    ``exact`` stands as a number and falls as a bound ("no CSF seen: Bilsky 3", but "no loss above 25%"). A ``background`` statement is of the patient's history, which the reason for a test tells too.
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
    undeniable: Undeniable = "no"
    background: bool = False


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
    """A pattern and what it stands for: ``needs`` are the bits of the words that it cannot do without."""

    needs: int
    pattern: Pattern
    owner: Owner
    head: bool


class Word(NamedTuple):
    """What the patterns make of a word: those that hang on it, and the bits of the elements that it satisfies.

    A pattern hangs on its rarest word, so that "no" and "pain" call up few. A sentence whose words together lack a bit
    that a pattern needs cannot match it, which spares most of the matching. Triggers stand apart: they matter only in a
    sentence that states something. ``heads`` are the patterns that begin with the word on which they hang.
    """

    heads: tuple[Candidate, ...]
    others: tuple[Candidate, ...]
    trigger_heads: tuple[Candidate, ...]
    trigger_others: tuple[Candidate, ...]
    bits: int


@dataclass(frozen=True, slots=True)
class Index:
    """All patterns by the words that they hang on, and all their elements by the words that satisfy them.

    ``headings`` remembers what the words of headings open.
    """

    exact: Mapping[str, tuple[Candidate, ...]]
    prefixed: tuple[tuple[tuple[str, ...], Candidate], ...]
    bits: Mapping[str, int]
    prefix_bits: tuple[tuple[tuple[str, ...], int], ...]
    cache: dict[str, Word]
    headings: dict[str, tuple[Context, ...]]

    def knows(self, word: str) -> bool:
        """Whether any pattern has the word."""
        return bool((self.cache.get(word) or self.look_up(word)).bits)

    def look_up(self, word: str) -> Word:
        """Computes and remembers what the patterns make of a word."""
        candidates = self.exact.get(word, ()) + tuple(c for starts, c in self.prefixed if word.startswith(starts))
        bits = self.bits.get(word, 0)
        for starts, bit in self.prefix_bits:
            if word.startswith(starts):
                bits |= bit
        parts: dict[tuple[bool, bool], list[Candidate]] = {}
        for candidate in candidates:
            parts.setdefault((isinstance(candidate.owner, Trigger), candidate.head), []).append(candidate)
        heads, others, trigger_heads, trigger_others = (
            tuple(parts.get((trigger, head), ())) for trigger in (False, True) for head in (True, False)
        )
        found = Word(heads, others, trigger_heads, trigger_others, bits)
        if len(self.cache) < _CACHED_WORDS:
            self.cache[word] = found
        return found


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
    numbers: dict[tuple[frozenset[str], tuple[str, ...]], int] = {}
    exact: dict[str, list[Candidate]] = {}
    prefixed: list[tuple[tuple[str, ...], Candidate]] = []
    for pattern, owner in owners:
        needs = 0
        for element in pattern.elements:
            number = numbers.setdefault((element.literals, element.prefixes), len(numbers))
            needs |= 0 if element.optional else 1 << number
        hanger = min(pattern.elements, key=_rarity)
        candidate = Candidate(needs, pattern, owner, hanger is pattern.elements[0])
        for word in sorted(hanger.literals):
            exact.setdefault(word, []).append(candidate)
        if hanger.prefixes:
            prefixed.append((hanger.prefixes, candidate))
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
        headings={},
    )
