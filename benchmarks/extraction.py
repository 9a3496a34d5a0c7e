"""How fast notes are read: charts a second on one core, by their size and by how much of them was read before.

The charts are the labelled notes of ``tests/cases`` in their order: each alone (0.6 kB), or joined until they have 2 or
8 kB. Of each chart the shortest of several times counts, in seconds of the processor, so that other work on the machine
disturbs little. ``first``: no sentence was read before. ``again``: every sentence was. ``templated``: the notes of the
load (``benchmarks.workload``), of which each is new and most sentences are not. ``words`` is the time that
splitting the charts into words takes in the same run, and ``ratio`` says how many times that the reading takes: a figure
that moves little from machine to machine.
"""

import argparse
import json
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from rich.console import Console
from rich.table import Table

from benchmarks.workload import note_text
from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.extract.notes import REMEMBERED
from services.criteria_evaluation.domain.lexicon import Lexicon, load_lexicon
from shared.clinical.model import Document
from shared.policy import read_policy
from tests.support.labels import NOTES, labelled_notes

_SIZES: Final = {"0.6 kB": 1, "2 kB": 1900, "8 kB": 7600}
"""A chart takes notes until it has so many characters."""
_TEMPLATED: Final = 200
T = TypeVar("T")
_WORD: Final = re.compile(r"\w+|[^\w\s]")


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="benchmarks.extraction", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each chart is timed")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    lexicon = load_lexicon(read_policy("lexicon"))
    texts = [note["text"] for note in labelled_notes([NOTES, NOTES.parent / "held_out"])]
    found = {name: _measure(charts(texts, size), lexicon, options.rounds) for name, size in _SIZES.items()}
    found["2 kB templated"] = _templated(lexicon, options.rounds)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        _print(found)


def charts(texts: Sequence[str], size: int) -> list[str]:
    """The texts in their order, joined by a blank line until a chart has ``size`` characters; a rest is left out."""
    made: list[str] = []
    parts: list[str] = []
    for text in texts:
        parts.append(text)
        if sum(map(len, parts)) >= size:
            made.append("\n\n".join(parts))
            parts = []
    return made


def _measure(texts: Sequence[str], lexicon: Lexicon, rounds: int) -> dict[str, Any]:
    documents = [Document("chart", text) for text in texts]
    first = _shortest(documents, lambda d: extract([d], (), lexicon), rounds, before=REMEMBERED.clear)
    again = _shortest(documents, lambda d: extract([d], (), lexicon), rounds)
    return _figures(texts, rounds, first=first, again=again)


def _templated(lexicon: Lexicon, rounds: int) -> dict[str, Any]:
    """New notes every round, after as many of their kind."""
    texts: list[str] = []
    times: list[float] = []
    for seed in range(_TEMPLATED * (rounds + 1)):
        document = Document("chart", note_text(seed))
        began = time.process_time()
        extract([document], (), lexicon)
        if seed >= _TEMPLATED:
            times.append(time.process_time() - began)
            texts.append(document.text)
    # No note is read twice, so the median of all stands for each.
    typical = sorted(times)[len(times) // 2] * len(texts)
    return _figures(texts, 1, templated=typical)


def _figures(texts: Sequence[str], rounds: int, **seconds: float) -> dict[str, Any]:
    words = _shortest(texts, _WORD.findall, rounds)
    return {
        "charts": len(texts),
        "mean_bytes": round(sum(len(text.encode()) for text in texts) / len(texts)),
        "charts_per_second": {name: round(len(texts) / taken, 1) for name, taken in seconds.items()},
        "ratio": {name: round(taken / words, 1) for name, taken in seconds.items()},
    }


def _shortest(
    items: Sequence[T], work: Callable[[T], object], rounds: int, before: Callable[[], None] | None = None
) -> float:
    """The sum over all items of the shortest time that the work on each took, in seconds of the processor."""
    best = [float("inf")] * len(items)
    for number in range(rounds + 1):
        for i, item in enumerate(items):
            if before is not None:
                before()
            began = time.process_time()
            work(item)
            taken = time.process_time() - began
            if number:
                best[i] = min(best[i], taken)
    return sum(best)


def _print(found: dict[str, dict[str, Any]]) -> None:
    table = Table(title="Notes read on one core")
    for column in ("charts", "mean bytes", "read", "charts/s", "times the splitting into words"):
        table.add_column(column)
    for name, figures in found.items():
        for how, rate in figures["charts_per_second"].items():
            table.add_row(name, str(figures["mean_bytes"]), how, f"{rate:,.0f}", f"{figures['ratio'][how]:g}")
    Console().print(table)


if __name__ == "__main__":
    main()
