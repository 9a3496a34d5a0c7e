"""What facts could turn out to be: values that show every way in which comparisons can come out.

The outcome of a comparison changes at few places only: at a bound, at an end of what is known already, at a code that
some comparison names. One value at each of these places and one between any two of them stand for all values there are.
Where a comparison looks at two facts the places of one are places of the other too, so these facts are tried together.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import pairwise
from typing import Final

from shared.clinical.exceeds import Exceeds
from shared.clinical.kleene import Value
from shared.clinical.leaves import Compare, IncludesAny, IsTrue, Leaf, OneOf, Overlaps
from shared.clinical.model import Fact, Facts
from shared.clinical.units import factor

Demand = tuple[Leaf, Value]
"""A comparison and how it has to come out."""

ANOTHER: Final = ""
"""Stands for any code that no comparison names."""

_MOST_APART: Final = 10
"""Kinds of codes that are told apart one by one where two sets, both open, must not meet; no policy needs nearly as many."""


def is_open(fact: Fact | None) -> bool:
    """Whether more could be learnt of a fact: it is not known, or it is a quantity of which only an interval is."""
    if fact is None or fact.status != "known":
        return True
    return fact.value is None and (fact.low is None or fact.low != fact.high)


def values(name: str, leaves: Iterable[Leaf], facts: Facts) -> tuple[Fact, ...]:
    """Values of one fact that show every way in which the leaves can come out while the other facts stay as they are.

    What is known of the fact now binds nothing.
    """
    others = {other: fact for other, fact in facts.items() if other != name}
    return tuple(_candidates(name, [leaf for leaf in leaves if name in leaf.compared], (), others))


def together(demands: Iterable[Demand], learnt: Set[str]) -> list[tuple[tuple[str, ...], list[Demand]]]:
    """Demands in groups that share no learnt fact, each with the learnt facts that it looks at."""
    groups: list[tuple[Set[str], list[Demand]]] = []
    for demand in demands:
        names: Set[str] = learnt & set(demand[0].compared)
        joined = [demand]
        apart = []
        for others, group in groups:
            if others.isdisjoint(names):
                apart.append((others, group))
            else:
                names, joined = names | others, group + joined
        groups = [*apart, (names, joined)]
    return [(tuple(sorted(names)), joined) for names, joined in groups]


def satisfiable(demands: Sequence[Demand], names: tuple[str, ...], facts: Facts) -> bool:
    """Whether some values of the facts of these names, all others staying as they are, satisfy all demands at once.

    What is known of these facts already binds them: an interval can only become narrower. Each is given a value in turn.
    """
    if not names:
        return all(leaf.value(facts) == target for leaf, target in demands)
    name, rest = names[0], names[1:]
    ready = [demand for demand in demands if set(rest).isdisjoint(demand[0].compared)]
    later = [demand for demand in demands if demand not in ready]
    known = facts.get(name)
    here = {other: facts[other] for leaf, _ in demands for other in leaf.compared if other in facts}
    for candidate in _candidates(name, [leaf for leaf, _ in demands], rest, here):
        if not _refines(candidate, known):
            continue
        here[name] = candidate
        if all(leaf.value(here) == target for leaf, target in ready) and satisfiable(later, rest, here):
            return True
    return False


def _refines(candidate: Fact, known: Fact | None) -> bool:
    """Whether the candidate is a possible precise value of what is known so far."""
    if known is None or known.status != "known":
        return True
    if known.value is not None or candidate.low is None:
        return candidate.value == known.value
    above = known.low is None or candidate.low > known.low or (candidate.low == known.low and not known.low_open)
    below = known.high is None or candidate.low < known.high or (candidate.low == known.high and not known.high_open)
    return above and below


def _candidates(name: str, leaves: Sequence[Leaf], rest: Sequence[str], facts: Facts) -> Iterator[Fact]:
    """Values of a fact that between them show every way in which the leaves can come out.

    ``rest`` are facts that are given a value later. The others in ``facts`` stay as they are.
    """
    own = [leaf for leaf in leaves if name in leaf.compared]
    found = False
    if any(isinstance(leaf, Compare | Exceeds) for leaf in own):
        found = True
        yield from _quantities(name, leaves, facts)
    if any(isinstance(leaf, IncludesAny | Overlaps) for leaf in own):
        found = True
        yield from (Fact(name, "known", members) for members in _sets(name, leaves, rest, facts))
    codes = sorted({code for leaf in own if isinstance(leaf, OneOf) for code in leaf.codes})
    words: list[bool | str] = [*codes, ANOTHER] if codes else []
    if any(isinstance(leaf, IsTrue) for leaf in own):
        words += [True, False]
    yield from (Fact(name, "known", word) for word in words)
    if not found and not words:
        yield Fact(name, "known")


def _quantities(name: str, leaves: Sequence[Leaf], facts: Facts) -> Iterator[Fact]:
    known = facts.get(name)
    units = {leaf.unit for leaf in leaves if isinstance(leaf, Compare) and leaf.fact == name}
    unit = known.unit if known is not None and known.unit is not None else units.pop() if len(units) == 1 else None
    turns = sorted(_turns(leaves, facts, unit).get(name) or {0.0})
    between = [(a + b) / 2 for a, b in pairwise(turns)]
    for point in sorted({turns[0] - 1, *turns, *between, turns[-1] + 1}):
        yield Fact(name, "known", low=point, high=point, unit=unit)


def _turns(leaves: Sequence[Leaf], facts: Facts, unit: str | None) -> dict[str, set[float]]:
    """Where the outcome of a leaf can change, by quantity, in one unit: bounds, known ends, and both moved by differences."""
    turns: dict[str, set[float]] = {}
    for leaf in leaves:
        for name in leaf.compared:
            known = facts.get(name)
            ends = () if known is None else (known.low, known.high)
            turns.setdefault(name, set()).update(end for end in ends if end is not None)
        if isinstance(leaf, Compare):
            scale = factor(leaf.unit, unit) if leaf.unit is not None and unit is not None else None
            turns[leaf.fact].add(leaf.bound * (scale or 1.0))
    # A chain of differences is never longer than there are facts.
    differences = [leaf for leaf in leaves if isinstance(leaf, Exceeds)]
    for _ in range(len(turns) if differences else 0):
        for leaf in differences:
            turns[leaf.fact] |= {point + leaf.by for point in turns[leaf.other]}
            turns[leaf.other] |= {point - leaf.by for point in turns[leaf.fact]}
    return turns


def _sets(name: str, leaves: Sequence[Leaf], rest: Sequence[str], facts: Facts) -> Iterator[tuple[str, ...]]:
    """Sets of codes, one for each way in which the leaves can come out."""
    kinds = list(_kinds(name, leaves, facts))
    alike: dict[tuple[bool, ...], str] = {}
    for code in sorted({ANOTHER}.union(*kinds)):
        alike.setdefault(tuple(code in kind for kind in kinds), code)
    signs = list(alike)
    if any(isinstance(leaf, Overlaps) and not set(rest).isdisjoint(leaf.compared) for leaf in leaves):
        # A set that is still open is compared with this one, so it matters which of the codes are in it.
        signs = [tuple(n == m for m in range(len(alike))) for n in range(min(len(alike), _MOST_APART))]
    reached: dict[tuple[bool, ...], tuple[str, ...]] = {(False,) * len(signs[0]): ()}
    for sign, code in zip(signs, alike.values(), strict=False):
        for earlier, members in list(reached.items()):
            both = tuple(a or b for a, b in zip(earlier, sign, strict=True))
            reached.setdefault(both, (*members, code))
    yield from reached.values()


def _kinds(name: str, leaves: Sequence[Leaf], facts: Facts) -> Iterator[frozenset[str]]:
    """The sets that the leaves compare this one with, or one that it is compared with."""
    for leaf in leaves:
        if isinstance(leaf, IncludesAny):
            yield leaf.codes
        elif isinstance(leaf, Overlaps):
            for other in leaf.compared:
                known = facts.get(other)
                if other != name and known is not None and isinstance(known.value, tuple):
                    yield frozenset(known.value)
