"""A policy that changes under way: one for a whole batch, and no evidence left out because one service was first."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, repeat
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.cli.answers import make_answers
from services.cli.past_policies import Folders, PastPolicies
from services.criteria_evaluation.handlers import EvaluateCriteria
from services.criteria_evaluation.policy import Policy, load_policy
from services.evidence_lookup.domain.attach import ABSENT
from services.evidence_lookup.handlers import AttachEvidence
from services.evidence_lookup.library import compile_library
from services.intake.domain.pas_request import read_request
from services.intake.store import Submission, Submissions
from shared import flow
from shared.events.model import CriteriaEvaluated, EvidenceAttached
from shared.journal.crypto import MasterKey
from shared.journal.replay import replay
from shared.journal.spans import span_of
from shared.journal.store import read_histories
from shared.messaging.consumer import Consumer
from shared.platform.policy import PolicyHolder
from shared.policy import read_policies
from tests.support.cases import TRACEPARENT, messages
from tests.support.spine import spine_request

SHIPPED = Path(__file__).parents[2] / "shared/policy"
SET = "spine-tumor-decompression.yaml"
STATEMENT = "acr-2018-surgical-consultation"


async def submit(engine: AsyncEngine, master: MasterKey, *seeds: int) -> list[UUID]:
    """New cases that wait for their evaluation."""
    requests = [read_request(json.dumps(spine_request(seed)).encode(), datetime.now(UTC)) for seed in seeds]
    received = await Submissions(engine, master).write([Submission(r, TRACEPARENT) for r in requests])
    return [r.case_id for r in received]


async def told(engine: AsyncEngine, cases: list[UUID], event_type: str) -> list[Any]:
    return [m for m in await messages(engine, cases) if m.type == event_type]


async def answers(engine: AsyncEngine, master: MasterKey, cases: list[UUID], event_type: str) -> list[Any]:
    """The content of each case's latest event of a type."""
    async with engine.connect() as connection:
        histories = await read_histories(connection, master, cases, (event_type,))
    events = [histories[case].latest(event_type) for case in cases]
    return [event.data() if event is not None else None for event in events]


def amended(folder: Path, old: str, new: str) -> Path:
    """A copy of the shipped policy in which one word of the spine set and of the evidence is another."""
    shutil.copytree(SHIPPED, folder)
    for file in [folder / "criteria" / SET, *(folder / "evidence").iterdir()]:
        file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return folder


def version_of(data: CriteriaEvaluated) -> str:
    assert data.evaluation.criteria_set is not None
    return data.evaluation.criteria_set.version


async def test_a_batch_is_answered_under_one_policy(engine: AsyncEngine, master: MasterKey, tmp_path: Path) -> None:
    """The policy changes with every look at it, so a handler that looked twice would answer by two."""
    newer = load_policy(amended(tmp_path / "newer", 'version: "1.0.0"', 'version: "1.1.0"') / "criteria")
    in_turn: Iterator[Policy] = chain([load_policy(), newer], repeat(load_policy()))
    handler = EvaluateCriteria(lambda: next(in_turn))
    consumer = Consumer(flow.CRITERIA_EVALUATION, handler, engine, master)
    for version, seeds in (("1.0.0", (31, 32, 33)), ("1.1.0", (34, 35, 36))):
        cases = await submit(engine, master, *seeds)
        await consumer.consume(await told(engine, cases, flow.CASE_SUBMITTED))
        found = await answers(engine, master, cases, flow.CRITERIA_EVALUATED)
        assert [version_of(data) for data in found] == [version] * 3


async def test_evidence_that_criteria_were_ahead_of_is_looked_for(
    engine: AsyncEngine, master: MasterKey, tmp_path: Path
) -> None:
    """The criteria of a new policy are in force before the evidence of the old one was replaced."""
    policy = tmp_path / "policy"
    shutil.copytree(SHIPPED, policy)
    newer = amended(tmp_path / "newer", STATEMENT, f"{STATEMENT}-again")
    holder = PolicyHolder(
        "evidence_lookup", lambda: read_policies(policy / "criteria", policy / "evidence"), compile_library
    )
    cases = await submit(engine, master, 41)
    ahead = load_policy(newer / "criteria", newer / "evidence")
    evaluation = Consumer(flow.CRITERIA_EVALUATION, EvaluateCriteria(lambda: ahead), engine, master)
    await evaluation.consume(await told(engine, cases, flow.CASE_SUBMITTED))
    shutil.rmtree(policy)
    newer.rename(policy)
    attach = Consumer(flow.EVIDENCE_LOOKUP, AttachEvidence(holder), engine, master, backoff_seconds=0.001)
    await attach.consume(await told(engine, cases, flow.CRITERIA_EVALUATED))
    (found,) = await answers(engine, master, cases, flow.EVIDENCE_ATTACHED)
    assert isinstance(found, EvidenceAttached)
    assert f"{STATEMENT}-again" in {s.id for s in found.evidence.statements}
    assert not [s for s in found.evidence.statements if s.reason == ABSENT]


async def test_evidence_that_is_nowhere_holds_no_case_up(
    engine: AsyncEngine, master: MasterKey, tmp_path: Path
) -> None:
    newer = amended(tmp_path / "newer", STATEMENT, f"{STATEMENT}-again")
    ahead = load_policy(newer / "criteria", newer / "evidence")
    cases = await submit(engine, master, 42)
    evaluation = Consumer(flow.CRITERIA_EVALUATION, EvaluateCriteria(lambda: ahead), engine, master)
    await evaluation.consume(await told(engine, cases, flow.CASE_SUBMITTED))
    handler = AttachEvidence(PolicyHolder("evidence_lookup", read_policies, compile_library))
    attach = Consumer(flow.EVIDENCE_LOOKUP, handler, engine, master, backoff_seconds=0.001)
    await attach.consume(await told(engine, cases, flow.CRITERIA_EVALUATED))
    (found,) = await answers(engine, master, cases, flow.EVIDENCE_ATTACHED)
    assert [s.id for s in found.evidence.statements if s.reason == ABSENT] == [f"{STATEMENT}-again"]


async def test_a_replay_tells_an_answer_whose_policy_is_gone_from_one_that_differs(
    engine: AsyncEngine, master: MasterKey, tmp_path: Path
) -> None:
    newer = amended(tmp_path / "newer", 'version: "1.0.0"', 'version: "1.1.0"') / "criteria"
    policy = load_policy(newer)
    (case,) = cases = await submit(engine, master, 51)
    evaluation = Consumer(flow.CRITERIA_EVALUATION, EvaluateCriteria(lambda: policy), engine, master)
    await evaluation.consume(await told(engine, cases, flow.CASE_SUBMITTED))
    async with engine.connect() as connection:
        without = (await replay(connection, master, make_answers(), span_of(case))).as_dict()
    assert (without["same"], without["different"], without["policy_gone"]) == (0, 0, 1)
    (gone,) = without["gone"]
    assert (gone["case"], gone["sequence"]) == (str(case), 2)
    assert gone["policy"].startswith("criteria set spine-tumor-decompression 1.1.0 sha256:")
    past = PastPolicies(Folders(earlier_criteria=(newer,)))
    async with engine.connect() as connection:
        found = (await replay(connection, master, make_answers(past), span_of(case))).as_dict()
    assert (found["same"], found["different"], found["policy_gone"]) == (1, 0, 0)
