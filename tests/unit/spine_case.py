"""A synthetic case for the spine set: an unstable metastasis with a deficit, whose facts tests take away or change."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from services.criteria_evaluation.domain.evaluate import evaluate_case
from shared.clinical.criteria import load_criteria
from shared.clinical.expression import VocabularyEntry
from shared.clinical.model import Criterion, Evaluation, Fact, Facts, RequestedItem
from shared.policy import read_policy

ON: Final = dt.date(2026, 5, 4)
DIAGNOSES: Final = ("C79.51",)

_BOOLEANS = (
    "oncology.malignancy_confirmed oncology.radiosensitive oncology.spine_radiation_prior oncology.systemic_therapy_planned "
    "spine.lesion_on_imaging spine.instability spine.retropulsion spine.canal_compromise neuro.motor_deficit "
    "neuro.complete_paraplegia symptom.progressive pain.worsening pain.mechanical treatment.nonoperative_failed"
)
_QUANTITIES = (
    "spine.sins_total={score} spine.canal_compromise_percent=% neuro.deficit_duration=h pain.score={score} "
    "oncology.expected_survival=mo performance.kps={score} performance.ecog={score} treatment.physical_therapy_duration=wk"
)
VOCABULARY: Final[dict[str, VocabularyEntry]] = {
    **dict.fromkeys(_BOOLEANS.split(), ("boolean", None, ())),
    **{pair.split("=")[0]: ("quantity", pair.split("=")[1], ()) for pair in _QUANTITIES.split()},
    "spine.lesion_levels": ("levels", None, ()),
    "spine.requested_levels": ("levels", None, ()),
    "spine.fracture_pattern": ("code", None, ("burst", "compression", "none")),
    "spine.fracture_cause": ("code", None, ("malignancy", "osteoporosis", "trauma")),
    "spine.escc_grade": ("code", None, ("0", "1a", "1b", "1c", "2", "3")),
    "neuro.compressed_structure": ("codes", None, ("cord", "conus", "cauda_equina", "nerve_root")),
    "neuro.ambulatory": ("code", None, ("independent", "assisted", "nonambulatory")),
}


def known(name: str, value: bool | str | tuple[str, ...]) -> Fact:
    return Fact(name, "known", value)


def quantity(
    name: str, low: float | None, high: float | None, *, low_open: bool = False, high_open: bool = False
) -> Fact:
    return Fact(name, "known", None, low, high, VOCABULARY[name][1], low_open, high_open)


def number(name: str, value: float) -> Fact:
    return quantity(name, value, value)


def conflicting(name: str) -> Fact:
    return Fact(name, "conflicting")


def chart(*changes: Fact, without: Sequence[str] = (), level: str = "T8") -> Facts:
    """The facts of the case, with some changed and some taken away."""
    facts = (
        known("oncology.malignancy_confirmed", True),
        known("spine.lesion_on_imaging", True),
        known("spine.lesion_levels", (level,)),
        known("spine.requested_levels", (level,)),
        number("spine.sins_total", 15),
        known("spine.instability", True),
        known("spine.fracture_pattern", "compression"),
        known("spine.canal_compromise", True),
        known("spine.retropulsion", False),
        known("spine.escc_grade", "2"),
        known("neuro.motor_deficit", True),
        quantity("oncology.expected_survival", 12, None, low_open=True),
        known("oncology.radiosensitive", False),
        known("treatment.nonoperative_failed", True),
    )
    found = {fact.name: fact for fact in (*facts, *changes)}
    return {name: fact for name, fact in found.items() if name not in without}


def item(code: str, sequence: int = 1, description: str = "", body_sites: tuple[str, ...] = ()) -> RequestedItem:
    return RequestedItem(sequence, code, description=description, body_sites=body_sites)


SPINE: Final = load_criteria(
    [file for file in read_policy("criteria") if file.name == "spine-tumor-decompression.yaml"], VOCABULARY
)[0]


def decide(facts: Facts, *items: RequestedItem, diagnoses: Sequence[str] = DIAGNOSES) -> Evaluation:
    return evaluate_case((SPINE,), items or (item("63101"),), diagnoses, "COMPOL", ON, facts)


def nodes(criteria: tuple[Criterion, ...]) -> dict[str, Criterion]:
    found: dict[str, Criterion] = {}
    for criterion in criteria:
        found[criterion.id] = criterion
        found.update(nodes(criterion.children))
    return found


def asked(e: Evaluation) -> set[str]:
    return {fact for missing in e.missing for fact in missing.facts}
