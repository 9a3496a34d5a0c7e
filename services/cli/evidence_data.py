"""``priorauth evidence import``, ``index`` and ``status``: the literature that is searched."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from services.cli.errors import REFUSED, USAGE, fail
from services.cli.evidence_model import Progress, choose
from services.cli.output import print_json, print_lines, stderr
from services.cli.target import AsJson, DataDir, engine_in, run, settings_for
from services.evidence_lookup.domain.search.article import Article
from services.evidence_lookup.domain.search.lexical import Floats
from services.evidence_lookup.domain.search.passages import encodable
from services.evidence_lookup.embedding import SentenceModel
from services.evidence_lookup.importing import Imported, ImportRefusedError, import_file
from services.evidence_lookup.index_files import keep_vectors, read_index, write_index
from services.evidence_lookup.searching import Hit
from services.evidence_lookup.store import ImportRun, has_vectors, nearest, read_articles, read_vectors, status
from shared.platform.settings import Settings

FormatOption = Annotated[
    Literal["pubmed", "medline", "ris", "beir"] | None,
    typer.Option("--format", help="The format of the files; without it their names tell it."),
]


def import_command(
    files: Annotated[list[Path], typer.Argument(help="PubMed XML, MEDLINE (.nbib), RIS or JSON lines; gzip is fine.")],
    format_: FormatOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Imports records of the literature into the database, in the order in which the files are given.

    A record that cannot be read is skipped and reported. An interrupted import goes on where it was.
    """
    try:
        found = run(_import(settings_for(data_dir), files, format_))
    except ImportRefusedError as error:
        fail(REFUSED, str(error))
    rows = [_row(imported) for imported in found]
    if as_json:
        print_json({"imports": rows})
    for row in [] if as_json else rows:
        again = " (was imported before)" if row["repeated"] else ""
        print_lines(
            f"{row['file']}: {row['articles']} articles, {row['deleted']} deletions, {row['retracted']} retractions, "
            f"{row['skipped']} records skipped{again}"
        )
        print_lines(*(f"  record {s['record']} was skipped: {s['reason']}" for s in row["reasons"]))


async def _import(
    settings: Settings, files: Sequence[Path], format_: Literal["pubmed", "medline", "ris", "beir"] | None
) -> list[Imported]:
    async with engine_in(settings, "service") as engine:
        return [await import_file(engine, path, format_, _show) for path in files]


def _show(run_: ImportRun) -> None:
    if stderr.is_terminal:
        stderr.print(f"{run_.name}: {run_.records} records", end="\n" if run_.finished else "\r")


def _row(imported: Imported) -> dict[str, Any]:
    r = imported.run
    return {
        "file": r.name,
        "format": r.format,
        "records": r.records,
        "articles": r.articles,
        "deleted": r.deleted,
        "retracted": r.retracted,
        "skipped": r.skipped,
        "repeated": imported.repeated,
        "reasons": [{"record": place, "reason": reason} for place, reason in imported.skipped],
    }


def index_command(
    directory: Annotated[Path | None, typer.Argument(help="Where to; else PRIORAUTH_LITERATURE_INDEX.")] = None,
    dense: Annotated[
        bool, typer.Option("--dense", help="With sentence vectors, for dense and hybrid ranking.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Makes the index of all articles of the database that are not retracted."""
    settings = settings_for(data_dir)
    target = directory or settings.literature_index
    if target is None:
        fail(USAGE, "Name a directory for the index, or set PRIORAUTH_LITERATURE_INDEX.")
    _, model = choose("hybrid" if dense else "bm25")
    articles, known = run(_articles(settings, dense))
    try:
        digest = write_index(target, articles, model, Progress(), known)
    except OSError:
        fail(USAGE, f"{target} cannot be written.")
    if dense:
        run(_keep_vectors(settings, target, known))
    if as_json:
        print_json({"digest": digest, "articles": len(articles), "dense": dense, "directory": str(target)})
    else:
        print_lines(f"{len(articles)} articles in {target}: {digest}")


async def _articles(settings: Settings, dense: bool) -> tuple[list[Article], dict[str, Floats]]:
    """The articles, and the vectors that the database keeps of them."""
    async with engine_in(settings, "service") as engine, engine.connect() as connection:
        known = await read_vectors(connection) if dense and await has_vectors(connection) else {}
        return [article async for article in read_articles(connection)], known


async def _keep_vectors(settings: Settings, directory: Path, known: Mapping[str, Floats]) -> None:
    """Stores the vectors that were made for this index, so that the next one need not make them again."""
    async with engine_in(settings, "service") as engine:
        async with engine.connect() as connection:
            if not await has_vectors(connection):
                return
        await keep_vectors(engine, read_index(directory), known)


def status_command(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """How many articles there are, and how far each import has come."""
    found = run(_status(settings_for(data_dir)))
    if as_json:
        print_json(found)
        return
    for source, counts in found["sources"].items():
        print_lines(f"{source}: {counts['articles']} articles, {counts['retracted']} of them retracted")
    for r in found["imports"]:
        state = "finished" if r["finished"] else f"interrupted after {r['records']} records"
        print_lines(f"{r['name']} ({r['format']}): {state}, {r['skipped']} skipped")


async def _status(settings: Settings) -> dict[str, Any]:
    async with engine_in(settings, "service") as engine:
        return await status(engine)


async def nearest_articles(settings: Settings, model: SentenceModel, query: str, limit: int) -> list[Hit] | None:
    """The articles whose vectors are nearest to a search in the database; None where it keeps no vectors."""
    [vector] = model.encode([encodable(tokens) for tokens in model.tokens([query])])
    async with engine_in(settings, "service") as engine:
        async with engine.connect() as connection:
            if not await has_vectors(connection):
                return None
            found = await nearest(connection, vector, limit)
        return [Hit("literature", article, likeness, article.identifier) for article, likeness in found]
