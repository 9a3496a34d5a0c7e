"""Serial measurements of a wound: which tables show that it became smaller, and which show nothing."""

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.extract.identity import foreign
from services.criteria_evaluation.domain.extract.measured import measured
from services.criteria_evaluation.policy import load_policy
from shared.clinical.model import Document

COLUMNS = "Date      Length   Width   Depth\n02/02     {}\n03/16     {}\n"


@pytest.mark.parametrize(
    ("text", "healing"),
    [
        (COLUMNS.format("4.0   2.5   2.0", "4.0   2.5   0.9"), [True]),
        (COLUMNS.format("4.0   2.5   2.0", "4.0   2.6   2.0"), [False]),
        (COLUMNS.format("4.0   2.5   2.0", "6.0   4.5   0.9"), []),
        (COLUMNS.format("4.0   2.5   1.0", "4.0   2.5   0.95"), []),
        ("11/24     6.8 cm2\n12/15     5.9 cm2\n01/26     3.9 cm2\n", [True]),
        ("2/24/26   2.0 x 2.0 x 0.5\n1/2/26   3.0 x 2.0 x 0.9\n", [True]),
        ("WOUND     1/2/26     2/24/26\nDepth     2.0 cm     0.9 cm\n", [True]),
        ("WOUND     1/2/26     2/24/26\nLength x width     2 x 2 cm     2 x 2.1 cm\n", [False]),
        ("2/24   2.0 x 2.0\n1/2   3.0 x 2.0\n3/4   1.0 x 1.0\n", []),
        ("01/02     glucose 140\n02/02     glucose 120\n", []),
        ("Date      A1c     Weight\n01/02     9.0     120\n02/02     8.0     110\n", []),
        ("", []),
    ],
)
def test_the_first_measurement_is_held_against_the_last(text: str, healing: list[bool]) -> None:
    assert [series.healing for series in measured(text)] == healing


def test_a_notice_that_names_another_patient_is_no_page_of_his() -> None:
    text = "DOB 02/11/1950\n\nThe 03/18 sheet belongs to W. H. DOB 09/30/1957.\n\nEars: no infection."
    assert not any(start <= text.index("Ears") < end for start, end in foreign(text))


def test_a_sheet_that_a_notice_gives_to_another_is_not_read() -> None:
    text = "DOB 02/11/1950\nAzBio 41%, dated 03/18/2026.\nThe 3/18 score sheet belongs to another man."
    assert any(start <= text.index("41%") < end for start, end in foreign(text))


def test_a_wound_on_another_patients_page_is_not_measured() -> None:
    text = "DOB 02/11/1950. Diabetic foot ulcer.\n\nDOB 03/12/1961\n3/11 2.6 x 1.9\n4/15 2.6 x 1.9\n"
    assert "wound.healing_measurable" not in extract([Document("d", text)], (), load_policy().lexicon)
