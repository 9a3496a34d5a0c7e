"""An evidence bundle proves what it says, and nothing that was altered passes for it."""

import base64
import datetime as dt
import hashlib
import io
import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared import flow
from shared.events.codec import encode
from shared.events.model import CaseCancelled, CaseSubmitted, EventData
from shared.journal.bundle import Material, check_bundle, make_bundle
from shared.journal.bundle_verifier import BundleError, check, pack, unpack, verifies
from shared.journal.chain import GENESIS, link, microseconds
from shared.journal.checkpoint import Checkpoint, CheckpointFiles, pack_leaves
from shared.journal.compression import pack as compress
from shared.journal.crypto import event_binding, seal
from shared.journal.documents import StoredDocument
from shared.journal.merkle import Frontier, leaf_hash

CASE, KEY = UUID(int=77), bytes(range(32))
NOW = dt.datetime(2026, 11, 16, 9, 30, tzinfo=dt.UTC)
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = SIGNER.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
CHART = b"A chart note."


def events() -> list[dict[str, Any]]:
    contents: list[tuple[str, str, str, EventData]] = [
        (flow.CASE_SUBMITTED, "new", "submitted", CaseSubmitted(b"{}", (), (), (), None, "standard", NOW, NOW)),
        (flow.CASE_CANCELLED, "submitted", "cancelled", CaseCancelled("Withdrawn.")),
    ]
    made, previous = [], GENESIS
    for sequence, (type_, before, after, content) in enumerate(contents, start=1):
        data = seal(KEY, compress(encode(content)), event_binding(CASE, sequence))
        row: dict[str, Any] = {
            "case_id": CASE, "sequence": sequence, "event_id": uuid4(), "state_before": before, "state_after": after,
            "actor": "system:intake", "payer": "Zürich “P”", "consumer": "intake", "causation_id": uuid4(), "occurred_at": NOW,
            "recorded_at": NOW, "traceparent": None, "code_version": "test/1", "public": '{"a":1}',
        }  # fmt: skip
        previous = link(previous, **row, type_=type_, data=data)
        for name in ("case_id", "event_id", "causation_id"):
            row[name] = str(row[name])
        for name in ("occurred_at", "recorded_at"):
            row[name] = microseconds(row[name])
        made.append({**row, "type": type_, "data": base64.b64encode(data).decode(), "hash": previous.hex()})
    return made


def seals(directory: Path, rows: list[dict[str, Any]]) -> CheckpointFiles:
    """A checkpoint over the case's events among those of others."""
    leaves = [(UUID(int=i), 1, bytes([i]) * 32) for i in range(1, 6)]
    leaves[2:2] = [(CASE, e["sequence"], bytes.fromhex(e["hash"])) for e in rows]
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf_hash(*leaf))
    packed = pack_leaves(leaves)
    peaks = tuple(peak.hex() for peak in frontier.peaks)
    digest = hashlib.sha256(packed).hexdigest()
    checkpoint = Checkpoint(1, "here", 7, frontier.root().hex(), peaks, 1, 7, NOW.isoformat(), "", digest)
    files = CheckpointFiles(directory)
    files.add(checkpoint, packed, SIGNER)
    return files


def material(rows: list[dict[str, Any]], *, redacted: bool = False) -> Material:
    documents = [StoredDocument(f"sha256:{hashlib.sha256(CHART).hexdigest()}", "text/plain", CHART)]
    return Material(
        CASE,
        "here",
        NOW.isoformat(),
        rows,
        None if redacted else KEY,
        () if redacted else documents,
        {"index.html": b"x"},
    )


@pytest.fixture
def bundle(tmp_path: Path) -> bytes:
    rows = events()
    return make_bundle(material(rows), checkpoints=(seals(tmp_path, rows), SIGNER.public_key()), key=SIGNER)


def test_a_whole_bundle_shows_what_it_proves(bundle: bytes) -> None:
    problems, shown = check_bundle(bundle, PUBLIC, "here")
    assert problems == []
    said = " ".join(shown)
    assert "2 of 2 events are under the root of checkpoint 1 (7 events" in said
    assert "signed by the public key" in said and "what the stored bytes open to" in said


def test_a_redacted_bundle_has_nothing_of_the_chart_and_still_verifies(tmp_path: Path) -> None:
    rows = events()
    raw = make_bundle(
        material(rows, redacted=True), checkpoints=(seals(tmp_path, rows), SIGNER.public_key()), key=SIGNER
    )
    assert check_bundle(raw, PUBLIC)[0] == []
    assert not {name for name in unpack(raw) if name.startswith(("content/", "documents/", "case.key"))}
    assert CHART not in raw and b"Withdrawn" not in raw


def test_the_script_inside_needs_python_alone(bundle: bytes, tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_bytes(bundle)
    (tmp_path / "public.pem").write_bytes(PUBLIC)
    (tmp_path / "verify.py").write_bytes(unpack(bundle)["verify.py"])
    command = [sys.executable, "-I", "-S", "verify.py", "bundle.zip", "public.pem"]
    whole = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert whole.returncode == 0 and "Nothing was found to be altered." in whole.stdout, whole.stdout + whole.stderr
    (tmp_path / "bundle.zip").write_bytes(bundle[:-100])
    cut = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert cut.returncode == 3 and "cut short" in cut.stdout


def test_every_single_byte_counts(bundle: bytes) -> None:
    chance = random.Random(7)
    for place in [
        *range(0, 400),
        *(chance.randrange(len(bundle)) for _ in range(400)),
        *range(len(bundle) - 300, len(bundle)),
    ]:
        altered = bytearray(bundle)
        altered[place] ^= 1 << chance.randrange(8)
        try:
            problems, _ = check(bytes(altered), PUBLIC)
        except BundleError:
            continue
        assert problems, f"byte {place}"


def _changed(bundle: bytes, name: str, content: bytes | None, *, resign: bool = False) -> bytes:
    """The bundle with another member, and a manifest that fits it: what a forger would send."""
    files = unpack(bundle)
    if content is None:
        del files[name]
    else:
        files[name] = content
    manifest = json.loads(files["manifest.json"])
    manifest["files"] = {
        n: hashlib.sha256(c).hexdigest() for n, c in sorted(files.items()) if n not in ("manifest.json", "manifest.sig")
    }
    files["manifest.json"] = json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n"
    if resign:
        files["manifest.sig"] = base64.b64encode(SIGNER.sign(files["manifest.json"])) + b"\n"
    return pack(files)


def _with_event(bundle: bytes, **changes: Any) -> bytes:
    lines = unpack(bundle)["events.jsonl"].splitlines()
    forged = json.dumps(json.loads(lines[0]) | changes, ensure_ascii=False).encode()
    return b"\n".join([forged, *lines[1:]]) + b"\n"


@pytest.mark.parametrize("resign", [False, True])
def test_a_forger_who_fits_the_manifest_is_found(bundle: bytes, resign: bool) -> None:
    forged = [
        _changed(bundle, "events.jsonl", _with_event(bundle, actor="clinician:x"), resign=resign),
        _changed(bundle, "content/0001.json", b"{}\n", resign=resign),
        _changed(bundle, f"documents/{hashlib.sha256(CHART).hexdigest()}.txt", b"Another note.", resign=resign),
        _changed(bundle, "case.key", bytes(32).hex().encode(), resign=resign),
        _changed(
            bundle,
            "checkpoint.json",
            unpack(bundle)["checkpoint.json"].replace(b'"size": 7', b'"size": 8'),
            resign=resign,
        ),
        _changed(bundle, "events.jsonl", unpack(bundle)["events.jsonl"].splitlines()[0] + b"\n", resign=resign),
    ]
    for number, raw in enumerate(forged):
        try:
            assert check_bundle(raw, PUBLIC)[0], number
        except BundleError:
            assert number == 5  # The proof of an event that is no longer there cannot be read.


def test_the_key_of_another_plan_does_not_fit(bundle: bytes) -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32).public_key()
    pem = other.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    problems, _ = check_bundle(bundle, pem)
    assert len([p for p in problems if "signature" in p]) == 2


def test_a_bundle_of_another_installation_is_refused(bundle: bytes) -> None:
    with pytest.raises(BundleError, match="installation here"):
        check_bundle(bundle, PUBLIC, "there")


@pytest.mark.parametrize(
    "raw", [b"", b"junk", b"PK\x03\x04", pack({}), pack({"manifest.json": b"{}"}), pack({"a": b"b"})]
)
def test_what_is_no_bundle_is_refused(raw: bytes) -> None:
    with pytest.raises(BundleError):
        check_bundle(raw)


def test_a_zip_that_another_program_packed_again_is_refused(bundle: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in unpack(bundle).items():
            archive.writestr(name, content)
    with pytest.raises(BundleError, match="altered"):
        check(buffer.getvalue())


def test_signatures_are_those_of_the_library() -> None:
    for number in range(8):
        key = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        message = bytes([number]) * number
        signature = key.sign(message)
        assert verifies(pem, signature, message)
        assert not verifies(pem, signature, message + b"x")
        assert not verifies(PUBLIC if number else pem, signature[:32] + bytes(32), message)
        assert not verifies(pem, signature[:-1], message)
