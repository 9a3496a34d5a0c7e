"""Articles that a search found: what is asked, what is kept, how it is printed, and that nothing rests on it."""

import json
from pathlib import Path

import msgspec
import pytest

from services.cli.offline import evaluate_parsed, read_file
from services.criteria_evaluation.policy import load_policy
from services.determination.domain.determine import determine
from services.evidence_lookup.domain.attach import attach
from services.evidence_lookup.domain.related import MOST_RELATED, Related, query_of, recorded, related
from services.evidence_lookup.domain.search.article import Article
from services.evidence_lookup.index_files import LiteratureIndexError, read_index, write_index
from services.evidence_lookup.related import literature_of
from shared.clinical.document import determination_document
from shared.clinical.evidence import load_evidence
from shared.clinical.model import AttachedEvidence, Evaluation
from shared.events.codec import decode, encode
from shared.events.model import EvidenceAttached
from shared.flow import EVIDENCE_ATTACHED
from shared.policy import read_policy

CASE = Path(__file__).parents[2] / "services/cli/demo_cases/1-l2-corpectomy.json"
HEADING = "RELATED LITERATURE (FOUND BY SEARCH, NOT RELIED ON)"


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate_parsed(read_file(CASE, [], None), load_policy(None))


def spine(number: int, **fields: object) -> Article:
    article = Article(
        "pubmed", str(number), f"Spine tumor decompression {number}", "Spinal instability.", "J", ("Doe J",)
    )
    return msgspec.convert(msgspec.to_builtins(article) | fields, Article)


def document(evaluation: Evaluation, evidence: AttachedEvidence) -> dict[str, object]:
    return determination_document(evaluation, evidence, determine(evaluation, evidence), priority="standard")


def test_the_query_is_made_of_the_policy_and_of_nothing_else(evaluation: Evaluation) -> None:
    query = query_of(evaluation)
    assert query is not None and evaluation.criteria_set is not None
    policy = {evaluation.criteria_set.title, *(c.title for c in evaluation.criteria)}
    assert set(query.split(". ")) <= {part for title in policy for part in title.split(". ")}
    assert query_of(msgspec.structs.replace(evaluation, criteria_set=None)) is None


def test_five_at_most_are_kept_and_no_retracted_one() -> None:
    found = related("sha256:x", "q", [spine(0, retracted=True), *(spine(n) for n in range(1, 9))])
    assert [a.id for a in found.articles] == [f"pubmed:{n}" for n in range(1, MOST_RELATED + 1)]
    assert {a.query for a in found.articles} == {"q"}


def test_an_index_that_is_named_gives_articles_and_is_searched_once(tmp_path: Path, evaluation: Evaluation) -> None:
    digest = write_index(tmp_path, [*(spine(n) for n in range(9)), spine(10, retracted=True), spine(11, title="Hip")])
    find = literature_of(tmp_path)
    found = find(evaluation)
    assert found.literature == digest
    assert 1 <= len(found.articles) <= MOST_RELATED
    assert "pubmed:10" not in {a.id for a in found.articles}
    assert find(evaluation) is found
    assert literature_of(None)(evaluation) == Related()


def test_the_best_of_what_is_not_about_the_set_is_not_named(tmp_path: Path, evaluation: Evaluation) -> None:
    others = [
        spine(n, title=title, abstract="") for n, title in enumerate(("Amblyopia", "Acne", "Spine tumor surgery"))
    ]
    write_index(tmp_path, others)
    assert [a.id for a in literature_of(tmp_path)(evaluation).articles] == ["pubmed:2"]
    write_index(tmp_path, others[:2])
    assert literature_of(tmp_path)(evaluation).articles == ()


def test_an_index_that_cannot_be_used_ends_the_process_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"PRIORAUTH_LITERATURE_INDEX: .* holds no literature index"):
        literature_of(tmp_path)
    write_index(tmp_path, [spine(1)])
    folder = tmp_path / (tmp_path / "current").read_text()
    (folder / "lexical-data.npy").write_bytes(b"")
    with pytest.raises(LiteratureIndexError, match="is damaged"):
        read_index(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"schema": 0}))
    with pytest.raises(LiteratureIndexError, match="another version"):
        read_index(tmp_path)


def test_nothing_but_its_own_section_changes(evaluation: Evaluation) -> None:
    evidence = attach(load_evidence(read_policy("evidence")), evaluation)
    beside = related("sha256:x", "q", [spine(1), spine(2)]).beside(evidence)
    without, with_ = document(evaluation, evidence), document(evaluation, beside)
    changed = {key for key in with_ if with_[key] != without[key]}
    assert changed == {"related", "literature", "text"}
    text = str(with_["text"])
    assert str(without["text"]) + f"\n{HEADING}\n" == text[: text.index(HEADING)] + HEADING + "\n"
    assert "- Doe J. Spine tumor decompression 1. J. PMID 1." in text
    assert HEADING not in str(without["text"])
    entry = with_["related"]
    assert isinstance(entry, list) and entry[0]["found_by"] == "search" and entry[0]["query"] == "q"


def test_a_replay_takes_what_was_found_from_the_event(evaluation: Evaluation) -> None:
    evidence = attach(load_evidence(read_policy("evidence")), evaluation)
    then = related("sha256:x", "q", [spine(1)]).beside(evidence)
    _, stored = decode(EVIDENCE_ATTACHED, encode(EvidenceAttached(then)))
    assert isinstance(stored, EvidenceAttached)
    again = recorded(stored.evidence)(evaluation).beside(evidence)
    assert encode(EvidenceAttached(again)) == encode(EvidenceAttached(then))


def test_events_from_before_and_without_literature_take_no_bytes_for_it(evaluation: Evaluation) -> None:
    evidence = attach(load_evidence(read_policy("evidence")), evaluation)
    assert set(msgspec.msgpack.decode(encode(EvidenceAttached(evidence)))["evidence"]) == {
        "library",
        "statements",
        "bibliography",
    }
    assert recorded(evidence)(evaluation).beside(evidence) is evidence
