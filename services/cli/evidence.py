"""``priorauth evidence``: the literature search."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer

from services.cli.errors import REFUSED, USAGE, fail
from services.cli.output import print_json, print_lines, stderr
from services.cli.target import AsJson
from services.evidence_lookup.collection import evaluate
from services.evidence_lookup.domain.search.beir import CollectionError, read_corpus, read_qrels, read_queries
from services.evidence_lookup.embedding import ModelUnavailableError, SentenceModel

app = typer.Typer(no_args_is_help=True, help=__doc__)
RankingOption = Annotated[
    Literal["bm25", "dense", "hybrid"] | None,
    typer.Option(help="How to rank; without it hybrid where the sentence model is installed, else bm25."),
]
T = TypeVar("T")


@app.command("evaluate")
def evaluate_command(
    corpus: Annotated[Path, typer.Option(help="corpus.jsonl of a collection in BEIR's layout.")],
    queries: Annotated[Path, typer.Option(help="queries.jsonl of the collection.")],
    qrels: Annotated[Path, typer.Option(help="Its judgments: query-id, corpus-id and score, with tabs between.")],
    ranking: RankingOption = None,
    as_json: AsJson = False,
) -> None:
    """Indexes a judged collection and measures a ranking on it; needs no server."""
    articles = _read(corpus, read_corpus)
    texts = _read(queries, read_queries)
    judgments = _read(qrels, read_qrels)
    if not any(grade > 0 for query in texts for grade in judgments.get(query, {}).values()):
        fail(REFUSED, f"{qrels} judges no document relevant for any query of {queries}.")
    chosen, model = choose(ranking)
    measured = evaluate(articles, texts, judgments, chosen, model, show_progress).as_dict()
    if as_json:
        print_json(measured)
    else:
        print_lines(*(f"{name:20} {_shown(value)}" for name, value in measured.items()))


def choose(ranking: Literal["bm25", "dense", "hybrid"] | None) -> tuple[Literal["bm25", "dense", "hybrid"], Any]:
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


def show_progress(done: int, of: int) -> None:
    """A line that is written over on a terminal, and nothing elsewhere but the last."""
    if stderr.is_terminal or done == of:
        stderr.print(f"{done} of {of} passages encoded", end="\n" if done == of else "\r")


def _read(path: Path, reader: Callable[[Iterable[str]], T]) -> T:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return reader(lines)
    except OSError:
        fail(USAGE, f"{path} cannot be read.")
    except UnicodeDecodeError:
        fail(REFUSED, f"{path} is not UTF-8 text.")
    except CollectionError as error:
        fail(REFUSED, f"{path}: {error}")


def _shown(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
