"""All that is wrong with a folder of criteria sets, with file and line: what ``priorauth criteria check`` reports."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.criteria_evaluation.domain.check import Problem, check_set
from services.criteria_evaluation.domain.examples import wrong_examples
from services.criteria_evaluation.domain.lexicon import load_lexicon
from services.criteria_evaluation.domain.overlaps import overlaps
from services.criteria_evaluation.domain.places import line_of_message, line_of_place
from services.criteria_evaluation.domain.reach import unreachable
from services.criteria_evaluation.domain.vocabulary import comparable
from shared.clinical.criteria import parse_criteria_set
from shared.clinical.criteria_model import CriteriaSet
from shared.clinical.evidence import load_evidence
from shared.clinical.expression import Vocabulary
from shared.policy import PolicyError, PolicyFile, read_policy

_LINE: Final = re.compile(r", line (\d+)")


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem. ``line`` is None where it belongs to the file as a whole; an ``unreadable`` file compiles to no set."""

    file: str
    line: int | None
    place: str
    reason: str
    unreadable: bool = False


def check_folder(directory: Path | None) -> tuple[tuple[CriteriaSet, ...], list[Finding]]:
    """The sets of the folder that can be read, and everything that is wrong with any of them.

    Raises:
        PolicyError: the folder cannot be read or is empty, or the lexicon or evidence that ships with the code is broken.
    """
    lexicon = load_lexicon(read_policy("lexicon"))
    vocabulary: Vocabulary = comparable(lexicon.vocabulary)
    statements = frozenset(load_evidence(read_policy("evidence"), vocabulary).statements)
    findings: list[Finding] = []
    read: list[tuple[PolicyFile, CriteriaSet]] = []
    for file in read_policy("criteria", directory):
        try:
            read.append((file, parse_criteria_set(file.text, file.name, vocabulary)))
        except PolicyError as error:
            findings.append(_unreadable(file, str(error)))
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


def _unreadable(file: PolicyFile, message: str) -> Finding:
    stated = _LINE.search(message)
    line = int(stated[1]) if stated else line_of_message(file.text, message)
    head, _, reason = message.partition(": ")
    place = head.removeprefix(file.name).lstrip(".")
    return Finding(file.name, line, "" if stated else place, reason or message, unreadable=True)


def _found(file: PolicyFile, problem: Problem) -> Finding:
    return Finding(file.name, line_of_place(file.text, problem.place), problem.place, problem.message)


def _twice(read: Iterable[tuple[PolicyFile, CriteriaSet]]) -> Iterable[Finding]:
    seen: dict[tuple[str, str], str] = {}
    for file, criteria_set in read:
        first = seen.setdefault((criteria_set.id, criteria_set.version), file.name)
        if first != file.name:
            reason = f"Version {criteria_set.version} of {criteria_set.id} stands in {first} too."
            yield Finding(file.name, line_of_place(file.text, "version"), "version", reason)
