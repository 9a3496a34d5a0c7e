"""What the commands on evidence share: the ranking with its model, files of lines, and progress."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from services.cli.errors import REFUSED, USAGE, fail
from services.cli.output import stderr
from services.evidence_lookup.domain.search.beir import CollectionError
from services.evidence_lookup.domain.search.ranker import Ranking
from services.evidence_lookup.embedding import ModelUnavailableError, SentenceModel

T = TypeVar("T")


def choose(ranking: Ranking | None) -> tuple[Ranking, SentenceModel | None]:
    """The ranking and the model that it needs. Ends the command where one that was asked for cannot be had."""
    if ranking == "bm25":
        return ranking, None
    try:
        model = SentenceModel()
    except ModelUnavailableError as error:
        if ranking is None:
            stderr.print(f"Ranking by BM25 alone. {error}")
            return "bm25", None
        fail(USAGE, str(error))
    return ranking or "hybrid", model


class Progress:
    """How far the encoding has come: a line that is written over on a terminal, elsewhere one for each tenth."""

    def __init__(self) -> None:
        self._tenths = 0

    def __call__(self, done: int, of: int) -> None:
        """Tells that so many of all passages are encoded."""
        tenths = 10 * done // of
        if stderr.is_terminal or tenths > self._tenths:
            stderr.print(f"{done} of {of} passages encoded", end="\r" if stderr.is_terminal and done < of else "\n")
        self._tenths = tenths


def read_lines(path: Path, reader: Callable[[Iterable[str]], T]) -> T:
    """What a reader makes of a UTF-8 file's lines. Ends the command where it cannot be read or is of another shape."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return reader(lines)
    except OSError:
        fail(USAGE, f"{path} cannot be read.")
    except UnicodeDecodeError:
        fail(REFUSED, f"{path} is not UTF-8 text.")
    except CollectionError as error:
        fail(REFUSED, f"{path}: {error}")
