"""``w/`` and ``w/o``, and denials that are drawn together: ``didn't``."""

from typing import Final

from services.criteria_evaluation.domain.extract.words import Tokens


def with_or_without(tokens: Tokens, i: int) -> tuple[str, int] | None:
    """The word that ``w/`` or ``w/o`` at ``i`` stands for, and the index after it."""
    if tokens.word(i + 1) != "/" or tokens.ends[i] != tokens.starts[i + 1]:
        return None
    if tokens.word(i + 2) in ("o", "out") and tokens.ends[i + 1] == tokens.starts[i + 2]:
        return "without", i + 3
    return "with", i + 2


_VERBS: Final = frozenset(
    {"do", "does", "did", "is", "are", "was", "were", "has", "have", "had", "could", "would", "should", "need"}
)
DENIALS: Final = {**{f"{verb}n": (verb, "not") for verb in _VERBS}, "can": ("cannot",), "won": ("will", "not")}
"""What stands before the apostrophe of a denial, and the words that both together are: "can't" is written "cannot" else."""
JOINED: Final = {f"{word}t": full for word, full in DENIALS.items()} | {"wont": ("will", "not")}
"""The same without an apostrophe, as patients and hurried clinicians write it."""
_APOSTROPHES: Final = frozenset("'’`‘´")


def denial(tokens: Tokens, i: int) -> tuple[tuple[str, ...], int] | None:
    """The words that a denial drawn together at ``i`` stands for, and the index after it."""
    word = tokens.words[i]
    if word in JOINED:
        return JOINED[word], i + 1
    if word not in DENIALS or tokens.word(i + 1) not in _APOSTROPHES or tokens.word(i + 2) != "t":
        return None
    return (DENIALS[word], i + 3) if tokens.joins(i + 1, loosely=False) else None
