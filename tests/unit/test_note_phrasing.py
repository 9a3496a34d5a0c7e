"""Ways in which charts write a statement, each a class of phrasing: who is meant, what is denied, what is only listed."""

import datetime as dt

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.extract.tokens import note_date
from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.clinical.model import Document
from tests.support.labels import as_label


@pytest.mark.parametrize(
    ("text", "fact", "label"),
    [
        # A denial that shares a word with the statement denies it.
        ("She has not had radiation to the spine.", "oncology.spine_radiation_prior", False),
        # A denial ends where the next one begins.
        ("Hearing. Otoscopy: both ears clear; no effusion, no infection.", "hearing.middle_ear_infection", False),
        ("No daytime sleepiness, no insomnia, no depression, no cognitive complaints.", "symptom.mood_disorder", False),
        # A relative's story goes on after "who", and within the words that name him.
        ("His brother, who has emphysema, had a saturation of 84% on room air at rest.", "oxygen.sao2_rest", None),
        ("Her husband (BMI 47) had surgery here.", "body.bmi", None),
        ("He and his daughter commit to weekly auditory training. Hearing loss, cognition intact.",
         "hearing.able_and_willing", True),
        # A bound that is denied states nothing, a number beside a denial stands.
        ("FINDINGS: T12 tumor, no CSF seen around the cord: Bilsky 3.", "spine.escc_grade", "3"),
        ("FINDINGS: no height loss greater than 25%.", "spine.height_loss_percent", None),
        # Abbreviations of a word.
        ("Lumbar spine. Walks hall w/o device.", "neuro.ambulatory", "independent"),
        ("PMH: Ø DM.", "condition.diabetes", False),
        # Scores whose parts are only listed.
        ("SINS (mine): 2+3+2+0+2+1 = 10.", "spine.sins_total", [10, 10]),
        ("SINS (mine): 2+3+2+0+2+1 = 10.", "spine.sins.lesion", [2, 2]),
        ("SINS 13 (location 2, pain 3, lesion 2, alignment 2, collapse 3, posterolateral 1)", "spine.sins_total", [13, 13]),
        ("EXAM: LLE: HF 4-, KE 4, DF 3", "neuro.motor_deficit", True),
        # Parts of a whole in words.
        ("FINDINGS: The vertebral body has lost half of its height.", "spine.height_loss_percent", [50, 50]),
        # A form's answers, set apart by blanks or followed by a remark.
        ("Sleepy in daytime  NO   (ESS 2)          Stroke or mini-stroke  NO", "condition.stroke", False),
        ("PAST MEDICAL HISTORY\n  Hypertension: denies (BP today 122/76)", "condition.hypertension", False),
        # The month of May is no doubt.
        ("Back pain. Between November and May he finished 14 weeks of physical therapy.",
         "treatment.physical_therapy_duration", [14, 14]),
        # How often is not how long.
        ("Back pain. Physical therapy twice a week for ten weeks.", "treatment.physical_therapy_duration", [10, 10]),
        # An index of a position is not the whole night's.
        ("Sleep study. By position: supine 14 min of TST, 4 events, AHI 17.1; lateral AHI 3.4.", "sleep.ahi", None),
        ("Sleep study. REI 7.5/h, supine REI 19.8.", "sleep.ahi", [7.5, 7.5]),
        # What is entered in error, or of another day, counts for nothing.
        ("The problem list (stroke) was entered in error by the clerk.", "condition.stroke", None),
        ("The only figure is in a scanned 2023 discharge paper, SpO2 84% on room air at rest.", "oxygen.sao2_rest", None),
        # An addendum may put one level in the place of another.
        ("CT: lytic lesion T9.\n\nADDENDUM 11/20/2026\nOn recount the lytic lesion is at T10, not T9.",
         "spine.lesion_levels", ["T10"]),
        # The indication in a surgeon's plan is the patient's disease.
        ("SURGICAL PLAN  Surgeon: Dr. A\n\nIndication: adult scoliosis with sagittal imbalance.\n\nPlan: T10-S1 fusion",
         "spine.fusion_indication", ["deformity"]),
        ("MRI LUMBAR SPINE\nINDICATION: Suspected cord compression with leg weakness.\nFINDINGS: Normal cord.",
         "neuro.motor_deficit", None),
        # The subject of a letter is its first paragraph.
        ("Subject: L3 corpectomy with L2-L4 fusion\n\nDear Doctor,\n\nHer pain is 8/10.", "spine.fusion_levels", [2, 2]),
        # Screening scores are findings.
        ("Hearing. MoCA 28/30.", "symptom.impaired_cognition", False),
    ],
)  # fmt: skip
def test_a_class_of_phrasing(lexicon: Lexicon, text: str, fact: str, label: object) -> None:
    facts = extract([Document("note", text, date=dt.date(2026, 7, 20))], [], lexicon)
    assert as_label(facts.get(fact)) == label


def test_a_flow_sheet_is_of_its_last_day() -> None:
    sheet = "FLOW SHEET\nDate       Size\n07/27/26   3.1 x 2.4\n08/10/26   3.1 x 2.5\n09/28/26   3.4 x 2.6\n"
    assert note_date(sheet) == dt.date(2026, 9, 28)


def test_a_date_in_a_column_of_its_own_is_the_notes() -> None:
    assert note_date("HBO INTAKE (same-day add-on)      02/25/2026\nPresented 2/4/2026 to ED.") == dt.date(2026, 2, 25)


def test_a_discharge_summary_is_of_the_day_of_discharge() -> None:
    assert note_date("DISCHARGE SUMMARY\nAdm 6/22/2026 - D/C 6/29/2026") == dt.date(2026, 6, 29)


def test_a_row_of_a_flow_sheet_is_of_its_own_day(lexicon: Lexicon) -> None:
    sheet = (
        "WOUND FLOW SHEET\n\n"
        "Date       Area     Notes\n"
        "07/27/26   7.44     Initial. Wagner 2.\n"
        "08/10/26   7.75     Contact cast.\n"
        "09/03/26   8.58     Regraded Wagner 3.\n"
    )
    facts = extract([Document("note", sheet)], [], lexicon)
    assert as_label(facts.get("wound.wagner_grade")) == [3, 3]
