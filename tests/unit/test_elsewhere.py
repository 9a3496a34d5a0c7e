"""Findings at other levels of the spine, and the lines of a report that go on in their column."""

import time

import pytest

from services.criteria_evaluation.domain.extract.aligned import hanging_lines
from services.criteria_evaluation.domain.extract.elsewhere import of_the_level
from services.criteria_evaluation.domain.extract.mention import Mention, Said
from shared.clinical.model import Document, Source

CANAL = "spine.canal_compromise"


def _mention(text: str, quote: str, fact: str, said: Said) -> Mention:
    start = text.index(quote)
    return Mention(fact, said, Source("note", None, "d", None, start, start + len(quote), quote))


def _kept(text: str, *said: tuple[str, str, Said]) -> list[str | None]:
    mentions = [_mention(text, quote, fact, value) for quote, fact, value in said]
    return [m.source.quote for m in of_the_level(mentions, [Document("d", text)])]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("T8: lytic. Sac effaced.\nL4-5: Bulge, no stenosis.", False),
        ("T8: lytic. Sac effaced.\n    No stenosis, no stenosis here: no stenosis.", True),
        ("T8: lytic. Sac effaced. Then no stenosis at L4-5.", False),
        ("T8: lytic. Sac effaced. The canal shows no stenosis otherwise.", False),
        ("T8: lytic. Sac effaced.\nCanal: no stenosis.", True),
        ("T8: lytic. Sac effaced. T7-T9: no stenosis.", True),
    ],
)
def test_a_denial_counts_at_the_level_in_question(text: str, kept: bool) -> None:
    said: list[tuple[str, str, Said]] = [
        ("lytic", "spine.lesion_levels", ("T8",)),
        ("Sac effaced", CANAL, True),
        ("no stenosis", CANAL, False),
    ]
    assert ("no stenosis" in _kept(text.replace("No stenosis, ", ""), *said)) is kept


def test_a_denial_counts_where_no_level_is_in_question() -> None:
    assert _kept("L4-5: no stenosis.", ("no stenosis", CANAL, False)) == ["no stenosis"]


def test_two_discs_that_share_a_vertebra_are_two_places() -> None:
    text = "L3-4: no stenosis. L4-5: severe stenosis."
    assert _kept(text, ("no stenosis", CANAL, False), ("severe stenosis", CANAL, True)) == ["severe stenosis"]


def test_a_retropulsed_fragment_counts_wherever_it_is() -> None:
    text = "T12: fracture. L2: old burst, retropulsed."
    said: list[tuple[str, str, Said]] = [
        ("fracture", "spine.lesion_levels", ("T12",)),
        ("retropulsed", "spine.retropulsion", True),
    ]
    assert "retropulsed" in _kept(text, *said)


def test_what_a_resource_says_is_of_its_own_place() -> None:
    mention = Mention(CANAL, False, Source("resource", "Observation[0].valueBoolean"))
    assert of_the_level([mention], []) == [mention]


def test_time_grows_with_the_text_only() -> None:
    text = "L4-5: bulge, no stenosis.\n" * 20_000
    mentions = [_mention(text, "no stenosis", CANAL, False)] * 2_000
    mentions += [Mention("spine.lesion_levels", ("T8",), Source("note", None, "d", None, 0, 2, "L4"))]
    began = time.process_time()
    of_the_level(mentions, [Document("d", text)])
    assert time.process_time() - began < 2


def test_a_wrapped_column_goes_on() -> None:
    name = "L1      Compression fracture with edema, some loss of height. Posterior cortex in place, no"
    assert hanging_lines([name, "        retropulsion.", "L2      normal"]) == [False, True, False]
    assert hanging_lines(["PMH     no hypertension", "        Diabetes on metformin"]) == [False, False]
    assert hanging_lines(["", "        retropulsion."]) == [False, False]


def test_a_narrowing_counts_at_the_requested_levels_where_no_lesion_is_named() -> None:
    text = "Plan: L4-5 fusion. L3-4: severe stenosis. L4-5: mild stenosis."
    said: list[tuple[str, str, Said]] = [
        ("L4-5 fusion", "spine.requested_levels", ("L4", "L5")),
        ("severe stenosis", CANAL, True),
        ("mild stenosis", CANAL, True),
    ]
    assert _kept(text, *said) == ["L4-5 fusion", "mild stenosis"]


@pytest.mark.parametrize(("requested", "kept"), [(("T8",), "indents the sac"), (("T4",), "canal clear")])
def test_of_two_lesions_the_requested_one_counts(requested: tuple[str, ...], kept: str) -> None:
    text = "Lesions T4 and T8. T4: canal clear. T8: indents the sac. Plan: surgery."
    said: list[tuple[str, str, Said]] = [
        ("Lesions T4 and T8", "spine.lesion_levels", ("T4", "T8")),
        ("surgery", "spine.requested_levels", requested),
        ("canal clear", CANAL, False),
        ("indents the sac", CANAL, True),
    ]
    assert _kept(text, *said) == ["Lesions T4 and T8", "surgery", kept]


def test_the_rest_of_the_canal_is_open_where_no_level_is_named() -> None:
    text = "The sac is effaced. Remaining canal levels patent."
    said: list[tuple[str, str, Said]] = [("sac is effaced", CANAL, True), ("canal levels patent", CANAL, False)]
    assert _kept(text, *said) == ["sac is effaced"]
