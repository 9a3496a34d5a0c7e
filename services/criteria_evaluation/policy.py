"""What the evaluation goes by: the criteria sets and the lexicon, loaded once."""

from dataclasses import dataclass
from pathlib import Path

from services.criteria_evaluation.domain.lexicon import Lexicon, load_lexicon
from shared.clinical.criteria import CriteriaSet, load_criteria
from shared.policy import read_policy


@dataclass(frozen=True, slots=True)
class Policy:
    """Criteria sets and lexicon."""

    criteria_sets: tuple[CriteriaSet, ...]
    lexicon: Lexicon


def load_policy(criteria_dir: Path | None = None) -> Policy:
    """The policy that ships with the code, or with the criteria sets of a folder.

    Raises:
        PolicyError: a file cannot be used; the text names it and the reason.
    """
    lexicon = load_lexicon(read_policy("lexicon"))
    vocabulary = {name: (term.kind, term.unit, term.values) for name, term in lexicon.vocabulary.items()}
    return Policy(load_criteria(read_policy("criteria", criteria_dir), vocabulary), lexicon)
