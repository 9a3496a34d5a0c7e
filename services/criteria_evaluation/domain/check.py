"""What is wrong with a criteria set although it compiles: the check that policy authors run before they publish."""

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass

from shared.clinical.criteria_model import CriteriaSet, Node, ReferRule, Statement
from shared.clinical.expression import Expression, Vocabulary
from shared.clinical.leaves import Compare, IncludesAny, IsTrue, Leaf, OneOf, Overlaps
from shared.clinical.units import factor
from shared.clinical.wording import Sentence

_TYPES: dict[type[Leaf], tuple[str, ...]] = {
    Compare: ("quantity",),
    IsTrue: ("boolean",),
    OneOf: ("code",),
    IncludesAny: ("codes", "levels"),
    Overlaps: ("levels",),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Where in the set, and one sentence that says what to do."""

    place: str
    message: str


def check_set(criteria_set: CriteriaSet, known_statement_ids: Set[str], vocabulary: Vocabulary) -> list[Problem]:
    """Facts that do not exist or are compared as another type, evidence and sources that nobody declares, facts that may
    be missing without a question to ask for them, and codes without a purpose. Empty where all is well."""
    return [
        *_facts(criteria_set, vocabulary),
        *_references(criteria_set, known_statement_ids),
        *_ids(criteria_set),
        *_questions(criteria_set),
        *_codes(criteria_set),
    ]


def _facts(criteria_set: CriteriaSet, vocabulary: Vocabulary) -> Iterable[Problem]:
    for leaf in criteria_set.leaves:
        for name in leaf.compared:
            entry = vocabulary.get(name)
            if entry is None:
                yield Problem(
                    leaf.describe(), f"{name} is not a fact of the vocabulary; correct the name or add the fact."
                )
                continue
            kind, unit, codes = entry
            if kind not in _TYPES.get(type(leaf), (kind,)):
                yield Problem(leaf.describe(), f"{name} is of type {kind}; compare it as such.")
            if isinstance(leaf, Compare) and unit and leaf.unit and factor(leaf.unit, unit) is None:
                yield Problem(
                    leaf.describe(), f"{leaf.unit} cannot be converted to {unit}; use a unit of the same kind."
                )
            if isinstance(leaf, OneOf | IncludesAny) and kind != "levels" and codes and not leaf.codes <= set(codes):
                yield Problem(leaf.describe(), f"Use codes that {name} has: {', '.join(codes)}.")
    for place, sentence in _sentences(criteria_set):
        for name in sentence.placeholders:
            if name not in vocabulary or vocabulary[name][0] == "boolean":
                yield Problem(place, f"{{{name}}} has no wording; name a fact of the vocabulary that is not a boolean.")
    for name in criteria_set.questions:
        if name not in vocabulary:
            yield Problem(
                "questions", f"{name} is not a fact of the vocabulary; correct the name or drop the question."
            )


def _sentences(criteria_set: CriteriaSet) -> Iterable[tuple[str, Sentence]]:
    for statement in criteria_set.statements:
        yield from ((statement.id, sentence) for sentence in statement.sentences)
    for rule in criteria_set.alternatives:
        yield from ((rule.id, sentence) for ruling in rule.rulings for sentence in ruling.sentences)
        yield from ((rule.id, sentence) for sentence in rule.undetermined)
    for purpose in criteria_set.purposes.rules if criteria_set.purposes else ():
        yield from ((purpose.id, sentence) for sentence in purpose.sentences)


def _nodes(nodes: tuple[Node, ...]) -> Iterable[Node]:
    for node in nodes:
        yield node
        yield from _nodes(node.children)


def _references(criteria_set: CriteriaSet, known_statement_ids: Set[str]) -> Iterable[Problem]:
    parts: list[Node | ReferRule | Statement] = [*_nodes(criteria_set.criteria)]
    parts += [*criteria_set.refer, *criteria_set.statements]
    cited = [(part.id, part.evidence) for part in parts]
    cited += [(rule.id, ruling.evidence) for rule in criteria_set.alternatives for ruling in rule.rulings]
    for place, evidence in cited:
        for statement in evidence:
            if statement not in known_statement_ids:
                yield Problem(place, f"{statement} is not a statement of the evidence library; correct or add it.")
    declared = {source.id for source in criteria_set.sources}
    cited = [(part.id, part.sources) for part in (*parts, *criteria_set.alternatives)]
    for place, sources in cited:
        for source in sources:
            if source not in declared:
                yield Problem(place, f"{source} is not among the sources of the set; declare it there.")


def _ids(criteria_set: CriteriaSet) -> Iterable[Problem]:
    ids = [node.id for node in _nodes(criteria_set.criteria)]
    ids += [rule.id for rule in criteria_set.refer]
    ids += [statement.id for statement in criteria_set.statements]
    ids += [rule.id for rule in criteria_set.alternatives]
    if criteria_set.purposes is not None:
        ids += [criteria_set.purposes.id, *(rule.id for rule in criteria_set.purposes.rules)]
    for node_id, count in Counter(ids).items():
        if count > 1:
            yield Problem(node_id, "This id is used more than once; give each part its own.")


def _questions(criteria_set: CriteriaSet) -> Iterable[Problem]:
    rules = criteria_set.purposes.rules if criteria_set.purposes else ()
    asked: set[str] = set(criteria_set.questions)
    for node in _nodes(criteria_set.criteria):
        if node.question is not None:
            asked.update(node.expression.fact_names)
    required: list[tuple[str, Expression]] = [(node.id, node.expression) for node in criteria_set.criteria]
    required += [(rule.id, rule.when) for rule in rules]
    reported: set[str] = set()
    for place, expression in required:
        for name in expression.fact_names:
            if name not in asked and name not in reported:
                reported.add(name)
                yield Problem(place, f"{name} may be missing and has no question; add one under questions.")


def _codes(criteria_set: CriteriaSet) -> Iterable[Problem]:
    if criteria_set.purposes is None:
        return
    covered = criteria_set.applicability.services | criteria_set.applicability.companions
    purposeful = frozenset(code for rule in criteria_set.purposes.rules for code in rule.codes)
    for code in sorted(covered - purposeful):
        yield Problem("purposes", f"No rule says what code {code} is for; add it to one, or drop the code.")
    for code in sorted(purposeful - covered):
        yield Problem(
            "purposes", f"Code {code} has a purpose but is not among the codes of the set; add it or drop it."
        )
