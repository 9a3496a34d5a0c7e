"""The pattern language of the lexicon, and its matching: linear, without backtracking.

A pattern is words with spaces between. ``a|b`` is either word, ``stem*`` any word that begins so, ``@name`` a member of
a class, ``word?`` an optional word, ``~3`` up to three words of anything, ``-3`` the same but no comma or colon, ``<num>``, ``<pct>``, ``<deg>``, ``<dur>``,
``<lvl>``, ``<date>``, ``<grade>``, ``<n/10>`` a value. The first value (or the one marked ``=``) is the slot. ``^`` at the
beginning and ``$`` at the end stand for those of the sentence.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

from services.criteria_evaluation.domain.lexicon_spellings import SPELLINGS
from services.criteria_evaluation.domain.policy_yaml import Entry

_BARRIERS: Final = frozenset({"<box>", "<nobox>", ";"})
_PUNCTUATION: Final = _BARRIERS | {",", ":"}
_MOST_ALTERNATIVES: Final = 4000
_SPLIT: Final = re.compile(r"[^\W\d_][^\W_]*|[0-9]+|[<>]=|\S")
"""How the text is split into words, as far as it matters to a word of a pattern."""
_NO_WORDS: Final = frozenset("()\"'`“”‘’=#_.\\[]{}^$")
"""Signs that the text loses before any pattern is tried, and those that bind a pattern to its sentence's ends."""


@dataclass(slots=True, init=False)
class Element:
    """One word of a pattern, with the number of other words that may stand before it, commas among them or not."""

    literals: frozenset[str]
    prefixes: tuple[str, ...]
    optional: bool
    gap: int
    crossing: bool

    def __init__(
        self, literals: frozenset[str], prefixes: tuple[str, ...], optional: bool, gap: int, crossing: bool
    ) -> None:
        self.literals = literals
        self.prefixes = prefixes
        self.optional = optional
        self.gap = gap
        self.crossing = crossing


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern. ``slot`` is the index of the element that carries the value.

    ``begins`` and ``ends``: it matches at the sentence's beginning and end only.
    """

    elements: tuple[Element, ...]
    rest: tuple[Element, ...]
    slot: int | None
    begins: bool = False
    ends: bool = False


def match(pattern: Pattern, words: Sequence[str], i: int) -> tuple[list[int], int | None] | None:
    """The positions of the pattern's words from ``i`` on (whose word its first element takes) and that of its slot.

    Every element takes the nearest word that fits: no backtracking, so the work is bounded by the pattern's gaps. No gap
    skips a second value of the slot's kind: that one belongs to what follows.
    """
    taken = [i]
    slot = i if pattern.slot == 0 else None
    at, n = i + 1, len(words)
    carried = words[i] if slot is not None else None
    for index, element in enumerate(pattern.rest, start=1):
        literals, prefixes, gap, j = element.literals, element.prefixes, element.gap, at
        last = at + gap
        if last >= n:
            last = n - 1
        while j <= last:
            word = words[j]
            if word in literals or (prefixes and word.startswith(prefixes)):
                break
            if gap and (word in (_BARRIERS if element.crossing else _PUNCTUATION) or word == carried):
                j = n
            j += 1
        if j > last:
            if element.optional:
                continue
            return None
        taken.append(j)
        if index == pattern.slot:
            slot, carried = j, words[j]
        at = j + 1
    return taken, slot


def compile_patterns(entry: Entry, classes: Mapping[str, Sequence[str]]) -> list[Pattern]:
    """All patterns of an entry; a class with phrases of several words makes several patterns of one.

    Raises:
        PolicyError: an unknown class, an empty or overlong pattern.
    """
    lines = entry.entries()
    if not lines:
        entry.fail("There is no pattern here.")
    found: list[Pattern] = []
    for line in lines:
        found.extend(_compile(line, classes))
    if not found or len(found) > _MOST_ALTERNATIVES:
        entry.fail("The classes of these patterns have no words, or make too many alternatives.")
    return found


def _compile(line: Entry, classes: Mapping[str, Sequence[str]]) -> Iterator[Pattern]:
    parts = line.text().split()
    begins, ends = parts[:1] == ["^"], parts[-1:] == ["$"]
    choices = [_choices(line, part, classes) for part in parts[begins : len(parts) - ends]]
    for piece in {piece for choice in choices for phrase in choice for piece in phrase}:
        if reason := _never(piece):
            line.fail(f"The pattern '{line.text()}' has a word that no text can match: {reason}.")
    for combination in product(*choices):
        elements: list[Element] = []
        slot = marked = None
        gap, crossing = 0, True
        for piece in (piece for phrase in combination for piece in phrase):
            if _is_gap(piece):
                gap, crossing = int(piece[1:]), piece[0] == "~"
                continue
            element = _element(piece, gap, crossing)
            if "" in element.literals or "" in element.prefixes:
                line.fail(f"The pattern '{line.text()}' has an alternative without a word: '{piece}'.")
            gap, crossing = 0, True
            if slot is None and element.literals and all(word[0] == "<" for word in element.literals):
                slot = len(elements)
            if piece.startswith("="):
                marked = len(elements)
            elements.append(element)
        if not elements or elements[0].optional or elements[0].gap or gap:
            line.fail(f"The pattern '{line.text()}' must begin with a word that is not optional and end with a word.")
        yield Pattern(tuple(elements), tuple(elements[1:]), slot if marked is None else marked, begins, ends)


@lru_cache(maxsize=16_384)
def _never(piece: str) -> str | None:
    """Why an alternative of a pattern's word cannot be met in any text, since texts are split and spelled otherwise."""
    if _is_gap(piece):
        return None
    for word in _alternatives(piece):
        stem = word[:-1] if len(word) > 1 and word.endswith("*") else word
        split = _SPLIT.findall(stem)
        if stem[:1] == "<" or not split:
            continue
        if len(split) > 1:
            return f"'{word}' is split into " + " ".join(f"'{part}'" for part in split)
        if stem[0].isdigit():
            return f"'{word}' is a number, which is <num> or another value"
        if stem in _NO_WORDS:
            return f"'{word}' is no word of a text"
        if stem != word and not SPELLINGS.get(stem, stem).startswith(stem):
            return f"'{stem}' is spelled '{SPELLINGS[stem]}'"
    return None


def _alternatives(piece: str) -> list[str]:
    """The words of which a part of a pattern may be any."""
    return piece.lstrip("=").rstrip("?").split("|") if len(piece) > 1 else [piece]


def _is_gap(piece: str) -> bool:
    return len(piece) > 1 and piece[0] in "~-" and piece[1:].isdigit()


def _choices(line: Entry, part: str, classes: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """What one part of a pattern may be: itself, or for a class its single words as one alternative, and each phrase."""
    if part.startswith("~") and not part[1:].isdigit():
        line.fail(f"'{part}' is no gap; write ~ and a number.")
    if "@" not in part or len(part) == 1:
        return [(part,)]
    bare = part.rstrip("?")
    members = [
        member
        for word in bare.lstrip("=").split("|")
        for member in (_members(line, word[1:], classes, 0) if word.startswith("@") else [word])
    ]
    single = "|".join(member for member in members if " " not in member)
    phrases: list[tuple[str, ...]] = [(single + part[len(bare) :],)] if single else []
    phrases += [tuple(member.split()) for member in members if " " in member]
    return phrases


def _members(line: Entry, name: str, classes: Mapping[str, Sequence[str]], depth: int) -> list[str]:
    """The members of a class; a class may name other classes."""
    if name not in classes or depth > 4:
        line.fail(f"There is no class '@{name}', or it contains itself.")
    found: list[str] = []
    for member in classes[name]:
        found += _members(line, member[1:], classes, depth + 1) if member.startswith("@") else [member]
    return found


@lru_cache(maxsize=16_384)
def _element(piece: str, gap: int, crossing: bool) -> Element:
    optional = len(piece) > 1 and piece.endswith("?")
    words = _alternatives(piece)
    return Element(
        literals=frozenset(SPELLINGS.get(word, word) for word in words if len(word) == 1 or not word.endswith("*")),
        prefixes=tuple(sorted(word[:-1] for word in words if len(word) > 1 and word.endswith("*"))),
        optional=optional,
        gap=gap,
        crossing=crossing,
    )
