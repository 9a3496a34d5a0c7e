"""Small worlds of facts whose every chart can be tried, and random expressions over them, to hold the engine's searches to.

A world has so few facts, with so few values each, that a claim such as "no two facts are enough" is checked by trying all.
Quantities take thirds of whole numbers while bounds, ends and differences are whole: between any two of these places, also
those of a difference, there is a value.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, product

from hypothesis import strategies as st

from shared.clinical.exceeds import Exceeds
from shared.clinical.expression import AllOf, AnyOf, AtLeast, Expression, Not
from shared.clinical.leaves import Compare, IncludesAny, IsKnown, IsTrue, OneOf, Overlaps
from shared.clinical.model import Fact, Facts


class World(dict[str, tuple[Fact, ...]]):
    """The precise values of each fact."""

    def __repr__(self) -> str:
        return f"the world of {', '.join(self)}"


_THIRDS = [n / 3 for n in range(-6, 16)]
_MEMBERS = [some for n in range(4) for some in combinations("xyz", n)]


def _flag(name: str) -> tuple[Fact, ...]:
    return tuple(Fact(name, "known", value) for value in (True, False))


def number(name: str) -> tuple[Fact, ...]:
    return tuple(Fact(name, "known", low=value, high=value) for value in _THIRDS)


def _set(name: str) -> tuple[Fact, ...]:
    return tuple(Fact(name, "known", members) for members in _MEMBERS)


NUMBERS = World({"b.one": _flag("b.one"), "q.a": number("q.a"), "q.b": number("q.b")})
SETS = World({"b.one": _flag("b.one"), "s.a": _set("s.a"), "s.b": _set("s.b")})
MIXED = World(
    {
        "b.one": _flag("b.one"),
        "b.two": _flag("b.two"),
        "c.kind": tuple(Fact("c.kind", "known", code) for code in ("x", "y", "other")),
        "q.a": number("q.a"),
    }
)
WORLDS = (NUMBERS, SETS, MIXED)

bound = st.sampled_from((1.0, 2.0))
operator = st.sampled_from((">=", ">", "<=", "<", "="))


def leaves(world: World) -> st.SearchStrategy[Expression]:
    """Comparisons of every kind that the world's facts allow. No leaf names the code z, so there is always another code."""
    kinds: list[st.SearchStrategy[Expression]] = [st.builds(IsKnown, st.sampled_from(sorted(world)))]
    for name in world:
        if name.startswith("b."):
            kinds.append(st.builds(IsTrue, st.just(name), st.booleans()))
        elif name.startswith("q."):
            kinds.append(st.builds(Compare, st.just(name), operator, bound, st.none()))
        elif name.startswith("c."):
            kinds.append(st.builds(OneOf, st.just(name), st.frozensets(st.sampled_from("xy"), min_size=1)))
        else:
            kinds.append(st.builds(IncludesAny, st.just(name), st.frozensets(st.sampled_from("xy"), min_size=1)))
    if "q.b" in world:
        kinds += [st.builds(Exceeds, st.just("q.a"), st.just("q.b"), st.sampled_from((0.0, 1.0)))] * 2
    if "s.b" in world:
        kinds += [st.just(Overlaps("s.a", "s.b"))] * 2
    return st.one_of(kinds)


def groups(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Expressions over expressions."""
    several = st.lists(children, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        several.map(AllOf),
        several.map(AnyOf),
        children.map(Not),
        several.flatmap(lambda c: st.integers(1, len(c)).map(lambda n: AtLeast(c, n))),
    )


def expressions(world: World) -> st.SearchStrategy[Expression]:
    return st.recursive(leaves(world), groups, max_leaves=6)


@st.composite
def intervals(draw: st.DrawFn, name: str) -> Fact:
    """A quantity of which an interval is known, with at least one precise value in it."""
    low = draw(st.sampled_from((None, 0.0, 1.0, 2.0)))
    high = draw(st.sampled_from((None, *(end for end in (0.0, 1.0, 2.0, 3.0) if low is None or end >= low))))
    wide = low != high
    return Fact(
        name,
        "known",
        low=low,
        high=high,
        low_open=low is not None and wide and draw(st.booleans()),
        high_open=high is not None and wide and draw(st.booleans()),
    )


def charts(world: World) -> st.SearchStrategy[Facts]:
    """What is known: some facts precisely, some by an interval, some in conflict, some not at all."""

    def fates(name: str, values: tuple[Fact, ...]) -> st.SearchStrategy[Fact | None]:
        # A value in the middle, so that the world has some that are greater by any difference, and some that are less.
        middle = [value for value in values if value.low is None or 0 <= value.low <= 3]
        known = [st.sampled_from(middle)] * 2
        doubtful = [intervals(name)] if values[0].low is not None else []
        return st.one_of(*known, st.none(), st.just(Fact(name, "conflicting")), *doubtful)

    drawn = st.fixed_dictionaries({name: fates(name, values) for name, values in world.items()})
    return drawn.map(lambda chart: {name: fact for name, fact in chart.items() if fact is not None})


PROBLEMS: st.SearchStrategy[tuple[World, Expression, Facts]] = st.one_of(
    [st.tuples(st.just(world), expressions(world), charts(world)) for world in WORLDS]
)
"""A world, an expression over it, and a chart."""
RULES: st.SearchStrategy[tuple[World, Expression, Expression, Facts]] = st.one_of(
    [st.tuples(st.just(world), expressions(world), expressions(world), charts(world)) for world in WORLDS]
)
"""A world, two expressions over it, and a chart."""


def within(value: Fact, known: Fact | None) -> bool:
    """Whether a precise value is one of those that what is known allows."""
    if known is None or known.status != "known":
        return True
    if value.low is None:
        return value.value == known.value
    low, high = known.low, known.high
    return not (
        (low is not None and (value.low < low or (value.low == low and known.low_open)))
        or (high is not None and (value.low > high or (value.low == high and known.high_open)))
    )


def open_names(world: World, chart: Facts) -> tuple[str, ...]:
    """The facts of which more can be learnt."""
    return tuple(sorted(name for name, values in world.items() if sum(within(v, chart.get(name)) for v in values) > 1))


def answered(world: World, chart: Facts, names: Sequence[str]) -> Iterator[Facts]:
    """The chart after every possible answer to the questions for these facts."""
    for answers in product(*([v for v in world[name] if within(v, chart.get(name))] for name in names)):
        yield {**chart, **{fact.name: fact for fact in answers}}


def reachable(e: Expression, target: int, world: World, chart: Facts, names: Sequence[str]) -> bool:
    return any(e.value(after) == target for after in answered(world, chart, names))
