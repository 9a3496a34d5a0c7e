"""All that is wrong with a folder of criteria sets, with file and line: what ``priorauth criteria check`` reports."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from services.criteria_evaluation.domain.check import Problem, check_set
from services.criteria_evaluation.domain.examples import wrong_examples
from services.criteria_evaluation.domain.lexicon import load_lexicon
from services.criteria_evaluation.domain.overlaps import overlaps
from services.criteria_evaluation.domain.reach import unreachable
from services.criteria_evaluation.domain.vocabulary import comparable
from shared.clinical.criteria import parse_criteria_set
from shared.clinical.criteria_model import CriteriaSet
from shared.clinical.evidence import load_evidence
from shared.clinical.expression import Vocabulary
from shared.clinical.policy_places import fault_of, line_of_place
from shared.policy import PolicyError, PolicyFile, read_policy


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem. ``line`` is None where it belongs to the file as a whole; an ``unreadable`` file compiles to no set."""

    file: str
    line: int | None
    place: str
    reason: str
    unreadable: bool = False


def check_folder(directory: Path | None, evidence: Path | None = None) -> tuple[tuple[CriteriaSet, ...], list[Finding]]:
    """The sets of the folder that can be read, and everything that is wrong with any of them.

    Raises:
        PolicyError: the folder cannot be read or is empty, or the lexicon or the evidence is broken.
    """
    lexicon = load_lexicon(read_policy("lexicon"))
    vocabulary: Vocabulary = comparable(lexicon.vocabulary)
    statements = frozenset(load_evidence(read_policy("evidence", evidence), vocabulary).statements)
    findings: list[Finding] = []
    read: list[tuple[PolicyFile, CriteriaSet]] = []
    for file in read_policy("criteria", directory):
        try:
            read.append((file, parse_criteria_set(file.text, file.name, vocabulary)))
        except PolicyError as error:
            findings.append(_unreadable(file, error))
    for file, criteria_set in read:
        problems = [
            *check_set(criteria_set, statements, vocabulary),
            *unreachable(criteria_set),
            *wrong_examples(criteria_set),
        ]
        findings += (_found(file, problem) for problem in problems)
    findings += _twice(read)
    by_set = {id(criteria_set): file for file, criteria_set in read}
    findings += (_found(by_set[id(s)], problem) for s, problem in overlaps([s for _, s in read]))
    return tuple(s for _, s in read), findings


def _unreadable(file: PolicyFile, error: PolicyError) -> Finding:
    fault = fault_of([file], error)
    return Finding(file.name, fault.line, fault.place, fault.reason, unreadable=True)


def _found(file: PolicyFile, problem: Problem) -> Finding:
    return Finding(file.name, line_of_place(file.text, problem.place), problem.place, problem.message)


def _twice(read: Iterable[tuple[PolicyFile, CriteriaSet]]) -> Iterable[Finding]:
    seen: dict[tuple[str, str], str] = {}
    for file, criteria_set in read:
        first = seen.setdefault((criteria_set.id, criteria_set.version), file.name)
        if first != file.name:
            reason = f"Version {criteria_set.version} of {criteria_set.id} stands in {first} too."
            yield Finding(file.name, line_of_place(file.text, "version"), "version", reason)
