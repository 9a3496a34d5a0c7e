"""Laws of extraction: every quote is exact, no text is too strange, work grows with the text's length only."""

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.extract.text import Sentence, sentences
from services.criteria_evaluation.domain.extract.tokens import MAX_TOKENS, tokens_of
from services.criteria_evaluation.domain.lexicon import Lexicon, load_lexicon
from shared.clinical.model import Document, Facts
from shared.policy import read_policy

_LEXICON = load_lexicon(read_policy("lexicon"))
_REFERENCE = Path(__file__).parents[3] / "shared" / "cases" / "l2-corpectomy" / "neurosurgery-consult.txt"
_CASES = Path(__file__).parent.parent / "cases" / "notes" / "spine.yaml"
_WORDS = [
    "no",
    "not",
    "denies",
    "if",
    "L2",
    "T12/L1",
    "L1-3",
    "burst",
    "fracture",
    "retropulsion",
    "canal",
    "weakness",
    "3/5",
    "5/5",
    "for",
    "6",
    "weeks",
    "60%",
    "of",
    "height",
    "loss",
    "PLAN:",
    "EXAM:",
    "\n",
    "\n\n",
    ";",
    ",",
    ".",
    "?",
    "[x]",
    "[",
    "]",
    "(",
    ")",
    "mother",
    "prior",
    "SINS",
    "13",
    "pain",
    "8/10",
    ">",
    "<",
    "at",
    "least",
    "about",
    "2026-10-24",
    "10/24/26",
    "2/30/2026",
    "corpectomy",
    "°",
    "½",
    "İ",
    "ß",
    "\x00",
    "\u2028",
    "\r",
]


def _extract(text: str, lexicon: Lexicon = _LEXICON) -> Facts:
    return extract([Document("sha256:0", text)], [], lexicon)


def _check(text: str) -> None:
    for fact in _extract(text).values():
        assert fact.status in ("known", "conflicting")
        assert fact.sources
        for source in fact.sources:
            if source.kind == "note":
                assert source.quote == text[source.start : source.end]


@given(st.text())
def test_any_text_is_read_and_every_quote_is_exact(text: str) -> None:
    _check(text)


@given(st.lists(st.sampled_from(_WORDS), max_size=60))
def test_any_mixture_of_clinical_words_is_read_and_every_quote_is_exact(words: list[str]) -> None:
    _check(" ".join(words))


_HEADINGS = [
    "Date",
    "Time",
    "Minute",
    "Device",
    "O2 (L/min)",
    "Flow",
    "Activity",
    "SpO2 %",
    "HR",
    "Yes",
    "No",
    "Result",
    "L x W",
]
_CELLS = [
    "",
    "03/20/2026",
    "2026-03-20",
    "0",
    "2",
    "86",
    "²",
    "½",
    "[x]",
    "[ ]",
    "x",
    "RA",
    "2 L NC",
    "12:58",
    "2.0 x 1.5",
    "N",
    "-",
    "<5",
]


@given(st.lists(st.sampled_from(_HEADINGS), min_size=2, max_size=4), st.data(), st.sampled_from([" | ", "     "]))
def test_any_table_is_read_and_every_quote_is_exact(headings: list[str], data: st.DataObject, between: str) -> None:
    """Dates stand in columns of flows, marks in columns of numbers, and rows are short of cells."""
    row = st.lists(st.sampled_from(_CELLS), min_size=1, max_size=len(headings) + 1)
    rows = data.draw(st.lists(row, max_size=4))
    frame = between.strip()
    lines = [f"{frame} {between.join(cells)} {frame}".strip(" ") for cells in [headings, *rows]]
    _check("Oxygen. Diabetic foot ulcer.\n" + "\n".join(lines))


@given(st.text(alphabet="ab .\n:;-*1[]", max_size=200))
def test_sentences_are_disjoint_and_in_order(text: str) -> None:
    at = 0
    for sentence in sentences(text, _LEXICON.sections):
        assert at <= sentence.start < sentence.end <= len(text)
        at = sentence.end


def test_a_long_line_is_cut_into_bounded_pieces() -> None:
    line = "weakness no retropulsion, " * 4_000
    pieces = list(tokens_of(line, Sentence(0, len(line), None, None)))
    assert max(len(piece.words) for piece in pieces) == MAX_TOKENS
    assert sum(len(piece.words) for piece in pieces) == 12_000 + 4_000


@pytest.mark.parametrize(
    "unit",
    [
        "a  b: c  ",
        "word  ",
        "no retropulsion, ",
        "L1-",
        "9",
        "a",
        "(",
        "about ",
        "1/",
        "[ ] weakness ",
        "canal narrowed by ",
        "six to ",
        "\n",
        ": ",
        "L2 ",
        "L1: no retropulsion. L3: retropulsion of 4 mm.\n",
        "a\tb\tc\n",
        "\t",
        "word\n\n\n\nof\n\n",
        "+ gout\n- DM\n",
        "denies HTN (no drugs), ",
        "MRI ",
        "MRI 3/2/2026: ESCC 2, ",
        "AzBio in noise 31%, ",
        "sleep study technically inadequate, AHI 12. ",
        "venous gas, PaO2 54 on room air at rest, ",
        "PT for the knee, 6 weeks of therapy, ",
        "Case 1: submit. ",
        "next patient: ",
        "in error, ",
        "-----\n\n",
    ],
)
def test_work_grows_with_length_only(unit: str) -> None:
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        start = time.process_time()
        _extract(text)
        return time.process_time() - start

    seconds(10_000)
    # The least of several runs: another process may take the core away in any one of them.
    short, long = max(min(seconds(25_000) for _ in range(3)), 0.005), min(seconds(100_000) for _ in range(2))
    assert long < 20 * short, "Four times the text took more than twenty times the time."


def test_a_note_of_two_megabytes_is_read() -> None:
    filler = "The chart was read again with care and nothing in the record of that long day called for a comment. " * 3
    text = f"IMAGING: There is no retropulsion at L2. {filler}\n" * 6_000
    assert len(text) > 2_000_000
    facts = _extract(text)
    assert facts["spine.retropulsion"].value is False
    assert len(facts["spine.retropulsion"].sources) == 6_000


def test_same_input_gives_same_facts_in_the_same_order() -> None:
    text = "L2 burst fracture with retropulsion. Pain 8/10. Metastatic lung cancer. SINS 13."
    fresh = load_lexicon(read_policy("lexicon"))
    assert list(_extract(text).items()) == list(_extract(text, fresh).items())


def test_a_flagged_document_states_nothing() -> None:
    assert extract([Document("sha256:0", "Retropulsion at L2.", flags=("no-text",))], [], _LEXICON) == {}


def test_a_whole_consultation_is_read_without_contradiction() -> None:
    """The reference chart where it lies beside the project, and always the project's own first note."""
    charts = [path.read_text(encoding="utf-8") for path in (_REFERENCE,) if path.exists()]
    charts.append(yaml.load(_CASES.read_text(encoding="utf-8"), yaml.CSafeLoader)["notes"][0]["text"])
    for chart in charts:
        facts = _extract(chart)
        assert {fact.status for fact in facts.values()} == {"known"}
        levels = facts["spine.requested_levels"].value
        assert isinstance(levels, tuple)
        assert len(levels) >= 3
        assert facts["oncology.malignancy_confirmed"].value is True
        assert facts["neuro.motor_deficit"].value is True
        assert facts["oncology.radiosensitive"].value is False
        assert facts["spine.fracture_cause"].value == "malignancy"
