"""``priorauth criteria show``: one criteria set as a tree that a person reads."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from services.cli.errors import REFUSED, USAGE, fail
from services.cli.output import print_json, stdout
from services.cli.target import AsJson
from services.criteria_evaluation.policy import load_policy
from shared.clinical.criteria_model import CriteriaSet, Node
from shared.clinical.expression import AllOf, AnyOf, AtLeast, Expression, Not
from shared.policy import PolicyError

_WIDE: Final = 1000
"""The width where no terminal says how wide it is, so that a pipe gets whole lines."""


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("show")(show)


def show(
    set_id: Annotated[str, typer.Argument(metavar="ID", help="A set's id.")],
    criteria: Annotated[Path | None, typer.Option(help="A folder of criteria sets instead of those shipped.")] = None,
    evidence: Annotated[Path | None, typer.Option(help="A folder of evidence instead of that shipped.")] = None,
    as_json: AsJson = False,
) -> None:
    """A set as a tree: who it is for, its criteria in words, where each rule comes from, what is asked and referred."""
    try:
        sets = [s for s in load_policy(criteria, evidence).criteria_sets if s.id == set_id]
    except PolicyError as error:
        fail(REFUSED, str(error))
    if not sets:
        fail(USAGE, f"There is no criteria set {set_id}; `priorauth criteria list` names those that there are.")
    for criteria_set in sets:
        if as_json:
            print_json(document(criteria_set))
        else:
            (stdout if stdout.is_terminal else Console(highlight=False, width=_WIDE)).print(tree(criteria_set))


def document(criteria_set: CriteriaSet) -> dict[str, Any]:
    """The set as JSON: expressions in words, each with the facts that it looks at."""
    a = criteria_set.applicability
    return {
        "id": criteria_set.id,
        "version": criteria_set.version,
        "title": criteria_set.ref.title,
        "digest": criteria_set.digest,
        "applicability": {
            "services": sorted(a.services),
            "companions": sorted(a.companions),
            "diagnoses": list(a.diagnoses),
            "unless_diagnoses": list(a.unless_diagnoses),
            "lines_of_business": sorted(a.lines_of_business),
            "effective_from": a.effective_from.isoformat() if a.effective_from else None,
            "effective_to": a.effective_to.isoformat() if a.effective_to else None,
        },
        "sources": [{"id": s.id, "text": s.text} for s in criteria_set.sources],
        "criteria": [_node(node) for node in criteria_set.criteria],
        "refer": [
            {
                "id": r.id,
                "title": r.title,
                "when": r.when.describe(),
                "unless": r.unless.describe() if r.unless else None,
            }
            for r in criteria_set.refer
        ],
        "purposes": [
            {"id": p.id, "codes": sorted(p.codes), "when": p.when.describe()}
            for p in (criteria_set.purposes.rules if criteria_set.purposes else ())
        ],
        "questions": criteria_set.questions,
    }


def _node(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "title": node.title,
        "when": None if node.children else node.expression.describe(),
        "kind": kind_of(node.expression) if node.children else "when",
        "facts": list(node.expression.fact_names),
        "sources": list(node.sources),
        "evidence": list(node.evidence),
        "children": [_node(child) for child in node.children],
    }


def kind_of(expression: Expression) -> str:
    """How an expression joins its parts, in words."""
    match expression:
        case AllOf():
            return "all of"
        case AnyOf():
            return "any of"
        case AtLeast():
            return f"at least {expression.n} of"
        case Not():
            return "not"
        case _:
            return ""


def tree(criteria_set: CriteriaSet) -> Tree:
    """The set as a tree for a terminal."""
    a = criteria_set.applicability
    root = Tree(
        f"[bold]{escape(criteria_set.ref.title)}[/]  {criteria_set.id} {criteria_set.version}  {criteria_set.digest}"
    )
    applies = root.add("applies to")
    applies.add(f"services {', '.join(sorted(a.services))}")
    if a.companions:
        applies.add(f"beside them {', '.join(sorted(a.companions))}")
    applies.add(f"diagnoses {', '.join(a.diagnoses) or 'any'}")
    if a.unless_diagnoses:
        applies.add(f"but not with {', '.join(a.unless_diagnoses)}")
    applies.add(f"lines of business {', '.join(sorted(a.lines_of_business)) or 'any'}")
    applies.add(f"from {a.effective_from or 'ever'} to {a.effective_to or 'further notice'}")
    criteria = root.add("criteria, all required")
    for node in criteria_set.criteria:
        _grow(criteria, node)
    refer = root.add("refers to a clinician")
    for rule in criteria_set.refer:
        branch = refer.add(f"{escape(rule.title)}{_from(rule.sources)}")
        branch.add(f"when {escape(rule.when.describe())}")
        if rule.unless is not None:
            branch.add(f"unless {escape(rule.unless.describe())}")
    if criteria_set.purposes is not None:
        purposes = root.add(escape(criteria_set.purposes.title))
        for purpose in criteria_set.purposes.rules:
            purposes.add(f"{', '.join(sorted(purpose.codes))}: when {escape(purpose.when.describe())}")
    questions = root.add("questions")
    for fact, question in criteria_set.questions.items():
        questions.add(f"{fact}: {escape(question)}")
    sources = root.add("sources")
    for source in criteria_set.sources:
        sources.add(f"{source.id}: {escape(source.text)}")
    return root


def _grow(parent: Tree, node: Node) -> None:
    joined = f" ({kind_of(node.expression)})" if node.children else ""
    branch = parent.add(f"{escape(node.title)}{joined}{_from(node.sources)}")
    if node.children:
        for child in node.children:
            _grow(branch, child)
    else:
        _spread(branch, node.expression)


def _spread(parent: Tree, expression: Expression) -> None:
    """The parts of an expression, each on a line of its own."""
    children = getattr(expression, "children", ())
    if not children:
        parent.add(escape(expression.describe()))
        return
    branch = parent.add(kind_of(expression))
    for child in children:
        _spread(branch, child)


def _from(sources: tuple[str, ...]) -> str:
    return f"  [dim]{escape(', '.join(sources))}[/]" if sources else ""
