"""``priorauth criteria`` as a policy author calls it: output and exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETS = ROOT / "shared/policy/criteria"


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return called("criteria", *arguments)


def called(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_check_ends_with_0_1_or_3(tmp_path: Path) -> None:
    assert command("check", SETS).returncode == 0
    text = (SETS / "cpap-osa.yaml").read_text(encoding="utf-8")
    (tmp_path / "cpap-osa.yaml").write_text(text.replace("ncd-240-4-evaluation", "nowhere", 1), encoding="utf-8")
    wrong = command("check", tmp_path)
    assert wrong.returncode == 1
    assert "cpap-osa.yaml, line " in wrong.stdout and "nowhere" in wrong.stdout
    (tmp_path / "cpap-osa.yaml").write_text("id: [", encoding="utf-8")
    broken = command("check", tmp_path, "--json")
    assert broken.returncode == 3
    assert json.loads(broken.stdout)["findings"][0]["file"] == "cpap-osa.yaml"
    missing = command("check", tmp_path / "nowhere")
    assert missing.returncode == 3 and missing.stderr.count("\n") == 1


def test_show_prints_a_tree_or_json_and_names_what_is_not_there() -> None:
    tree = command("show", "home-oxygen")
    assert tree.returncode == 0
    assert "oxygen.sao2_rest exceeds oxygen.sao2_asleep by more than 5" in tree.stdout
    assert json.loads(command("show", "home-oxygen", "--json").stdout)["id"] == "home-oxygen"
    unknown = command("show", "nothing")
    assert unknown.returncode == 2 and "criteria list" in unknown.stderr


def test_a_set_goes_to_fhir_and_back(tmp_path: Path) -> None:
    bundle, folder = tmp_path / "bundle.json", tmp_path / "sets"
    sent = command("export", "cpap-osa", "--to", bundle)
    assert sent.returncode == 0, sent.stderr
    assert json.loads(bundle.read_text(encoding="utf-8"))["resourceType"] == "Bundle"
    back = command("import", bundle, "--to", folder, "--json")
    assert back.returncode == 0, back.stderr
    assert json.loads(back.stdout)["attached"] is True
    assert [path.name for path in folder.iterdir()] == ["cpap-osa.yaml"]
    assert (folder / "cpap-osa.yaml").read_bytes() == (SETS / "cpap-osa.yaml").read_bytes()
    assert command("check", folder).returncode == 0


def test_coverage_counts_what_criteria_decided_over_requests() -> None:
    found = command("coverage", SETS, ROOT / "services/cli/demo_cases", "--json")
    assert found.returncode == 0, found.stderr
    covered = json.loads(found.stdout)
    assert covered["requests"] == 5
    assert covered["outcomes"] == {"approved": 2, "information_requested": 1, "clinical_review": 2}
    spine = next(s for s in covered["sets"] if s["id"] == "spine-tumor-decompression")
    assert spine["requests"] == 2
    malignancy = next(c for c in spine["criteria"] if c["id"] == "malignancy")
    assert malignancy["met"] + malignancy["not_met"] + malignancy["unknown"] == 2
    assert malignancy["met"] >= 1


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (("criteria", "schema"), "criteria.schema.json"),
        (("criteria", "lexicon-schema"), "lexicon.schema.json"),
        (("evidence", "schema"), "evidence.schema.json"),
    ],
)
def test_a_schema_is_printed_as_the_docs_hold_it(arguments: tuple[str, str], file: str) -> None:
    printed = called(*arguments)
    assert printed.returncode == 0
    assert json.loads(printed.stdout) == json.loads((ROOT / "docs" / file).read_text(encoding="utf-8"))
