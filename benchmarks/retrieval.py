"""How long the literature index takes to make, and how many searches by words it answers a second.

``python -m benchmarks.retrieval [--records N] [--queries N]`` makes records by a rule: words of a Zipfian vocabulary, as
in real text, so that frequent words have long posting lists. No database and no network.
"""

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Final

from benchmarks.measure import percentile
from services.evidence_lookup.domain.search.article import Article
from services.evidence_lookup.index_files import read_index, write_index

WORDS: Final = 60_000
TITLE_WORDS: Final = 12
ABSTRACT_WORDS: Final = 180
QUERY_WORDS: Final = 5
_SYLLABLES: Final = (
    "ba",
    "cor",
    "de",
    "fi",
    "gra",
    "lo",
    "mi",
    "nu",
    "pa",
    "ri",
    "so",
    "ta",
    "ven",
    "xi",
    "zo",
    "phel",
)


def vocabulary() -> list[str]:
    """Words that look like words, each another."""
    found: dict[str, None] = {}
    draw = random.Random(1)
    while len(found) < WORDS:
        found["".join(draw.choice(_SYLLABLES) for _ in range(draw.randint(2, 5)))] = None
    return list(found)


class Writer:
    """Draws words by Zipf's law from a seed of its own."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._words = vocabulary()
        self._weights = list(accumulate(1 / (rank + 2.7) for rank in range(WORDS)))

    def text(self, length: int) -> str:
        """So many words."""
        return " ".join(self._draw.choices(self._words, cum_weights=self._weights, k=length))


def records(number: int) -> Iterator[Article]:
    """So many articles, the same ones each time."""
    writer = Writer(2)
    for i in range(number):
        yield Article("made", str(i), writer.text(TITLE_WORDS), writer.text(ABSTRACT_WORDS), published="2020")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=500)
    options = parser.parse_args()
    articles = list(records(options.records))
    asked = Writer(3)
    queries = [asked.text(QUERY_WORDS) for _ in range(options.queries)]
    with tempfile.TemporaryDirectory(prefix="priorauth-index-") as folder:
        begun = time.perf_counter()
        cpu = time.process_time()
        write_index(Path(folder), articles)
        print(f"index of {options.records}: {time.perf_counter() - begun:.1f} s, CPU {time.process_time() - cpu:.1f} s")
        begun = time.perf_counter()
        index = read_index(Path(folder))
        print(f"opened in {time.perf_counter() - begun:.2f} s")
        spent: list[float] = []
        cpu = time.process_time()
        for query in queries:
            begun = time.perf_counter()
            index.ranker.rank(query, limit=10)
            spent.append(time.perf_counter() - begun)
        cpu = time.process_time() - cpu
    print(
        f"{len(spent) / sum(spent):.0f} searches/s, {len(spent) / cpu:.0f} a second of CPU; "
        f"p50 {percentile(spent, 50) * 1000:.1f} ms, p99 {percentile(spent, 99) * 1000:.1f} ms"
    )
    print(f"largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
