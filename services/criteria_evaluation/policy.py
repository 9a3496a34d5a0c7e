"""What the evaluation goes by: the criteria sets and the lexicon, loaded once and checked against each other."""

from dataclasses import dataclass
from pathlib import Path

from services.criteria_evaluation.domain.check import check_set
from services.criteria_evaluation.domain.lexicon import Lexicon, load_lexicon
from services.criteria_evaluation.domain.vocabulary import comparable
from shared.clinical.criteria import CriteriaSet, load_criteria
from shared.clinical.evidence import load_evidence
from shared.policy import PolicyError, read_policy


@dataclass(frozen=True, slots=True)
class Policy:
    """Criteria sets and lexicon."""

    criteria_sets: tuple[CriteriaSet, ...]
    lexicon: Lexicon


def load_policy(criteria_dir: Path | None = None) -> Policy:
    """The policy that ships with the code, or with the criteria sets of a folder.

    Raises:
        PolicyError: a file cannot be used, or a set names facts, evidence or questions that nobody declares; the text
            names the file or the set, the place and the reason.
    """
    lexicon = load_lexicon(read_policy("lexicon"))
    vocabulary = comparable(lexicon.vocabulary)
    statements = frozenset(load_evidence(read_policy("evidence"), vocabulary).statements)
    sets = load_criteria(read_policy("criteria", criteria_dir), vocabulary)
    for criteria_set in sets:
        for problem in check_set(criteria_set, statements, vocabulary):
            raise PolicyError(f"{criteria_set.id}, {problem.place}: {problem.message}")
    return Policy(sets, lexicon)
