"""How the facts of the vocabulary are said to a reader, as data.

``LABELS`` names each fact; ``PICTURES`` say in which order facts make up the one-line picture of a case. A fact that no
table names is said by its own name, so a new criteria set reads well before anyone writes a line here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.clinical.model import Criterion, Fact, Facts
from shared.clinical.wording import say, say_list

LABELS: Final[Mapping[str, str]] = {
    "spine.requested_levels": "levels requested",
    "spine.lesion_levels": "levels of the lesion",
    "spine.lesion_on_imaging": "tumor lesion or pathologic fracture on CT or MRI",
    "spine.retropulsion": "bone fragments pushed into the spinal canal",
    "spine.canal_compromise": "narrowing of the spinal canal",
    "spine.canal_compromise_percent": "narrowing of the canal, in percent",
    "spine.escc_grade": "grade of epidural spinal cord compression (ESCC)",
    "spine.instability": "spinal instability",
    "spine.sins_total": "Spinal Instability Neoplastic Score (SINS)",
    "spine.height_loss_percent": "loss of vertebral height",
    "spine.fracture_age": "age of the fracture",
    "spine.fusion_levels": "motion segments to be fused",
    "neuro.motor_deficit": "neurological deficit on examination",
    "neuro.deficit_duration": "duration of the neurological deficit",
    "neuro.compressed_structure": "nerve structure compressed",
    "neuro.ambulatory": "ability to walk",
    "pain.score": "pain score (0 to 10)",
    "pain.mechanical": "mechanical pain",
    "pain.worsening": "worsening pain",
    "symptom.progressive": "progressive symptoms",
    "care.inpatient": "inpatient stay",
    "oncology.malignancy_confirmed": "confirmed malignancy",
    "oncology.primary": "primary tumor",
    "oncology.radiosensitive": "radiosensitive tumor",
    "oncology.expected_survival": "expected survival",
    "oncology.systemic_therapy_planned": "planned systemic therapy",
    "oncology.spine_radiation_prior": "earlier radiation to the level",
    "performance.kps": "Karnofsky performance status",
    "performance.ecog": "ECOG performance status",
    "treatment.nonoperative_failed": "non-operative treatment without enough effect",
    "treatment.nonoperative_duration": "duration of non-operative treatment",
    "treatment.physical_therapy_duration": "duration of physical therapy",
    "function.roland_morris": "Roland-Morris score",
    "referral.bone_density": "evaluation of bone density",
    "sleep.ahi": "apnea-hypopnea index",
    "sleep.clinical_evaluation": "clinical evaluation before the sleep test",
    "sleep.study_type": "type of sleep study",
    "body.bmi": "body mass index",
    "obesity.comorbidity": "condition related to obesity",
    "obesity.medical_treatment_failed": "medical treatment of obesity without lasting effect",
    "wound.lower_extremity": "diabetic wound of the leg or foot",
    "wound.wagner_grade": "Wagner grade",
    "wound.standard_care_duration": "duration of standard wound care",
    "wound.healing_measurable": "measurable healing under standard care",
    "oxygen.pao2_rest": "PaO2 at rest",
    "oxygen.pao2_asleep": "PaO2 asleep",
    "oxygen.pao2_exercise": "PaO2 on exercise",
    "oxygen.sao2_rest": "oxygen saturation at rest",
    "oxygen.sao2_asleep": "oxygen saturation asleep",
    "oxygen.sao2_exercise": "oxygen saturation on exercise",
    "hearing.bilateral_sensorineural": "bilateral sensorineural hearing loss",
    "hearing.aided_sentence_score": "best-aided sentence score",
}


def label(name: str) -> str:
    """A fact's name for people: from the table, else the words of the name."""
    return LABELS.get(name) or name.rpartition(".")[2].replace("_", " ")


def phrase(fact: Fact) -> str:
    """A fact and its value: ``spinal instability: yes``, ``expected survival: more than 6 months``."""
    if fact.status == "conflicting":
        return f"{label(fact.name)}: the sources disagree"
    if fact.status == "unknown":
        return f"{label(fact.name)}: not documented"
    if isinstance(fact.value, bool):
        return f"{label(fact.name)}: {'yes' if fact.value else 'no'}"
    return f"{label(fact.name)}: {say(fact) or 'none'}"


def phrases(names: Iterable[str], facts: Facts) -> str:
    """The known facts among the names, joined by semicolons."""
    return "; ".join(phrase(f) for name in names if (f := facts.get(name)) is not None and f.status == "known")


def carrying(criterion: Criterion) -> tuple[str, ...]:
    """The facts by which an evaluated criterion came out as it did: those of the children that share its outcome."""
    if not criterion.children:
        return criterion.facts
    shared = [name for child in criterion.children if child.outcome == criterion.outcome for name in carrying(child)]
    return tuple(dict.fromkeys(shared)) or criterion.facts


@dataclass(frozen=True, slots=True)
class _Said:
    """A fact as a fragment of a sentence: by its value (``yes``/``no`` for a boolean), or with ``{}`` for any value."""

    fact: str
    words: Mapping[str, str] = field(default_factory=dict)
    pattern: str | None = None

    def fill(self, facts: Facts) -> str | None:
        fact = facts.get(self.fact)
        if fact is None or fact.status != "known":
            return None
        if isinstance(fact.value, bool):
            return self.words.get("yes" if fact.value else "no")
        said = say(fact)
        if isinstance(fact.value, str) and fact.value in self.words:
            return self.words[fact.value]
        return self.pattern.format(said) if said and self.pattern is not None else None


_Choice = tuple[_Said, ...]
"""The first of them that the chart decides is said."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """A finding with its cause and place, then details as a list."""

    cause: _Choice
    finding: _Choice
    place: _Choice
    details: tuple[_Choice, ...]


_SPINE: Final = _Picture(
    cause=(
        _Said(
            "spine.fracture_cause",
            {"malignancy": "pathologic", "osteoporosis": "osteoporotic", "trauma": "traumatic"},
        ),
    ),
    finding=(
        _Said("spine.fracture_pattern", {"burst": "burst fracture", "compression": "compression fracture"}),
        _Said("spine.fracture_cause", {"malignancy": "fracture", "osteoporosis": "fracture", "trauma": "fracture"}),
        _Said("spine.lesion_on_imaging", {"yes": "tumor lesion"}),
    ),
    place=(_Said("spine.lesion_levels", pattern="{}"), _Said("spine.requested_levels", pattern="{}")),
    details=(
        (_Said("spine.instability", {"yes": "spinal instability"}), _Said("spine.sins_total", pattern="a SINS of {}")),
        (
            _Said("spine.canal_compromise_percent", pattern="a canal narrowed by {}"),
            _Said("spine.canal_compromise", {"yes": "a narrowed canal"}),
        ),
        (_Said("spine.retropulsion", {"yes": "retropulsed bone"}),),
        (_Said("neuro.motor_deficit", {"yes": "a neurological deficit", "no": "no neurological deficit"}),),
        (
            _Said("pain.mechanical", {"yes": "mechanical pain"}),
            _Said("pain.score", pattern="pain of {} on a scale of 10"),
        ),
    ),
)
_CANCER: Final = _Said("oncology.primary", {"unknown_primary": "cancer of unknown primary"}, "{} cancer")
_TUMOR_NOUNS: Final = frozenset({"melanoma", "sarcoma", "myeloma", "lymphoma"})

MOST_FACTS: Final = 6
"""How many facts a picture lists for a case that no table pictures."""


def picture(facts: Facts, used: Iterable[str]) -> str:
    """The case in one line, from what the chart says and nothing else; empty where it says nothing of use.

    ``used`` are the facts that carried the conclusion, for cases that no table pictures.
    """
    finding = _first(_SPINE.finding, facts)
    if finding is None:
        known = [f for name in used if (f := facts.get(name)) is not None and f.status == "known"]
        return "; ".join(phrase(fact) for fact in known[:MOST_FACTS])
    text = " ".join(filter(None, (_first(_SPINE.cause, facts), finding)))
    text = f"{'an' if text[0] in 'aeiou' else 'a'} {text}"
    place = _first(_SPINE.place, facts)
    if place:
        text += f" at {place}"
    origin = _origin(facts)
    if origin:
        text += f" from {origin}"
    details = tuple(said for choice in _SPINE.details if (said := _first(choice, facts)))
    return f"{text} with {say_list(details)}" if details else text


def _first(choice: _Choice, facts: Facts) -> str | None:
    return next((said for option in choice if (said := option.fill(facts)) is not None), None)


def _origin(facts: Facts) -> str | None:
    """Where the tumor comes from; said only where the chart confirms that there is one."""
    confirmed, primary = facts.get("oncology.malignancy_confirmed"), facts.get("oncology.primary")
    if confirmed is None or confirmed.status != "known" or confirmed.value is not True:
        return None
    if primary is None or primary.status != "known" or primary.value == "other":
        return "a confirmed malignancy"
    if primary.value in _TUMOR_NOUNS:
        return str(primary.value)
    return _CANCER.fill(facts)
