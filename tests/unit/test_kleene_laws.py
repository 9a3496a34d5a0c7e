"""The laws of three-valued logic, over the combinators and over whole expressions."""

from hypothesis import given
from hypothesis import strategies as st

from shared.clinical import kleene
from shared.clinical.expression import AllOf, AnyOf, AtLeast, Expression, Not
from shared.clinical.kleene import Value
from shared.clinical.leaves import Compare, IncludesAny, IsKnown, IsTrue, OneOf, Overlaps
from shared.clinical.model import Fact, Facts

value = st.sampled_from((kleene.NOT_MET, kleene.UNKNOWN, kleene.MET))
values = st.lists(value, max_size=6)


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


BOOLEAN, CODE, CODES, OTHER, NUMBER = "a.boolean", "a.code", "a.codes", "a.other", "a.number"

leaf: st.SearchStrategy[Expression] = st.one_of(
    st.builds(IsTrue, st.just(BOOLEAN), st.booleans()),
    st.builds(OneOf, st.just(CODE), st.frozensets(st.sampled_from("xyz"), min_size=1)),
    st.builds(IncludesAny, st.just(CODES), st.frozensets(st.sampled_from("xyz"), min_size=1)),
    st.just(Overlaps(CODES, OTHER)),
    st.just(IsKnown(CODE)),
    st.builds(
        Compare, st.just(NUMBER), st.sampled_from((">=", ">", "<=", "<", "=")), st.integers(0, 5).map(float), st.none()
    ),
)


def _groups(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(children, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        several.map(AllOf),
        several.map(AnyOf),
        children.map(Not),
        several.flatmap(lambda c: st.integers(1, len(c)).map(lambda n: AtLeast(c, n))),
    )


expression = st.recursive(leaf, _groups, max_leaves=8)
members = st.lists(st.sampled_from("xyz"), unique=True).map(lambda m: tuple(sorted(m)))


@st.composite
def interval(draw: st.DrawFn) -> Fact:
    low, high = sorted((draw(st.integers(0, 5)), draw(st.integers(0, 5))))
    open_ = low < high
    return Fact(
        NUMBER,
        "known",
        None,
        draw(st.sampled_from((float(low), None))),
        float(high),
        None,
        open_ and draw(st.booleans()),
        open_ and draw(st.booleans()),
    )


@st.composite
def chart_and_what_is_left(draw: st.DrawFn) -> tuple[Facts, Facts]:
    """A fully known chart, and the same with facts missing, conflicting, or blurred into an interval around the number."""
    number = draw(st.integers(0, 10)) / 2
    full = {
        BOOLEAN: Fact(BOOLEAN, "known", draw(st.booleans())),
        CODE: Fact(CODE, "known", draw(st.sampled_from("xyz"))),
        CODES: Fact(CODES, "known", draw(members)),
        OTHER: Fact(OTHER, "known", draw(members)),
        NUMBER: Fact(NUMBER, "known", None, number, number),
    }
    less: Facts = {}
    for name, fact in full.items():
        fate = draw(st.sampled_from(("kept", "missing", "conflicting", "blurred")))
        if fate == "conflicting":
            less[name] = Fact(name, "conflicting")
        elif fate == "blurred" and name == NUMBER:
            below = draw(st.sampled_from((None, number - 1, number - 2.5)))
            above = draw(st.sampled_from((None, number + 1, number + 0.5)))
            less[name] = Fact(name, "known", None, below, above, None, draw(st.booleans()), draw(st.booleans()))
        elif fate != "missing":
            less[name] = fact
    return full, less


@given(expression, chart_and_what_is_left())
def test_learning_a_fact_never_undoes_a_conclusion(e: Expression, charts: tuple[Facts, Facts]) -> None:
    full, less = charts
    if e.value(less) != kleene.UNKNOWN:
        assert e.value(full) == e.value(less)


@given(expression, chart_and_what_is_left())
def test_a_negated_expression_mirrors(e: Expression, charts: tuple[Facts, Facts]) -> None:
    assert Not(e).value(charts[1]) == kleene.negate(e.value(charts[1]))


@given(expression, chart_and_what_is_left())
def test_the_facts_that_carry_an_outcome_suffice_for_it(e: Expression, charts: tuple[Facts, Facts]) -> None:
    full, _ = charts
    carrying = {name: full[name] for name in e.because(full)}
    assert e.value(carrying) == e.value(full)
    assert set(carrying) <= set(e.fact_names)


@given(interval(), st.integers(0, 5).map(float))
def test_a_number_is_above_at_or_below_a_bound(fact: Fact, bound: float) -> None:
    facts = {NUMBER: fact}
    at_least, below = Compare(NUMBER, ">=", bound), Compare(NUMBER, "<", bound)
    above, at_most = Compare(NUMBER, ">", bound), Compare(NUMBER, "<=", bound)
    assert below.value(facts) == kleene.negate(at_least.value(facts))
    assert at_most.value(facts) == kleene.negate(above.value(facts))
    assert above.value(facts) <= at_least.value(facts)
