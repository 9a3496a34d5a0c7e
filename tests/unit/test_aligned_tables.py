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
MINUTES = """\
Oxygen titration, six minute walk.
Minute   O2     SpO2   HR
0        RA     90     80
2        RA     85     92
4        2L     93     99
"""
FLOW = """\
Home oxygen qualification.
Time      HR     SpO2    Activity     O2 (L/min)
0800      88     87      sitting      0
0810      104    83      walking      0
0820      101    93      walking      2
"""
PIPES = """\
Home oxygen qualification.
| HR | SpO2 (%) | Device | Activity |
|---|---|---|---|
| 88 | 87 | room air | rest |
| 104 | 83 | RA | walking |
| 101 | 93 | 2 L NC | walking |
"""
MEASURES = """\
| Height | Weight | BP |
|---|---|---|
| 168 cm | 130 kg | 142/88 |
"""
BOXES = """\
Past Medical History
                             Y     N
High blood pressure         [ ]   [X]
Heart attack / angina       [ ]   [X]
Stroke / TIA                [X]   [ ]
Diabetes                    [ ]   [ ]
"""
CROSSES = """\
Condition          Yes    No
Hypertension        X
Diabetes                   X
"""
BOXES_IN_PIPES = """\
| Condition | Yes | No | Comment |
|---|---|---|---|
| Hypertension | [x] | [ ] | lisinopril |
| Diabetes | [ ] | [x] | |
"""


@pytest.mark.parametrize(
    ("text", "fact", "label"),
    [
        (MINUTES, "oxygen.sao2_rest", [90, 90]),
        (MINUTES, "oxygen.sao2_exercise", [85, 85]),
        (FLOW, "oxygen.sao2_rest", [87, 87]),
        (FLOW, "oxygen.sao2_exercise", [83, 83]),
        (PIPES, "oxygen.sao2_rest", [87, 87]),
        (PIPES, "oxygen.sao2_exercise", [83, 83]),
        (MEASURES, "body.bmi", [46.06, 46.06]),
        (BOXES, "condition.hypertension", False),
        (BOXES, "condition.ischemic_heart_disease", False),
        (BOXES, "condition.stroke", True),
        (CROSSES, "condition.hypertension", True),
        (CROSSES, "condition.diabetes", False),
        (BOXES_IN_PIPES, "condition.hypertension", True),
        (BOXES_IN_PIPES, "condition.diabetes", False),
        (SPLIT_NIGHT, "sleep.ahi", [43, 43]),
        (SPLIT_NIGHT, "sleep.events", [63, 63]),
        (SPLIT_NIGHT, "oxygen.sao2_asleep", [78, 78]),
        (SENTENCES, "hearing.aided_sentence_score", [72, 72]),
    ],
)
def test_a_cell_is_read_under_its_heading(text: str, fact: str, label: list[float] | bool) -> None:
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


def test_a_question_of_which_no_box_is_checked_has_no_answer() -> None:
    assert "condition.diabetes" not in extract([Document("sha256:0", BOXES)], [], LEXICON)


def test_a_row_says_under_what_circumstances_its_values_were_measured() -> None:
    on_oxygen = "Home oxygen. Walk test.\nTime    HR    SpO2   O2\n0800    92    86     2 L\n0815    94    84     3 L\n"
    assert "oxygen.sao2_rest" not in extract([Document("sha256:0", on_oxygen)], [], LEXICON)


def test_a_walk_is_as_low_as_its_lowest_minute_but_a_text_that_says_otherwise_contradicts_it() -> None:
    prose = MINUTES + "\nSaturation on room air fell to 80 percent while walking.\n"
    assert as_label(extract([Document("sha256:0", prose)], [], LEXICON)["oxygen.sao2_exercise"]) == "conflicting"


def test_of_a_cancer_and_its_kind_the_kind_counts() -> None:
    text = "58M, lung cancer with bone metastases. EBUS: small cell carcinoma."
    assert as_label(extract([Document("sha256:0", text)], [], LEXICON)["oncology.primary"]) == "small_cell_lung"


def test_what_is_denied_supports_no_other_condition() -> None:
    text = "No diabetes. Hypertension on lisinopril."
    sources = extract([Document("sha256:0", text)], [], LEXICON)["obesity.comorbidity"].sources
    assert [source.quote for source in sources if source.quote] == ["Hypertension"]


def test_a_line_with_one_answer_is_no_heading() -> None:
    lines = [
        "DIABETES        N         A1C 5.6",
        "THYROID         Y         LEVOTHYROXINE",
        "OSA             N         STOP-BANG 3",
    ]
    assert aligned_rows(lines) == [False, False, False]


def test_two_lists_beside_each_other_are_read_apart() -> None:
    text = (
        "POLYSOMNOGRAPHY\n"
        "SLEEP                              RESPIRATORY EVENTS            count\n"
        "  Lights on         05:51            Mixed apneas                   2\n"
        "  Total recording   450 min          Central apneas                 4\n"
        "  Total sleep       370 min          Hypopneas (4%)               102\n"
        "  Efficiency        82 %             Total apneas + hypopneas     169\n"
        "  REM               14 %             AHI                         27.4\n"
    )
    facts = extract([Document("sha256:0", text)], [], LEXICON)
    assert as_label(facts["sleep.events"]) == [169, 169]
    assert as_label(facts["sleep.ahi"]) == [27.4, 27.4]
    assert as_label(facts["sleep.recording_time"]) == [7.5, 7.5]


def test_a_walk_in_rows_is_as_low_as_its_lowest_minute_whatever_was_breathed_stands_beside_it() -> None:
    text = (
        "Home oxygen evaluation\n"
        "                      SpO2     HR     Borg     O2\n"
        "  Rest, seated          94      76      0       room air\n"
        "  Walk minute 1         91      94      2       room air\n"
        "  Walk minute 2         83      103     4       room air\n"
        "  Recovery              96      84      1       2 L/min\n"
    )
    facts = extract([Document("sha256:0", text)], [], LEXICON)
    assert as_label(facts["oxygen.sao2_exercise"]) == [83, 83]
    assert as_label(facts["oxygen.sao2_rest"]) == [94, 94]
