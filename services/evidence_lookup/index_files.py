"""The index on disk: arrays that are mapped into memory, in a folder named by the digest of what they were made from.

A new index is written beside the old one and the file ``current`` is then replaced, so that a reader has the one or the
other, whole. The same articles give the same digest and the same ranking.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
from sqlalchemy.ext.asyncio import AsyncEngine

from services.evidence_lookup.collection import build_dense
from services.evidence_lookup.domain.search.analysis import Analyzer
from services.evidence_lookup.domain.search.article import Article
from services.evidence_lookup.domain.search.dense import DenseIndex
from services.evidence_lookup.domain.search.lexical import Floats, LexicalIndex, build_lexical
from services.evidence_lookup.domain.search.ranker import Ranker, document_terms
from services.evidence_lookup.domain.search.thesaurus import load_thesaurus
from services.evidence_lookup.embedding import Progress, SentenceModel
from services.evidence_lookup.store import save_vectors
from shared.policy import read_policy

SCHEMA: Final = 1
"""Raised whenever text becomes terms, or terms become scores, in another way."""
CURRENT: Final = "current"
_VECTORS_A_BATCH: Final = 200
_LEXICAL: Final = ("data", "indices", "indptr", "terms", "counts", "offsets")
_DENSE: Final = ("leads", "sentences", "offsets")


class LiteratureIndexError(Exception):
    """An index that is not there or cannot be used. The text says what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class LiteratureIndex:
    """The rankings over the articles of an index, and their records without abstracts."""

    digest: str
    ranker: Ranker
    digests: Sequence[str]
    """Of the whole records, in the order of the documents' numbers."""
    _records: npt.NDArray[np.uint8]
    _offsets: npt.NDArray[np.int64]

    def article(self, number: int) -> Article:
        """The record of a document."""
        raw = self._records[self._offsets[number] : self._offsets[number + 1]].tobytes()
        return msgspec.msgpack.decode(raw, type=Article)

    @property
    def size(self) -> int:
        """The number of articles."""
        return len(self._offsets) - 1


def write_index(
    directory: Path,
    articles: Sequence[Article],
    model: SentenceModel | None = None,
    progress: Progress | None = None,
    known: Mapping[str, Floats] = MappingProxyType({}),
) -> str:
    """Writes the index of articles and makes it the current one. Returns its digest.

    Retracted articles are left out, and the order in which articles are given does not matter. ``known`` has vectors
    by the digests of articles, as ``build_dense`` takes them.

    Raises:
        OSError: the directory cannot be written.
    """
    found = sorted((a for a in articles if not a.retracted), key=lambda a: (a.source, a.id))
    digest = _digest(found, dense=model is not None)
    name = digest.replace(":", "-")
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / name).is_dir():
        folder = Path(tempfile.mkdtemp(prefix=".making-", dir=directory))
        try:
            _write(folder, digest, found, None if model is None else build_dense(found, model, progress, known))
            folder.rename(directory / name)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    pointer = directory / f".{CURRENT}"
    pointer.write_text(name, encoding="ascii")
    pointer.replace(directory / CURRENT)
    return digest


def read_index(directory: Path) -> LiteratureIndex:
    """The current index, its arrays mapped into memory.

    Raises:
        LiteratureIndexError: there is none, or it is of another version or damaged.
    """
    try:
        folder = directory / (directory / CURRENT).read_text(encoding="ascii").strip()
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LiteratureIndexError(f"{directory} holds no literature index: run `priorauth evidence index`.") from error
    if manifest.get("schema") != SCHEMA:
        raise LiteratureIndexError(f"{directory} was made by another version: run `priorauth evidence index` again.")
    try:
        analyzer = Analyzer()
        names = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        vocabulary = {name: number for number, name in enumerate(names)}
        lexical = LexicalIndex(vocabulary, names, *(_map(folder, f"lexical-{part}") for part in _LEXICAL))
        dense = DenseIndex(*(_map(folder, f"dense-{part}") for part in _DENSE)) if manifest["dense"] else None
        ranker = Ranker(analyzer, load_thesaurus(read_policy("thesaurus"), analyzer), lexical, dense)
        digests = json.loads((folder / "digests.json").read_text(encoding="utf-8"))
        return LiteratureIndex(
            manifest["digest"], ranker, digests, _map(folder, "records"), _map(folder, "record-offsets")
        )
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise LiteratureIndexError(f"{folder} is damaged: delete it and run `priorauth evidence index`.") from error


async def keep_vectors(engine: AsyncEngine, index: LiteratureIndex, known: Mapping[str, Floats]) -> None:
    """Stores an index's vectors in the database, but for those that it has (``known``, by the digest of the article)."""
    dense = index.ranker.dense
    if dense is None:
        return
    fresh = [n for n in range(index.size) if index.digests[n] not in known]
    for start in range(0, len(fresh), _VECTORS_A_BATCH):
        part = fresh[start : start + _VECTORS_A_BATCH]
        await save_vectors(engine, [(index.article(n), index.digests[n], dense.of(n)) for n in part])


def _digest(articles: Sequence[Article], *, dense: bool) -> str:
    thesaurus = load_thesaurus(read_policy("thesaurus"), Analyzer())
    h = hashlib.sha256(json.dumps([SCHEMA, dense, thesaurus.digest]).encode())
    for article in articles:
        h.update(article.digest.encode())
    return f"sha256:{h.hexdigest()}"


def _write(folder: Path, digest: str, articles: Sequence[Article], dense: DenseIndex | None) -> None:
    analyzer = Analyzer()
    lexical = build_lexical(document_terms(analyzer, article) for article in articles)
    for part in _LEXICAL:
        _save(folder, f"lexical-{part}", getattr(lexical, part))
    if dense is not None:
        for part in _DENSE:
            _save(folder, f"dense-{part}", getattr(dense, part))
    records = [msgspec.msgpack.encode(replace(article, abstract="")) for article in articles]
    offsets = np.zeros(len(records) + 1, np.int64)
    np.cumsum([len(record) for record in records], out=offsets[1:])
    _save(folder, "records", np.frombuffer(b"".join(records), np.uint8))
    _save(folder, "record-offsets", offsets)
    (folder / "vocabulary.json").write_text(json.dumps(list(lexical.names)), encoding="utf-8")
    (folder / "digests.json").write_text(json.dumps([article.digest for article in articles]), encoding="utf-8")
    manifest = {"schema": SCHEMA, "digest": digest, "articles": len(articles), "dense": dense is not None}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def _save(folder: Path, name: str, array: npt.NDArray[Any]) -> None:
    with (folder / f"{name}.npy").open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def _map(folder: Path, name: str) -> npt.NDArray[Any]:
    path = folder / f"{name}.npy"
    try:
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:
        # An array of no elements cannot be mapped.
        array = np.load(path, allow_pickle=False)
    return array
