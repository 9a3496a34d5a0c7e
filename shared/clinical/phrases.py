"""How the facts of the vocabulary are said to a reader, as data.

``LABELS`` names each fact. A fact that no table names is said by its own name, so a new criteria set reads well before
anyone writes a line here.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from shared.clinical.model import Criterion, Fact, Facts
from shared.clinical.wording import say

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
    "oxygen.cor_pulmonale": "pulmonary hypertension or cor pulmonale",
    "oxygen.edema_heart_failure": "edema that suggests heart failure",
    "sleep.recording_time": "recording time of the sleep test",
    "sleep.events": "apneas and hypopneas recorded",
    "sleep.channels": "channels of the sleep test",
    "symptom.daytime_sleepiness": "sleepiness by day",
    "spine.fusion_indication": "reason for the fusion",
    "hearing.bilateral_sensorineural": "bilateral sensorineural hearing loss",
    "hearing.aided_sentence_score": "best-aided sentence score",
    "hearing.middle_ear_infection": "infection of the middle ear",
    "hearing.cochlear_lumen_suitable": "cochlea that can take the electrode",
    "hearing.retrocochlear_lesion": "lesion of the hearing nerve or the central paths",
    "hearing.able_and_willing": "able and willing to take part in rehabilitation",
    "surgery.contraindication": "contraindication to surgery",
    "device.labelled_use": "use of the device as its labelling says",
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
