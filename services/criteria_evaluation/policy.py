"""What the evaluation goes by: the criteria sets and the lexicon, checked against each other and the evidence library."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.criteria_evaluation.domain.check import check_set
from services.criteria_evaluation.domain.lexicon import Lexicon, load_lexicon
from services.criteria_evaluation.domain.vocabulary import comparable
from shared.clinical.criteria import CriteriaSet, load_criteria
from shared.clinical.evidence import load_evidence
from shared.clinical.policy_places import Fault, fault_of, line_of_place
from shared.policy import PolicyError, PolicyFiles, read_policies, read_policy


@dataclass(frozen=True, slots=True)
class Policy:
    """Criteria sets and lexicon."""

    criteria_sets: tuple[CriteriaSet, ...]
    lexicon: Lexicon


def load_policy(
    criteria_dir: Path | None = None, evidence_dir: Path | None = None, lexicon_dir: Path | None = None
) -> Policy:
    """The policy that ships with the code, or with the criteria sets, the evidence or the lexicon of folders.

    Raises:
        PolicyError: a file cannot be used, or a set names facts, evidence or questions that nobody declares; the text
            names the file, the line where it is known, the place and the reason.
    """
    lexicon = load_lexicon(read_policy("lexicon", lexicon_dir))
    return compile_policy(read_policies(criteria_dir, evidence_dir), lexicon)


def compiler() -> Callable[[PolicyFiles], Policy]:
    """Compiles criteria sets as often as they change; the lexicon ships with the code and is compiled once."""
    lexicon = load_lexicon(read_policy("lexicon"))
    return lambda files: compile_policy(files, lexicon)


def compile_policy(files: PolicyFiles, lexicon: Lexicon) -> Policy:
    """Compiles and checks the criteria sets. Raises PolicyError as ``load_policy`` does."""
    vocabulary = comparable(lexicon.vocabulary)
    try:
        statements = frozenset(load_evidence(files.evidence, vocabulary).statements)
        sets = load_criteria(files.criteria, vocabulary)
    except PolicyError as error:
        raise PolicyError(str(fault_of(files.all, error))) from error
    # The reader keeps the order of the files and makes one set of each.
    for file, criteria_set in zip(files.criteria, sets, strict=True):
        for problem in check_set(criteria_set, statements, vocabulary):
            line = line_of_place(file.text, problem.place)
            raise PolicyError(str(Fault(file.name, line, problem.place, problem.message)))
    return Policy(sets, lexicon)
