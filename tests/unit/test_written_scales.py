"""Numbers that stand in a form's printed scale, hundreds in words, and short words that deny or head nothing."""

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.clinical.model import Document
from tests.support.labels import as_label


@pytest.mark.parametrize(
    ("text", "fact", "label"),
    [
        # Brackets mark one number of the scale; a scale without a mark is no score.
        ("Back pain. Rate your pain today 0 1 2 3 4 5 6 [7] 8 9 10", "pain.score", [7, 7]),
        ("Back pain. Pain now: 0  1  2  (3)  4  5  6  7  8  9  10", "pain.score", [3, 3]),
        ("Back pain. Pain now: 0 1 2 3 4 5 6 7 8 9 [10]", "pain.score", [10, 10]),
        ("Back pain. Rate your pain today 0 1 2 3 4 5 6 7 8 9 10", "pain.score", None),
        ("Back pain. Pain today 0 1 2 3 [4] [5] 6 7 8 9 10", "pain.score", None),
        # Hundreds in words.
        ("L2 compression fracture, two hundred and ten days old.", "spine.fracture_age", [210, 210]),
        ("L2 compression fracture, one hundred days old.", "spine.fracture_age", [100, 100]),
        # "Overnight" is no answer of a form.
        ("T11 metastasis. Legs weaker o/n.", "symptom.progressive", True),
        # A short word alone on its line is a heading.
        ("Rec\n - T6 corpectomy\n - T5-T7 fusion", "spine.fusion_levels", [2, 2]),
        # A unit of radiation in full.
        (
            "L3 myeloma. In January he had 8 gray to L3. Kyphoplasty of L3 is requested.",
            "oncology.spine_radiation_prior",
            True,
        ),
    ],
)
def test_what_is_written_is_read(text: str, fact: str, label: object, lexicon: Lexicon) -> None:
    found = extract([Document("sha256:0", text)], [], lexicon).get(fact)
    assert as_label(found) == label
