"""``priorauth evidence``: the curated library and the literature beside it, searched and measured."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.errors import REFUSED, USAGE, fail
from services.cli.evidence_data import import_command, index_command, nearest_articles, status_command
from services.cli.evidence_model import Progress, choose, read_lines
from services.cli.output import print_json, print_lines, stderr
from services.cli.target import AsJson, DataDir, run, settings_for
from services.criteria_evaluation.schemas import policy_schemas
from services.evidence_lookup.collection import evaluate
from services.evidence_lookup.domain.search.beir import read_corpus, read_qrels, read_queries
from services.evidence_lookup.domain.search.ranker import Ranking
from services.evidence_lookup.embedding import SentenceModel
from services.evidence_lookup.index_files import LiteratureIndex, LiteratureIndexError, read_index
from services.evidence_lookup.searching import Hit, Wanted, interleave, search_library, search_literature
from shared.clinical.evidence import load_evidence
from shared.policy import read_policy

app = typer.Typer(no_args_is_help=True, help=__doc__)
app.command("import")(import_command)
app.command("index")(index_command)
app.command("status")(status_command)

RankingOption = Annotated[
    Ranking | None,
    typer.Option(help="How to rank; without it hybrid where the sentence model is installed, else bm25."),
]
DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


@app.command("search")
def search_command(
    query: Annotated[str, typer.Argument(help="What to look for, in words.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many results at most.")] = 10,
    ranking: RankingOption = None,
    since: Annotated[str, typer.Option(help="Published then or later: YYYY, YYYY-MM or YYYY-MM-DD.")] = "",
    until: Annotated[str, typer.Option(help="Published then or earlier.")] = "",
    kind: Annotated[list[str] | None, typer.Option("--type", help="A publication type; may be given again.")] = None,
    index: Annotated[Path | None, typer.Option(help="The literature index; else PRIORAUTH_LITERATURE_INDEX.")] = None,
    in_database: Annotated[
        bool, typer.Option("--in-database", help="Search the database's vectors (pgvector) instead of an index.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Searches the curated library and, where there is an index, the literature. Needs no server unless told to."""
    wanted = Wanted(_date(since), _date(until), frozenset(t.lower() for t in kind or ()))
    if not query.strip():
        fail(USAGE, "Say what to look for.")
    library = search_library(load_evidence(read_policy("evidence")), query, limit, wanted)
    if in_database:
        _print(query, "dense", None, interleave(library, _nearest(query, limit, wanted, data_dir), limit), as_json)
        return
    literature = _open(index or settings_for(None).literature_index)
    chosen, model = _ranking(ranking, literature)
    articles = [] if literature is None else search_literature(literature, query, chosen, limit, wanted, model)
    digest = None if literature is None else literature.digest
    _print(query, chosen, digest, interleave(library, articles, limit), as_json)


def _nearest(query: str, limit: int, wanted: Wanted, data_dir: Path | None) -> list[Hit]:
    _, model = choose("dense")
    if model is None:
        raise TypeError("Dense ranking has a model.")
    found = run(nearest_articles(settings_for(data_dir), model, query, limit))
    if found is None:
        fail(USAGE, "The database keeps no vectors, since it has no pgvector: search an index instead.")
    return [hit for hit in found if wanted.allows(hit.article)]


def _print(query: str, ranking: str, digest: str | None, hits: list[Hit], as_json: bool) -> None:
    if as_json:
        print_json({"query": query, "ranking": ranking, "index": digest, "results": [hit.as_dict() for hit in hits]})
    elif hits:
        print_lines(*(_line(hit) for hit in hits))
    else:
        stderr.print("Nothing was found.")


@app.command("evaluate")
def evaluate_command(
    corpus: Annotated[Path, typer.Option(help="corpus.jsonl of a collection in BEIR's layout.")],
    queries: Annotated[Path, typer.Option(help="queries.jsonl of the collection.")],
    qrels: Annotated[Path, typer.Option(help="Its judgments: query-id, corpus-id and score, with tabs between.")],
    ranking: RankingOption = None,
    as_json: AsJson = False,
) -> None:
    """Indexes a judged collection and measures a ranking on it; needs no server."""
    articles = read_lines(corpus, read_corpus)
    texts = read_lines(queries, read_queries)
    judgments = read_lines(qrels, read_qrels)
    if not any(grade > 0 for query in texts for grade in judgments.get(query, {}).values()):
        fail(REFUSED, f"{qrels} judges no document relevant for any query of {queries}.")
    chosen, model = choose(ranking)
    measured = evaluate(articles, texts, judgments, chosen, model, Progress()).as_dict()
    if as_json:
        print_json(measured)
    else:
        print_lines(*(f"{name:20} {_shown(value)}" for name, value in measured.items()))


@app.command("schema")
def schema() -> None:
    """The JSON Schema of a file of the curated library, for editors: it completes facts and fields."""
    print_json(policy_schemas()["evidence.schema.json"])


def _open(directory: Path | None) -> LiteratureIndex | None:
    if directory is None:
        return None
    try:
        return read_index(directory)
    except LiteratureIndexError as error:
        fail(USAGE, str(error))


def _ranking(asked: Ranking | None, index: LiteratureIndex | None) -> tuple[Ranking, SentenceModel | None]:
    """The curated library is ranked by words alone, and so is an index without vectors unless more is asked for."""
    if index is None or (asked is None and index.ranker.dense is None):
        return "bm25", None
    if asked != "bm25" and index.ranker.dense is None:
        fail(USAGE, "The index has no vectors: run `priorauth evidence index --dense`, or search by --ranking bm25.")
    return choose(asked)


def _date(text: str) -> str:

    if text and not DATE.fullmatch(text):
        fail(USAGE, "A date is YYYY, YYYY-MM or YYYY-MM-DD.")
    return text


def _line(hit: Hit) -> str:
    found: dict[str, Any] = hit.as_dict()
    identifier = f" {found['identifier']}." if found["identifier"] else ""
    said = f" {found['text']}" if found["text"] else ""
    return f"[{found['found_in']}] {found['id']}: {found['citation']}{identifier}{said}"


def _shown(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
