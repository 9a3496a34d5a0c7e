"""``priorauth evidence evaluate`` as its caller sees it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from services.evidence_lookup.domain.search.beir import CollectionError, read_corpus, read_qrels, read_queries

ROOT = Path(__file__).parents[2]
PUBMEDQA = ROOT.parent / "shared" / "retrieval" / "pubmedqa"
KEYS = {"queries", "ndcg@10", "recall@100", "mrr@10", "index_seconds", "queries_per_second", "ranking"}

CORPUS = """{"_id": "d1", "title": "Renal calculi", "text": "Stones of the urinary tract."}
{"_id": "d2", "title": "", "text": "Osteoporosis and calcium.", "metadata": {"year": 1999}}
{"_id": "d3", "text": "Lazy dogs."}
"""
QUERIES = '{"_id": "q1", "text": "kidney stones"}\n{"_id": "q2", "text": "brittle bones"}\n{"_id": "q9", "text": "x"}\n'
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td3\t0\nq2\td2\t1\n"


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    (tmp_path / "corpus.jsonl").write_text(CORPUS, encoding="utf-8")
    (tmp_path / "queries.jsonl").write_text(QUERIES, encoding="utf-8")
    (tmp_path / "qrels.tsv").write_text(QRELS, encoding="utf-8")
    return tmp_path


def evaluate(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    files = {"--corpus": "corpus.jsonl", "--queries": "queries.jsonl", "--qrels": "qrels.tsv"}
    arguments = [part for option, name in files.items() for part in (option, str(folder / name))]
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", "evidence", "evaluate", *arguments, *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@pytest.mark.parametrize("ranking", ["bm25", "dense", "hybrid"])
def test_a_collection_is_measured_and_json_is_all_there_is_on_standard_output(collection: Path, ranking: str) -> None:
    done = evaluate(collection, "--ranking", ranking, "--json")
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert set(measured) == KEYS
    assert measured["ranking"] == ranking
    assert measured["queries"] == 2
    assert measured["ndcg@10"] == measured["recall@100"] == measured["mrr@10"] == 1


def test_without_a_choice_both_are_used(collection: Path) -> None:
    done = evaluate(collection)
    assert done.returncode == 0, done.stderr
    assert "hybrid" in done.stdout


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("corpus.jsonl", "id,title,text\n1,a,b\n", "Line 1: this is not JSON"),
        ("corpus.jsonl", '{"_id": "1", "text": "a"}\n{"title": "b"}\n', "Line 2: _id must be there"),
        (
            "corpus.jsonl",
            '{"_id": "1", "text": "a"}\n{"_id": "1", "text": "b"}\n',
            "Line 2: the _id 1 stands there twice",
        ),
        ("corpus.jsonl", "", "no document"),
        ("queries.jsonl", '[{"_id": "1"}]', "Line 1: a JSON object is expected"),
        ("queries.jsonl", '{"_id": "q1"}', "Line 1: text must be there"),
        ("qrels.tsv", "q1 0 d1 1\n", "Line 1: query-id, corpus-id and score"),
        ("qrels.tsv", "q1\td1\thigh\n", "Line 1: the score must be a whole number"),
        ("qrels.tsv", "q1\td1\t1\nq1\td1\t0\n", "Line 2: d1 is judged for q1 in two ways"),
        ("qrels.tsv", "other\td1\t1\n", "judges no document relevant"),
    ],
)
def test_a_file_of_another_shape_is_refused_in_one_sentence(
    collection: Path, name: str, content: str, sentence: str
) -> None:
    (collection / name).write_text(content, encoding="utf-8")
    done = evaluate(collection, "--ranking", "bm25", "--json")
    assert done.returncode == 3
    assert done.stdout == ""
    assert sentence in done.stderr and done.stderr.count("\n") == 1


def test_a_file_that_is_not_there_or_is_not_text_is_named(collection: Path) -> None:
    (collection / "queries.jsonl").write_bytes(b"\xff\xfe\x00")
    assert evaluate(collection, "--ranking", "bm25").returncode == 3
    (collection / "queries.jsonl").unlink()
    missing = evaluate(collection, "--ranking", "bm25")
    assert missing.returncode == 2 and "queries.jsonl cannot be read" in missing.stderr


def test_numbers_as_ids_a_missing_title_and_blank_lines_are_taken() -> None:
    assert [a.id for a in read_corpus(['{"_id": 7, "text": "a"}', "", '{"_id": "8", "title": null, "text": ""}'])] == [
        "7",
        "8",
    ]
    assert read_queries(['{"_id": "q", "text": "t", "metadata": {}}']) == {"q": "t"}
    assert read_qrels(["query-id\tcorpus-id\tscore", "q\td\t1"]) == {"q": {"d": 1}}
    with pytest.raises(CollectionError):
        read_qrels(["query-id\tcorpus-id\tscore"])


def test_words_alone_find_the_abstract_that_a_question_was_made_from() -> None:
    """A smoke test on PubMedQA, near the ceiling; the files lie beside the project."""
    if not PUBMEDQA.is_dir():
        pytest.skip("The collection is not beside the project.")
    done = evaluate(PUBMEDQA, "--ranking", "bm25", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ndcg@10"] > 0.97
