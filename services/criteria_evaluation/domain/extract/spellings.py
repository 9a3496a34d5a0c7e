"""``w/`` and ``w/o``."""

from services.criteria_evaluation.domain.extract.words import Tokens


def with_or_without(tokens: Tokens, i: int) -> tuple[str, int] | None:
    """The word that ``w/`` or ``w/o`` at ``i`` stands for, and the index after it."""
    if tokens.word(i + 1) != "/" or tokens.ends[i] != tokens.starts[i + 1]:
        return None
    if tokens.word(i + 2) in ("o", "out") and tokens.ends[i + 1] == tokens.starts[i + 2]:
        return "without", i + 3
    return "with", i + 2
