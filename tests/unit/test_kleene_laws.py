"""The laws of three-valued logic, over the combinators and over whole expressions."""

from itertools import combinations, product
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.clinical import kleene
from shared.clinical.exceeds import Exceeds
from shared.clinical.expression import AllOf, AnyOf, AtLeast, Expression, Not
from shared.clinical.kleene import Value
from shared.clinical.leaves import Compare, IncludesAny, IsKnown, IsTrue, OneOf, Operator, Overlaps
from shared.clinical.model import Fact, Facts
from tests.support.by_force import groups

value = st.sampled_from((kleene.NOT_MET, kleene.UNKNOWN, kleene.MET))
values = st.lists(value, max_size=6)


N: Final[Value] = kleene.NOT_MET
U: Final[Value] = kleene.UNKNOWN
M: Final[Value] = kleene.MET


@pytest.mark.parametrize(
    ("a", "b", "both", "either"),
    [
        (M, M, M, M),
        (M, N, N, M),
        (M, U, U, M),
        (N, M, N, M),
        (N, N, N, N),
        (N, U, N, U),
        (U, M, U, M),
        (U, N, N, U),
        (U, U, U, U),
    ],
)
def test_the_tables_are_those_of_cql(a: Value, b: Value, both: Value, either: Value) -> None:
    """The rows of And and Or in HL7's CqlLogicalOperatorsTest, with null for unknown. The engine has no xor and no implies."""
    assert kleene.all_of([a, b]) == both
    assert kleene.any_of([a, b]) == either


def test_the_table_of_not_is_that_of_cql() -> None:
    assert [kleene.negate(v) for v in (M, N, U)] == [N, M, U]


def test_and_and_or_are_a_distributive_lattice() -> None:
    """Over all 27 triples: idempotent, commutative, associative, absorbing, distributive, with met and not met as bounds."""
    both, either = kleene.all_of, kleene.any_of
    for a, b, c in product((N, U, M), repeat=3):
        for f, g in ((both, either), (either, both)):
            assert f([a, a]) == a
            assert f([a, b]) == f([b, a])
            assert f([f([a, b]), c]) == f([a, f([b, c])]) == f([a, b, c])
            assert f([a, g([a, b])]) == a
            assert f([a, g([b, c])]) == g([f([a, b]), f([a, c])])
        assert both([a, M]) == either([a, N]) == a
        assert (both([a, N]), either([a, M])) == (N, M)


def test_the_excluded_middle_holds_only_for_what_is_known() -> None:
    """With three values a condition and its negation are no certainty, and a contradiction is no impossibility.

    What holds in its place is Kleene's normality: no contradiction is above any alternative.
    """
    for a, b in product((N, U, M), repeat=2):
        assert kleene.any_of([a, kleene.negate(a)]) == (U if a == U else M)
        assert kleene.all_of([a, kleene.negate(a)]) <= kleene.any_of([b, kleene.negate(b)])


@given(values)
def test_at_least_is_its_expansion(vs: list[Value]) -> None:
    """The ``n`` of ``k`` are any of the groups of ``n``, all of whose members are met; none of them is always met."""
    for n in range(len(vs) + 2):
        assert kleene.at_least(n, vs) == kleene.any_of(kleene.all_of(group) for group in combinations(vs, n))


@given(values)
def test_de_morgan(vs: list[Value]) -> None:
    negated = [kleene.negate(v) for v in vs]
    assert kleene.negate(kleene.all_of(vs)) == kleene.any_of(negated)
    assert kleene.negate(kleene.any_of(vs)) == kleene.all_of(negated)


@given(value)
def test_double_negation(v: Value) -> None:
    assert kleene.negate(kleene.negate(v)) == v


@given(values.filter(bool))
def test_at_least_generalises_any_and_all(vs: list[Value]) -> None:
    assert kleene.at_least(1, vs) == kleene.any_of(vs)
    assert kleene.at_least(len(vs), vs) == kleene.all_of(vs)


@given(values.filter(bool), st.data())
def test_at_least_and_its_dual(vs: list[Value], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(vs)))
    dual = kleene.at_least(len(vs) - n + 1, [kleene.negate(v) for v in vs])
    assert kleene.negate(kleene.at_least(n, vs)) == dual


BOOLEAN, CODE, CODES, OTHER, NUMBER, SECOND = "a.boolean", "a.code", "a.codes", "a.other", "a.number", "a.second"
operator = st.sampled_from((">=", ">", "<=", "<", "="))
whole = st.integers(0, 5).map(float)

leaf: st.SearchStrategy[Expression] = st.one_of(
    st.builds(IsTrue, st.just(BOOLEAN), st.booleans()),
    st.builds(OneOf, st.just(CODE), st.frozensets(st.sampled_from("xyz"), min_size=1)),
    st.builds(IncludesAny, st.just(CODES), st.frozensets(st.sampled_from("xyz"), min_size=1)),
    st.just(Overlaps(CODES, OTHER)),
    st.builds(IsKnown, st.sampled_from((BOOLEAN, CODE, CODES, OTHER, NUMBER, SECOND))),
    st.builds(Compare, st.sampled_from((NUMBER, SECOND)), operator, whole, st.none()),
    st.builds(Exceeds, st.just(NUMBER), st.just(SECOND), st.sampled_from((-1.0, 0.0, 1.0, 2.0))),
)


expression = st.recursive(leaf, groups, max_leaves=8)
members = st.lists(st.sampled_from("xyz"), unique=True).map(lambda m: tuple(sorted(m)))


@st.composite
def narrowing(draw: st.DrawFn, name: str) -> tuple[Fact, Fact]:
    """A quantity as an interval that holds something, and a part of that interval that holds something.

    Ends are whole or open, and either may be excluded.
    """
    low: float | None
    high: float | None
    inner_low: float | None
    inner_high: float | None
    low, inner_low, inner_high, high = sorted(draw(whole) for _ in range(4))
    if draw(st.booleans()):
        low, inner_low = None, draw(st.sampled_from((None, inner_low)))
    if draw(st.booleans()):
        high, inner_high = None, draw(st.sampled_from((None, inner_high)))
    inner_open = inner_low != inner_high or inner_low is None
    opens = [inner_open and draw(st.booleans()) for _ in range(2)]
    # What the wider interval excludes, the narrower one excludes as well.
    wide = (
        draw(st.booleans()) and (low != inner_low or opens[0]),
        draw(st.booleans()) and (high != inner_high or opens[1]),
    )
    return (
        Fact(name, "known", low=low, high=high, low_open=wide[0], high_open=wide[1]),
        Fact(name, "known", low=inner_low, high=inner_high, low_open=opens[0], high_open=opens[1]),
    )


def less_known(full: Fact) -> st.SearchStrategy[Fact | None]:
    """The fact, or the same with less known of it: in conflict, or not there."""
    return st.sampled_from((full, full, Fact(full.name, "conflicting"), Fact(full.name, "unknown"), None))


@st.composite
def chart_and_what_is_left(draw: st.DrawFn) -> tuple[Facts, Facts]:
    """A chart, and the same with facts missing, conflicting, or with wider intervals."""
    full = {
        BOOLEAN: Fact(BOOLEAN, "known", draw(st.booleans())),
        CODE: Fact(CODE, "known", draw(st.sampled_from("xyz"))),
        CODES: Fact(CODES, "known", draw(members)),
        OTHER: Fact(OTHER, "known", draw(members)),
    }
    less = {name: draw(less_known(fact)) for name, fact in full.items()}
    for name in (NUMBER, SECOND):
        wide, full[name] = draw(narrowing(name))
        less[name] = draw(less_known(wide))
    return full, {name: fact for name, fact in less.items() if fact is not None}


@given(expression, chart_and_what_is_left())
def test_learning_a_fact_never_undoes_a_conclusion(e: Expression, charts: tuple[Facts, Facts]) -> None:
    """Also where only a part is learnt: an interval that becomes narrower, for every kind of comparison."""
    full, less = charts
    if e.value(less) != kleene.UNKNOWN:
        assert e.value(full) == e.value(less)


THIRDS = [n / 3 for n in range(-9, 28)]


def possible(fact: Fact) -> list[Fact]:
    """Precise values that an interval holds: thirds, so that some lie between any two places where a comparison changes."""
    return [
        Fact(fact.name, "known", low=value, high=value)
        for value in THIRDS
        if (fact.low is None or value > fact.low or (value == fact.low and not fact.low_open))
        and (fact.high is None or value < fact.high or (value == fact.high and not fact.high_open))
    ]


@given(narrowing(NUMBER), operator, whole)
def test_an_interval_is_unknown_exactly_where_its_values_disagree(
    facts: tuple[Fact, Fact], op: Operator, bound: float
) -> None:
    comparison = Compare(NUMBER, op, bound)
    outcomes = {comparison.value({NUMBER: value}) for value in possible(facts[1])}
    assert comparison.value({NUMBER: facts[1]}) == (outcomes.pop() if len(outcomes) == 1 else kleene.UNKNOWN)


@given(narrowing(NUMBER), narrowing(SECOND), st.sampled_from((-1.0, 0.0, 1.0, 2.0)))
def test_a_difference_is_unknown_exactly_where_its_values_disagree(
    first: tuple[Fact, Fact], second: tuple[Fact, Fact], by: float
) -> None:
    comparison = Exceeds(NUMBER, SECOND, by)
    outcomes = {comparison.value({NUMBER: a, SECOND: b}) for a, b in product(possible(first[1]), possible(second[1]))}
    found = comparison.value({NUMBER: first[1], SECOND: second[1]})
    assert found == (outcomes.pop() if len(outcomes) == 1 else kleene.UNKNOWN)


def test_a_difference_is_taken_up_to_rounding() -> None:
    """64.4 less 59.4 is 5 for a reader, and 5.000000000000007 for a machine."""
    for greater, lesser in ((94.1, 89.1), (64.4, 59.4), (65.9, 60.9), (66.9, 61.9)):
        facts = {n: Fact(n, "known", low=v, high=v) for n, v in ((NUMBER, greater), (SECOND, lesser))}
        assert Exceeds(NUMBER, SECOND, 5.0).evaluate(facts) == "not_met"


@given(narrowing(NUMBER), operator, st.integers(0, 60).map(float))
def test_a_unit_changes_nothing(facts: tuple[Fact, Fact], op: Operator, bound: float) -> None:
    """Weeks against a bound in days, and the same interval in days."""
    weeks = replace(facts[1], unit="wk")
    days = replace(weeks, unit="d", low=weeks.low and weeks.low * 7, high=weeks.high and weeks.high * 7)
    comparison = Compare(NUMBER, op, bound, "d")
    assert comparison.value({NUMBER: weeks}) == comparison.value({NUMBER: days})


@given(expression, chart_and_what_is_left())
def test_a_negated_expression_mirrors(e: Expression, charts: tuple[Facts, Facts]) -> None:
    assert Not(e).value(charts[1]) == kleene.negate(e.value(charts[1]))


@given(expression, chart_and_what_is_left())
def test_the_facts_that_carry_an_outcome_suffice_for_it(e: Expression, charts: tuple[Facts, Facts]) -> None:
    full, _ = charts
    # For what is unknown the facts are named that would tell, which need not be in the chart.
    carrying = {name: full[name] for name in e.because(full)}
    assert e.value(carrying) == e.value(full)
    assert set(carrying) <= set(e.fact_names)


@given(narrowing(NUMBER), whole)
def test_a_number_is_above_at_or_below_a_bound(fact: tuple[Fact, Fact], bound: float) -> None:
    facts = {NUMBER: fact[0]}
    at_least, below = Compare(NUMBER, ">=", bound), Compare(NUMBER, "<", bound)
    above, at_most = Compare(NUMBER, ">", bound), Compare(NUMBER, "<=", bound)
    assert below.value(facts) == kleene.negate(at_least.value(facts))
    assert at_most.value(facts) == kleene.negate(above.value(facts))
    assert above.value(facts) <= at_least.value(facts)


@given(expression, expression, chart_and_what_is_left())
def test_whole_expressions_obey_de_morgan_and_absorb(a: Expression, b: Expression, charts: tuple[Facts, Facts]) -> None:
    for facts in charts:
        assert Not(AllOf((a, b))).value(facts) == AnyOf((Not(a), Not(b))).value(facts)
        assert Not(AnyOf((a, b))).value(facts) == AllOf((Not(a), Not(b))).value(facts)
        assert AllOf((a, AnyOf((a, b)))).value(facts) == AnyOf((a, AllOf((a, b)))).value(facts) == a.value(facts)
        assert AllOf((a, a)).value(facts) == AnyOf((a, a)).value(facts) == a.value(facts)


@given(st.lists(expression, min_size=1, max_size=4), chart_and_what_is_left())
def test_whole_expressions_combine_as_their_values_do(several: list[Expression], charts: tuple[Facts, Facts]) -> None:
    """A group stops looking as soon as its outcome is sure, and comes out as if it had looked at all."""
    children = tuple(several)
    for facts in charts:
        outcomes = [child.value(facts) for child in children]
        assert AllOf(children).value(facts) == kleene.all_of(outcomes)
        assert AnyOf(children).value(facts) == kleene.any_of(outcomes)
        for n in range(1, len(children) + 1):
            groups = tuple(AllOf(group) for group in combinations(children, n))
            assert AtLeast(children, n).value(facts) == AnyOf(groups).value(facts)
