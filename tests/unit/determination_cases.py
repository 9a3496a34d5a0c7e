"""Synthetic patients for the tests of evidence, determination, document and letters."""

import datetime as dt
from functools import cache
from typing import Any, NamedTuple

from services.criteria_evaluation.domain.evaluate import evaluate_case
from services.determination.domain.determine import determine
from services.evidence_lookup.domain.attach import attach
from shared.clinical.criteria import load_criteria
from shared.clinical.criteria_model import CriteriaSet
from shared.clinical.document import determination_document
from shared.clinical.evidence import EvidenceLibrary, load_evidence
from shared.clinical.model import AttachedEvidence, Conclusion, Evaluation, Fact, Facts, RequestedItem, Source
from shared.policy import read_policy

NOTE = "sha256:" + "5e" * 32

Quantity = tuple[float | None, float | None, str]


def known(name: str, value: bool | str | tuple[str, ...] | None = None, quote: str | None = None) -> Fact:
    return Fact(name, "known", value, sources=_sources(quote))


def quantity(
    name: str, low: float | None, high: float | None, unit: str, quote: str | None = None, low_open: bool = False
) -> Fact:
    return Fact(name, "known", low=low, high=high, unit=unit, low_open=low_open, sources=_sources(quote))


def _sources(quote: str | None) -> tuple[Source, ...]:
    if quote is None:
        return (Source("derived", rule="test.rule"),)
    return (Source("note", document=NOTE, section="IMAGING", start=10, end=10 + len(quote), quote=quote),)


def facts_of(*facts: Fact) -> Facts:
    return {fact.name: fact for fact in facts}


def thoracic_unstable() -> Facts:
    """T8, breast cancer, cord compression with a deficit, unstable: approvable, and like the randomised trial's patients."""
    return facts_of(
        known("spine.requested_levels", ("T7", "T8", "T9")),
        known("spine.lesion_levels", ("T8",), "T8 lytic mass"),
        known("spine.lesion_on_imaging", True, "lytic mass replacing the body of T8"),
        known("spine.fracture_pattern", "burst", "burst fracture"),
        known("spine.fracture_cause", "malignancy", "pathologic burst fracture"),
        known("spine.retropulsion", True, "fragments displaced\n  into the canal"),
        known("spine.canal_compromise", True, "cord is compressed"),
        known("spine.escc_grade", "3", "ESCC 3"),
        known("spine.instability", True, "grossly unstable"),
        quantity("spine.sins_total", 15, 15, "{score}", "SINS 15"),
        known("neuro.motor_deficit", True, "hip flexion 2/5 on both sides"),
        quantity("neuro.deficit_duration", 30, 30, "h", "since yesterday morning"),
        known("neuro.compressed_structure", ("cord",), "cord is compressed"),
        known("neuro.ambulatory", "nonambulatory", "cannot stand"),
        quantity("pain.score", 7, 7, "{score}", "7/10"),
        known("pain.mechanical", True, "worse sitting up"),
        known("oncology.malignancy_confirmed", True, "metastatic breast carcinoma"),
        known("oncology.primary", "breast", "breast carcinoma"),
        known("oncology.radiosensitive", False),
        quantity("oncology.expected_survival", 12, None, "mo", "more than a year", low_open=True),
        known("treatment.nonoperative_failed", True, "no relief from brace and opioids"),
    )


def lumbar_roots_only() -> Facts:
    """L4, kidney cancer, only roots compressed, unstable: approvable, but unlike the randomised trial's patients."""
    return {
        **thoracic_unstable(),
        **facts_of(
            known("spine.requested_levels", ("L3", "L4", "L5")),
            known("spine.lesion_levels", ("L4",), "L4 metastasis"),
            known("spine.escc_grade", "2", "ESCC grade 2"),
            known("neuro.compressed_structure", ("nerve_root",), "right L4 root is compressed"),
            known("neuro.ambulatory", "assisted", "walks with a cane"),
            known("oncology.primary", "kidney", "renal cell carcinoma"),
        ),
    }


def stable_without_deficit() -> Facts:
    """T10, prostate, SINS 9 and no deficit: for a clinician."""
    facts = {
        **thoracic_unstable(),
        **facts_of(
            known("spine.requested_levels", ("T9", "T10", "T11")),
            known("spine.lesion_levels", ("T10",), "T10 sclerotic lesion"),
            known("spine.retropulsion", False, "no retropulsion"),
            known("spine.canal_compromise", False, "canal is patent"),
            known("spine.escc_grade", "0", "ESCC 0"),
            quantity("spine.sins_total", 9, 9, "{score}", "SINS 9"),
            known("neuro.motor_deficit", False, "5/5 throughout"),
            known("neuro.ambulatory", "independent", "walks without aid"),
            known("oncology.primary", "prostate", "prostate adenocarcinoma"),
        ),
    }
    for name in ("spine.instability", "neuro.compressed_structure", "neuro.deficit_duration"):
        del facts[name]
    return facts


def without(facts: Facts, *names: str) -> Facts:
    return {name: fact for name, fact in facts.items() if name not in names}


def items(*codes: str) -> tuple[RequestedItem, ...]:
    return tuple(RequestedItem(i, code) for i, code in enumerate(codes, start=1))


@cache
def library() -> EvidenceLibrary:
    return load_evidence(read_policy("evidence"))


@cache
def criteria_sets() -> tuple[CriteriaSet, ...]:
    return load_criteria(read_policy("criteria"))


def evaluation_of(facts: Facts, *codes: str) -> Evaluation:
    return evaluate_case(criteria_sets(), items(*codes), ["C79.51"], None, dt.date(2026, 3, 2), facts)


class Case(NamedTuple):
    evaluation: Evaluation
    evidence: AttachedEvidence
    conclusion: Conclusion
    document: dict[str, Any]


def conclude(evaluation: Evaluation, **context: Any) -> Case:
    evidence = attach(library(), evaluation)
    conclusion = determine(evaluation, evidence)
    return Case(
        evaluation,
        evidence,
        conclusion,
        determination_document(evaluation, evidence, conclusion, priority="standard", **context),
    )


THORACIC_CODES = ("63085", "22556", "22842")
LUMBAR_CODES = ("63090", "22558", "22842")


def thoracic_case() -> Case:
    return conclude(evaluation_of(thoracic_unstable(), *THORACIC_CODES))


def lumbar_case() -> Case:
    return conclude(evaluation_of(lumbar_roots_only(), *LUMBAR_CODES))


def referred_case() -> Case:
    return conclude(evaluation_of(stable_without_deficit(), *THORACIC_CODES))


def incomplete_case() -> Case:
    return conclude(evaluation_of(without(thoracic_unstable(), "oncology.expected_survival"), *THORACIC_CODES))
