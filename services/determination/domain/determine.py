"""The determination of a case, structured: what is concluded, why, and what supports it. Pure.

The outcome is the evaluation's; the machine approves, asks, or hands over to a clinician, and never denies. A sentence
keeps only those citations that apply to the patient, and a conclusion never rests on an unverified source alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.clinical.model import (
    Alternative,
    AttachedEvidence,
    CaseOutcome,
    Conclusion,
    Consideration,
    Criterion,
    DeterminedItem,
    Evaluation,
    Point,
)
from shared.clinical.phrases import carrying, label, phrases
from shared.clinical.pictures import picture
from shared.clinical.wording import say_list

REVIEW_ACTIONS: Final[Mapping[CaseOutcome, str]] = {
    "approved": "A1",
    "information_requested": "A4",
    "clinical_review": "A4",
}
"""X12 306: A1 certified in total, A4 pended."""

UNVERIFIED: Final = "Unverified source:"
NO_VERIFIED: Final = "No verified evidence on this alternative is at hand."


def determine(evaluation: Evaluation, evidence: AttachedEvidence) -> Conclusion:
    """Concludes a case from its evaluation and the evidence held against it."""
    support = _Support.of(evidence)
    by_kind: dict[str, list[Consideration]] = {}
    for consideration in evaluation.considerations:
        by_kind.setdefault(consideration.kind, []).append(consideration)
    alternatives = tuple(_alternative(c, support) for c in by_kind.get("alternative", ()))
    return Conclusion(
        outcome=evaluation.outcome,
        summary=_summary(evaluation),
        reasons=_reasons(evaluation, alternatives),
        items=tuple(
            DeterminedItem(
                i.sequence, i.code, i.outcome, REVIEW_ACTIONS[i.outcome], i.purpose, i.because, i.description
            )
            for i in evaluation.items
        ),
        standard_of_care=_claims(by_kind.get("standard_of_care", ()), support),
        outcomes=_outcomes(by_kind.get("outcome", ()), support),
        alternatives=alternatives,
        timing=_advice(by_kind.get("timing", ()), support),
        cautions=(*_advice(by_kind.get("caution", ()), support), *_limits(evidence, by_kind, support)),
        missing=evaluation.missing,
    )


@dataclass(frozen=True, slots=True)
class _Support:
    """The statements that apply, apart by whether their source is verified."""

    verified: frozenset[str]
    unverified: frozenset[str]

    @classmethod
    def of(cls, evidence: AttachedEvidence) -> "_Support":
        trusted = {entry.id for entry in evidence.bibliography if entry.verified}
        applying = [s for s in evidence.statements if s.applies]
        return cls(
            frozenset(s.id for s in applying if s.source in trusted),
            frozenset(s.id for s in applying if s.source not in trusted),
        )

    def cited(self, ids: Iterable[str]) -> tuple[str, ...]:
        return tuple(i for i in ids if i in self.verified or i in self.unverified)

    def firm(self, ids: Iterable[str]) -> bool:
        return any(i in self.verified for i in ids)

    def firmly_cited(self, ids: Sequence[str]) -> tuple[str, ...]:
        """The citations, or none where all that applies comes from unverified sources."""
        return self.cited(ids) if self.firm(ids) else ()

    def only_doubtful(self, ids: Sequence[str]) -> bool:
        """Whether nothing but unverified sources was ever named in support."""
        return bool(ids) and all(i in self.unverified for i in ids)


def _claims(considerations: Sequence[Consideration], support: _Support) -> tuple[Point, ...]:
    """What is said with the authority of the literature: without a verified citation that applies, it is not said."""
    return tuple(
        Point(c.text, support.cited(c.evidence)) for c in considerations if not c.evidence or support.firm(c.evidence)
    )


def _outcomes(considerations: Sequence[Consideration], support: _Support) -> tuple[Point, ...]:
    """Published results. Figures of unverified sources are printed beside verified ones only, and marked."""
    firm = any(support.firm(c.evidence) for c in considerations)
    points = []
    for c in considerations:
        if support.firm(c.evidence):
            points.append(Point(c.text, support.cited(c.evidence)))
        elif firm and support.cited(c.evidence):
            points.append(Point(f"{UNVERIFIED} {c.text}", support.cited(c.evidence)))
    return tuple(points)


def _advice(considerations: Sequence[Consideration], support: _Support) -> tuple[Point, ...]:
    """What follows from the patient's own facts stands without a citation, but not on an unverified one."""
    return tuple(
        Point(c.text, support.firmly_cited(c.evidence)) for c in considerations if not support.only_doubtful(c.evidence)
    )


def _alternative(c: Consideration, support: _Support) -> Alternative:
    if support.only_doubtful(c.evidence):
        return Alternative(c.id, c.title, "undetermined", NO_VERIFIED, c.because)
    cited = support.firmly_cited(c.evidence)
    return Alternative(c.id, c.title, c.conclusion or "undetermined", c.text, c.because, cited)


def _limits(
    evidence: AttachedEvidence, by_kind: Mapping[str, Sequence[Consideration]], support: _Support
) -> tuple[Point, ...]:
    """Cautions that come with statements that apply, each once, unless a consideration says the same."""
    said = {c.text for c in by_kind.get("caution", ())}
    limits: dict[str, str] = {}
    for statement in evidence.statements:
        if statement.applies and statement.reason and statement.reason not in said and statement.id in support.verified:
            limits.setdefault(statement.reason, statement.id)
    return tuple(Point(text, (statement_id,)) for text, statement_id in limits.items())


def _summary(evaluation: Evaluation) -> str:
    request = _request(evaluation)
    case = picture(evaluation.facts, _used(evaluation), _named(evaluation))
    subject = f"{request} for {case}" if case else request
    criteria = evaluation.criteria_set.title or evaluation.criteria_set.id if evaluation.criteria_set else ""
    if evaluation.outcome == "approved":
        return f"Approved: {subject}. Every required criterion of “{criteria}” is met, so the request is medically necessary."
    if evaluation.outcome == "information_requested":
        open_facts = dict.fromkeys(label(name) for missing in evaluation.missing for name in missing.facts)
        wanted = say_list(tuple(open_facts)) if open_facts else "what the criteria ask for"
        return f"More information is needed: {subject}. The chart does not yet document {wanted}."
    why = f" {evaluation.reasons[0]}" if evaluation.reasons else ""
    return (
        f"Referred to a clinician: {subject}.{why} The request is neither approved nor refused; a clinician decides it."
    )


def _request(evaluation: Evaluation) -> str:
    codes = tuple(dict.fromkeys(item.code for item in evaluation.items))
    if not codes:
        return "a request without any item"
    return f"service {codes[0]}" if len(codes) == 1 else f"services {say_list(codes)}"


def _used(evaluation: Evaluation) -> Iterator[str]:
    """The facts that carried the decided criteria, each once."""
    seen: set[str] = set()
    for criterion in evaluation.criteria:
        if criterion.outcome != "unknown":
            fresh = [name for name in carrying(criterion) if name not in seen]
            seen.update(fresh)
            yield from fresh


def _named(evaluation: Evaluation) -> Iterator[str]:
    for criterion in (*evaluation.criteria, *evaluation.referrals):
        yield from criterion.facts


def _ruled_out(alternatives: Sequence[Alternative]) -> Iterator[str]:
    """The alternatives that this patient's facts rule out, for an approval rests on them as well."""
    for conclusion in ("contraindicated", "inadequate"):
        titles = [a.title[0].lower() + a.title[1:] for a in alternatives if a.conclusion == conclusion]
        if titles:
            # A title may hold commas of its own.
            yield f"Considered and found {conclusion} for this patient: {'; '.join(titles)}."


def _reasons(evaluation: Evaluation, alternatives: Sequence[Alternative]) -> tuple[str, ...]:
    """Specific reasons (42 CFR 422.122(a) as amended by CMS-0057-F), from the case's own criteria and facts."""
    reasons = list(evaluation.reasons)
    if evaluation.outcome == "approved":
        reasons += [_because(c, evaluation, "") for c in evaluation.criteria if c.outcome == "met"]
        reasons += _ruled_out(alternatives)
    elif evaluation.outcome == "clinical_review":
        reasons += [_because(c, evaluation, "To be reviewed: ") for c in evaluation.referrals]
        reasons += [_because(c, evaluation, "Not met: ") for c in evaluation.criteria if c.outcome == "not_met"]
    else:
        reasons += _open(evaluation)
    return tuple(dict.fromkeys(reasons)) or ("The request could not be matched with criteria and needs a person.",)


def _because(criterion: Criterion, evaluation: Evaluation, lead: str) -> str:
    found = phrases(carrying(criterion), evaluation.facts)
    return f"{lead}{criterion.title} ({found})." if found else f"{lead}{criterion.title}."


def _open(evaluation: Evaluation) -> Iterator[str]:
    titles = {c.id: c.title for top in evaluation.criteria for c in _walk(top)}
    for missing in evaluation.missing:
        decides = [titles[i] for i in missing.decides if i in titles]
        suffix = f" (decides: {'; '.join(decides)})" if decides else ""
        yield f"Not documented: {say_list(tuple(label(name) for name in missing.facts))}{suffix}."


def _walk(criterion: Criterion) -> Iterator[Criterion]:
    yield criterion
    for child in criterion.children:
        yield from _walk(child)
