"""Laws of the fact model: order does not matter, agreement adds a source, disagreement conflicts, the latest counts."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.criteria_evaluation.domain.extract.mention import Mention, Said
from services.criteria_evaluation.domain.extract.merge import merge
from services.criteria_evaluation.domain.quantities import Interval
from shared.clinical.model import Fact, Source
from tests.unit.coded_chart import LEXICON

KINDS = {
    "boolean": "spine.retropulsion",
    "quantity": "spine.height_loss_percent",
    "code": "spine.fracture_cause",
    "codes": "neuro.compressed_structure",
    "levels": "spine.lesion_levels",
}
LATEST = "pain.score"
DAYS = st.none() | st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 4))
_BOUND = st.none() | st.integers(0, 12).map(float)


def _ordered(low: float | None, high: float | None) -> Interval:
    return Interval(high, low) if low is not None and high is not None and low > high else Interval(low, high)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "quantity": st.builds(_ordered, _BOUND, _BOUND).filter(lambda i: i != Interval(None, None))
    | st.integers(0, 120).map(lambda n: Interval.at(n / 10)),
    "code": st.sampled_from(["malignancy", "osteoporosis", "trauma"]),
    "codes": st.sets(st.sampled_from(["cord", "conus", "nerve_root"]), min_size=1).map(lambda s: tuple(sorted(s))),
    "levels": st.sampled_from([("L1",), ("L1", "L2"), ("L2", "L3"), ("T4",)]),
}


def _source(n: int, *, coded: bool) -> Source:
    return Source("resource", f"Bundle.entry[{n}]") if coded else Source("note", None, "sha256:0", None, n, n + 1, "x")


def _mentions(kind: str) -> st.SearchStrategy[list[Mention]]:
    one = st.tuples(VALUES[kind], st.booleans(), DAYS, st.integers(1, 2))
    return st.lists(one, min_size=1, max_size=6).map(
        lambda drawn: [
            Mention(KINDS[kind], said, _source(n, coded=coded), date, rank)
            for n, (said, coded, date, rank) in enumerate(drawn)
        ]
    )


def _merged(mentions: Sequence[Mention]) -> Fact:
    (fact,) = merge(mentions, LEXICON.vocabulary).values()
    return fact


def _value(fact: Fact) -> tuple[object, ...]:
    return fact.status, fact.value, fact.low, fact.high, fact.low_open, fact.high_open


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_sources_does_not_matter(kind: str) -> None:
    @given(_mentions(kind), st.randoms(use_true_random=False))
    def law(mentions: list[Mention], random: Any) -> None:
        shuffled = list(mentions)
        random.shuffle(shuffled)
        one, other = _merged(mentions), _merged(shuffled)
        assert _value(one) == _value(other)
        assert set(one.sources) == set(other.sources)

    law()


@pytest.mark.parametrize("kind", KINDS)
def test_coded_sources_stand_before_prose(kind: str) -> None:
    @given(_mentions(kind))
    def law(mentions: list[Mention]) -> None:
        kinds = [source.kind for source in _merged(mentions).sources]
        assert kinds == sorted(kinds, reverse=True)

    law()


@pytest.mark.parametrize("kind", KINDS)
def test_saying_the_same_again_changes_nothing_but_the_sources(kind: str) -> None:
    @given(_mentions(kind), st.booleans())
    def law(mentions: list[Mention], coded: bool) -> None:
        fact = _merged(mentions)
        if fact.status != "known":
            return
        said: Said = (
            fact.value if fact.value is not None else Interval(fact.low, fact.high, fact.low_open, fact.high_open)
        )
        again = _merged([*mentions, Mention(KINDS[kind], said, _source(99, coded=coded), mentions[0].date, 1)])
        assert _value(again) == _value(fact)
        assert set(again.sources) >= {s for s in fact.sources if s in {m.source for m in mentions if m.rank == 1}}
        assert _source(99, coded=coded) in again.sources

    law()


@pytest.mark.parametrize("kind", ["boolean", "code", "quantity"])
def test_a_source_that_disagrees_makes_the_fact_conflicting(kind: str) -> None:
    @given(VALUES[kind], VALUES[kind], st.booleans(), st.booleans())
    def law(first: Said, second: Said, coded: bool, other_coded: bool) -> None:
        fact = _merged(
            [
                Mention(KINDS[kind], first, _source(1, coded=coded)),
                Mention(KINDS[kind], second, _source(2, coded=other_coded)),
            ]
        )
        if isinstance(first, Interval) and isinstance(second, Interval):
            if first.intersect(second) is not None:
                assert fact.status == "known"
            elif not (first.low == first.high and second.low == second.high):
                assert fact.status == "conflicting"
        else:
            assert fact.status == ("known" if first == second else "conflicting")
        assert len(fact.sources) == 2

    law()


@given(st.lists(st.tuples(st.integers(0, 10), st.dates(), st.booleans()), min_size=1, max_size=6))
def test_of_a_fact_that_changes_the_latest_counts_coded_or_not(drawn: list[tuple[int, dt.date, bool]]) -> None:
    mentions = [
        Mention(LATEST, Interval.at(float(score)), _source(n, coded=coded), day)
        for n, (score, day, coded) in enumerate(drawn)
    ]
    last = max(day for _, day, _ in drawn)
    scores = {score for score, day, _ in drawn if day == last}
    fact = _merged(mentions)
    assert (fact.status, fact.low) == (("known", float(min(scores))) if len(scores) == 1 else ("conflicting", None))


@pytest.mark.parametrize(("undated", "status", "low"), [(7.0, "known", 7.0), (3.0, "conflicting", None)])
def test_what_has_no_date_may_be_the_latest(undated: float, status: str, low: float | None) -> None:
    fact = _merged(
        [
            Mention(LATEST, Interval.at(2.0), _source(1, coded=True), dt.date(2026, 1, 1)),
            Mention(LATEST, Interval.at(7.0), _source(2, coded=True), dt.date(2026, 2, 1)),
            Mention(LATEST, Interval.at(undated), _source(3, coded=False)),
        ]
    )
    assert (fact.status, fact.low) == (status, low)


@pytest.mark.parametrize(
    ("numbers", "value"),
    [
        ([41.23, 41.2], 41.23),
        ([41.23, 41.0], 41.23),
        ([41.23, 41.2, 41.0], 41.23),
        ([41.6, 41.0], None),
        ([41.4, 40.6, 41.0], None),
        ([13.0, 14.0], None),
    ],
)
def test_numbers_that_agree_after_rounding_are_one_number(numbers: list[float], value: float | None) -> None:
    fact = _merged([Mention("body.bmi", Interval.at(n), _source(i, coded=i == 0)) for i, n in enumerate(numbers)])
    assert (fact.low, fact.status) == (value, "conflicting" if value is None else "known")


def test_an_exact_number_lies_in_what_another_source_allows() -> None:
    def merged(*said: Interval) -> Fact:
        return _merged([Mention("body.bmi", i, _source(n, coded=False)) for n, i in enumerate(said)])

    assert merged(Interval(40.0, None, low_open=True), Interval.at(41.2)).low == 41.2
    assert merged(Interval(42.0, None), Interval.at(41.2)).status == "conflicting"
