"""Which statements of the evidence library apply to a case, and which do not and why. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from shared.clinical.evidence import UNGRADED, Applicability, EvidenceLibrary, EvidenceSource, Statement
from shared.clinical.expression import Expression
from shared.clinical.kleene import MET, NOT_MET, UNKNOWN
from shared.clinical.model import (
    AttachedEvidence,
    AttachedStatement,
    BibliographyEntry,
    Consideration,
    Criterion,
    Evaluation,
    Facts,
)
from shared.clinical.phrases import label

ABSENT: Final = "The evidence library does not have this statement."
_STATUS: Final = {"unknown": 0, "conflicting": 1, "known": 2}
_SECTIONS: Final = ("standard_of_care", "outcome", "alternative", "timing", "caution")


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Whether a population or a statement covers the case, the facts that say so, and why not (or with what caution)."""

    applies: bool
    because: tuple[str, ...] = ()
    reason: str | None = None


_MEMO_SIZE: Final = 4096
_memo: dict[tuple[EvidenceLibrary, tuple[str, ...], bytes], AttachedEvidence] = {}


def attach(library: EvidenceLibrary, evaluation: Evaluation) -> AttachedEvidence:
    """Holds every statement that the case's criteria and considerations name against the case's facts.

    A statement applies when its source's population and its own condition are met and nothing excludes the patient.
    For one that applies, ``reason`` is a caution to be printed with it, or None. One of a retracted or superseded source
    never applies. Statements that apply come first; among them stronger evidence, then direct evidence before indirect
    (one that comes with a caution counts as indirect), then later years, then ids in order. The bibliography has the sources of statements that apply,
    numbered in the order in which criteria and considerations cite them.

    The result follows from the statements named and from how the library's comparisons come out, and is remembered by
    these, since charts repeat.
    """
    cited = tuple(dict.fromkeys(_cited(evaluation)))
    facts = evaluation.facts
    values = bytes([leaf.value(facts) for leaf in library.leaves])
    statuses = bytes([_STATUS[facts[name].status] if name in facts else 0 for name in library.fact_names])
    key = (library, cited, values + statuses)
    found = _memo.get(key)
    if found is None:
        if len(_memo) >= _MEMO_SIZE:
            _memo.clear()
        found = _memo[key] = _attach(library, cited, facts)
    return found


def _attach(library: EvidenceLibrary, cited: tuple[str, ...], facts: Facts) -> AttachedEvidence:
    populations: dict[str, _Verdict] = {}
    attached: list[tuple[tuple[bool, int, bool, int, str], AttachedStatement]] = []
    bibliography: dict[str, BibliographyEntry] = {}
    for statement_id in cited:
        statement = library.statements.get(statement_id)
        if statement is None:
            missing = AttachedStatement(statement_id, "", "", applies=False, reason=ABSENT)
            attached.append(((True, UNGRADED, True, 0, statement_id), missing))
            continue
        source = statement.source
        population = populations.get(source.id)
        if population is None:
            population = populations[source.id] = _judge_source(source, facts)
        verdict = _both(population, statement, facts)
        attached.append((_rank(statement, verdict), _attached(statement, verdict)))
        if verdict.applies and source.id not in bibliography:
            bibliography[source.id] = _entry(source, len(bibliography) + 1)
    attached.sort(key=lambda ranked: ranked[0])
    return AttachedEvidence(library.digest, tuple(a for _, a in attached), tuple(bibliography.values()))


def _cited(evaluation: Evaluation) -> Iterator[str]:
    for criterion in (*evaluation.criteria, *evaluation.referrals):
        yield from _of_criterion(criterion)
    by_section: dict[str, list[Consideration]] = {section: [] for section in _SECTIONS}
    for consideration in evaluation.considerations:
        by_section[consideration.kind].append(consideration)
    for considerations in by_section.values():
        for consideration in considerations:
            yield from consideration.evidence


def _of_criterion(criterion: Criterion) -> Iterator[str]:
    yield from criterion.evidence
    for child in criterion.children:
        yield from _of_criterion(child)


def _rank(statement: Statement, verdict: _Verdict) -> tuple[bool, int, bool, int, str]:
    source = statement.source
    indirect = statement.directness == "indirect" or (verdict.applies and verdict.reason is not None)
    return not verdict.applies, source.level or UNGRADED, indirect, -(source.year or 0), statement.id


def _attached(statement: Statement, verdict: _Verdict) -> AttachedStatement:
    return AttachedStatement(
        statement.id, statement.source.id, statement.text, verdict.applies, verdict.because, verdict.reason
    )


def _entry(source: EvidenceSource, number: int) -> BibliographyEntry:
    return BibliographyEntry(source.id, number, source.citation, source.verified, source.identifier, source.level_label)


def _both(population: _Verdict, statement: Statement, facts: Facts) -> _Verdict:
    if not population.applies:
        return population
    own = _judge(statement.applicability, facts)
    if not own.applies:
        return own
    because = tuple(sorted({*population.because, *own.because}))
    return _Verdict(True, because, " ".join(filter(None, (population.reason, own.reason))) or None)


def _judge_source(source: EvidenceSource, facts: Facts) -> _Verdict:
    if source.withdrawn is not None:
        return _Verdict(False, (), source.withdrawn)
    return _judge(source.applicability, facts)


def _judge(applicability: Applicability, facts: Facts) -> _Verdict:
    because: set[str] = set()
    values = [exclusion.when.value(facts) for exclusion in applicability.exclusions]
    for exclusion, value in zip(applicability.exclusions, values, strict=True):
        if value == MET:
            return _Verdict(False, exclusion.when.because(facts), exclusion.reason)
        if exclusion.if_unknown:
            because.update(exclusion.when.because(facts))
    if applicability.when is not None:
        value = applicability.when.value(facts)
        names = applicability.when.because(facts)
        if value == NOT_MET:
            return _Verdict(False, names, f"The patient is not one of those it is about, because of: {_labels(names)}.")
        if value == UNKNOWN:
            return _Verdict(False, names, _undecided(applicability.when, facts))
        because.update(names)
    for exclusion, value in zip(applicability.exclusions, values, strict=True):
        # Where the sources disagree, the patient may be one whom the study left out.
        if value == UNKNOWN and (exclusion.if_unknown or _disputed(exclusion.when, facts)):
            reason = f"{exclusion.reason} {_undecided(exclusion.when, facts)}"
            return _Verdict(False, exclusion.when.because(facts), reason)
    cautions = " ".join(x.text for x in applicability.limitations if x.when.value(facts) == MET)
    return _Verdict(True, tuple(sorted(because)), cautions or None)


def _undecided(when: Expression, facts: Facts) -> str:
    names = when.because(facts)
    disputed = [name for name in names if (fact := facts.get(name)) is not None and fact.status == "conflicting"]
    if disputed:
        return f"The chart's sources disagree on: {_labels(disputed)}."
    silent = [name for name in names if (fact := facts.get(name)) is None or fact.status == "unknown"]
    return f"The chart does not say enough on: {_labels(silent or names)}."


def _disputed(when: Expression, facts: Facts) -> bool:
    return any((fact := facts.get(name)) is not None and fact.status == "conflicting" for name in when.fact_names)


def _labels(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(label(name) for name in names))
