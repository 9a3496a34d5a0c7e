"""Literature that a search found beside a determination: imported, indexed, and named by the running flow."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.flow.test_cases import NOTIFIED
from tests.flow.test_command_line import DONE
from tests.support import pubmed
from tests.support.running import Platform, Provider
from tests.support.servers import eventually
from tests.support.spine import spine_request

NOTE = "found by search, not relied on"
ABOUT = "Decompression of the spine for a metastatic tumor with instability"
ARTICLES = (
    *(pubmed.article(str(n), f"{ABOUT}, report {n}", "Spinal cord compression and surgery.") for n in range(1, 8)),
    pubmed.article(
        "90", f"{ABOUT}, withdrawn", "Spinal instability.", types=("Journal Article", "Retracted Publication")
    ),
    *(pubmed.article(str(n), f"Acne, letter {n}", "Skin.") for n in range(100, 140)),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reading(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """A platform of its own, first without an index."""
    directory: Path = tmp_path_factory.mktemp("reading")
    running = Platform(
        directory,
        {
            "PRIORAUTH_FETCH_MAX_WAIT_MS": "25",
            "PRIORAUTH_NOTICE_CHANNEL": "maildir",
            "PRIORAUTH_MAILDIR": str(directory / "maildir"),
        },
    )
    try:
        await running.start()
        yield running
    finally:
        await running.stop()


async def decided(platform: Platform, seed: int) -> tuple[str, dict[str, Any], str]:
    """A case with its determination, and the letter of its notice."""
    async with httpx.AsyncClient(base_url=platform.base_url, timeout=60) as client:
        provider = Provider(platform, client)
        case_id, _ = await provider.submit(spine_request(seed))
        await provider.until(case_id, *NOTIFIED)
        return case_id, await provider.determination(case_id), (await client.get(f"/cases/{case_id}/letter")).text


async def test_the_flow_names_articles_of_an_index_and_rests_on_none(reading: Platform, tmp_path: Path) -> None:
    before, without, _ = await decided(reading, 9_301)
    assert without["related"] == [] and NOTE not in without["text"].lower()

    file, index = tmp_path / "pubmed26n0001.xml", tmp_path / "index"
    file.write_bytes(pubmed.file(*ARTICLES))
    for command in (("import", str(file)), ("index", str(index))):
        made = await reading.priorauth("evidence", *command)
        assert made.code == DONE, made.stderr
    await reading.stop()
    reading.env = {**reading.env, "PRIORAUTH_LITERATURE_INDEX": str(index)}
    await reading.start()

    after, found, letter = await decided(reading, 9_302)
    ids = [article["id"] for article in found["related"]]
    assert 1 <= len(ids) <= 5 and set(ids) <= {f"pubmed:{n}" for n in range(1, 8)}
    assert NOTE in found["text"].lower() and found["related"][0]["title"] in found["text"]
    # A notice says what the decision rests on, and so nothing of these.
    assert not [article for article in found["related"] if article["title"] in letter]
    # What the two determinations rest on is alike.
    for part in ("evidence", "bibliography"):
        assert [entry["id"] for entry in found[part]] == [entry["id"] for entry in without[part]], part
    page = await _console(reading, after)
    assert "Related literature" in page and found["related"][0]["title"] in page
    assert "Related literature" not in await _console(reading, before)

    # A replay does not search: the index is gone, and both answers are the same byte for byte.
    shutil.rmtree(index)
    replayed = await reading.priorauth("audit", "replay", "--json")
    assert (replayed.code, replayed.json()["same"]) == (DONE, 2), replayed.stdout


async def _console(platform: Platform, case_id: str) -> str:
    token = (platform.data_dir / "console.token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=platform.url("console"), headers=headers, timeout=30) as client:

        async def shown() -> httpx.Response | None:
            answer = await client.get(f"/ui/cases/{case_id}")
            return answer if answer.status_code == 200 else None

        answer = await eventually(shown)
        assert answer is not None
        return answer.text


async def test_an_index_that_cannot_be_read_ends_the_service_with_a_sentence(reading: Platform, tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "manifest.json").write_text(json.dumps({"schema": "another"}))
    ended = await reading.priorauth(
        "run",
        "evidence_lookup",
        PRIORAUTH_LITERATURE_INDEX=str(tmp_path / "index"),
        PRIORAUTH_MASTER_KEY=(reading.data_dir / "master.key").read_text().strip(),
        PRIORAUTH_HTTP_PORT="0",
    )
    assert ended.code != DONE
    [line] = [line for line in ended.stderr.splitlines() if "PRIORAUTH_LITERATURE_INDEX" in line]
    assert "Traceback" not in ended.stderr and line
