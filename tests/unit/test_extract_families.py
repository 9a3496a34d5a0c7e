"""Short statements of each family of facts, and the traps beside them."""

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.policy import load_policy
from shared.clinical.model import Document
from tests.support.labels import agree, as_label

LEXICON = load_policy().lexicon


@pytest.mark.parametrize(
    ("text", "fact", "label"),
    [
        ("Home sleep apnea test (type III device): AHI 22/hr.", "sleep.study_type", "home_type_3"),
        ("Home sleep apnea test (type III device): AHI 22/hr.", "condition.osa", None),
        ("AHI 9.2 events/hour on PSG; titration AHI 2.1.", "sleep.ahi", [9.2, 9.2]),
        ("PSG: 21 obstructive apneas and 70 hypopneas.", "sleep.recording_time", None),
        ("Seen in clinic for evaluation of snoring before the sleep study.", "sleep.clinical_evaluation", True),
        ("Sleep clinic: evaluation of possible obstructive sleep apnea.", "condition.osa", None),
        ("No sleep apnea.", "condition.osa", False),
        ("She is not sleepy during the day. Sleep study done.", "symptom.daytime_sleepiness", False),
        ("Severe pulmonary hypertension.", "condition.hypertension", None),
        ("Severe pulmonary hypertension.", "oxygen.cor_pulmonale", True),
        ("Hypertension has never been diagnosed.", "condition.hypertension", False),
        ("Mom: hypertension, dad: CABG at 50.", "condition.ischemic_heart_disease", None),
        ("SpO2 91% on 3 L NC at rest.", "oxygen.sao2_rest", None),
        ("Room air sat at rest 93%, dropped to 87% walking.", "oxygen.sao2_rest", [93, 93]),
        ("Room air sat at rest 93%, dropped to 87% walking.", "oxygen.sao2_exercise", [87, 87]),
        ("Medicare qualifies if SpO2 <= 88% on room air at rest.", "oxygen.sao2_rest", None),
        ("ABG on room air at rest: PaO2 7.2 kPa (ref 11.0-14.0).", "oxygen.pao2_rest", [54, 54]),
        ("Haematocrit 0.58 L/L", "lab.hematocrit", [58, 58]),
        ("No ankle edema and no heart failure.", "oxygen.edema_heart_failure", False),
        ("Ht 5'6\" Wt 262 lb.", "body.bmi", [42.3, 42.3]),
        ("Height (m)   1.84\nWeight (kg)   152.5", "body.bmi", [45.04, 45.04]),
        ("Goal BMI 25. BMI today 41.", "body.bmi", [41, 41]),
        ("Diets tried with weight regain each time.", "obesity.medical_treatment_failed", True),
        ("Diabetic ulcer of the left heel, Wagner grade III.", "wound.wagner_grade", [3, 3]),
        ("Diabetic ulcer of the left heel, Wagner grade III.", "wound.lower_extremity", True),
        ("Stage 4 sacral decubitus ulcer in a diabetic patient.", "wound.lower_extremity", False),
        (
            "Over 34 days of standard wound care the wound showed no measurable healing.",
            "wound.standard_care_duration",
            [34, 34],
        ),
        (
            "Over 34 days of standard wound care the wound showed no measurable healing.",
            "wound.healing_measurable",
            False,
        ),
        ("AzBio 45% in the best-aided condition; CNC 20%.", "hearing.aided_sentence_score", [45, 45]),
        ("AzBio in +5 dB babble 11%.", "hearing.aided_sentence_score", None),
        ("MRI excludes any retrocochlear pathology; hearing tested.", "hearing.retrocochlear_lesion", False),
        ("Hearing: cognition intact. CT: cochleas patent.", "hearing.able_and_willing", None),
        ("The implant will be off-label; hearing loss since birth.", "device.labelled_use", False),
    ],
)
def test_a_statement_is_read_as_an_expert_reads_it(text: str, fact: str, label: object) -> None:
    found = as_label(extract([Document("sha256:0", text)], [], LEXICON).get(fact))
    assert agree(found, label), found
