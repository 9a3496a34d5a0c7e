"""Spine tumor requests by the thousand: coded or in prose, meant to end in a given outcome, distinct by seed."""

import random
from collections.abc import Mapping
from typing import Any, Literal

from tests.support.requests import FactValue, Note, Service, make_request

SPINE_SERVICES = ("63087", "22556", "22610", "22842", "63046")
SPINE_DIAGNOSES = ("M84.58XA", "C79.51")


def spine_facts(seed: int = 0) -> dict[str, FactValue]:
    """Coded facts of a thoracic tumor that meet every criterion; level and numbers differ by seed."""
    pick = random.Random(seed)
    level = f"T{pick.randint(8, 11)}"
    return {
        "oncology.malignancy_confirmed": True,
        "oncology.primary": pick.choice(("breast", "kidney", "thyroid", "colorectal")),
        "oncology.expected_survival": (float(pick.randint(6, 24)), "mo"),
        "spine.lesion_on_imaging": True,
        "spine.lesion_levels": [level],
        "spine.requested_levels": [level],
        "spine.fracture_pattern": "burst",
        "spine.fracture_cause": "malignancy",
        "spine.sins_total": float(pick.randint(13, 17)),
        "spine.instability": True,
        "spine.retropulsion": True,
        "spine.canal_compromise": True,
        "neuro.motor_deficit": True,
        "neuro.compressed_structure": ["cord"],
        "pain.worsening": True,
        "treatment.nonoperative_failed": True,
    }


def spine_request(
    seed: int = 0,
    outcome: Literal["approved", "information_requested", "clinical_review"] = "approved",
    *,
    with_note: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """A thoracic tumor request that is meant to end in ``outcome``, told in coded facts or, ``with_note``, in prose."""
    facts = spine_facts(seed)
    if outcome == "information_requested":
        del facts["oncology.expected_survival"]
    elif outcome == "clinical_review":
        facts["oncology.expected_survival"] = (1.0, "mo")
    chart = {"notes": [spine_note(facts, seed)]} if with_note else {"facts": facts}
    sites = tuple(facts["spine.requested_levels"]) if isinstance(facts["spine.requested_levels"], list) else ()
    services = [Service(code, f"{code} at {sites[0]}", sites) for code in SPINE_SERVICES]
    return make_request(seed, **{"services": services, "diagnoses": SPINE_DIAGNOSES, **chart, **options})


def spine_note(facts: Mapping[str, FactValue], seed: int = 0) -> Note:
    """The facts of ``spine_facts`` as a surgeon would dictate them."""
    pick = random.Random(seed ^ 0x5EED)
    levels = facts["spine.lesion_levels"]
    level = levels[0] if isinstance(levels, list) else ""
    weeks, percent, kps = pick.randint(4, 12), pick.randrange(30, 70, 5), pick.randrange(60, 90, 10)
    survival = facts.get("oncology.expected_survival")
    months = f"{survival[0]:g}" if isinstance(survival, tuple) else ""
    prognosis = f"Tumor board: expected survival {months} months." if months else "Tumor board discussion is pending."
    return Note(
        f"SPINE SURGERY CONSULTATION {seed}\n\n"
        f"HISTORY:\n{weeks} weeks of worsening midback pain, worse on standing, relieved by lying down. Physical therapy and "
        f"a brace for {weeks} weeks gave no relief. Known metastatic {facts['oncology.primary']} cancer.\n\n"
        f"IMAGING:\nMRI thoracic spine: pathologic burst fracture of {level} due to metastasis. Retropulsed bone narrows the "
        f"spinal canal by {percent}% and compresses the cord at {level}.\n\n"
        f"PATHOLOGY:\nBiopsy of {level}: metastatic {facts['oncology.primary']} carcinoma.\n\n"
        f"EXAM:\nHip flexion 3/5 on the left. KPS {kps}.\n\n"
        f"ASSESSMENT:\nUnstable {level} burst fracture, SINS {facts['spine.sins_total']:g}. {prognosis}\n\n"
        f"PLAN:\n{level} corpectomy with instrumented fusion above and below.\n"
    )
