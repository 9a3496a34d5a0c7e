"""Laws of extraction: every quote is exact, no text is too strange, work grows with the text's length only."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.extract.text import MAX_TOKENS, Sentence, sentences, tokens_of
from services.criteria_evaluation.domain.lexicon import Lexicon, load_lexicon
from shared.clinical.model import Document, Facts
from shared.policy import read_policy

_LEXICON = load_lexicon(read_policy("lexicon"))
_REFERENCE = Path(__file__).parents[3] / "shared" / "cases" / "l2-corpectomy" / "neurosurgery-consult.txt"
_WORDS = (
    "no not denies if L2 T12/L1 L1-3 burst fracture retropulsion canal weakness 3/5 5/5 for 6 weeks 60% of height loss PLAN: EXAM: "
    "\n \n\n ; , . ? [x] [ ] ( ) mother prior SINS 13 pain 8/10 > < at least about 2026-10-24 10/24/26 2/30/2026 corpectomy ° ½ İ ß \x00 \u2028 \r"
).split(" ")


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
    ["no retropulsion, ", "L1-", "9", "a", "(", "about ", "1/", "[ ] weakness ", "canal narrowed by ", "six to ", "\n", ": ", "L2 "],
)
def test_work_grows_with_length_only(unit: str) -> None:
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        start = time.process_time()
        _extract(text)
        return time.process_time() - start

    seconds(10_000)
    short, long = max(seconds(25_000), 0.005), seconds(100_000)
    assert long < 20 * short, "Four times the text took more than twenty times the time."


def test_a_note_of_two_megabytes_is_read() -> None:
    text = "IMAGING: There is no retropulsion at L2 and 60% loss of height.\n" * 32_000
    facts = _extract(text)
    assert facts["spine.retropulsion"].value is False
    assert len(facts["spine.retropulsion"].sources) == 32_000


def test_same_input_gives_same_facts_in_the_same_order() -> None:
    text = "L2 burst fracture with retropulsion. Pain 8/10. Metastatic lung cancer. SINS 13."
    fresh = load_lexicon(read_policy("lexicon"))
    assert list(_extract(text).items()) == list(_extract(text, fresh).items())


def test_a_flagged_document_states_nothing() -> None:
    assert extract([Document("sha256:0", "Retropulsion at L2.", flags=("no-text",))], [], _LEXICON) == {}


@pytest.mark.skipif(not _REFERENCE.exists(), reason="the reference chart is not beside the project")
def test_the_reference_chart() -> None:
    facts = _extract(_REFERENCE.read_text(encoding="utf-8"))
    assert facts["spine.requested_levels"].value == ("L1", "L2", "L3")
    assert facts["oncology.primary"].value == "unknown_primary"
    assert facts["oncology.radiosensitive"].value is False
    assert (facts["neuro.deficit_duration"].low, facts["spine.sins_total"].low) == (120.0, 13.0)
    assert (facts["oncology.expected_survival"].low, facts["oncology.expected_survival"].high) == (6.0, None)
    assert facts["spine.fracture_cause"].value == "malignancy"
    assert all(fact.status == "known" for fact in facts.values())
