"""Imports into the real PostgreSQL, taken up again after an interruption, and the index that is made of them."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.evidence_lookup.domain.search.article import Article
from services.evidence_lookup.domain.search.passages import encodable
from services.evidence_lookup.embedding import SentenceModel
from services.evidence_lookup.importing import ImportRefusedError, import_file
from services.evidence_lookup.index_files import keep_vectors, read_index, write_index
from services.evidence_lookup.store import ImportRun, has_vectors, nearest, read_articles, read_vectors, status
from tests.support import pubmed


@pytest_asyncio.fixture(autouse=True)
async def empty(engine: AsyncEngine) -> AsyncIterator[None]:
    yield
    async with engine.begin() as connection:
        for table in ("literature_articles", "literature_retractions", "literature_imports"):
            await connection.execute(text(f"DELETE FROM {table}"))


async def articles(engine: AsyncEngine) -> dict[str, Article]:
    """Those that may be found, by id."""
    async with engine.connect() as connection:
        return {a.id: a async for a in read_articles(connection)}


def write(folder: Path, name: str, *parts: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(pubmed.file(*parts)) if name.endswith(".gz") else pubmed.file(*parts))
    return path


class StoppedError(Exception):
    """The process ends in the middle of an import."""


async def test_what_is_imported_is_what_the_file_says(engine: AsyncEngine, tmp_path: Path) -> None:
    path = write(tmp_path, "pubmed26n0001.xml.gz", pubmed.article("1"), pubmed.article("2", "Cord and β", "x"))
    imported = await import_file(engine, path)
    assert (imported.run.articles, imported.run.records, imported.run.finished) == (2, 2, True)
    found = await articles(engine)
    assert found["1"].authors == ("Doe J", "The Group") and found["1"].mesh == ("Spinal Neoplasms",)
    assert found["2"].title == "Cord and β"
    assert found["1"].citation == "Doe J, The Group. A title. Lancet Things; 2019."
    again = await import_file(engine, path)
    assert again.repeated and again.run == imported.run


async def test_updates_delete_and_replace_and_an_older_version_does_not(engine: AsyncEngine, tmp_path: Path) -> None:
    await import_file(engine, write(tmp_path, "1.xml", *(pubmed.article(i, f"Old {i}") for i in "123")))
    update = (pubmed.article("1", "New 1", version=2), pubmed.deletion("2", "77"))
    imported = await import_file(engine, write(tmp_path, "2.xml", *update))
    assert (imported.run.articles, imported.run.deleted) == (1, 2)
    assert {i: a.title for i, a in (await articles(engine)).items()} == {"1": "New 1", "3": "Old 3"}
    await import_file(engine, write(tmp_path, "3.xml", pubmed.article("1", "Stale"), pubmed.article("3", "Newer 3")))
    assert {i: a.title for i, a in (await articles(engine)).items()} == {"1": "New 1", "3": "Newer 3"}


async def test_a_retracted_article_is_never_read_whichever_record_comes_first(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    def notice(pmid: str, of: str) -> str:
        types = ["Retraction of Publication"]
        return pubmed.article(pmid, types=types, comments=pubmed.comment("RetractionOf", of))

    await import_file(engine, write(tmp_path, "1.xml", pubmed.article("1"), pubmed.article("2"), notice("8", "1")))
    assert set(await articles(engine)) == {"2"}
    await import_file(engine, write(tmp_path, "2.xml", notice("9", "3")))
    await import_file(
        engine, write(tmp_path, "3.xml", pubmed.article("3"), pubmed.article("1", "Once more", version=9))
    )
    assert set(await articles(engine)) == {"2"}
    assert (await status(engine))["sources"]["pubmed"] == {"articles": 5, "retracted": 4}


async def test_a_broken_record_is_skipped_and_reported(engine: AsyncEngine, tmp_path: Path) -> None:
    broken = pubmed.article("2").replace("<Article ", "<Article <", 1)
    imported = await import_file(engine, write(tmp_path, "1.xml", pubmed.article("1"), broken, pubmed.article("3")))
    assert imported.run.skipped == 1
    assert imported.skipped == [(2, "It is not well-formed XML.")]
    assert set(await articles(engine)) == {"1", "3"}


async def test_an_interrupted_import_goes_on_where_it_was(engine: AsyncEngine, tmp_path: Path) -> None:
    path = write(tmp_path, "1.xml", *(pubmed.article(str(i)) for i in range(1, 8)))
    seen: list[int] = []

    def stop(run: ImportRun) -> None:
        seen.append(run.records)
        if len(seen) == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        await import_file(engine, path, progress=stop, batch=2)
    assert len(await articles(engine)) == 4
    [interrupted] = (await status(engine))["imports"]
    assert (interrupted["records"], interrupted["finished"]) == (4, False)
    resumed: list[int] = []
    imported = await import_file(engine, path, progress=lambda run: resumed.append(run.records), batch=2)
    assert resumed == [6, 7]
    assert (imported.run.articles, imported.run.finished) == (7, True)
    assert len(await articles(engine)) == 7


async def test_a_file_of_another_format_leaves_nothing_behind(engine: AsyncEngine, tmp_path: Path) -> None:
    table = tmp_path / "table.xml"
    table.write_text("<html><body>PubMed</body></html>")
    with pytest.raises(ImportRefusedError, match="is no pubmed file"):
        await import_file(engine, table)
    with pytest.raises(ImportRefusedError, match="is no beir file"):
        await import_file(engine, table, "beir")
    nameless = tmp_path / "records.bin"
    nameless.write_bytes(b"")
    with pytest.raises(ImportRefusedError, match="give --format"):
        await import_file(engine, nameless)
    with pytest.raises(ImportRefusedError, match="cannot be read"):
        await import_file(engine, tmp_path / "nowhere.xml")
    assert await status(engine) == {"sources": {}, "imports": []}


async def test_a_damaged_archive_says_what_was_stored_of_it(engine: AsyncEngine, tmp_path: Path) -> None:
    parts = [pubmed.article(str(i), abstract=f"{i * 7919 % 1009} " * 400) for i in range(1, 900)]
    path = write(tmp_path, "1.xml.gz", *parts)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ImportRefusedError, match=r"ends too early or is damaged; \d+ records of it are stored"):
        await import_file(engine, path, batch=10)
    [run] = (await status(engine))["imports"]
    assert run["records"] == len(await articles(engine)) > 0
    assert not run["finished"]


async def test_the_same_articles_give_the_same_index(engine: AsyncEngine, tmp_path: Path) -> None:
    titles = ("Bone density", "Kidney stones", "Kidney stones", "Lazy eye")
    await import_file(engine, write(tmp_path, "1.xml", *(pubmed.article(str(i), t) for i, t in enumerate(titles, 1))))
    found = list((await articles(engine)).values())
    one = write_index(tmp_path / "one", found)
    other = write_index(tmp_path / "other", found[::-1])
    assert one == other
    index = read_index(tmp_path / "other")
    ranked = index.ranker.rank("renal calculi or kidney stones")
    # Equal scores stand in the order of ids.
    assert [index.article(f.document).id for f in ranked] == ["2", "3"]
    await import_file(engine, write(tmp_path, "2.xml", pubmed.deletion("2")))
    assert write_index(tmp_path / "one", list((await articles(engine)).values())) != one
    assert read_index(tmp_path / "one").size == 3


async def test_vectors_are_kept_found_by_likeness_and_not_made_twice(engine: AsyncEngine, tmp_path: Path) -> None:
    titles = {"1": "Renal calculi were crushed by shock waves", "2": "Osteoporosis after menopause", "3": "Amblyopia"}
    await import_file(engine, write(tmp_path, "1.xml", *(pubmed.article(i, t, "") for i, t in titles.items())))
    model = SentenceModel()
    write_index(tmp_path / "one", list((await articles(engine)).values()), model)
    await keep_vectors(engine, read_index(tmp_path / "one"), {})
    [query] = model.encode([encodable(tokens) for tokens in model.tokens(["kidney stones"])])

    async def found() -> list[str]:
        async with engine.connect() as connection:
            assert await has_vectors(connection)
            return [article.id for article, _ in await nearest(connection, query, 2)]

    assert (await found())[0] == "1"
    async with engine.connect() as connection:
        known = await read_vectors(connection)
    encoded: list[int] = []
    write_index(
        tmp_path / "two", list((await articles(engine)).values()), model, lambda done, of: encoded.append(of), known
    )
    again, first = read_index(tmp_path / "two").ranker.dense, read_index(tmp_path / "one").ranker.dense
    assert again is not None and first is not None and not encoded
    assert again.sentences == pytest.approx(first.sentences, abs=1e-6)
    # A changed record's vectors are no longer read, and a retracted article is not found by them.
    await import_file(engine, write(tmp_path, "2.xml", pubmed.article("2", "Another", version=2)))
    notice = pubmed.article("9", comments=pubmed.comment("RetractionOf", "1"), types=["Retraction Notice"])
    await import_file(engine, write(tmp_path, "3.xml", notice))
    assert "1" not in await found()
    async with engine.connect() as connection:
        assert len(await read_vectors(connection)) == 1
