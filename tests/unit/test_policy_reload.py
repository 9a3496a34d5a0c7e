"""A process keeps to the policy that its folders hold: taken up whole, refused with a reason, never mixed."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.evidence_lookup.library import compile_library
from shared.clinical.criteria import CriteriaSet, load_criteria
from shared.platform import policy
from shared.platform.logs import get_logger
from shared.platform.policy import PolicyHolder
from shared.policy import PolicyError, PolicyFiles, read_policies
from tests.support.servers import eventually

SHIPPED = Path(__file__).parents[2] / "shared/policy"
SET = "bariatric-surgery.yaml"
NAME = "test_policy_reload"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A criteria folder with one set."""
    shutil.copy(SHIPPED / "criteria" / SET, tmp_path)
    return tmp_path


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What the holder logs. Its logger keeps its first set-up, so it gets a new one."""
    with capture_logs() as entries:
        monkeypatch.setattr(policy, "log", get_logger())
        yield entries


def holder(folder: Path) -> PolicyHolder[tuple[CriteriaSet, ...]]:
    """Compiles the criteria alone, which takes a few milliseconds."""

    def compile_files(files: PolicyFiles) -> tuple[CriteriaSet, ...]:
        compile_library(files)
        return load_criteria(files.criteria)

    return PolicyHolder(NAME, lambda: read_policies(folder), compile_files)


def change(folder: Path, old: str, new: str) -> None:
    text = (folder / SET).read_text(encoding="utf-8")
    assert old in text
    (folder / SET).write_text(text.replace(old, new, 1), encoding="utf-8")


def refused() -> float | None:
    return REGISTRY.get_sample_value("priorauth_policy_refused", {"service": NAME})


def count(result: str) -> float:
    return REGISTRY.get_sample_value("priorauth_policy_changes_total", {"service": NAME, "result": result}) or 0.0


def test_changed_files_are_taken_up_and_unchanged_ones_are_not_compiled_again(folder: Path) -> None:
    held = holder(folder)
    first, before = held.current(), count("adopted")
    assert not held.refresh()
    assert held.current() is first
    change(folder, 'version: "1.0.0"', 'version: "1.1.0"')
    assert held.current() is first
    assert held.refresh()
    assert [s.version for s in held.current()] == ["1.1.0"]
    assert [s.version for s in first] == ["1.0.0"]
    assert count("adopted") == before + 1


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("title: Bariatric surgery", "title: [Bariatric", None, "expected"),
        ("criteria:\n", "criterion:\n", None, "criteri"),
        ('">=": 35', '">=": many', "body.bmi", "needs a number"),
        ("evidence: [ncd-100-1-indication", "evidence: [ncd-nowhere", "ncd-nowhere", "not a statement"),
    ],
)
def test_files_that_cannot_be_used_leave_the_policy_in_force(
    folder: Path, logged: list[Any], old: str, new: str, line: str | None, reason: str
) -> None:
    held = holder(folder)
    first, before = held.current(), count("refused")
    change(folder, old, new)
    assert not held.refresh()
    assert not held.refresh()
    assert held.current() is first
    (entry,) = [e for e in logged if e["log_level"] == "error"]
    assert entry["file"] == SET
    assert reason in entry["reason"]
    if line is not None:
        assert line in (folder / SET).read_text(encoding="utf-8").splitlines()[entry["line"] - 1]
    assert (refused(), count("refused")) == (1.0, before + 1)
    change(folder, new, old)
    assert held.refresh()
    assert refused() == 0.0
    assert [s.digest for s in held.current()] == [s.digest for s in first]


def test_a_folder_that_goes_away_leaves_the_policy_in_force(folder: Path, logged: list[Any]) -> None:
    held = holder(folder)
    first = held.current()
    away = folder.with_name(folder.name + "-away")
    folder.rename(away)
    assert not held.refresh()
    assert not held.refresh()
    assert held.current() is first
    assert ["folder" in e["reason"] for e in logged] == [True]
    away.rename(folder)
    assert held.refresh()
    assert refused() == 0.0


def test_a_copy_under_way_is_not_taken_up(folder: Path) -> None:
    held = holder(folder)
    for part in ("1.1.0", "1.2.0"):
        change(folder, "version: ", f'version: "{part}"  # ')
        assert not held.refresh(settled=True)
    assert held.refresh(settled=True)
    assert [s.version for s in held.current()] == ["1.2.0"]


def test_a_compiler_that_fails_is_a_refusal(folder: Path, logged: list[Any]) -> None:
    def compile_files(files: PolicyFiles) -> int:
        if "1.1.0" in files.criteria[0].text:
            raise RecursionError
        return 1

    held = PolicyHolder(NAME, lambda: read_policies(folder), compile_files)
    change(folder, "1.0.0", "1.1.0")
    assert not held.refresh()
    assert held.current() == 1
    assert "RecursionError" in logged[0]["reason"]


@pytest.mark.parametrize(
    ("old", "new"), [('">=": 35', '">=": many'), ("evidence: [ncd-100-1-indication", "evidence: [ncd-nowhere")]
)
def test_nothing_starts_with_a_policy_that_cannot_be_used(folder: Path, old: str, new: str) -> None:
    change(folder, old, new)
    with pytest.raises(PolicyError, match=rf"^{SET}, line \d+: "):
        holder(folder)


def test_a_fault_of_the_evidence_has_its_file_and_line(tmp_path: Path) -> None:
    for file in (SHIPPED / "evidence").iterdir():
        shutil.copy(file, tmp_path)
    text = (tmp_path / "cpap.yaml").read_text(encoding="utf-8")
    (tmp_path / "cpap.yaml").write_text(text.replace("verified: true", "verified: perhaps", 1), encoding="utf-8")
    with pytest.raises(PolicyError, match=r"^cpap\.yaml, line \d+: .*verified must be true or false") as caught:
        compile_library(read_policies(evidence=tmp_path))
    line = int(str(caught.value).split("line ")[1].split(":")[0])
    assert "- id:" in text.splitlines()[line - 1]


async def test_a_watch_finds_changes_by_itself_and_at_once_when_asked(folder: Path) -> None:
    held = holder(folder)
    watching = asyncio.create_task(held.watch(0.01))
    change(folder, "1.0.0", "1.1.0")
    await eventually(lambda: held.current()[0].version == "1.1.0")
    watching.cancel()
    patient = asyncio.create_task(held.watch(3600))
    change(folder, "1.1.0", "1.2.0")
    held.ask()
    await eventually(lambda: held.current()[0].version == "1.2.0")
    patient.cancel()
    ended = await asyncio.gather(watching, patient, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended), "Neither watch may have ended by itself."
