"""SQL of the literature: articles by batches, import runs that can be taken up again, and vectors."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.evidence_lookup.domain.search.article import Article
from services.evidence_lookup.domain.search.lexical import Floats
from services.evidence_lookup.domain.search.records import Broken, Change, Deleted, Retracted

Key = tuple[str, str]
_SEPARATOR: Final = "\x1f"
"""Between the members of a list, since unnest takes nested arrays apart."""

_UPSERT = text(
    """
    INSERT INTO literature_articles (source, id, title, abstract, journal, published, doi, version, digest,
        authors, publication_types, mesh, retracted)
    SELECT n.source, n.id, n.title, n.abstract, n.journal, n.published, n.doi, n.version, n.digest,
        string_to_array(n.authors, E'\\x1f'), string_to_array(n.publication_types, E'\\x1f'),
        string_to_array(n.mesh, E'\\x1f'),
        n.retracted OR EXISTS (SELECT FROM literature_retractions r WHERE r.source = n.source AND r.id = n.id)
    FROM unnest(CAST(:source AS text[]), CAST(:id AS text[]), CAST(:title AS text[]), CAST(:abstract AS text[]),
        CAST(:journal AS text[]), CAST(:published AS text[]), CAST(:doi AS text[]), CAST(:version AS integer[]),
        CAST(:digest AS text[]), CAST(:authors AS text[]), CAST(:publication_types AS text[]),
        CAST(:mesh AS text[]), CAST(:retracted AS boolean[]))
        AS n (source, id, title, abstract, journal, published, doi, version, digest, authors, publication_types,
            mesh, retracted)
    ON CONFLICT (source, id) DO UPDATE SET title = excluded.title, abstract = excluded.abstract,
        journal = excluded.journal, published = excluded.published, doi = excluded.doi, version = excluded.version,
        digest = excluded.digest, authors = excluded.authors, publication_types = excluded.publication_types,
        mesh = excluded.mesh, retracted = excluded.retracted
    WHERE excluded.version >= literature_articles.version
        AND (excluded.digest, excluded.retracted) <> (literature_articles.digest, literature_articles.retracted)
    """
)
_DELETE = text(
    """
    DELETE FROM literature_articles a USING unnest(CAST(:source AS text[]), CAST(:id AS text[])) AS n (source, id)
    WHERE a.source = n.source AND a.id = n.id
    """
)
_RETRACTIONS = text(
    """
    INSERT INTO literature_retractions
    SELECT * FROM unnest(CAST(:source AS text[]), CAST(:id AS text[])) ON CONFLICT DO NOTHING
    """
)
_MARK = text(
    """
    UPDATE literature_articles a SET retracted = true
    FROM unnest(CAST(:source AS text[]), CAST(:id AS text[])) AS n (source, id)
    WHERE a.source = n.source AND a.id = n.id AND NOT a.retracted
    """
)
_RUN = text("SELECT * FROM literature_imports WHERE file_digest = :file_digest AND format = :format")
_SAVE_RUN = text(
    """
    INSERT INTO literature_imports (file_digest, format, name, records, articles, deleted, retracted, skipped, finished)
    VALUES (:file_digest, :format, :name, :records, :articles, :deleted, :retracted, :skipped, :finished)
    ON CONFLICT (file_digest, format) DO UPDATE SET name = excluded.name, records = excluded.records,
        articles = excluded.articles, deleted = excluded.deleted, retracted = excluded.retracted,
        skipped = excluded.skipped, finished = excluded.finished, updated_at = now()
    """
)
_COUNTS = text(
    "SELECT source, count(*), count(*) FILTER (WHERE retracted) FROM literature_articles GROUP BY 1 ORDER BY 1"
)
_RUNS = text("SELECT * FROM literature_imports ORDER BY updated_at, name")
# The order is that of bytes, whatever the database's collation, so that an index is the same everywhere.
_ARTICLES = text('SELECT * FROM literature_articles WHERE NOT retracted ORDER BY source COLLATE "C", id COLLATE "C"')


_HAS_VECTORS = text("SELECT to_regclass('literature_vectors') IS NOT NULL")
_VECTORS = text(
    """
    SELECT v.digest, CAST(v.vector AS real[]) FROM literature_vectors v JOIN literature_articles a USING (source, id)
    WHERE v.digest = a.digest AND NOT a.retracted ORDER BY v.source, v.id, v.passage
    """
)
_FORGET_VECTORS = text(
    """
    DELETE FROM literature_vectors v USING unnest(CAST(:source AS text[]), CAST(:id AS text[])) AS n (source, id)
    WHERE v.source = n.source AND v.id = n.id
    """
)
_SAVE_VECTORS = text(
    """
    INSERT INTO literature_vectors (source, id, passage, digest, vector)
    SELECT n.source, n.id, n.passage, n.digest, CAST(n.vector AS vector)
    FROM unnest(CAST(:source AS text[]), CAST(:id AS text[]), CAST(:passage AS integer[]), CAST(:digest AS text[]),
        CAST(:vector AS text[])) AS n (source, id, passage, digest, vector)
    JOIN literature_articles a USING (source, id) WHERE a.digest = n.digest
    """
)
# The inner query is the one that the HNSW index answers; an article is as near as the nearest of its passages.
_NEAREST = text(
    """
    SELECT a.*, n.likeness FROM (
        SELECT source, id, max(1 - distance) AS likeness FROM (
            SELECT source, id, vector <=> CAST(:vector AS vector) AS distance FROM literature_vectors
            ORDER BY vector <=> CAST(:vector AS vector) LIMIT :passages) AS p
        GROUP BY source, id) AS n
    JOIN literature_articles a USING (source, id)
    WHERE NOT a.retracted ORDER BY n.likeness DESC, a.source, a.id LIMIT :limit
    """
)
_PASSAGES_AN_ARTICLE: Final = 8
"""How many of the nearest passages are looked at for each article that is wanted."""


@dataclass(frozen=True, slots=True)
class ImportRun:
    """How far the import of a file has come: what was read, and what followed from it."""

    file_digest: str
    format: str
    name: str
    records: int = 0
    articles: int = 0
    deleted: int = 0
    retracted: int = 0
    skipped: int = 0
    finished: bool = False

    def after(self, changes: Sequence[Change], records: int, finished: bool) -> "ImportRun":
        """The run with a batch's changes counted, after so many records of the file."""
        return replace(
            self,
            records=records,
            articles=self.articles + sum(isinstance(c, Article) for c in changes),
            deleted=self.deleted + sum(isinstance(c, Deleted) for c in changes),
            retracted=self.retracted + sum(isinstance(c, Retracted) for c in changes),
            skipped=self.skipped + sum(isinstance(c, Broken) for c in changes),
            finished=finished,
        )


async def find_run(engine: AsyncEngine, file_digest: str, format_: str) -> ImportRun | None:
    """The run of a file, finished or interrupted."""
    async with engine.connect() as connection:
        row = (await connection.execute(_RUN, {"file_digest": file_digest, "format": format_})).mappings().first()
    return None if row is None else _run(row)


async def apply(engine: AsyncEngine, changes: Sequence[Change], run: ImportRun) -> None:
    """Stores a batch of changes and how far the run has come, in one transaction. Doing it again changes nothing."""
    articles, deleted, retracted = _fold(changes)
    async with engine.begin() as connection:
        if retracted:
            await connection.execute(_RETRACTIONS, _keys(retracted))
            await connection.execute(_MARK, _keys(retracted))
        if deleted:
            await connection.execute(_DELETE, _keys(deleted))
        if articles:
            await connection.execute(_UPSERT, _columns(articles))
        await connection.execute(_SAVE_RUN, {name: getattr(run, name) for name in ImportRun.__slots__})


async def read_articles(connection: AsyncConnection) -> AsyncIterator[Article]:
    """All articles but retracted ones, by source and id in the order of bytes, without holding them all."""
    async with connection.stream(_ARTICLES) as rows:
        async for row in rows.mappings():
            yield _article(row)


async def status(engine: AsyncEngine) -> dict[str, Any]:
    """How many articles there are by source, and the runs in the order of their last change."""
    async with engine.connect() as connection:
        counts = await connection.execute(_COUNTS)
        articles = {source: {"articles": n, "retracted": retracted} for source, n, retracted in counts}
        runs = [_run(row) for row in (await connection.execute(_RUNS)).mappings()]
    return {"sources": articles, "imports": [{n: getattr(r, n) for n in ImportRun.__slots__} for r in runs]}


async def has_vectors(connection: AsyncConnection) -> bool:
    """Whether the database keeps vectors: it does where it has pgvector."""
    return bool((await connection.execute(_HAS_VECTORS)).scalar_one())


async def read_vectors(connection: AsyncConnection) -> dict[str, Floats]:
    """The vectors of articles by digest, the beginning's first; of articles that have not changed since."""
    found: dict[str, list[list[float]]] = {}
    async with connection.stream(_VECTORS) as rows:
        async for digest, vector in rows:
            found.setdefault(digest, []).append(vector)
    return {digest: np.array(vectors, np.float32) for digest, vectors in found.items()}


async def save_vectors(engine: AsyncEngine, vectors: Sequence[tuple[Article, str, Floats]]) -> None:
    """Stores the vectors of articles, each with its record's digest, in the place of earlier ones.

    Of an article that has changed meanwhile none are stored.
    """
    rows = [(a, digest, n, v) for a, digest, own in vectors for n, v in enumerate(own)]
    async with engine.begin() as connection:
        await connection.execute(_FORGET_VECTORS, _keys([(a.source, a.id) for a, _, _ in vectors]))
        await connection.execute(
            _SAVE_VECTORS,
            {
                **_keys([(a.source, a.id) for a, _, _, _ in rows]),
                "passage": [n for _, _, n, _ in rows],
                "digest": [digest for _, digest, _, _ in rows],
                "vector": [_vector(v) for _, _, _, v in rows],
            },
        )


async def nearest(connection: AsyncConnection, vector: Floats, limit: int) -> list[tuple[Article, float]]:
    """The articles with the passages most like a vector, and how like they are. Approximate, as HNSW is."""
    passages = min(limit * _PASSAGES_AN_ARTICLE, 1000)
    await connection.execute(text(f"SET LOCAL hnsw.ef_search = {passages}"))
    rows = await connection.execute(_NEAREST, {"vector": _vector(vector), "passages": passages, "limit": limit})
    return [(_article(row), float(row["likeness"])) for row in rows.mappings()]


def _vector(values: Floats) -> str:
    return "[" + ",".join(f"{value:.7g}" for value in values.tolist()) + "]"


def _article(row: Any) -> Article:
    return Article(
        **{name: row[name] for name in ("source", "id", "title", "abstract", "journal", "published", "doi")},
        authors=tuple(row["authors"]),
        publication_types=tuple(row["publication_types"]),
        mesh=tuple(row["mesh"]),
        version=row["version"],
    )


def _run(row: Any) -> ImportRun:
    return ImportRun(**{name: row[name] for name in ImportRun.__slots__})


def _fold(changes: Iterable[Change]) -> tuple[list[Article], list[Key], list[Key]]:
    """What a batch comes to: for each article its last record or its deletion, so that a statement meets it once."""
    articles: dict[Key, Article] = {}
    deleted: dict[Key, None] = {}
    retracted: dict[Key, None] = {}
    for change in changes:
        if isinstance(change, Broken):
            continue
        key = (change.source, change.id)
        if isinstance(change, Article):
            deleted.pop(key, None)
            if key not in articles or change.version >= articles[key].version:
                articles[key] = change
        elif isinstance(change, Deleted):
            articles.pop(key, None)
            deleted[key] = None
        else:
            retracted[key] = None
    # Sorted, so that two imports at once lock the same rows in the same order.
    return [articles[key] for key in sorted(articles)], sorted(deleted), sorted(retracted)


def _keys(keys: Sequence[Key]) -> dict[str, list[str]]:
    return {"source": [source for source, _ in keys], "id": [id_ for _, id_ in keys]}


def _columns(articles: Sequence[Article]) -> dict[str, list[Any]]:
    plain = ("source", "id", "title", "abstract", "journal", "published", "doi")
    lists = ("authors", "publication_types", "mesh")
    columns: dict[str, list[Any]] = {name: [_stored(getattr(a, name)) for a in articles] for name in plain}
    columns |= {name: [_SEPARATOR.join(map(_stored, getattr(a, name))) for a in articles] for name in lists}
    columns |= {name: [getattr(a, name) for a in articles] for name in ("retracted", "version", "digest")}
    return columns


def _stored(value: Any) -> Any:
    """Text as PostgreSQL takes it: it has no NUL."""
    return value.replace("\0", "").replace(_SEPARATOR, " ") if isinstance(value, str) else value
