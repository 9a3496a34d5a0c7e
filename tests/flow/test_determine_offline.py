"""``priorauth determine`` on corpectomy cases: ours, and the reference case where it lies beside the project."""

import base64
import copy
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
OURS = ROOT / "services" / "cli" / "demo_cases" / "1-l2-corpectomy.json"
REFERENCE = ROOT.parent / "shared" / "cases" / "l2-corpectomy" / "pas-request-bundle.json"
CASES = [path for path in (OURS, REFERENCE) if path.exists()]
SECTIONS = ("criteria", "standard_of_care", "outcomes", "alternatives", "timing", "cautions", "bibliography", "reasons")


def _determine(request: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "services.cli.main", "determine", str(request), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def _notes(bundle: dict[str, Any]) -> dict[str, str]:
    """Text by id of the notes that a request brings."""
    data = [
        base64.b64decode(content["attachment"]["data"])
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "DocumentReference"
        for content in entry["resource"]["content"]
    ]
    return {"sha256:" + hashlib.sha256(raw).hexdigest(): raw.decode() for raw in data}


def _without_notes(bundle: dict[str, Any]) -> dict[str, Any]:
    bare = copy.deepcopy(bundle)
    bare["entry"] = [e for e in bare["entry"] if e["resource"]["resourceType"] != "DocumentReference"]
    claim = bare["entry"][0]["resource"]
    removed = {
        i["sequence"]
        for i in claim["supportingInfo"]
        if "DocumentReference" in i.get("valueReference", {}).get("reference", "")
    }
    claim["supportingInfo"] = [i for i in claim["supportingInfo"] if i["sequence"] not in removed]
    for item in claim["item"]:
        item["informationSequence"] = [n for n in item.get("informationSequence", []) if n not in removed]
    return bare


@pytest.mark.parametrize("request_file", CASES, ids=lambda p: p.parent.name)
def test_a_corpectomy_is_approved_with_every_section_and_exact_quotes(request_file: Path) -> None:
    document = _determine(request_file)
    notes = _notes(json.loads(request_file.read_text()))
    assert document["schema"] == "priorauth.determination/1"
    assert document["outcome"] == "approved"
    assert {i["review_action"] for i in document["items"]} == {"A1"}
    assert all(i["purpose"] for i in document["items"])
    assert [s for s in SECTIONS if not document[s]] == []
    assert {c["outcome"] for c in document["criteria"]} == {"met"}
    assert {a["conclusion"] for a in document["alternatives"]} <= {"inadequate", "contraindicated"}
    quoted = [s for f in document["facts"].values() for s in f["sources"] if s["kind"] == "note"]
    assert len(quoted) > 20
    for source in quoted:
        assert notes[source["document"]][source["start"] : source["end"]] == source["quote"]


@pytest.mark.parametrize("request_file", CASES, ids=lambda p: p.parent.name)
def test_without_its_note_the_fewest_facts_are_asked_for(request_file: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(_without_notes(json.loads(request_file.read_text()))))
    document = _determine(bare)
    assert document["outcome"] == "information_requested"
    asked = [name for missing in document["missing"] for name in missing["facts"]]
    assert len(asked) == len(set(asked)) == 6
    assert all(document["facts"][name]["status"] == "unknown" for name in asked)
    assert all(m["question"].endswith((".", "?")) and m["decides"] for m in document["missing"])
    required = {c["id"] for c in document["criteria"]}
    decided = {i.split(".")[0] for m in document["missing"] for i in m["decides"]}
    assert decided == required


@pytest.mark.parametrize(
    ("options", "language", "title"),
    [
        ((), "en", "Notice of approval"),
        (("--lang", "es"), "es", "Aviso de aprobación"),
        (("--audience", "member"), "en", "Your care is approved"),
        (("--audience", "member", "--lang", "es"), "es", "Su atención está aprobada"),
    ],
)
def test_the_letter_is_for_whom_and_in_the_language_that_is_asked_for(
    options: tuple[str, ...], language: str, title: str, tmp_path: Path
) -> None:
    page, file = tmp_path / "letter.html", tmp_path / "letter.pdf"
    command = [
        sys.executable,
        "-m",
        "services.cli.main",
        "determine",
        str(OURS),
        "--html",
        str(page),
        "--pdf",
        str(file),
    ]
    subprocess.run([*command, *options], cwd=ROOT, check=True)
    html = page.read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in html and f"<h1>{title}</h1>" in html
    assert file.read_bytes().startswith(b"%PDF-")


def test_a_language_without_letters_is_wrong_usage() -> None:
    command = [sys.executable, "-m", "services.cli.main", "determine", str(OURS), "--html", "x.html", "--lang", "xx"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
