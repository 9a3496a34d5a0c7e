"""A thousand tamperings by a superuser, each of a kind that a chain alone may not show: all are found, and nothing else is."""

import datetime as dt
import hashlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.console.store import rebuild
from shared import flow
from shared.case.history import Accepted, History, Proposed
from shared.case.ids import new_case_id
from shared.clinical.model import AttachedEvidence, Evaluation
from shared.events.model import CriteriaEvaluated, EvidenceAttached
from shared.journal.checkpoint import CheckpointFiles, generate_key, load_private_key
from shared.journal.contents import verify_causes, verify_contents, verify_projection
from shared.journal.documents import StoredDocument, store_documents
from shared.journal.problems import Problem
from shared.journal.sealing import make_checkpoints, verify_checkpoints
from shared.journal.store import add_keys, append
from shared.journal.verify import verify_within
from shared.platform.settings import with_driver
from tests.support.consuming import MASTER, NOW, PUBLIC, accept, submitted
from tests.support.tampering import KINDS

CASES: Final = 8
ROUNDS: Final = 64
"""Of each of the seventeen kinds: 1,088 in all."""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def key(directory: Path) -> Ed25519PrivateKey:
    generate_key(directory / "key.pem")
    return load_private_key(directory / "key.pem")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(database: str, directory: Path, key: Ed25519PrivateKey) -> AsyncIterator[AsyncEngine]:
    """The superuser's engine, over a journal that two checkpoints seal."""
    engine = create_async_engine(with_driver(database))
    for _ in range(2):
        for _ in range(CASES // 2):
            await _add_case(engine)
        made = [c async for c in make_checkpoints(engine, CheckpointFiles(directory), key, NOW)]
        assert len(made) == 1
    await rebuild(engine)
    yield engine
    await engine.dispose()


async def _add_case(engine: AsyncEngine) -> None:
    case_id = new_case_id()
    async with engine.begin() as connection:
        keys = await add_keys(connection, MASTER, [case_id])
        history = History(case_id, "P", keys[case_id])
        evaluation = Evaluation("clinical_review", None, (), (), (), {})
        evaluated = CriteriaEvaluated(evaluation, "standard", NOW, NOW)
        attached = EvidenceAttached(AttachedEvidence("sha256:0", (), ()))
        events: list[Accepted] = []
        for proposed, consumer in (
            (Proposed(flow.CASE_SUBMITTED, submitted(), PUBLIC | {"mark": str(case_id)}), "intake"),
            (Proposed(flow.CRITERIA_EVALUATED, evaluated, {"mark": str(case_id)}), "criteria_evaluation"),
            (Proposed(flow.EVIDENCE_ATTACHED, attached, {"mark": str(case_id)}), "evidence_lookup"),
        ):
            events.append(accept(history, proposed, consumer, events[-1].event_id if events else uuid4()))
        await append(connection, events, {case_id: history})
        content = str(case_id).encode()
        document = StoredDocument(_digest(content), "text/plain", content)
        await store_documents(connection, MASTER, keys, [(case_id, document)])


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


async def problems_of(connection: AsyncConnection, directory: Path, key: Ed25519PrivateKey) -> list[Problem]:
    """Everything that `audit verify` looks at, in one transaction."""
    found = list((await verify_within(connection)).problems)
    found += [p async for p in verify_checkpoints(connection, CheckpointFiles(directory), key.public_key())]
    found += [p async for p in verify_contents(connection, MASTER)]
    found += [p async for p in verify_causes(connection)]
    return found + [p async for p in verify_projection(connection)]


async def test_nothing_is_reported_of_a_journal_that_nobody_touched(
    owner: AsyncEngine, directory: Path, key: Ed25519PrivateKey
) -> None:
    async with owner.connect() as connection:
        assert await problems_of(connection, directory, key) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_every_tampering_is_found(kind: str, owner: AsyncEngine, directory: Path, key: Ed25519PrivateKey) -> None:
    missed = []
    for seed in range(ROUNDS):
        async with owner.connect() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            changed = await KINDS[kind](connection, random.Random(f"{kind} {seed}"))
            assert changed, f"{kind} {seed} changed nothing"
            if not await problems_of(connection, directory, key):
                missed.append(seed)
            await connection.rollback()
    assert missed == []


async def test_what_came_after_the_last_checkpoint_is_no_problem(
    owner: AsyncEngine, directory: Path, key: Ed25519PrivateKey
) -> None:
    await _add_case(owner)
    async with owner.connect() as connection:
        found = [p async for p in verify_checkpoints(connection, CheckpointFiles(directory), key.public_key())]
    assert found == []
    await rebuild(owner)


async def test_the_checkpoints_of_another_installation_are_refused(
    owner: AsyncEngine, directory: Path, key: Ed25519PrivateKey
) -> None:
    async with owner.connect() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text("UPDATE installation SET id = gen_random_uuid()"))
        found = [p async for p in verify_checkpoints(connection, CheckpointFiles(directory), key.public_key())]
        assert [p.kind for p in found] == ["installation"]
        await connection.rollback()


async def test_a_transaction_still_under_way_is_sealed_by_the_next_checkpoint(
    owner: AsyncEngine, directory: Path, key: Ed25519PrivateKey
) -> None:
    files = CheckpointFiles(directory)
    before = [c async for c in make_checkpoints(owner, files, key, NOW)]
    async with owner.connect() as slow:
        await slow.execute(text("SELECT pg_current_xact_id()"))
        await _add_case(owner)
        assert [c async for c in make_checkpoints(owner, files, key, NOW)] == []
        await slow.rollback()
    (made,) = [c async for c in make_checkpoints(owner, files, key, NOW + dt.timedelta(hours=1))]
    assert made.size == (before[-1].size if before else 3 * CASES) + 3
    async with owner.connect() as connection:
        assert [p async for p in verify_checkpoints(connection, files, key.public_key())] == []
