"""The determinations in tests/cases/determinations, one of each criteria set: what a reader would get, to be read by people.

``python -m tests.support.determinations`` writes them anew; a change of them shows in review what a change of policy says.
"""

import datetime as dt
from pathlib import Path
from typing import Final

from services.cli.offline import document_of, read_file
from services.criteria_evaluation.policy import load_policy
from shared.clinical.evidence import load_evidence
from shared.policy import read_policy
from tests.support.explain import CASE, ROOT

FOLDER: Final = ROOT / "tests/cases/determinations"
_REQUESTS: Final = ROOT / "tests/cases/requests"
SECTIONS: Final = (
    "INDICATIONS MET",
    "WHY THIS IS THE STANDARD OF CARE",
    "REQUESTED PROCEDURES",
    "PUBLISHED OUTCOMES",
    "ALTERNATIVES CONSIDERED",
    "TIMING",
    "CAUTIONS",
    "REASONS",
    "CRITERIA SET",
    "REVIEWER",
    "RIGHTS",
    "BIBLIOGRAPHY",
)
"""The sections of an approval, in order."""
_ON: Final = dt.date(2026, 11, 25)
REQUESTS: Final[dict[str, Path]] = {
    "spine-tumor-decompression": CASE,
    "cpap-osa": _REQUESTS / "cpap-mild-with-sleepiness.json",
    "home-oxygen": _REQUESTS / "oxygen-copd-at-rest.json",
    "bariatric-surgery": _REQUESTS / "bariatric-gastric-bypass.json",
    "hyperbaric-oxygen-diabetic-wound": _REQUESTS / "hyperbaric-plantar-ulcer.json",
    "cochlear-implantation": _REQUESTS / "cochlear-adult.json",
    "vertebral-augmentation": _REQUESTS / "augmentation-osteoporotic-l1.json",
    "lumbar-fusion": _REQUESTS / "fusion-unstable-slip.json",
}
"""A request of each set that is approved."""


def determinations() -> dict[str, str]:
    """The text of each set's determination, as ``priorauth determine`` prints it."""
    policy, library = load_policy(), load_evidence(read_policy("evidence"))
    documents = {name: document_of(read_file(path, [], _ON), policy, library) for name, path in REQUESTS.items()}
    return {name: str(document["text"]) for name, document in documents.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for set_id, said in determinations().items():
        (FOLDER / f"{set_id}.txt").write_text(said, encoding="utf-8")
