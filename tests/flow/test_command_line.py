"""The command line against the running platform: one JSON document on standard output, and its exit codes."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.flow.test_cases import DETERMINATION_KEYS, NOTIFIED, REQUESTS
from tests.support.requests import as_body
from tests.support.running import Ended, Platform, Provider
from tests.support.spine import spine_request

DONE, CHECK_FAILED, USAGE, REFUSED, UNREACHABLE = range(5)


def told(ended: Ended, code: int) -> str:
    """The one sentence of a command that ended with ``code``, checked to be one."""
    assert ended.code == code, (ended.code, ended.stderr)
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert ended.stderr.strip()
    return ended.stderr.strip()


def request_file(folder: Path, seed: int, **options: Any) -> Path:
    file = folder / "request.json"
    file.write_bytes(as_body(spine_request(seed, **options)))
    return file


async def test_determine_needs_no_server_and_agrees_with_the_services(
    platform: Platform, provider: Provider, tmp_path: Path
) -> None:
    file = request_file(tmp_path, 7_900, with_note=True)
    offline = await platform.priorauth("determine", str(file), "--json", PRIORAUTH_DATABASE_URL="postgresql://nowhere")
    assert offline.code == DONE, offline.stderr
    document = offline.json()
    assert document.keys() >= DETERMINATION_KEYS
    case_id, _ = await provider.submit(file.read_bytes())
    online = await provider.determination(case_id)
    for key in ("outcome", "criteria_set", "facts", "missing", "items", "criteria"):
        assert document[key] == online[key], key


async def test_determine_refuses_what_is_no_request(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text("{}")
    refused, missing, incomplete, unknown = await asyncio.gather(
        platform.priorauth("determine", str(file), "--json"),
        platform.priorauth("determine", str(tmp_path / "not-there.json"), "--json"),
        platform.priorauth("determine"),
        platform.priorauth("no-such-command"),
    )
    assert "Bundle" in told(refused, REFUSED)
    told(missing, USAGE)
    told(incomplete, USAGE)
    told(unknown, USAGE)


async def test_submit_and_show_and_list(platform: Platform, tmp_path: Path) -> None:
    file = request_file(tmp_path, 7_910)
    submitted = await platform.priorauth("submit", str(file), "--json")
    assert submitted.code == DONE, submitted.stderr
    answer = submitted.json()
    assert answer["resourceType"] == "Bundle"
    case_id = answer["entry"][0]["resource"]["id"]
    shown = await platform.priorauth("cases", "show", case_id, "--json")
    assert (shown.code, shown.json()["id"], shown.json()["state"]) == (DONE, case_id, "approved")
    listed = await platform.priorauth("cases", "list", "--state", "approved", "--limit", "500", "--json")
    assert case_id in {c["id"] for c in listed.json()["cases"]}
    people = await platform.priorauth("cases", "show", case_id)
    assert people.code == DONE
    assert "case.approved.v1" in people.stdout


async def test_commands_name_what_they_cannot_reach_or_take(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text('{"resourceType": "Patient"}')
    missing = "00000000-0000-7000-8000-000000000000"
    empty = {"PRIORAUTH_DATA_DIR": str(tmp_path)}
    refused, away, unknown, unheld, wrong, nothing = await asyncio.gather(
        platform.priorauth("submit", str(file), "--json"),
        platform.priorauth("submit", str(file), "--json", "--url", "http://127.0.0.1:9"),
        platform.priorauth("cases", "show", missing, "--json"),
        platform.priorauth("cases", "redrive", missing, "--json"),
        platform.priorauth("cases", "show", "no-id", "--json"),
        platform.priorauth("audit", "verify", "--json", **empty),
    )
    assert "Bundle" in told(refused, REFUSED)
    told(away, UNREACHABLE)
    told(unknown, REFUSED)
    told(unheld, REFUSED)
    told(wrong, USAGE)
    told(nothing, UNREACHABLE)


async def test_a_case_that_is_not_held_is_not_redriven(platform: Platform, provider: Provider) -> None:
    case_id, _ = await provider.submit(spine_request(7_920))
    before = await provider.until(case_id, *NOTIFIED)
    assert "quarantine" in told(await platform.priorauth("cases", "redrive", case_id, "--json"), REFUSED)
    assert await provider.case(case_id) == before


async def test_the_audit_finds_the_journal_whole_and_every_answer_the_same(
    platform: Platform, provider: Provider
) -> None:
    request = json.loads((REQUESTS / "t8-renal-cord-compression.json").read_text())
    case_id, _ = await provider.submit(request)
    await provider.until(case_id, *NOTIFIED)
    verified, replayed = await asyncio.gather(
        platform.priorauth("audit", "verify", "--json"), platform.priorauth("audit", "replay", "--json")
    )
    assert verified.code == DONE, verified.stdout[:2000]
    found = verified.json()
    assert found["intact"]
    assert found["problems"] == []
    assert found["events"] >= found["cases"] * 4 > 0
    assert replayed.code == DONE, replayed.stdout[:2000]
    assert replayed.json()["differences"] == []
    # Another test of this platform erases a case, whose answers nobody can make again.
    again = replayed.json()
    assert again["same"] + again["erased"] == again["cases"] > again["erased"]


TAMPERING = {
    "hash": "UPDATE journal SET public = replace(public, 'approved', 'denied') WHERE case_id = $1 AND sequence = 4",
    "sequence": "DELETE FROM journal WHERE case_id = $1 AND sequence = 2",
    "state": "UPDATE journal SET state_after = 'denied', actor = 'clinician:nobody' WHERE case_id = $1 AND sequence = 4",
    "chain": "UPDATE journal SET previous_hash = sha256('x') WHERE case_id = $1 AND sequence = 3",
}


async def test_tampering_by_the_databases_owner_is_found(platform: Platform, provider: Provider) -> None:
    """The owner can take the triggers away; the chain still tells."""
    submitted = await asyncio.gather(*(provider.submit(spine_request(7_930 + n)) for n in range(len(TAMPERING))))
    cases = dict(zip(TAMPERING, (case_id for case_id, _ in submitted), strict=True))
    for case_id in cases.values():
        await provider.until(case_id, *NOTIFIED)
    connection = await asyncpg.connect(platform.database_url)
    try:
        for kind, case_id in cases.items():
            with pytest.raises(asyncpg.PostgresError, match="append-only"):
                await connection.execute(TAMPERING[kind], case_id)
        await connection.execute(
            f"CREATE TEMP TABLE kept AS SELECT * FROM journal WHERE case_id IN ({str([*cases.values()])[1:-1]})"
        )
        await connection.execute("ALTER TABLE journal DISABLE TRIGGER USER")
        for kind, case_id in cases.items():
            await connection.execute(TAMPERING[kind], case_id)
        try:
            verified = await platform.priorauth("audit", "verify", "--json")
        finally:
            await connection.execute("DELETE FROM journal WHERE case_id IN (SELECT case_id FROM kept)")
            await connection.execute("INSERT INTO journal OVERRIDING SYSTEM VALUE SELECT * FROM kept")
            await connection.execute("ALTER TABLE journal ENABLE TRIGGER USER")
    finally:
        await connection.close()
    assert verified.code == CHECK_FAILED, verified.stderr
    assert not verified.json()["intact"]
    problems = verified.json()["problems"]
    assert {p["case"] for p in problems} == set(cases.values())
    for kind, case_id in cases.items():
        assert kind in {p["kind"] for p in problems if p["case"] == case_id}


async def test_the_audit_needs_the_address_of_the_database_only(platform: Platform, provider: Provider) -> None:
    """The key of an embedded installation lies beside its data, where the same account finds it."""
    case_id, _ = await provider.submit(spine_request(7_930))
    await provider.until(case_id, *NOTIFIED)
    only = {"PRIORAUTH_DATA_DIR": "", "PRIORAUTH_MASTER_KEY": "", "PRIORAUTH_DATABASE_URL": platform.database_url}
    verified, replayed = await asyncio.gather(
        platform.priorauth("audit", "verify", "--case", case_id, "--json", **only),
        platform.priorauth("audit", "replay", "--case", case_id, "--json", **only),
    )
    assert (verified.code, verified.json()["intact"], verified.json()["cases"]) == (DONE, True, 1)
    assert (replayed.code, replayed.json()["same"], replayed.json()["cases"]) == (DONE, 1, 1)
