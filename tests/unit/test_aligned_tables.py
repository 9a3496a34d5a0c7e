"""Tables whose columns are set apart by spaces."""

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.extract.aligned import aligned_rows
from services.criteria_evaluation.policy import load_policy
from shared.clinical.model import Document
from tests.support.labels import as_label

LEXICON = load_policy().lexicon
SPLIT_NIGHT = """\
POLYSOMNOGRAPHY

                               DIAGNOSTIC PART        TITRATION PART (CPAP)
Recording time                 104 min                338 min
Apneas + hypopneas              63                     19
AHI                             43.0 /h                3.8 /h
SpO2 nadir                      78% (room air)        90% (room air)
"""
SENTENCES = """\
AzBio sentences        Right aided   Left aided   Bilateral aided (best)   Unaided
Quiet                      58%           61%             72%                  4%
Noise, +5 dB SNR           21%           26%             38%                 DNT
"""


@pytest.mark.parametrize(
    ("text", "fact", "label"),
    [
        (SPLIT_NIGHT, "sleep.ahi", [43, 43]),
        (SPLIT_NIGHT, "sleep.events", [63, 63]),
        (SPLIT_NIGHT, "oxygen.sao2_asleep", [78, 78]),
        (SENTENCES, "hearing.aided_sentence_score", [72, 72]),
    ],
)
def test_a_cell_is_read_under_its_heading(text: str, fact: str, label: list[float]) -> None:
    found = extract([Document("sha256:0", text)], [], LEXICON)[fact]
    assert as_label(found) == label
    for source in found.sources:
        if source.kind == "note":
            assert source.quote == text[source.start : source.end]


@pytest.mark.parametrize(
    "lines",
    [
        ["Study date: 02/11/2026          Report date: 02/16/2026", "Reason: snoring"],
        ["Lowest sustained          86%", "Nadir          79%"],
        ["Plain text of a note.", "And some more of it."],
        ["Name:     Anna     Born:     1970", "Sex: F    Room: 3   Bed: 1"],
    ],
)
def test_lines_of_a_form_are_no_table(lines: list[str]) -> None:
    assert aligned_rows(lines) == [False] * len(lines)
