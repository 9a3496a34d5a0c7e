"""Requests with charts for the coverage sets, and what each must come to. ``python -m tests.support.request_cases`` writes them.

The charts are files of their own in ``tests/cases/requests/notes``, in the styles and formats that offices send. Nobody in
them exists. A test holds the Bundles beside them to this table.
"""

from pathlib import Path
from typing import Any, Final

from tests.support.request_case import FOLDER, Attached, Measured, RequestCase, build, device, operation, text_of
from tests.support.requests import HCPCS, Service

_FIRST_SEED: Final = 900

CASES: Final = (
    RequestCase(
        name="cpap-mild-with-sleepiness",
        set_id="cpap-osa",
        outcome="approved",
        born="1977-02-09",
        gender="male",
        created="2026-05-12",
        services=(
            device("E0601", "Positive airway pressure device"),
            device("E0562", "Heated humidifier"),
            device("A7034", "Nasal interface"),
        ),
        diagnoses=("G47.33",),
        notes=(
            Attached("visit.txt", "Office visit", "11506-3", "2026-04-14"),
            Attached("test.txt", "Home sleep apnea test", "28633-6", "2026-05-06"),
        ),
        measured=(Measured("90566-1", "Apnea hypopnea index 24 hour", 11.2, "/h", "2026-05-06"),),
    ),
    RequestCase(
        name="cpap-index-not-stated",
        set_id="cpap-osa",
        outcome="information_requested",
        born="1969-01-17",
        gender="female",
        created="2026-05-22",
        services=(device("E0601", "Positive airway pressure device"), device("E0562", "Heated humidifier")),
        diagnoses=("G47.33", "I10"),
        notes=(Attached("letter.txt", "Letter of medical necessity", "52034-6", "2026-05-21"),),
        asks=("sleep.ahi",),
    ),
    RequestCase(
        name="oxygen-copd-at-rest",
        set_id="home-oxygen",
        outcome="approved",
        born="1955-03-30",
        gender="female",
        created="2026-08-13",
        services=(
            device("E1390", "Oxygen concentrator"),
            device("E0431", "Portable gaseous oxygen system"),
        ),
        diagnoses=("J44.9", "J96.11"),
        notes=(
            Attached("letter.txt", "Pulmonary clinic visit", "11506-3", "2026-08-11"),
            Attached("walk.html", "Walk oximetry", "11525-3", "2026-08-11"),
        ),
        measured=(
            Measured("59417-6", "Oxygen saturation by pulse oximetry at rest", 86, "%", "2026-08-11"),
            Measured("4544-3", "Hematocrit", 51.2, "%", "2026-08-11"),
        ),
    ),
    RequestCase(
        name="oxygen-only-on-cannula",
        set_id="home-oxygen",
        outcome="information_requested",
        born="1960-07-04",
        gender="male",
        created="2026-09-01",
        services=(device("E1390", "Oxygen concentrator"),),
        diagnoses=("J44.1",),
        notes=(Attached("summary.xml", "Discharge summary", "18842-5", "2026-08-31"),),
        asks=("oxygen.sao2_rest",),
    ),
    RequestCase(
        name="bariatric-gastric-bypass",
        set_id="bariatric-surgery",
        outcome="approved",
        born="1985-04-21",
        gender="female",
        created="2026-06-25",
        services=(operation("43644", "Laparoscopic gastric bypass"),),
        diagnoses=("E66.01", "Z68.41", "E11.9"),
        notes=(
            Attached("consult.txt", "Bariatric surgery consultation", "11488-4", "2026-06-09"),
            Attached("dietitian.txt", "Nutrition visit", "34818-5", "2026-06-23"),
        ),
        measured=(
            Measured("39156-5", "Body mass index", 44.4, "kg/m2", "2026-06-09"),
            Measured("4548-4", "Hemoglobin A1c", 8.4, "%", "2026-05-28"),
        ),
        conditions=("E11.9", "E78.5"),
    ),
    RequestCase(
        name="bariatric-index-under-35",
        set_id="bariatric-surgery",
        outcome="clinical_review",
        born="1990-06-12",
        gender="female",
        created="2026-07-16",
        services=(operation("43775", "Laparoscopic sleeve gastrectomy"),),
        diagnoses=("E66.811", "Z68.33", "I10"),
        notes=(Attached("clinic.txt", "Surgical weight loss clinic", "11506-3", "2026-07-15"),),
        measured=(
            Measured("8302-2", "Body height", 66, "[in_i]", "2026-07-15"),
            Measured("29463-7", "Body weight", 208, "[lb_av]", "2026-07-15"),
        ),
        because=("body-mass-index", "procedures-fit"),
    ),
    RequestCase(
        name="hyperbaric-plantar-ulcer",
        set_id="hyperbaric-oxygen-diabetic-wound",
        outcome="approved",
        born="1968-01-28",
        gender="male",
        created="2026-09-24",
        services=(
            Service("G0277", "Hyperbaric oxygen, 30 minutes", system=HCPCS, category="1", place="22", quantity=120),
            Service("99183", "Supervision of hyperbaric oxygen", category="1", place="22", quantity=30),
        ),
        diagnoses=("E11.621", "L97.524", "E11.69"),
        notes=(
            Attached("visit.txt", "Wound center visit", "11506-3", "2026-09-22"),
            Attached("mri.txt", "MRI of the foot", "18748-4", "2026-09-17"),
        ),
        conditions=("E11.621",),
    ),
    RequestCase(
        name="hyperbaric-wound-is-healing",
        set_id="hyperbaric-oxygen-diabetic-wound",
        outcome="clinical_review",
        born="1963-03-03",
        gender="female",
        created="2026-10-07",
        services=(Service("99183", "Supervision of hyperbaric oxygen", category="1", place="22", quantity=30),),
        diagnoses=("E11.621", "L97.414"),
        notes=(Attached("podiatry.txt", "Podiatry clinic note", "11506-3", "2026-10-06"),),
        because=("standard-care",),
    ),
    RequestCase(
        name="cochlear-adult",
        set_id="cochlear-implantation",
        outcome="approved",
        born="1962-02-14",
        gender="male",
        created="2026-06-22",
        services=(
            operation("69930", "Cochlear device implantation, right", place="22"),
            Service("L8614", "Cochlear device", system=HCPCS, category="12", place="22"),
        ),
        diagnoses=("H90.3",),
        notes=(
            Attached("audiology.txt", "Cochlear implant evaluation", "28615-3", "2026-05-28"),
            Attached("otology.rtf", "Otology clinic visit", "11506-3", "2026-06-18"),
        ),
    ),
    RequestCase(
        name="cochlear-imaging-pending",
        set_id="cochlear-implantation",
        outcome="information_requested",
        born="1954-05-08",
        gender="female",
        created="2026-08-04",
        services=(
            operation("69930", "Cochlear device implantation, left", place="22"),
            Service("L8614", "Cochlear device", system=HCPCS, category="12", place="22"),
        ),
        diagnoses=("H90.3",),
        notes=(Attached("workup.txt", "Cochlear implant work-up", "11506-3", "2026-08-03"),),
        asks=("hearing.cochlear_lumen_suitable", "hearing.retrocochlear_lesion"),
    ),
    RequestCase(
        name="augmentation-osteoporotic-l1",
        set_id="vertebral-augmentation",
        outcome="approved",
        born="1947-01-11",
        gender="female",
        created="2026-07-08",
        services=(operation("22514", "Vertebral augmentation, lumbar", "L1", place="22"),),
        diagnoses=("M80.08XA",),
        notes=(Attached("visit.txt", "Pain clinic visit", "11506-3", "2026-07-07"),),
        measured=(Measured("72514-3", "Pain severity", 7, "{score}", "2026-07-07"),),
    ),
    RequestCase(
        name="augmentation-retropulsed-fragment",
        set_id="vertebral-augmentation",
        outcome="clinical_review",
        born="1945-05-19",
        gender="male",
        created="2026-08-20",
        services=(operation("22513", "Vertebral augmentation, thoracic", "T12"),),
        diagnoses=("M80.08XA",),
        notes=(Attached("consult.txt", "Neurointerventional consult", "11488-4", "2026-08-19"),),
        because=("refer-retropulsion",),
    ),
    RequestCase(
        name="fusion-unstable-slip",
        set_id="lumbar-fusion",
        outcome="approved",
        born="1967-03-25",
        gender="male",
        created="2026-06-04",
        services=(
            operation("22633", "Interbody fusion L4-L5", "L4", "L5"),
            operation("22840", "Posterior instrumentation L4-L5", "L4", "L5"),
            operation("22853", "Interbody device L4-L5", "L4", "L5"),
        ),
        diagnoses=("M43.16", "M48.061"),
        notes=(Attached("clinic.txt", "Spine surgery clinic", "11488-4", "2026-06-02"),),
        line_of_business="HMO",
    ),
    RequestCase(
        name="fusion-care-of-unknown-length",
        set_id="lumbar-fusion",
        outcome="information_requested",
        born="1972-02-02",
        gender="female",
        created="2026-05-12",
        services=(
            operation("22633", "Interbody fusion L5-S1", "L5", "S1"),
            operation("22840", "Posterior instrumentation L5-S1", "L5", "S1"),
        ),
        diagnoses=("M47.817",),
        notes=(Attached("new-patient.txt", "Orthopaedic spine, new patient", "11488-4", "2026-05-11"),),
        asks=("treatment.nonoperative_duration",),
        line_of_business="HMO",
    ),
    RequestCase(
        name="fusion-two-degenerative-levels",
        set_id="lumbar-fusion",
        outcome="clinical_review",
        born="1960-01-30",
        gender="male",
        created="2026-04-29",
        services=(
            operation("22612", "Posterolateral fusion L3-L4", "L3", "L4"),
            operation("22614", "Posterolateral fusion, further level", "L4", "L5"),
            operation("22842", "Posterior instrumentation L3-L5", "L3", "L4", "L5"),
        ),
        diagnoses=("M48.061",),
        notes=(Attached("dictation.txt", "Neurosurgery dictation", "11488-4", "2026-04-28"),),
        because=("levels",),
        line_of_business="HMO",
    ),
)


def file_of(case: RequestCase) -> Path:
    return FOLDER / f"{case.name}.json"


def bundle_of(case: RequestCase) -> dict[str, Any]:
    return build(case, _FIRST_SEED + CASES.index(case))


def main() -> None:
    for case in CASES:
        file_of(case).write_text(text_of(bundle_of(case)), encoding="utf-8")


if __name__ == "__main__":
    main()
