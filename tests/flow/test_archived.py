"""A month of the flow's cases goes into a file: what providers then hear, and what an auditor can still prove."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import create_async_engine

from shared.journal.checkpoint import CheckpointFiles, load_public_key
from shared.platform.settings import with_driver
from tests.flow.test_cases import NOTIFIED
from tests.flow.test_command_line import DONE, REFUSED
from tests.support.months import end_first
from tests.support.running import Platform, Provider
from tests.support.servers import eventually
from tests.support.spine import spine_request


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def archiving(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """A platform of its own, since its cases go away; its keeper seals every second."""
    directory: Path = tmp_path_factory.mktemp("archiving")
    running = Platform(
        directory,
        {
            "PRIORAUTH_FETCH_MAX_WAIT_MS": "25",
            "PRIORAUTH_NOTICE_CHANNEL": "maildir",
            "PRIORAUTH_MAILDIR": str(directory / "maildir"),
            "PRIORAUTH_CHECKPOINT_SECONDS": "1",
        },
    )
    try:
        await running.start()
        yield running
    finally:
        await running.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def provider(archiving: Platform) -> AsyncIterator[Provider]:
    async with httpx.AsyncClient(base_url=archiving.base_url, timeout=60) as client:
        yield Provider(archiving, client)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def archived(archiving: Platform, provider: Provider) -> list[str]:
    """Three cases that were decided, told and sealed, and are in a file now."""
    cases = []
    for seed in range(9_101, 9_104):
        case_id, _ = await provider.submit(spine_request(seed))
        await provider.until(case_id, *NOTIFIED)
        cases.append(case_id)
    public = load_public_key(archiving.data_dir / "checkpoint.key.pub")
    events = await archiving.fetch("SELECT count(*) FROM journal")

    async def sealed() -> bool:
        last = CheckpointFiles(archiving.data_dir / "checkpoints").last(public)
        return last is not None and last.size == events[0][0]

    await eventually(sealed)
    engine = create_async_engine(with_driver(archiving.database_url))
    async with engine.begin() as connection:
        await end_first(connection)
    await engine.dispose()
    made = await archiving.priorauth(
        "journal", "archive", "journal_first", "--to", folder(archiving), "--older-than", "0", "--json"
    )
    assert made.code == DONE, made.stderr
    assert (made.json()["cases"], made.json()["events"]) == (3, events[0][0])
    return cases


def folder(platform: Platform) -> str:
    return str(platform.data_dir / "archives")


async def test_providers_hear_that_a_case_was_archived(archived: list[str], provider: Provider) -> None:
    for path in ("", "/determination", "/letter"):
        answer = await provider.client.get(f"/cases/{archived[0]}{path}")
        assert (answer.status_code, "archived" in answer.json()["detail"]) == (410, True), path
    assert (await provider.client.post(f"/cases/{archived[0]}/appeal", json={})).status_code == 410
    assert (await provider.client.get("/cases/00000000-0000-7000-8000-000000000000")).status_code == 404
    again = await provider.post(spine_request(9_101))
    assert (again.status_code, again.json()["resourceType"]) == (410, "OperationOutcome")
    assert (await provider.client.get("/cases")).json()["cases"] == []


async def test_the_flow_goes_on_and_both_halves_are_verified_against_the_keepers_seals(
    archived: list[str], archiving: Platform, provider: Provider
) -> None:
    case_id, _ = await provider.submit(spine_request(9_110))
    await provider.until(case_id, *NOTIFIED)
    seals = str(archiving.data_dir / "checkpoints")
    options = ("--contents", "--checkpoints", seals, "--public-key", str(archiving.data_dir / "checkpoint.key.pub"))
    lacking = await archiving.priorauth("audit", "verify", *options)
    assert lacking.code == REFUSED and "--archives" in lacking.stderr
    for jobs in ("1", "2"):
        found = await archiving.priorauth(
            "audit", "verify", *options, "--archives", folder(archiving), "--jobs", jobs, "--json"
        )
        assert (found.code, found.json()["problems"]) == (DONE, []), found.stderr
        assert found.json()["cases"] == 4
    first = str(archiving.data_dir / "checkpoints" / "000001.json")
    shown = await archiving.priorauth(
        "audit", "consistency", first, "--checkpoints", seals, "--public-key", options[-1], "--json"
    )
    assert (shown.code, shown.json()["consistent"]) == (DONE, True), shown.stderr


async def test_an_archived_case_is_audited_like_any_other(
    archived: list[str], archiving: Platform, tmp_path: Path
) -> None:
    archives = ("--archives", folder(archiving))
    alone = ("--case", archived[0], *archives, "--json")
    replayed = await archiving.priorauth("audit", "replay", *archives, "--json")
    assert replayed.code == DONE and replayed.json()["same"] >= 3, replayed.stderr
    tried = await archiving.priorauth("audit", "what-if", "--criteria", "shared/policy/criteria", *archives, "--json")
    assert tried.code == DONE and tried.json()["cases"] >= 3, tried.stderr
    known = await archiving.priorauth("audit", "as-of", "--at", "2100-01-01", *alone)
    assert known.code == DONE and known.json()["view"]["state"] == "approved", known.stderr
    bundle = tmp_path / "case.zip"
    made = await archiving.priorauth("audit", "export", "--out", str(bundle), *alone)
    assert made.code == DONE, made.stderr
    assert (await archiving.priorauth("audit", "check", str(bundle))).code == DONE
    topic = f"audit.archived.{archived[0]}"
    published = await archiving.priorauth("replay", "publish", "--to-topic", topic, *alone)
    assert (published.code, published.json()["published"]) == (DONE, 7), published.stderr
    listed = await archiving.priorauth("journal", "partitions", "--json")
    [record] = listed.json()["archives"]
    assert record["cases"] == 3 and json.loads(listed.stdout)["partitions"][0]["events"] == 0


async def test_an_archived_case_can_be_erased(archived: list[str], archiving: Platform) -> None:
    command = ("cases", "erase", archived[1], "--reason", "retention_period_ended")
    assert (await archiving.priorauth(*command)).code == REFUSED
    erased = await archiving.priorauth(*command, "--archives", folder(archiving))
    assert erased.code == DONE, erased.stderr
    verified = await archiving.priorauth("audit", "verify", "--contents", "--archives", folder(archiving), "--json")
    assert (verified.code, verified.json()["problems"]) == (DONE, [])
    gone = await archiving.priorauth(
        "audit",
        "export",
        "--case",
        archived[1],
        "--out",
        folder(archiving) + "/no.zip",
        "--archives",
        folder(archiving),
    )
    assert gone.code == REFUSED and "erased" in gone.stderr
