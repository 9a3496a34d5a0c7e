"""The smallest set of facts whose answers could satisfy what is still unknown, found exactly within a bound.

A *plan* is a set of demands "this leaf comes out met (or not met)" that together make an expression met. Plans are built
bottom-up as in a disjunctive normal form. Demands on one fact must be satisfiable by one value of it: no survival is both
above six months and below three. The plan that needs the fewest facts wins; ties go to what the policy names first.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Final, NamedTuple

from shared.clinical.expression import AllOf, AnyOf, AtLeast, Expression, Leaf, Not
from shared.clinical.kleene import MET, NOT_MET, UNKNOWN, Value, negate
from shared.clinical.leaves import Compare, IncludesAny, IsTrue, OneOf
from shared.clinical.model import Fact, Facts

WIDTH: Final = 256
"""Plans kept at each step. Within it the result is exact; beyond, the best of those that need the fewest facts so far."""

Demand = tuple[Leaf, Value]


class Plan(NamedTuple):
    """What has to come out, and the facts that have to be learnt for it."""

    demands: frozenset[Demand]
    facts: frozenset[str]


_NOTHING: Final = Plan(frozenset(), frozenset())


def smallest_request(
    expressions: Sequence[Expression],
    facts: Facts,
    preference: Mapping[str, int],
    asked: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """The facts to ask for so that every one of the expressions could become met, in order of ``preference``.

    ``asked`` are facts that are asked for anyway: they cost nothing and are not repeated. Where no answer can make all
    expressions met, the facts are those that would show so. Empty where nothing is unknown.
    """
    search = _Search(facts, preference, asked)
    plans = search.plans(AllOf(tuple(expressions)), MET) or search.plans(AllOf(tuple(expressions)), NOT_MET)
    return tuple(sorted(plans[0].facts, key=search.order)) if plans else ()


def attainable(expression: Expression, target: Value) -> bool:
    """Whether some values of the facts give the expression the target (met or not met)."""
    return bool(_Search({}, {}, frozenset()).plans(expression, target))


def sole_change(expression: Expression, name: str, facts: Facts, preference: Mapping[str, int]) -> str | None:
    """What the fact ``name`` would have to be for the expression to be met, all other facts staying as they are.

    In words of the comparisons it would have to satisfy; None where no value of it is enough.
    """
    others = {fact: value for fact, value in facts.items() if fact != name}
    for plan in _Search(others, preference, frozenset()).plans(expression, MET):
        if plan.facts == {name}:
            needs = sorted((leaf.describe(), target) for leaf, target in plan.demands)
            return " and ".join(text if target == MET else f"not {text}" for text, target in needs)
    return None


def deciding_facts(expression: Expression, facts: Facts) -> frozenset[str]:
    """All facts that could decide an unknown expression: those not known at leaves that no known sibling has overruled."""
    if expression.value(facts) != UNKNOWN:
        return frozenset()
    if isinstance(expression, Leaf):
        return _open_facts(expression, facts)
    if isinstance(expression, Not):
        return deciding_facts(expression.child, facts)
    children: Iterable[Expression] = getattr(expression, "children", ())
    return frozenset().union(*(deciding_facts(child, facts) for child in children))


def _open_facts(leaf: Leaf, facts: Facts) -> frozenset[str]:
    # A known quantity is open as well where its interval is too wide for the comparison.
    names = [name for name in leaf.compared if (fact := facts.get(name)) is None or fact.status != "known"]
    return frozenset(names or leaf.compared)


class _Search:
    def __init__(self, facts: Facts, preference: Mapping[str, int], asked: frozenset[str]) -> None:
        self._facts = facts
        self._asked = asked
        self._preference = preference
        self._numbers: dict[Demand, int] = {}
        self._checked: dict[frozenset[Demand], bool] = {}

    def order(self, fact: str) -> tuple[int, str]:
        return self._preference.get(fact, len(self._preference)), fact

    def _rank(self, plan: Plan) -> tuple[int, list[tuple[int, str]], int, list[int]]:
        facts = sorted([self.order(fact) for fact in plan.facts])
        return len(facts), facts, len(plan.demands), sorted([self._numbers[demand] for demand in plan.demands])

    def plans(self, expression: Expression, target: Value) -> list[Plan]:
        """Consistent plans that give the expression the target (met or not met), best first; empty if there is none."""
        value = expression.value(self._facts)
        if value == target:
            return [_NOTHING]
        if value != UNKNOWN:
            return []
        if isinstance(expression, Leaf):
            demand = (expression, target)
            self._numbers.setdefault(demand, len(self._numbers))
            plan = Plan(frozenset({demand}), _open_facts(expression, self._facts) - self._asked)
            return [plan] if self._consistent(plan) else []
        if isinstance(expression, Not):
            return self.plans(expression.child, negate(target))
        if isinstance(expression, AtLeast):
            size = len(expression.children)
            return self._some(expression.children, expression.n if target == MET else size - expression.n + 1, target)
        if isinstance(expression, AllOf | AnyOf):
            every = isinstance(expression, AllOf) == (target == MET)
            return self._some(expression.children, len(expression.children) if every else 1, target)
        raise TypeError(f"There is no search for {type(expression).__name__}.")

    def _some(self, children: tuple[Expression, ...], n: int, target: Value) -> list[Plan]:
        """Plans that give ``n`` of the children the target."""
        options = [plans for plans in (self.plans(child, target) for child in children) if plans]
        free = sum(1 for plans in options if plans[0] is _NOTHING)
        options = [plans for plans in options if plans[0] is not _NOTHING]
        n -= free
        if n > len(options):
            return []
        if n <= 0:
            return [_NOTHING]
        found: list[Plan] = []
        for chosen in combinations(options, n):
            joined = chosen[0]
            for plans in chosen[1:]:
                joined = self._best(_join(a, b) for a in joined for b in plans)
            found.extend(joined)
            if len(found) > 4 * WIDTH:
                found = self._best(found)
        return self._best(found) if len(found) > 1 else found

    def _best(self, plans: Iterable[Plan]) -> list[Plan]:
        ranked = sorted((plan for plan in set(plans) if self._consistent(plan)), key=self._rank)
        kept: list[Plan] = []
        for plan in ranked:
            # A plan that demands all that a kept one does, and more, can never become the smaller of the two.
            if not any(other.demands <= plan.demands for other in kept):
                kept.append(plan)
                if len(kept) == WIDTH:
                    break
        return kept

    def _consistent(self, plan: Plan) -> bool:
        known = self._checked.get(plan.demands)
        if known is None:
            by_fact: dict[str, list[Demand]] = {}
            for leaf, target in plan.demands:
                if len(leaf.compared) == 1:
                    by_fact.setdefault(leaf.compared[0], []).append((leaf, target))
            # One demand on a fact is satisfiable, or its leaf would not be unknown.
            known = all(len(demands) == 1 or self._possible(name, demands) for name, demands in by_fact.items())
            self._checked[plan.demands] = known
        return known

    def _possible(self, name: str, demands: list[Demand]) -> bool:
        leaves = frozenset(leaf for leaf, _ in demands)
        known = self._facts.get(name)
        ends = () if known is None else tuple(end for end in (known.low, known.high) if end is not None)
        return any(
            all(leaf.value({name: candidate}) == target for leaf, target in demands)
            for candidate in _candidates(name, leaves, ends)
            if _refines(candidate, known)
        )


def _join(a: Plan, b: Plan) -> Plan:
    return Plan(a.demands | b.demands, a.facts | b.facts)


@lru_cache(maxsize=4096)
def _candidates(name: str, leaves: frozenset[Leaf], ends: tuple[float, ...]) -> tuple[Fact, ...]:
    """Values of a fact that between them show every way in which these leaves can come out.

    ``ends`` are the finite ends of what is known of a quantity, so that a narrow interval has a candidate of its own.
    """
    bounds = sorted({leaf.bound for leaf in leaves if isinstance(leaf, Compare)}.union(ends))
    units = {leaf.unit for leaf in leaves if isinstance(leaf, Compare)}
    if bounds:
        between = [(a + b) / 2 for a, b in pairwise(bounds)]
        points = sorted([bounds[0] - 1, *bounds, *between, bounds[-1] + 1])
        unit = units.pop() if len(units) == 1 else None
        return tuple(Fact(name, "known", low=p, high=p, unit=unit) for p in points)
    words = sorted({code for leaf in leaves if isinstance(leaf, OneOf) for code in leaf.codes})
    members = sorted({code for leaf in leaves if isinstance(leaf, IncludesAny) for code in leaf.codes})
    values: list[bool | str | tuple[str, ...]] = []
    if any(isinstance(leaf, IsTrue) for leaf in leaves):
        values += [True, False]
    if words:
        values += [*words, ""]
    if members:
        values += [(), *((a,) for a in members), *combinations(members, 2), tuple(members)]
    return tuple(Fact(name, "known", value=value) for value in values) or (Fact(name, "known"),)


def _refines(candidate: Fact, known: Fact | None) -> bool:
    """Whether the candidate is a possible precise value of what is known so far."""
    if known is None or known.status != "known" or candidate.low is None:
        return True
    above = known.low is None or candidate.low > known.low or (candidate.low == known.low and not known.low_open)
    below = known.high is None or candidate.low < known.high or (candidate.low == known.high and not known.high_open)
    return above and below
