"""What an auditor does, by the command line, against a database that the flow filled."""

import asyncio
import datetime as dt
import json
import shutil
from pathlib import Path

import pytest
import yaml
from aiokafka import AIOKafkaConsumer

from shared.events.envelope import decode_message
from shared.policy import read_policy
from tests.flow.test_cases import NOTIFIED, REQUESTS
from tests.flow.test_command_line import CHECK_FAILED, DONE, REFUSED
from tests.support.running import Platform, Provider
from tests.support.servers import execute
from tests.support.spine import spine_request


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit")


async def submitted(provider: Provider) -> str:
    """A case with a chart note that the flow has approved and told of."""
    request = json.loads((REQUESTS / "t8-renal-cord-compression.json").read_text())
    case_id, _ = await provider.submit(request)
    await provider.until(case_id, *NOTIFIED)
    return case_id


async def as_owner(platform: Platform, *statements: str) -> None:
    for statement in statements:
        await execute(platform.database_url, statement)


async def test_checkpoints_seal_what_the_flow_wrote_and_a_cut_tail_is_found(
    platform: Platform, provider: Provider, keys: Path
) -> None:
    case_id = await submitted(provider)
    key, seals = str(keys / "key.pem"), str(keys / "seals")
    assert (await platform.priorauth("audit", "keygen", key)).code == DONE
    assert (await platform.priorauth("audit", "keygen", key)).code == REFUSED
    made = await platform.priorauth("audit", "checkpoint", "--to", seals, "--key", key, "--json")
    assert made.code == DONE, made.stderr
    [checkpoint] = made.json()["checkpoints"]
    assert checkpoint["size"] >= 5
    options = ("--checkpoints", seals, "--public-key", f"{key}.pub", "--contents", "--json")
    whole = await platform.priorauth("audit", "verify", *options)
    assert (whole.code, whole.json()["problems"]) == (DONE, [])

    await as_owner(platform, "ALTER TABLE journal DISABLE TRIGGER USER")
    await as_owner(
        platform,
        f"CREATE TABLE kept AS SELECT * FROM journal WHERE case_id = '{case_id}' AND sequence > 3",
        f"DELETE FROM journal WHERE case_id = '{case_id}' AND sequence > 3",
    )
    try:
        cut = await platform.priorauth("audit", "verify", *options)
    finally:
        await as_owner(
            platform,
            "INSERT INTO journal OVERRIDING SYSTEM VALUE SELECT * FROM kept",
            "DROP TABLE kept",
            "ALTER TABLE journal ENABLE TRIGGER USER",
        )
    assert cut.code == CHECK_FAILED
    assert {(p["case"], p["kind"]) for p in cut.json()["problems"]} >= {(case_id, "missing")}
    assert (await platform.priorauth("audit", "verify", *options)).code == DONE


async def test_a_bundle_stands_alone_and_its_making_is_recorded(
    platform: Platform, provider: Provider, keys: Path
) -> None:
    case_id = await submitted(provider)
    key = str(keys / "bundle.pem")
    await platform.priorauth("audit", "keygen", key)
    await platform.priorauth("audit", "checkpoint", "--to", str(keys / "of-bundle"), "--key", key)
    whole, redacted = keys / "whole.zip", keys / "redacted.zip"
    seals = ("--checkpoints", str(keys / "of-bundle"), "--public-key", f"{key}.pub", "--key", key, "--json")
    made = await platform.priorauth(
        "audit", "export", "--case", case_id, "--out", str(whole), "--why", "appeal 17", *seals
    )
    assert made.code == DONE, made.stderr
    assert (
        await platform.priorauth("audit", "export", "--case", case_id, "--out", str(redacted), "--redacted", *seals)
    ).code == DONE
    assert (await platform.priorauth("audit", "export", "--case", case_id, "--out", str(whole), *seals)).code == REFUSED

    # Neither a database nor a data directory is named to the checks.
    alone = {
        "PRIORAUTH_DATA_DIR": "",
        "PRIORAUTH_MASTER_KEY": "",
        "PRIORAUTH_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    }
    for file in (whole, redacted):
        checked = await platform.priorauth("audit", "check", str(file), "--public-key", f"{key}.pub", "--json", **alone)
        assert (checked.code, checked.json()["problems"]) == (DONE, []), checked.stdout + checked.stderr
    assert b"Osteolytic" not in redacted.read_bytes()

    raw = bytearray(whole.read_bytes())
    raw[len(raw) // 2] ^= 1
    (keys / "altered.zip").write_bytes(raw)
    (keys / "cut.zip").write_bytes(bytes(raw)[: len(raw) // 2])
    for name in ("altered.zip", "cut.zip"):
        checked = await platform.priorauth("audit", "check", str(keys / name), **alone)
        assert checked.code in (CHECK_FAILED, REFUSED) and checked.stdout + checked.stderr
    listed = (await platform.priorauth("audit", "accesses", "--case", case_id, "--json")).json()["accesses"]
    assert ("export", "appeal 17") in {(a["action"], a["why"]) for a in listed}


async def test_a_case_is_shown_as_it_was_known(platform: Platform, provider: Provider) -> None:
    case_id = await submitted(provider)
    timeline = (await provider.case(case_id))["timeline"]
    early = dt.datetime.fromisoformat(timeline[1]["recorded_at"]).isoformat()
    late = dt.datetime.fromisoformat(timeline[-1]["recorded_at"]).isoformat()
    shown = await platform.priorauth(
        "audit", "as-of", "--case", case_id, "--at", early[:26], "--until", late[:26], "--json"
    )
    assert shown.code == DONE, shown.stderr
    found = shown.json()
    assert found["view"]["state"] == timeline[1]["state_after"] and len(found["view"]["timeline"]) == 2
    assert [e["sequence"] for e in found["difference"]["events"]] == [e["sequence"] for e in timeline[2:]]
    none = await platform.priorauth("audit", "as-of", "--case", case_id, "--at", "2001-01-01", "--json")
    assert none.json()["known"] is False


async def test_stricter_criteria_over_past_cases_show_each_item_that_would_change(
    platform: Platform, provider: Provider, keys: Path
) -> None:
    case_id = await submitted(provider)
    stricter = keys / "criteria"
    stricter.mkdir()
    for file in read_policy("criteria"):
        text = file.text
        if file.name == "spine-tumor-decompression.yaml":
            # No patient is expected to live as long as this set now asks.
            text = text.replace(
                '{fact: oncology.expected_survival, ">=": 3, unit: mo}',
                '{fact: oncology.expected_survival, ">=": 600, unit: mo}',
            )
            assert text != file.text and yaml.safe_load(text)
        (stricter / file.name).write_text(text)
    before = await platform.fetch("SELECT count(*) FROM journal")
    report, table = keys / "what-if.html", keys / "what-if.csv"
    tried = await platform.priorauth(
        "audit", "what-if", "--criteria", str(stricter), "--html", str(report), "--csv", str(table), "--json"
    )
    assert tried.code == DONE, tried.stderr
    found = tried.json()
    flips = [f for f in found["flips"] if f["case"] == case_id]
    assert flips and all(f["from"] == "approved" and f["to"] != "approved" for f in flips)
    assert all("survival" in " ".join(f["because"]) for f in flips)
    assert found["metrics"]["before"] != found["metrics"]["after"]
    assert "Criteria that caused it" in report.read_text() and case_id in table.read_text()
    assert await platform.fetch("SELECT count(*) FROM journal") == before
    same = await platform.priorauth("audit", "what-if", "--criteria", str(_shipped(keys)), "--json")
    assert same.json()["flips"] == [] and same.json()["metrics"]["before"] == same.json()["metrics"]["after"]


def _shipped(keys: Path) -> Path:
    folder = keys / "shipped"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file in read_policy("criteria"):
        (folder / file.name).write_text(file.text)
    return folder


async def test_an_erased_case_is_gone_for_every_reader(platform: Platform, provider: Provider, keys: Path) -> None:
    case_id, _ = await provider.submit(spine_request(7_990))
    await provider.until(case_id, *NOTIFIED)
    erased = await platform.priorauth("cases", "erase", case_id, "--reason", "member_request", "--json")
    assert erased.code == DONE, erased.stderr
    for path in ("determination", "letter"):
        assert (await provider.client.get(f"/cases/{case_id}/{path}")).status_code in (404, 410)
    refused = await platform.priorauth("audit", "export", "--case", case_id, "--out", str(keys / "no.zip"))
    assert refused.code == REFUSED and "erased" in refused.stderr
    verified, replayed = await asyncio.gather(
        platform.priorauth("audit", "verify", "--contents", "--json"), platform.priorauth("audit", "replay", "--json")
    )
    assert (verified.code, verified.json()["problems"]) == (DONE, [])
    assert replayed.code == DONE and replayed.json()["erased"] >= 1
    assert (await platform.priorauth("cases", "erase", case_id, "--reason", "member_request")).code == REFUSED


async def test_the_journal_is_published_again_and_nobody_takes_it_for_new(
    platform: Platform, provider: Provider
) -> None:
    case_id = await submitted(provider)
    before = await platform.fetch("SELECT count(*) FROM journal WHERE case_id = $1", case_id)
    timeline = (await provider.case(case_id))["timeline"]
    topic = f"audit.replay.{case_id}"
    published = await platform.priorauth("replay", "publish", "--to-topic", topic, "--case", case_id, "--json")
    assert (published.code, published.json()["published"]) == (DONE, len(timeline)), published.stderr
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=platform.run["kafka"], auto_offset_reset="earliest")
    await consumer.start()
    try:
        messages = [decode_message((await consumer.getone()).value) for _ in timeline]
    finally:
        await consumer.stop()
    assert [m.sequence for m in sorted(messages, key=lambda m: m.sequence)] == [e["sequence"] for e in timeline]
    assert all(m.replayed and str(m.case_id) == case_id for m in messages)
    # To their own topics too: the services see them and leave the case as it is.
    again = await platform.priorauth("replay", "publish", "--to-topic", "original", "--case", case_id, "--json")
    assert again.code == DONE
    other, _ = await provider.submit(spine_request(7_991))
    await provider.until(other, *NOTIFIED)
    assert await platform.fetch("SELECT count(*) FROM journal WHERE case_id = $1", case_id) == before
