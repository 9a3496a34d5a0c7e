"""The smallest request for information, against exhaustive search."""

from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from services.criteria_evaluation.domain.missing import deciding_facts, smallest_request
from shared.clinical.exceeds import Exceeds
from shared.clinical.expression import AllOf, AnyOf, AtLeast, Expression, Not
from shared.clinical.kleene import MET, NOT_MET, UNKNOWN
from shared.clinical.leaves import Compare, IncludesAny, IsKnown, IsTrue, OneOf, Overlaps
from shared.clinical.model import Fact, Facts
from tests.support.by_force import groups

NUMBERS = (0.0, 1.0, 1.5, 2.0, 3.0)
VALUES: dict[str, list[Fact]] = {
    **{
        name: [Fact(name, "known", value) for value in (True, False)]
        for name in ("b.one", "b.two", "b.three", "b.four")
    },
    "q.size": [Fact("q.size", "known", None, value, value) for value in NUMBERS],
    "c.kind": [Fact("c.kind", "known", value) for value in ("x", "y", "other")],
}
leaf: st.SearchStrategy[Expression] = st.one_of(
    st.builds(IsTrue, st.sampled_from([name for name in VALUES if name.startswith("b.")]), st.booleans()),
    st.builds(
        Compare, st.just("q.size"), st.sampled_from((">=", "<", ">", "<=", "=")), st.sampled_from((1.0, 2.0)), st.none()
    ),
    st.builds(OneOf, st.just("c.kind"), st.frozensets(st.sampled_from("xy"), min_size=1)),
)


expression = st.recursive(leaf, groups, max_leaves=7)
chart = st.fixed_dictionaries({}, optional={name: st.sampled_from(facts) for name, facts in VALUES.items()})


def _reachable(e: Expression, facts: Facts, names: tuple[str, ...], target: int) -> bool:
    return any(
        e.value({**facts, **{fact.name: fact for fact in answers}}) == target
        for answers in product(*(VALUES[name] for name in names))
    )


@given(expression, chart)
def test_it_is_the_smallest_that_can_satisfy(e: Expression, facts: Facts) -> None:
    found = smallest_request([e], facts, {})
    if e.value(facts) != UNKNOWN:
        assert found == ()
        return
    open_names = [name for name in sorted(VALUES) if name not in facts]
    satisfiable = _reachable(e, facts, tuple(open_names), MET)
    target = MET if satisfiable else NOT_MET
    assert _reachable(e, facts, found, target)
    for names in combinations(open_names, len(found) - 1):
        assert not _reachable(e, facts, names, target)


@given(expression, chart)
def test_only_facts_that_matter_are_called_deciding(e: Expression, facts: Facts) -> None:
    deciding = deciding_facts(e, facts)
    assert (e.value(facts) == UNKNOWN) == bool(deciding)
    assert deciding.isdisjoint(facts)
    assert set(smallest_request([e], facts, {})) <= deciding


def test_several_conditions_share_their_facts() -> None:
    one_or_two = AnyOf((IsTrue("b.one"), IsTrue("b.two")))
    two_or_three = AnyOf((IsTrue("b.three"), IsTrue("b.two")))
    assert smallest_request([one_or_two, two_or_three], {}, {}) == ("b.two",)


def test_contradictory_demands_are_not_a_way_out() -> None:
    impossible = AllOf((Compare("q.size", ">=", 5.0), Compare("q.size", "<", 3.0)))
    assert smallest_request([AnyOf((impossible, AllOf((IsTrue("b.one"), IsTrue("b.two")))))], {}, {}) == (
        "b.one",
        "b.two",
    )


def test_a_narrow_interval_counts_as_what_it_may_still_be() -> None:
    exactly = Compare("q.size", ">=", 3.0)
    facts = {"q.size": Fact("q.size", "known", None, 2.9, 3.1)}
    assert smallest_request([exactly], facts, {}) == ("q.size",)
    assert smallest_request([AllOf((exactly, Compare("q.size", "<", 3.05)))], facts, {}) == ("q.size",)


def test_preference_breaks_ties_and_asked_facts_are_free() -> None:
    either = AnyOf((IsTrue("b.one"), IsTrue("b.two")))
    assert smallest_request([either], {}, {"b.two": 0, "b.one": 1}) == ("b.two",)
    assert smallest_request([either], {}, {"b.two": 0, "b.one": 1}, frozenset({"b.one"})) == ()


def test_only_the_unknown_side_of_two_levels_is_asked_for() -> None:
    overlap = Overlaps("spine.lesion_levels", "spine.requested_levels")
    facts = {"spine.lesion_levels": Fact("spine.lesion_levels", "known", ("T8",))}
    assert smallest_request([overlap], facts, {}) == ("spine.requested_levels",)


def test_of_two_intervals_one_is_asked_for_where_it_can_be_enough() -> None:
    falls = Exceeds("q.rest", "q.asleep", 5.0)
    asleep = Fact("q.asleep", "known", None, 89.0, 91.0)
    assert smallest_request([falls], {"q.rest": Fact("q.rest", "known", None, 92.0, 98.0), "q.asleep": asleep}, {}) == (
        "q.rest",
    )
    assert smallest_request([falls], {"q.rest": Fact("q.rest", "known", None, 92.0, 96.0), "q.asleep": asleep}, {}) == (
        "q.asleep",
        "q.rest",
    )


def test_facts_that_are_compared_with_each_other_bind_each_other() -> None:
    """No value at rest is below 90 and above one of at least 89 asleep by more than 5, so that is no way out."""
    impossible = (
        Exceeds("q.rest", "q.asleep", 5.0),
        Compare("q.rest", "<", 90.0),
        Compare("q.asleep", ">=", 89.0),
    )
    way_out = AllOf((IsTrue("b.one"), IsTrue("b.two"), IsTrue("b.three")))
    assert smallest_request([AnyOf((AllOf(impossible), way_out))], {}, {}) == ("b.one", "b.three", "b.two")
    apart = AllOf((Not(Overlaps("s.a", "s.b")), IncludesAny("s.a", frozenset("x")), IncludesAny("s.b", frozenset("x"))))
    assert smallest_request([AnyOf((apart, way_out))], {}, {}) == ("b.one", "b.three", "b.two")


def test_what_is_never_not_met_is_no_way_out() -> None:
    assert smallest_request([AnyOf((Not(IsKnown("b.one")), AllOf((IsTrue("b.two"), IsTrue("b.three")))))], {}, {}) == (
        "b.three",
        "b.two",
    )


def test_a_wide_condition_stays_fast_and_sufficient() -> None:
    names = [f"w.{i}" for i in range(24)]
    pairs = [AnyOf((IsTrue(a), IsTrue(b))) for a, b in zip(names[::2], names[1::2], strict=True)]
    found = smallest_request([AllOf(tuple(pairs)), AtLeast(tuple(IsTrue(n) for n in names[:8]), 4)], {}, {})
    assert len(found) == 12
