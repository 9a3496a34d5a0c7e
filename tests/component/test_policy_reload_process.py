"""A real process of the evaluation and its policy folder: it needs neither database nor Kafka for that, and waits for both."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.running import START_SECONDS
from tests.support.servers import eventually

ROOT = Path(__file__).parents[2]
SET = "bariatric-surgery.yaml"
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "criteria"
    made.mkdir()
    shutil.copy(ROOT / "shared/policy/criteria" / SET, made)
    return made


def change(folder: Path, old: str, new: str) -> None:
    """In one step, as an operator would."""
    text = (folder / SET).read_text(encoding="utf-8")
    assert old in text
    draft = folder / "draft"
    draft.write_text(text.replace(old, new, 1), encoding="utf-8")
    draft.replace(folder / SET)


def start(folder: Path, port: int, poll_seconds: float, log: Path) -> subprocess.Popen[bytes]:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = closed.getsockname()[1]
    settings = {
        "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{nowhere}/nothing",
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{nowhere}",
        "MASTER_KEY": KEY,
        "HTTP_PORT": str(port),
        "CRITERIA_DIR": str(folder),
        "POLICY_POLL_SECONDS": str(poll_seconds),
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PRIORAUTH_")}
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "services.cli.run", "criteria_evaluation"],
            cwd=ROOT,
            env=inherited | {f"PRIORAUTH_{name}": value for name, value in settings.items()},
            stdout=output,
            stderr=output,
        )


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


@pytest.fixture(params=[0.1, 3600.0], ids=["by itself", "on SIGHUP"])
def process(
    folder: Path, port: int, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[subprocess.Popen[bytes], bool]]:
    """The process, and whether it has to be told to look."""
    running = start(folder, port, request.param, tmp_path / "log")
    try:
        yield running, request.param > 1
    finally:
        running.terminate()
        running.wait(30)


def metric(text: str, series: str) -> float | None:
    """A series' value on the metrics page."""
    line = next((line for line in text.splitlines() if line.startswith(series)), None)
    return float(line.rsplit(" ", 1)[1]) if line is not None else None


async def test_a_process_refuses_and_takes_up_changed_files(
    process: tuple[subprocess.Popen[bytes], bool], folder: Path, port: int, tmp_path: Path
) -> None:
    running, must_be_told = process
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:

        async def reads(series: str) -> float | None:
            try:
                return metric((await client.get("/metrics")).text, series)
            except httpx.TransportError:
                assert running.poll() is None, (tmp_path / "log").read_text(errors="replace")[-2000:]
                return None

        async def becomes(series: str, value: float) -> None:
            async def there() -> bool:
                return await reads(series) == value

            await eventually(there, START_SECONDS, interval=0.05)

        refused = 'priorauth_policy_refused{service="criteria_evaluation"}'
        changes = 'priorauth_policy_changes_total{result="%s",service="criteria_evaluation"}'
        await becomes(refused, 0)
        change(folder, '">=": 35', '">=": many')
        if must_be_told:
            running.send_signal(signal.SIGHUP)
        await becomes(refused, 1)
        assert (await client.get("/livez")).status_code == 200
        change(folder, '">=": many', '">=": 30')
        if must_be_told:
            running.send_signal(signal.SIGHUP)
        await becomes(changes % "adopted", 1)
        await becomes(refused, 0)
        assert await reads(changes % "refused") == 1
    entries = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines() if line.startswith("{")]
    (entry,) = [e for e in entries if e["event"].startswith("policy refused")]
    assert (entry["file"], entry["level"]) == (SET, "error")
    assert "needs a number" in entry["reason"]
    assert isinstance(entry["line"], int)


def test_a_process_with_a_broken_policy_does_not_start(folder: Path, port: int, tmp_path: Path) -> None:
    change(folder, '">=": 35', '">=": many')
    running = start(folder, port, 1, tmp_path / "log")
    assert running.wait(START_SECONDS) not in (0, None)
    said: list[Any] = (tmp_path / "log").read_text().splitlines()
    (sentence,) = [line for line in said if line.startswith(SET)]
    assert sentence.startswith(f"{SET}, line ")
    assert "needs a number" in sentence
    assert not [line for line in said if "Traceback" in line]
