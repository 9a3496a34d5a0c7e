"""The trace in docs/how-a-conclusion-came-about.md, made from the demo case. ``python -m tests.support.explain`` renews it."""

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any, Final

from services.cli.offline import determine_request, read_file
from services.intake.domain.pas_request import PasRequest

ROOT: Final = Path(__file__).parents[2]
CASE: Final = ROOT / "services/cli/demo_cases/1-l2-corpectomy.json"
PAGE: Final = ROOT / "docs/how-a-conclusion-came-about.md"
_SHOWN: Final = (
    "oncology.malignancy_confirmed",
    "spine.sins_total",
    "spine.fracture_pattern",
    "neuro.motor_deficit",
    "oncology.expected_survival",
)


def request() -> PasRequest:
    """The demo case as it is read from its file."""
    return read_file(CASE, [], dt.date(2026, 11, 25))


def trace() -> str:
    """Facts with their quotes, the tree, and what is asked for when one fact is taken away."""
    document = determine_request(request())
    bare = determine_request(dataclasses.replace(request(), documents=()))
    lines = ["Facts, each with the words that it was read from:", ""]
    lines += [_fact(name, document["facts"][name]) for name in _SHOWN]
    lines += ["", "The criteria, each with its outcome:", ""]
    for criterion in document["criteria"]:
        lines += _tree(criterion, 0)
    lines += ["", f"Outcome: {document['outcome']}. {document['reasons'][0]}", ""]
    lines += [f"The same request without the note: {bare['outcome']}. Asked for:", ""]
    lines += [f"  {missing['question']}" for missing in bare["missing"]]
    return "\n".join(lines)


def _fact(name: str, fact: dict[str, Any]) -> str:
    value = (
        fact.get("value")
        if fact.get("value") is not None
        else f"{fact['low']} to {fact['high'] or 'open'} {fact['unit']}"
    )
    quotes = "; ".join(
        f"“{s['quote']}” ({s['section']}, characters {s['start']} to {s['end']})"
        for s in fact["sources"]
        if s.get("quote")
    )
    return f"  {name} = {value}  from {quotes}"


def _tree(criterion: dict[str, Any], depth: int) -> list[str]:
    lines = [f"{'  ' * (depth + 1)}{criterion['outcome']:8} {criterion['title']}"]
    for child in criterion["children"]:
        if depth < 1:
            lines += _tree(child, depth + 1)
    return lines


def page_with(excerpt: str) -> str:
    """The page with this trace between its marks."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition("```text\n")
    _, _, tail = rest.partition("\n```")
    return f"{head}```text\n{excerpt}\n```{tail}"


if __name__ == "__main__":
    PAGE.write_text(page_with(trace()), encoding="utf-8")
