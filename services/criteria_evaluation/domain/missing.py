"""The smallest set of facts whose answers could satisfy what is still unknown, found exactly within a bound.

A *plan* is a set of demands "this leaf comes out met (or not met)" that together make an expression met. Plans are built
bottom-up as in a disjunctive normal form. Demands on one fact must be satisfiable by one value of it: no survival is both
above six months and below three. The plan that needs the fewest facts wins; ties go to what the policy names first.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from services.criteria_evaluation.domain.answers import Demand, is_open, satisfiable, together
from shared.clinical.expression import AllOf, AnyOf, AtLeast, Expression, Leaf, Not
from shared.clinical.kleene import MET, NOT_MET, UNKNOWN, Value, negate
from shared.clinical.model import Facts

WIDTH: Final = 256
"""Plans kept at each step. Within it the result is exact; beyond, the best of those that need the fewest facts so far."""


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
    return tuple(sorted(plans[0].facts - asked, key=search.order)) if plans else ()


def attainable(expression: Expression, target: Value) -> bool:
    """Whether some values of the facts give the expression the target (met or not met)."""
    return bool(_Search({}, {}, frozenset()).plans(expression, target))


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
    """What could still be learnt about the leaf: a quantity known as an interval is open as well."""
    return frozenset(name for name in leaf.compared if is_open(facts.get(name)))


class _Search:
    def __init__(self, facts: Facts, preference: Mapping[str, int], asked: frozenset[str]) -> None:
        self._facts = facts
        self._asked = asked
        self._preference = preference
        self._numbers: dict[Demand, int] = {}
        self._checked: dict[tuple[tuple[str, ...], frozenset[Demand]], bool] = {}

    def order(self, fact: str) -> tuple[int, str]:
        return self._preference.get(fact, len(self._preference)), fact

    def _rank(self, plan: Plan) -> tuple[int, list[tuple[int, str]], int, list[int]]:
        facts = sorted([self.order(fact) for fact in plan.facts if fact not in self._asked])
        return len(facts), facts, len(plan.demands), sorted([self._numbers[demand] for demand in plan.demands])

    def plans(self, expression: Expression, target: Value) -> list[Plan]:
        """Consistent plans that give the expression the target (met or not met), best first; empty if there is none."""
        value = expression.value(self._facts)
        if value == target:
            return [_NOTHING]
        if value != UNKNOWN:
            return []
        if isinstance(expression, Leaf):
            return self._answers(expression, target)
        if isinstance(expression, Not):
            return self.plans(expression.child, negate(target))
        if isinstance(expression, AtLeast):
            size = len(expression.children)
            return self._some(expression.children, expression.n if target == MET else size - expression.n + 1, target)
        if isinstance(expression, AllOf | AnyOf):
            every = isinstance(expression, AllOf) == (target == MET)
            return self._some(expression.children, len(expression.children) if every else 1, target)
        raise TypeError(f"There is no search for {type(expression).__name__}.")

    def _answers(self, leaf: Leaf, target: Value) -> list[Plan]:
        """A plan for each choice of facts that could give the leaf the target. Of two intervals one may be enough."""
        demand = (leaf, target)
        self._numbers.setdefault(demand, len(self._numbers))
        names = sorted(_open_facts(leaf, self._facts))
        chosen = [frozenset(some) for n in range(1, len(names) + 1) for some in combinations(names, n)]
        plans = (Plan(frozenset({demand}), facts) for facts in chosen)
        return sorted((plan for plan in plans if self._consistent(plan)), key=self._rank)

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
            if not any(_covers(other, plan) for other in kept):
                kept.append(plan)
                if len(kept) == WIDTH:
                    break
        return kept

    def _consistent(self, plan: Plan) -> bool:
        """Whether some values of the plan's facts satisfy all of its demands at once."""
        return all(self._satisfiable(names, demands) for names, demands in together(plan.demands, plan.facts))

    def _satisfiable(self, names: tuple[str, ...], demands: list[Demand]) -> bool:
        key = names, frozenset(demands)
        known = self._checked.get(key)
        if known is None:
            known = self._checked[key] = satisfiable(demands, names, self._facts)
        return known


def _covers(other: Plan, plan: Plan) -> bool:
    """Whether a plan demands all that the other one does, and more, so that it can never become the smaller of the two.

    A plan that may learn more facts about the same two-sided comparisons goes together with more plans, so it is kept.
    """
    if not other.demands <= plan.demands:
        return False
    sides = {name for leaf, _ in other.demands if len(leaf.compared) > 1 for name in leaf.compared}
    return plan.facts & sides <= other.facts


def _join(a: Plan, b: Plan) -> Plan:
    return Plan(a.demands | b.demands, a.facts | b.facts)
