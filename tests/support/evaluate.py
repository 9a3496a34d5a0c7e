"""``make evaluate``: precision, recall and F1 of extraction over the labelled notes, by fact."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.lexicon import load_lexicon
from shared.clinical.model import Document
from shared.policy import read_policy
from tests.support.labels import as_label, labelled_notes


def scores() -> dict[str, Counter[str]]:
    """Hits, wrong values and misses by fact.

    A note that lists its unknown facts is scored on the facts that it mentions. One without such a list is labelled
    completely: whatever else is found there is wrong.
    """
    lexicon = load_lexicon(read_policy("lexicon"))
    by_fact: dict[str, Counter[str]] = {}
    for note in labelled_notes():
        facts = extract([Document("sha256:0", note["text"], date=note.get("date"))], [], lexicon)
        for name, wanted in (dict.fromkeys(note.get("unknown", facts)) | note["known"]).items():
            found, tally = as_label(facts.get(name)), by_fact.setdefault(name, Counter())
            tally["hit"] += wanted is not None and found == wanted
            tally["wrong"] += found is not None and found != wanted
            tally["missed"] += wanted is not None and found != wanted
    return by_fact


def f1(tally: Counter[str]) -> tuple[float, float, float]:
    """Precision, recall, F1; 1 where there was nothing to find and nothing was found."""
    said, there = tally["hit"] + tally["wrong"], tally["hit"] + tally["missed"]
    precision = tally["hit"] / said if said else 1.0
    recall = tally["hit"] / there if there else 1.0
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def main() -> None:
    """Prints the table."""
    by_fact = scores()
    table = Table("fact", "labels", "precision", "recall", "F1")
    for name, tally in sorted(by_fact.items()):
        table.add_row(name, str(tally["hit"] + tally["missed"]), *(f"{value:.3f}" for value in f1(tally)))
    total = sum(by_fact.values(), Counter())
    table.add_section()
    table.add_row("all", str(total["hit"] + total["missed"]), *(f"{value:.3f}" for value in f1(total)))
    console = Console()
    console.print(f"{len(labelled_notes())} notes")
    console.print(table)


if __name__ == "__main__":
    main()
