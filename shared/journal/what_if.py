"""What another policy would have made of past cases: every item that comes out otherwise, and why.

The last evaluation of each case is made again from the history before it. Nothing of a case is written. ``Evaluate`` is
given by the caller, since the engine belongs to a service.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from shared import flow
from shared.case.history import History, Recorded
from shared.clinical.model import AttachedEvidence, Criterion, Evaluation
from shared.events.model import CriteriaEvaluated, EvidenceAttached
from shared.journal.archives import Archives
from shared.journal.crypto import MasterKey
from shared.journal.documents import StoredDocument
from shared.journal.replay import documents_of
from shared.journal.spans import ALL, EVERY, Chosen, Span, case_batches
from shared.journal.store import read_histories

Evaluate = Callable[[History, Evaluation, Mapping[str, StoredDocument]], Evaluation]
"""Evaluates a case as it was before its last evaluation; that one is given for what the extractor had proposed."""

Attach = Callable[[Evaluation], AttachedEvidence]
"""Holds an evaluation against the other evidence library."""

_NEEDS = (
    flow.CASE_SUBMITTED,
    flow.CASE_UPDATED,
    flow.INFORMATION_RECEIVED,
    flow.CRITERIA_EVALUATED,
    flow.EVIDENCE_ATTACHED,
)


@dataclass(frozen=True, slots=True)
class Flip:
    """An item with another outcome. ``because`` are the criteria that came out otherwise, the deepest ones."""

    case: str
    item: int
    code: str
    payer: str
    before: str
    after: str
    because: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """As ``priorauth audit what-if --json`` has it."""
        return {
            "case": self.case,
            "item": self.item,
            "code": self.code,
            "payer": self.payer,
            "from": self.before,
            "to": self.after,
            "because": list(self.because),
        }


@dataclass(slots=True)
class Tally:
    """Decisions of one priority. ``hours`` are from submission to the decision, of cases that have one."""

    outcomes: Counter[str] = field(default_factory=Counter)
    hours: list[float] = field(default_factory=list)

    def add(self, outcome: str, hours: float | None) -> None:
        self.outcomes[outcome] += 1
        if hours is not None:
            self.hours.append(hours)

    def as_dict(self) -> dict[str, Any]:
        """Counts, the rates that CMS-0057-F has payers publish, and decision times in hours."""
        cases = sum(self.outcomes.values())
        decided = sum(self.outcomes[name] for name in ("approved", "partly_approved", "denied"))
        return {
            "cases": cases,
            "outcomes": dict(sorted(self.outcomes.items())),
            "approved_percent": _percent(self.outcomes["approved"], decided),
            "denied_percent": _percent(self.outcomes["denied"], decided),
            "average_hours": round(fmean(self.hours), 3) if self.hours else None,
            "median_hours": round(median(self.hours), 3) if self.hours else None,
        }


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


@dataclass(slots=True)
class WhatIf:
    """What was found. ``failed`` are cases that the other policy could not be run over.

    ``cited_anew`` and ``no_longer_cited`` count by statement the cases whose determination would cite it only after or only
    before; ``other_citations`` counts the cases with either.
    """

    cases: int = 0
    erased: int = 0
    failed: int = 0
    flips: list[Flip] = field(default_factory=list)
    before: dict[str, Tally] = field(default_factory=dict)
    after: dict[str, Tally] = field(default_factory=dict)
    cited_anew: Counter[str] = field(default_factory=Counter)
    no_longer_cited: Counter[str] = field(default_factory=Counter)
    other_citations: int = 0

    def add(self, later: "WhatIf") -> None:
        """Takes in what was found of the cases that come next."""
        self.cases += later.cases
        self.erased += later.erased
        self.failed += later.failed
        self.flips += later.flips
        self.cited_anew.update(later.cited_anew)
        self.no_longer_cited.update(later.no_longer_cited)
        self.other_citations += later.other_citations
        for mine, its in ((self.before, later.before), (self.after, later.after)):
            for priority, tally in its.items():
                known = mine.setdefault(priority, Tally())
                known.outcomes.update(tally.outcomes)
                known.hours += tally.hours

    def as_dict(self) -> dict[str, Any]:
        """The JSON of ``priorauth audit what-if``."""
        return {
            "cases": self.cases,
            "erased": self.erased,
            "failed": self.failed,
            "flips": [flip.as_dict() for flip in self.flips],
            "by_code": _counted(self.flips, "code"),
            "by_payer": _counted(self.flips, "payer"),
            "citations": {
                "cases": self.other_citations,
                "cited_anew": dict(sorted(self.cited_anew.items())),
                "no_longer_cited": dict(sorted(self.no_longer_cited.items())),
            },
            "metrics": {
                "before": {name: tally.as_dict() for name, tally in sorted(self.before.items())},
                "after": {name: tally.as_dict() for name, tally in sorted(self.after.items())},
            },
        }


def _counted(flips: Sequence[Flip], by: str) -> dict[str, dict[str, int]]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for flip in flips:
        counts[getattr(flip, by)][f"{flip.before} -> {flip.after}"] += 1
    return {key: dict(sorted(row.items())) for key, row in sorted(counts.items())}


async def what_if(
    connection: AsyncConnection,
    master: MasterKey,
    evaluate: Evaluate,
    attach: Attach,
    span: Span = ALL,
    *,
    chosen: Chosen = EVERY,
    archives: Archives | None = None,
) -> WhatIf:
    """Runs the other policy over the chosen cases of a range, from the table and the archives.

    Raises:
        ArchiveError: an archive is damaged.
    """
    found = WhatIf()
    async for case_ids in case_batches(connection, span, archives, chosen=chosen):
        histories = await read_histories(connection, master, case_ids, _NEEDS, archives)
        wanted = {case_id: history for case_id, history in histories.items() if chosen.by_set(history)}
        documents = await documents_of(connection, wanted)
        for history in wanted.values():
            _one(history, evaluate, attach, documents.get(history.case_id, {}), found)
    return found


def _one(
    history: History,
    evaluate: Evaluate,
    attach: Attach,
    documents: Mapping[str, StoredDocument],
    found: WhatIf,
) -> None:
    event = history.latest(flow.CRITERIA_EVALUATED)
    if history.key is None:
        found.erased += 1
        return
    if event is None:
        return
    found.cases += 1
    stored = event.data()
    if not isinstance(stored, CriteriaEvaluated):
        raise TypeError("An evaluation of another shape.")
    try:
        after = evaluate(_before(history, event), stored.evaluation, documents)
        cited = _cited(attach(after))
    except Exception:  # One chart that the other policy cannot be run over must not hide the others; it is counted.
        found.failed += 1
        return
    found.flips += _flips(history, stored.evaluation, after)
    _count(history, event, stored, after.outcome, found)
    attached = history.latest(flow.EVIDENCE_ATTACHED)
    data = attached.data() if attached is not None else None
    if isinstance(data, EvidenceAttached):
        _count_citations(_cited(data.evidence), cited, found)


def _cited(evidence: AttachedEvidence) -> frozenset[str]:
    return frozenset(statement.id for statement in evidence.statements if statement.applies)


def _count_citations(before: frozenset[str], after: frozenset[str], found: WhatIf) -> None:
    found.cited_anew.update(after - before)
    found.no_longer_cited.update(before - after)
    found.other_citations += before != after


def _before(history: History, event: Recorded) -> History:
    made = History(history.case_id, history.payer, history.key)
    for earlier in history.events:
        if earlier.sequence < event.sequence:
            made.add(earlier)
    return made


def _flips(history: History, before: Evaluation, after: Evaluation) -> Iterator[Flip]:
    new = {item.sequence: item.outcome for item in after.items}
    because: tuple[str, ...] | None = None
    for item in before.items:
        outcome = new.get(item.sequence)
        if outcome is not None and outcome != item.outcome:
            because = changed_criteria(before, after) if because is None else because
            case = str(history.case_id)
            yield Flip(case, item.sequence, item.code, history.payer, item.outcome, outcome, because)


def changed_criteria(before: Evaluation, after: Evaluation) -> tuple[str, ...]:
    """The ids of criteria and refer rules that came out otherwise: of a branch that changed, the parts that did."""
    old, new = _by_id(before), _by_id(after)
    changed = [i for i in dict.fromkeys([*new, *old]) if _outcome(old.get(i)) != _outcome(new.get(i))]
    parents = {parent for i in changed for parent in _parents(i, old, new)}
    return tuple(i for i in changed if i not in parents)


def _by_id(evaluation: Evaluation) -> dict[str, Criterion]:
    found: dict[str, Criterion] = {}
    stack = [*evaluation.criteria, *evaluation.referrals]
    while stack:
        criterion = stack.pop(0)
        found.setdefault(criterion.id, criterion)
        # Parts of an expression have ids with a dot and are no criteria that anyone wrote.
        stack += [child for child in criterion.children if "." not in child.id]
    return found


def _outcome(criterion: Criterion | None) -> str | None:
    return criterion.outcome if criterion is not None else None


def _parents(changed: str, *trees: Mapping[str, Criterion]) -> Iterator[str]:
    for tree in trees:
        for criterion in tree.values():
            if any(child.id == changed for child in criterion.children):
                yield criterion.id


def _count(history: History, event: Recorded, stored: CriteriaEvaluated, outcome: str, found: WhatIf) -> None:
    """A case that the machine still decides alike keeps its decision and its time, whoever made it in the end."""
    final = history.latest(flow.CASE_APPROVED, flow.CASE_PARTLY_APPROVED, flow.CASE_DENIED)
    hours = _hours(history, final) if final is not None else None
    before = final.state_after if final is not None else stored.evaluation.outcome
    found.before.setdefault(stored.priority, Tally()).add(before, hours)
    if outcome == stored.evaluation.outcome:
        after, taken = before, hours
    elif outcome == "approved":
        machine = next((e for e in history.all_of(*flow.DETERMINATIONS) if e.sequence > event.sequence), event)
        after, taken = "approved", _hours(history, machine)
    else:
        # A person would have decided, and nobody knows how or when.
        after, taken = outcome, None
    found.after.setdefault(stored.priority, Tally()).add(after, taken)


def _hours(history: History, event: Recorded) -> float:
    return (event.recorded_at - history.events[0].occurred_at).total_seconds() / 3600
