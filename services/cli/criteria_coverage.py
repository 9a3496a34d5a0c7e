"""``priorauth criteria coverage``: what the criteria of a folder decided over a folder of requests."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from services.cli.errors import REFUSED, USAGE, fail
from services.cli.offline import evaluate_parsed, read_file
from services.cli.output import print_json, stdout
from services.cli.target import AsJson
from services.criteria_evaluation.policy import load_policy
from shared.clinical.model import Criterion
from shared.policy import PolicyError

_OUTCOMES: Final = ("met", "not_met", "unknown")


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("coverage")(coverage)


def coverage(
    directory: Annotated[Path, typer.Argument(help="A folder of criteria sets (*.yaml).")],
    requests: Annotated[list[Path], typer.Argument(help="PAS request Bundles, or folders of them (*.json).")],
    evidence: Annotated[Path | None, typer.Option(help="A folder of evidence instead of that shipped.")] = None,
    as_json: AsJson = False,
) -> None:
    """How often each criterion was met, not met or unknown over requests, and which never decided anything."""
    try:
        policy = load_policy(directory, evidence)
    except PolicyError as error:
        fail(REFUSED, str(error))
    files = list(_files(requests))
    if not files:
        fail(USAGE, "There is no request here; name PAS request Bundles or folders of them.")
    counts: dict[str, dict[str, Counter[str]]] = {
        s.id: {node: Counter() for node in _ids(s.criteria)} for s in policy.criteria_sets
    }
    items, outcomes = Counter[str](), Counter[str]()
    for file in files:
        evaluation = evaluate_parsed(read_file(file, [], None), policy)
        outcomes[evaluation.outcome] += 1
        for chosen in {s.set_id for s in evaluation.selection if s.chosen}:
            items[chosen] += 1
            for criterion in _all(evaluation.criteria):
                if criterion.id in counts[chosen]:
                    counts[chosen][criterion.id][criterion.outcome] += 1
    document = _document(counts, items, outcomes, len(files))
    if as_json:
        print_json(document)
    else:
        _print(document)


def _files(requests: Iterable[Path]) -> Iterable[Path]:
    for place in requests:
        yield from sorted(place.glob("*.json")) if place.is_dir() else [place]


def _ids(nodes: Iterable[Any]) -> Iterable[str]:
    for node in nodes:
        yield node.id
        yield from _ids(node.children)


def _all(criteria: Iterable[Criterion]) -> Iterable[Criterion]:
    for criterion in criteria:
        yield criterion
        yield from _all(criterion.children)


def _document(
    counts: dict[str, dict[str, Counter[str]]], items: Counter[str], outcomes: Counter[str], requests: int
) -> dict[str, Any]:
    return {
        "requests": requests,
        "outcomes": dict(sorted(outcomes.items())),
        "sets": [
            {
                "id": set_id,
                "requests": items[set_id],
                "criteria": [
                    {"id": criterion, **{outcome: tally[outcome] for outcome in _OUTCOMES}}
                    for criterion, tally in criteria.items()
                ],
                "never_decided": [c for c, tally in criteria.items() if not tally["met"] and not tally["not_met"]],
            }
            for set_id, criteria in counts.items()
        ],
    }


def _print(document: dict[str, Any]) -> None:
    table = Table("set", "criterion", *_OUTCOMES, "decided")
    for entry in (entry for entry in document["sets"] if entry["requests"]):
        for criterion in entry["criteria"]:
            decided = criterion["met"] + criterion["not_met"]
            share = f"{decided / entry['requests']:.0%}"
            table.add_row(entry["id"], criterion["id"], *(str(criterion[o]) for o in _OUTCOMES), share)
        table.add_section()
    stdout.print(table)
    stdout.print(f"{document['requests']} requests: {', '.join(f'{n} {o}' for o, n in document['outcomes'].items())}")
    unused = [f"{e['id']}.{c}" for e in document["sets"] if e["requests"] for c in e["never_decided"]]
    stdout.print(f"Never decided: {', '.join(unused) or 'none'}")
