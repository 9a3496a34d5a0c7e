"""``make evaluate``: precision, recall and F1 by fact over the labelled charts, and how often the outcome is right.

``make evaluate ARGS="--errors"`` lists what was read wrongly; ``ARGS="FOLDER ..."`` measures other charts.
"""

import argparse
import datetime as dt
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from services.criteria_evaluation.domain.evaluate import evaluate_case
from services.criteria_evaluation.domain.extract import Chart, read_chart
from services.criteria_evaluation.policy import Policy, load_policy
from shared.clinical.model import Document, Facts, RequestedItem
from tests.support.labels import NOTES, agree, as_label, labelled_notes

_REQUESTED_ON: Final = dt.date(2026, 6, 1)
_OUTCOMES: Final = ("approved", "information_requested", "clinical_review")


@dataclass(slots=True)
class Score:
    """What extraction and evaluation made of the charts. ``unsafe``: approved though the label is something else."""

    notes: int = 0
    by_fact: dict[str, Counter[str]] = field(default_factory=dict)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    unsafe: list[str] = field(default_factory=list)
    bad_quotes: int = 0
    errors: list[tuple[str, str, Any, Any]] = field(default_factory=list)
    characters: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> Counter[str]:
        """All facts together."""
        return sum(self.by_fact.values(), Counter())

    @property
    def outcome_accuracy(self) -> float:
        """The share of charts whose outcome is the labelled one; 1 where none has a label."""
        right = sum(count for (wanted, found), count in self.outcomes.items() if wanted == found)
        return right / self.outcomes.total() if self.outcomes else 1.0


def measure(notes: Sequence[dict[str, Any]], policy: Policy) -> Score:
    """Scores the charts.

    A chart that lists its unknown facts is scored on the facts that it mentions. One without such a list is labelled
    completely: whatever else is found there is wrong. On the facts under ``conflicting`` it disagrees with itself. A value
    under ``arguable`` is one that an expert may take or leave: finding it, or nothing, scores neither way.
    """
    score = Score(notes=len(notes))
    for note in notes:
        document = Document("sha256:0", note["text"], date=note.get("date"))
        begun = time.perf_counter()
        chart = read_chart([document], [], policy.lexicon)
        facts = chart.facts
        score.seconds += time.perf_counter() - begun
        score.characters += len(document.text)
        _score_facts(score, note, facts)
        score.bad_quotes += sum(
            source.kind == "note" and source.quote != document.text[source.start : source.end]
            for fact in facts.values()
            for source in fact.sources
        )
        if "outcome" in note:
            found = outcome_of(note, chart, policy)
            score.outcomes[note["outcome"], found] += 1
            if found == "approved" != note["outcome"]:
                score.unsafe.append(note["name"])
            if found != note["outcome"]:
                score.errors.append((note["name"], "outcome", note["outcome"], found))
    return score


def _score_facts(score: Score, note: dict[str, Any], facts: Facts) -> None:
    labels = dict.fromkeys(note.get("unknown", facts)) | note["known"]
    labels |= dict.fromkeys(note.get("conflicting", ()), "conflicting")
    arguable = note.get("arguable", {})
    for name, wanted in labels.items():
        found, tally = as_label(facts.get(name)), score.by_fact.setdefault(name, Counter())
        if name in arguable and (found is None or agree(found, arguable[name])):
            continue
        right = agree(found, wanted)
        tally["hit"] += wanted is not None and right
        tally["wrong"] += found is not None and not right
        tally["missed"] += wanted is not None and not right
        if not right:
            score.errors.append((note["name"], name, wanted, found))


def outcome_of(note: dict[str, Any], chart: Chart, policy: Policy) -> str:
    """The outcome of the request that the chart was sent with."""
    request = note["request"]
    sites = tuple(request.get("body_sites", ()))
    items = [RequestedItem(i, code, body_sites=sites) for i, code in enumerate(request["services"], start=1)]
    return evaluate_case(
        policy.criteria_sets,
        items,
        request["diagnoses"],
        None,
        _REQUESTED_ON,
        chart.facts,
        reservations=chart.reservations,
    ).outcome


def f1(tally: Counter[str]) -> tuple[float, float, float]:
    """Precision, recall, F1; 1 where there was nothing to find and nothing was found."""
    said, there = tally["hit"] + tally["wrong"], tally["hit"] + tally["missed"]
    precision = tally["hit"] / said if said else 1.0
    recall = tally["hit"] / there if there else 1.0
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _fact_table(score: Score) -> Table:
    table = Table("fact", "labels", "precision", "recall", "F1")
    for name, tally in sorted(score.by_fact.items()):
        table.add_row(name, str(tally["hit"] + tally["missed"]), *(f"{value:.3f}" for value in f1(tally)))
    table.add_section()
    total = score.total
    table.add_row("all", str(total["hit"] + total["missed"]), *(f"{value:.3f}" for value in f1(total)))
    return table


def _outcome_table(score: Score) -> Table:
    table = Table("labelled \\ found", *_OUTCOMES)
    for wanted in _OUTCOMES:
        table.add_row(wanted, *(str(score.outcomes[wanted, found]) for found in _OUTCOMES))
    return table


def _print(score: Score, *, errors: bool) -> None:
    console = Console(width=140 if not sys.stdout.isatty() else None)
    console.print(_fact_table(score))
    console.print(_outcome_table(score))
    if errors:
        for name, fact, wanted, found in score.errors:
            console.print(f"{name}: {fact}: labelled {wanted}, found {found}", markup=False, soft_wrap=True)
    console.print(
        f"{score.notes} charts, {score.characters / max(1, score.notes) / 1000:.1f} kB on average; outcome right in "
        f"{score.outcome_accuracy:.1%}; unsafe approvals: {len(score.unsafe)}; quotes that differ: {score.bad_quotes}; "
        f"{score.notes / score.seconds if score.seconds else 0:.0f} charts/s on one core"
    )


def _as_json(score: Score) -> str:
    precision, recall, value = f1(score.total)
    return json.dumps(
        {
            "charts": score.notes,
            "facts": {"precision": precision, "recall": recall, "f1": value},
            "outcome_accuracy": score.outcome_accuracy,
            "confusion": {f"{wanted} > {found}": n for (wanted, found), n in sorted(score.outcomes.items())},
            "unsafe_approvals": score.unsafe,
            "quotes_that_differ": score.bad_quotes,
            "charts_per_second": score.notes / score.seconds if score.seconds else 0,
        },
        indent=2,
    )


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("places", nargs="*", type=Path, default=[NOTES], help="files or folders of labelled charts")
    parser.add_argument("--errors", action="store_true", help="list every fact and outcome that differs from its label")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON document")
    arguments = parser.parse_args()
    score = measure(labelled_notes(arguments.places), load_policy())
    if arguments.json:
        sys.stdout.write(_as_json(score) + "\n")
    else:
        _print(score, errors=arguments.errors)


if __name__ == "__main__":
    main()
