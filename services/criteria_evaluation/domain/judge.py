"""What one criteria set concludes from the facts of a case. Pure: the same set and facts give the same result."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from services.criteria_evaluation.domain.missing import deciding_facts, smallest_request
from services.criteria_evaluation.domain.trace import Skeleton, node_skeleton, rule_skeleton, trace
from shared.clinical.criteria_model import AlternativeRule, CriteriaSet, Node
from shared.clinical.expression import Expression
from shared.clinical.kleene import MET, UNKNOWN
from shared.clinical.model import Consideration, Criterion, Facts, Missing
from shared.clinical.wording import Sentence, applicable, fill

MEMO_SIZE: Final = 1024


@dataclass(frozen=True, slots=True)
class SetResult:
    """The evaluated set. ``referrals`` are the refer rules that are met, ``refer_rules`` all of them.

    ``contested`` are conflicting facts that could decide a required criterion that is unknown.
    """

    criteria: tuple[Criterion, ...]
    referrals: tuple[Criterion, ...]
    refer_rules: tuple[Criterion, ...]
    considerations: tuple[Consideration, ...]
    missing: tuple[Missing, ...]
    contested: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Required:
    """A required condition with the facts it is judged by (an item may have levels of its own)."""

    id: str
    expression: Expression
    facts: Facts


@dataclass(frozen=True, slots=True)
class _Said:
    """A consideration before its sentences are filled in."""

    kind: Literal["standard_of_care", "outcome", "alternative", "timing", "caution"]
    id: str
    title: str
    sentences: tuple[Sentence, ...]
    conclusion: Literal["inadequate", "contraindicated", "undetermined"] | None
    because: tuple[str, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """Everything about a case that follows from the outcomes of the set's comparisons alone."""

    criteria: tuple[Criterion, ...]
    refer_rules: tuple[Criterion, ...]
    referrals: tuple[Criterion, ...]
    reasons: tuple[str, ...]
    unknown: tuple[Node, ...]
    said: tuple[_Said, ...]


_memo: dict[tuple[CriteriaSet, bytes], Judged] = {}


def evaluate(criteria_set: CriteriaSet, facts: Facts) -> SetResult:
    """Evaluates every node of the set, met or not, without regard to requested items."""
    judged = judge(criteria_set, facts)
    required = tuple(Required(node.id, node.expression, facts) for node in judged.unknown)
    return SetResult(
        criteria=judged.criteria,
        referrals=judged.referrals,
        refer_rules=judged.refer_rules,
        considerations=considerations(judged, facts),
        missing=missing(criteria_set, required),
        contested=contested(required),
        reasons=judged.reasons,
    )


def judge(criteria_set: CriteriaSet, facts: Facts) -> Judged:
    """The set's tree, rules and considerations. Remembered by the outcomes of the set's comparisons, since charts repeat."""
    key = (criteria_set, comparisons(criteria_set, facts))
    found = _memo.get(key)
    if found is None:
        if len(_memo) >= MEMO_SIZE:
            _memo.clear()
        found = _memo[key] = _judge(criteria_set, facts)
    return found


def comparisons(criteria_set: CriteriaSet, facts: Facts) -> bytes:
    """The outcomes of all comparisons of the set, one byte each: what the set concludes follows from them alone."""
    return bytes([leaf.value(facts) for leaf in criteria_set.leaves])


@lru_cache(maxsize=64)
def _skeletons(criteria_set: CriteriaSet) -> tuple[tuple[Skeleton, ...], tuple[Skeleton, ...]]:
    criteria = tuple(node_skeleton(node) for node in criteria_set.criteria)
    return criteria, tuple(rule_skeleton(rule) for rule in criteria_set.refer)


def _judge(criteria_set: CriteriaSet, facts: Facts) -> Judged:
    criteria, rules = (tuple(trace(s, facts) for s in skeletons) for skeletons in _skeletons(criteria_set))
    referred = [rule.reason for rule, traced in zip(criteria_set.refer, rules, strict=True) if traced.outcome == "met"]
    failed = [f"Not met: {criterion.title}." for criterion in criteria if criterion.outcome == "not_met"]
    said = (*_statements(criteria_set, facts), *_alternatives(criteria_set, facts))
    return Judged(
        criteria=criteria,
        refer_rules=rules,
        referrals=tuple(rule for rule in rules if rule.outcome == "met"),
        reasons=(*referred, *failed),
        unknown=tuple(node for node in criteria_set.criteria if node.expression.value(facts) == UNKNOWN),
        said=said,
    )


def _statements(criteria_set: CriteriaSet, facts: Facts) -> tuple[_Said, ...]:
    return tuple(
        _Said(
            s.kind,
            s.id,
            s.title,
            applicable(s.sentences, facts),
            None,
            s.when.because(facts) if s.when else (),
            s.evidence,
        )
        for s in criteria_set.statements
        if s.when is None or s.when.value(facts) == MET
    )


def _alternatives(criteria_set: CriteriaSet, facts: Facts) -> tuple[_Said, ...]:
    return tuple(
        _alternative(rule, facts)
        for rule in criteria_set.alternatives
        if rule.when is None or rule.when.value(facts) == MET
    )


def _alternative(rule: AlternativeRule, facts: Facts) -> _Said:
    for ruling in rule.rulings:
        if ruling.when.value(facts) == MET:
            because = ruling.when.because(facts)
            return _Said(
                "alternative",
                rule.id,
                rule.title,
                applicable(ruling.sentences, facts),
                ruling.conclusion,
                because,
                ruling.evidence,
            )
    because = tuple(sorted({name for ruling in rule.rulings for name in ruling.when.because(facts)}))
    said = applicable(rule.undetermined, facts)
    return _Said("alternative", rule.id, rule.title, said, "undetermined", because, ())


def considerations(judged: Judged, facts: Facts) -> tuple[Consideration, ...]:
    """The considerations that this case calls for and whose facts are known, with their sentences filled in."""
    filled = ((said, fill(said.sentences, facts)) for said in judged.said)
    return tuple(
        Consideration(s.kind, s.id, s.title, text, s.conclusion, s.because, s.evidence) for s, text in filled if text
    )


def contested(required: Sequence[Required]) -> tuple[str, ...]:
    """The conflicting facts among those that could decide an unknown required condition."""
    names = {
        name
        for condition in required
        for name in deciding_facts(condition.expression, condition.facts)
        if (fact := condition.facts.get(name)) is not None and fact.status == "conflicting"
    }
    return tuple(sorted(names))


def in_doubt(criteria_set: CriteriaSet, judged: Judged, facts: Facts) -> dict[str, tuple[str, ...]]:
    """The refer rules that a fact on which the chart disagrees with itself could meet: their ids with those facts."""
    unknown = [
        Required(rule.id, rule.when, facts)
        for rule, traced in zip(criteria_set.refer, judged.refer_rules, strict=True)
        if traced.outcome == "unknown"
    ]
    found = {required.id: contested([required]) for required in unknown}
    return {id_: names for id_, names in found.items() if names}


@lru_cache(maxsize=64)
def preference(criteria_set: CriteriaSet) -> dict[str, int]:
    """The order in which the set first names its facts: of equally small requests the earlier named facts are asked for."""
    names = dict.fromkeys(name for leaf in criteria_set.leaves for name in leaf.compared)
    return {name: i for i, name in enumerate(names)}


def missing(criteria_set: CriteriaSet, required: Sequence[Required]) -> tuple[Missing, ...]:
    """The smallest set of facts that could satisfy all unknown required conditions, as questions.

    Conditions that are judged by the same facts are searched together.
    """
    if not required:
        return ()
    groups: list[tuple[Facts, list[Expression]]] = []
    for condition in required:
        group = next((expressions for facts, expressions in groups if facts is condition.facts), None)
        if group is None:
            groups.append((condition.facts, [condition.expression]))
        else:
            group.append(condition.expression)
    asked: list[str] = []
    for facts, expressions in groups:
        asked += smallest_request(expressions, facts, preference(criteria_set), frozenset(asked))
    by_question: dict[str, list[str]] = {}
    for name in asked:
        by_question.setdefault(_question(criteria_set, name), []).append(name)
    deciding = [(condition.id, deciding_facts(condition.expression, condition.facts)) for condition in required]
    return tuple(
        Missing(tuple(names), question, tuple(id_ for id_, facts in deciding if not facts.isdisjoint(names)))
        for question, names in by_question.items()
    )


def _question(criteria_set: CriteriaSet, name: str) -> str:
    question = criteria_set.questions.get(name) or _node_question(criteria_set.criteria, name)
    return question or f"Please document: {label(name)}."


def _node_question(nodes: tuple[Node, ...], name: str) -> str | None:
    """The question of the innermost criterion that looks at the fact."""
    for node in nodes:
        if name in node.expression.fact_names:
            found = _node_question(node.children, name) or node.question
            if found is not None:
                return found
    return None


def label(name: str) -> str:
    """A fact's name for people: ``oncology.expected_survival`` is ``expected survival``."""
    return name.rpartition(".")[2].replace("_", " ")
