"""Sentences of a policy with ``{fact}`` placeholders, filled from the known facts of a case.

A sentence whose placeholder is not known is left out: a letter never speaks of what the chart does not say.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.clinical.expression import VERTEBRAE, Expression
from shared.clinical.kleene import MET
from shared.clinical.model import Fact, Facts

_PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)\}")
_UNIT_WORDS: Final[dict[str, tuple[str, str]]] = {
    "mm[Hg]": (" mmHg", " mmHg"),
    "kg/m2": (" kg/m²", " kg/m²"),
    "/h": (" an hour", " an hour"),
    "mo": (" month", " months"),
    "wk": (" week", " weeks"),
    "d": (" day", " days"),
    "h": (" hour", " hours"),
    "deg": (" degree", " degrees"),
    "%": ("%", "%"),
    "{score}": ("", ""),
    "{count}": ("", ""),
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """Text in pieces: literal, fact name, literal, ... ``when`` restricts it further (None: whenever its facts are known)."""

    pieces: tuple[str, ...]
    when: Expression | None = None

    @property
    def placeholders(self) -> tuple[str, ...]:
        return self.pieces[1::2]


def parse_sentence(text: str, when: Expression | None = None) -> Sentence:
    """Raises ValueError for a brace that is not part of a placeholder."""
    pieces = tuple(_PLACEHOLDER.split(" ".join(text.split())))
    if any(brace in literal for literal in pieces[::2] for brace in "{}"):
        raise ValueError("a brace must enclose the name of a fact")
    return Sentence(pieces, when)


def applicable(sentences: tuple[Sentence, ...], facts: Facts) -> tuple[Sentence, ...]:
    """The sentences whose condition is met."""
    return tuple(s for s in sentences if s.when is None or s.when.value(facts) == MET)


def fill(sentences: tuple[Sentence, ...], facts: Facts) -> str:
    """Those of the (applicable) sentences whose facts are known, joined by spaces; empty when there is none."""
    return " ".join([text for sentence in sentences if (text := _fill_one(sentence, facts))])


def _fill_one(sentence: Sentence, facts: Facts) -> str:
    if len(sentence.pieces) == 1:
        return sentence.pieces[0]
    words = []
    for i, piece in enumerate(sentence.pieces):
        if i % 2 == 0:
            words.append(piece)
            continue
        fact = facts.get(piece)
        said = "" if fact is None or fact.status != "known" else say(fact)
        if not said:
            return ""
        words.append(said)
    return "".join(words)


def say(fact: Fact) -> str:
    """The value of a known fact in words; empty for what has no wording (a boolean, an empty set, an unbounded quantity)."""
    if isinstance(fact.value, bool):
        return ""
    if isinstance(fact.value, str):
        return fact.value.replace("_", " ")
    if isinstance(fact.value, tuple):
        return _say_set(fact.value)
    return _say_interval(fact.low, fact.high, fact.unit, fact.low_open, fact.high_open)


@lru_cache(maxsize=4096)
def _say_set(members: tuple[str, ...]) -> str:
    if not members:
        return ""
    return say_list(say_levels(members) if set(members) <= set(VERTEBRAE) else members)


def say_levels(levels: tuple[str, ...]) -> tuple[str, ...]:
    """Neighbouring vertebrae as one range, from head to tail: L1, L2, L3, S1 gives ``("L1-L3", "S1")``."""
    positions = sorted(VERTEBRAE.index(level) for level in levels)
    runs: list[list[int]] = []
    for position in positions:
        if runs and position == runs[-1][-1] + 1:
            runs[-1].append(position)
        else:
            runs.append([position])
    return tuple(VERTEBRAE[r[0]] if len(r) == 1 else f"{VERTEBRAE[r[0]]}-{VERTEBRAE[r[-1]]}" for r in runs)


def say_list(words: tuple[str, ...]) -> str:
    """``a``, ``a and b``, ``a, b and c``, with underscores as spaces."""
    said = [word.replace("_", " ") for word in words]
    return said[0] if len(said) == 1 else " and ".join(filter(None, (", ".join(said[:-1]), "".join(said[-1:]))))


@lru_cache(maxsize=4096)
def _say_interval(low: float | None, high: float | None, unit: str | None, low_open: bool, high_open: bool) -> str:
    one, many = _UNIT_WORDS.get(unit or "", (f" {unit}", f" {unit}") if unit else ("", ""))
    if low is not None and high is not None:
        if low == high:
            return f"{_shown(low)}{one if low == 1 else many}"
        return f"{_shown(low)} to {_shown(high)}{many}"
    if low is not None:
        return f"{'more than' if low_open else 'at least'} {_shown(low)}{one if low == 1 else many}"
    if high is not None:
        return f"{'less than' if high_open else 'at most'} {_shown(high)}{one if high == 1 else many}"
    return ""


def _shown(number: float) -> str:
    """With two decimals at most: a value that was converted, as eight weeks into months, is no more exact than it was."""
    return f"{round(number, 2):g}"
