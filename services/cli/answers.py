"""The services' pure answers, for a replay: this module and ``offline.py`` are where all services meet."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path

from services.cli.past_policies import PastPolicies
from services.criteria_evaluation.handlers import answer as evaluate
from services.criteria_evaluation.policy import load_policy
from services.determination.handlers import answer as determine
from services.evidence_lookup.domain.attach import attach as attach_library
from services.evidence_lookup.domain.related import NO_LITERATURE, recorded
from services.evidence_lookup.handlers import answer as attach
from services.evidence_lookup.library import compile_library
from services.notification.handlers import answer as notify
from shared.case.history import History, Proposed, Recorded
from shared.clinical.model import Evaluation
from shared.events.model import CaseDetermined, CriteriaEvaluated, EvidenceAttached, NoticePrepared
from shared.journal.documents import StoredDocument
from shared.journal.replay import Answer
from shared.journal.what_if import Attach, Evaluate
from shared.messaging.work import Work
from shared.policy import read_policies

_ANY_VALIDITY = 90
"""For determinations that authorize nothing: they do not depend on it."""


def make_answers(policies: PastPolicies | None = None) -> dict[str, Answer]:
    """The answer of each consumer whose events follow from the journal alone, by the policy that each event names."""
    past = policies or PastPolicies()

    def evaluated(work: Work, stored: Recorded, documents: Mapping[str, StoredDocument]) -> Proposed:
        # What the extractor proposed then is part of the stored answer: a replay asks nobody.
        data = stored.data()
        evaluation = data.evaluation if isinstance(data, CriteriaEvaluated) else None
        extraction = evaluation.extraction if evaluation is not None else None
        return evaluate(work.history, past.of_evaluation(evaluation), documents, extraction)

    def attached(work: Work, stored: Recorded, __: Mapping[str, StoredDocument]) -> Proposed:
        # Articles that a search found then are part of the stored answer: the literature may have changed since.
        data = stored.data()
        evidence = data.evidence if isinstance(data, EvidenceAttached) else None
        literature = recorded(evidence) if evidence is not None else NO_LITERATURE
        return attach(work.history, past.of_evidence(evidence), literature)

    def determined(work: Work, stored: Recorded, _: Mapping[str, StoredDocument]) -> Proposed:
        return determine(work.history, work.now, _validity(stored))

    def notified(work: Work, stored: Recorded, _: Mapping[str, StoredDocument]) -> Proposed:
        data = stored.data()
        return notify(work.cause, data.channel if isinstance(data, NoticePrepared) else "none")

    return {
        "criteria_evaluation": evaluated,
        "evidence_lookup": attached,
        "determination": determined,
        "notification": notified,
    }


def make_trial(criteria: Path | None, evidence: Path | None, lexicon: Path | None) -> tuple[Evaluate, Attach]:
    """The evaluation and the evidence by other folders of policy, for a what-if; None: as it is in force.

    Raises:
        PolicyError: a folder cannot be used.
    """
    policy = load_policy(criteria, evidence, lexicon)
    library = compile_library(read_policies(criteria, evidence))

    def evaluated(history: History, before: Evaluation, documents: Mapping[str, StoredDocument]) -> Evaluation:
        data = evaluate(history, policy, documents, before.extraction).data
        if not isinstance(data, CriteriaEvaluated):
            raise TypeError("An evaluation of another shape.")
        return data.evaluation

    return evaluated, partial(attach_library, library)


def _validity(stored: Recorded) -> int:
    data = stored.data()
    if isinstance(data, CaseDetermined) and data.valid_from and data.valid_until:
        return (date.fromisoformat(data.valid_until) - date.fromisoformat(data.valid_from)).days
    return _ANY_VALIDITY
