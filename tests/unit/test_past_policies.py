"""A replay makes each answer by the policy that its event names, and says so where that is gone."""

import datetime as dt
import shutil
from pathlib import Path
from uuid import UUID

import pytest

from services.cli.answers import make_answers
from services.cli.past_policies import Folders, PastPolicies
from services.criteria_evaluation.handlers import answer as evaluate
from services.criteria_evaluation.policy import load_policy
from services.evidence_lookup.handlers import answer as attach
from services.evidence_lookup.library import compile_library
from services.intake.domain.pas_request import read_request
from services.intake.handlers import submission
from shared import flow
from shared.case.history import History, Proposed
from shared.events.codec import encode
from shared.events.model import CriteriaEvaluated
from shared.journal.replay import PolicyGoneError
from shared.messaging.work import Work
from shared.policy import read_policies
from tests.support.recorded import recorded
from tests.support.requests import as_body
from tests.support.spine import spine_request

SHIPPED = Path(__file__).parents[2] / "shared/policy"
SET = "spine-tumor-decompression.yaml"


@pytest.fixture(scope="module")
def amended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped policy with an amended spine set beside the one that ships, and one word more in the evidence."""
    folder = tmp_path_factory.mktemp("amended")
    shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)
    text = (SHIPPED / "criteria" / SET).read_text(encoding="utf-8")
    amended = text.replace('version: "1.0.0"', 'version: "1.1.0"', 1)
    assert amended != text
    (folder / "criteria" / f"amended-{SET}").write_text(amended, encoding="utf-8")
    with (folder / "evidence" / "cpap.yaml").open("a", encoding="utf-8") as file:
        file.write("# Looked through again.\n")
    return folder


def answered(criteria: Path | None, evidence: Path | None = None) -> tuple[History, Proposed, Proposed]:
    """A case with its evaluation and its evidence, under the policy of the folders."""
    request = read_request(as_body(spine_request(5)), dt.datetime(2026, 9, 15, tzinfo=dt.UTC))
    history = History(UUID(int=7))
    history.add(recorded(history, flow.CASE_SUBMITTED, submission(request).data, "intake"))
    evaluation = evaluate(history, load_policy(criteria, evidence), {})
    history.add(recorded(history, flow.CRITERIA_EVALUATED, evaluation.data, "criteria_evaluation"))
    attached = attach(history, compile_library(read_policies(criteria, evidence)))
    history.add(recorded(history, flow.EVIDENCE_ATTACHED, attached.data, "evidence_lookup"))
    return history, evaluation, attached


def again(history: History, past: PastPolicies, sequence: int) -> Proposed:
    """A stored answer made once more."""
    so_far = History(history.case_id)
    for earlier in range(1, sequence):
        event = history.at(earlier)
        assert event is not None
        so_far.add(event)
    stored, cause = history.at(sequence), history.at(sequence - 1)
    assert stored is not None
    assert cause is not None
    return make_answers(past)[stored.consumer](Work(so_far, cause, stored.recorded_at), stored, {})


def version_of(evaluation: Proposed) -> str:
    assert isinstance(evaluation.data, CriteriaEvaluated)
    assert evaluation.data.evaluation.criteria_set is not None
    return evaluation.data.evaluation.criteria_set.version


def test_an_answer_is_made_by_its_own_version_though_a_newer_one_is_in_force(amended: Path) -> None:
    history, evaluation, attached = answered(None)
    past = PastPolicies(Folders(amended / "criteria", amended / "evidence", earlier_evidence=(SHIPPED / "evidence",)))
    assert version_of(evaluation) == "1.0.0"
    assert version_of(answered(amended / "criteria")[1]) == "1.1.0"
    assert encode(again(history, past, 2).data) == encode(evaluation.data)
    assert encode(again(history, past, 3).data) == encode(attached.data)


def test_an_answer_is_made_by_a_policy_of_an_earlier_folder(amended: Path) -> None:
    history, evaluation, attached = answered(amended / "criteria", amended / "evidence")
    past = PastPolicies(Folders(earlier_criteria=(amended / "criteria",), earlier_evidence=(amended / "evidence",)))
    assert encode(again(history, past, 2).data) == encode(evaluation.data)
    assert encode(again(history, past, 3).data) == encode(attached.data)


def test_a_policy_that_is_gone_is_named_by_set_version_and_digest(amended: Path) -> None:
    history, evaluation, attached = answered(amended / "criteria", amended / "evidence")
    assert isinstance(evaluation.data, CriteriaEvaluated)
    chosen = evaluation.data.evaluation.criteria_set
    assert chosen is not None
    with pytest.raises(PolicyGoneError, match=f"criteria set spine-tumor-decompression 1.1.0 {chosen.digest}"):
        again(history, PastPolicies(), 2)
    with pytest.raises(PolicyGoneError, match=str(attached.public["library"])):
        again(history, PastPolicies(), 3)


def test_a_set_of_the_same_name_with_other_content_is_not_taken_for_it(amended: Path, tmp_path: Path) -> None:
    history, _, _ = answered(None)
    shutil.copytree(SHIPPED / "criteria", tmp_path, dirs_exist_ok=True)
    text = (tmp_path / SET).read_text(encoding="utf-8")
    (tmp_path / SET).write_text(text.replace("title: ", "title: Otherwise ", 1), encoding="utf-8")
    with pytest.raises(PolicyGoneError, match=r"spine-tumor-decompression 1\.0\.0 sha256:"):
        again(history, PastPolicies(Folders(tmp_path)), 2)


def test_an_earlier_lexicon_is_found_by_its_digest(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "lexicon", tmp_path / "lexicon")
    with (tmp_path / "lexicon" / "wound.yaml").open("a", encoding="utf-8") as file:
        file.write("# As it was before.\n")
    policy = load_policy(lexicon_dir=tmp_path / "lexicon")
    request = read_request(as_body(spine_request(5)), dt.datetime(2026, 9, 15, tzinfo=dt.UTC))
    history = History(UUID(int=7))
    history.add(recorded(history, flow.CASE_SUBMITTED, submission(request).data, "intake"))
    evaluation = evaluate(history, policy, {})
    history.add(recorded(history, flow.CRITERIA_EVALUATED, evaluation.data, "criteria_evaluation"))
    with pytest.raises(PolicyGoneError, match="lexicon"):
        again(history, PastPolicies(), 2)
    past = PastPolicies(Folders(earlier_lexicons=(tmp_path / "lexicon",)))
    assert encode(again(history, past, 2).data) == encode(evaluation.data)
