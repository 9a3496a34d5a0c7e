"""Evidence bundles: one file that proves a case without our servers. ``bundle_verifier.py`` says what is checked.

Members: ``manifest.json`` (the SHA-256 of every other member) and its signature, ``events.jsonl`` (the stored bytes),
``content/NNNN.json`` and ``documents/<sha256>.*`` with ``case.key`` unless it is redacted, ``proofs.json`` with
``checkpoint.json``, ``policy/``, the determination, ``index.html`` for a person, and ``verify.py``.
"""

import base64
import hashlib
import json
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events.codec import decode
from shared.journal.archives import Archives
from shared.journal.bundle_verifier import SCHEMA, BundleError, check, pack, unpack
from shared.journal.chain import microseconds
from shared.journal.checkpoint import CheckpointFiles
from shared.journal.compression import unpack as decompress
from shared.journal.crypto import KeyUnavailableError, event_binding, unseal
from shared.journal.documents import StoredDocument
from shared.journal.merkle import leaf_hash, paths

_EVENTS = text(
    """
    SELECT case_id, sequence, event_id, type, state_before, state_after, actor, payer, consumer, causation_id,
        occurred_at, recorded_at, traceparent, code_version, public, data, hash
    FROM journal WHERE case_id = :case_id ORDER BY sequence
    """
)


@dataclass(frozen=True, slots=True)
class Material:
    """What a bundle is made of. ``key`` None makes a redacted one; ``extra`` are members by name."""

    case_id: UUID
    installation: str
    made_at: str
    events: Sequence[Mapping[str, Any]]
    key: bytes | None
    documents: Sequence[StoredDocument] = ()
    extra: Mapping[str, bytes] = field(default_factory=dict)


async def read_events(
    connection: AsyncConnection, case_id: UUID, archives: Archives | None = None
) -> list[dict[str, Any]]:
    """A case's events as they are stored, in the form of ``events.jsonl``: instants in microseconds, bytes in base64."""
    result = await connection.execute(_EVENTS, {"case_id": case_id})
    names = list(result.keys())
    archived = archives.rows_of([case_id]) if archives is not None else ()
    older = [{name: getattr(row, name) for name in names} for row in archived]
    return [_plain(row) for row in [*older, *map(dict, result.mappings())]]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    for name in ("case_id", "event_id", "causation_id"):
        row[name] = str(row[name])
    for name in ("occurred_at", "recorded_at"):
        row[name] = microseconds(row[name])
    row["data"], row["hash"] = base64.b64encode(row["data"]).decode(), row["hash"].hex()
    return row


def make_bundle(
    material: Material,
    *,
    checkpoints: tuple[CheckpointFiles, Ed25519PublicKey] | None = None,
    key: Ed25519PrivateKey | None = None,
) -> bytes:
    """The bundle's bytes; the same material gives the same bytes.

    Raises:
        CheckpointError: the checkpoints cannot be used.
        KeyUnavailableError: the content does not open with the case's key.
    """
    files: dict[str, bytes] = {
        "events.jsonl": b"".join(json.dumps(e, ensure_ascii=False).encode() + b"\n" for e in material.events),
        "verify.py": resources.files(__package__).joinpath("bundle_verifier.py").read_bytes(),
        **material.extra,
    }
    if material.key is not None:
        files |= _contents(material, material.key)
    public = key.public_key() if key is not None else None
    if checkpoints is not None:
        public = checkpoints[1]
        files |= _proofs(material.events, *checkpoints)
    if public is not None:
        files["public_key.pem"] = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    manifest = {
        "schema": SCHEMA,
        "case": str(material.case_id),
        "installation": material.installation,
        "made_at": material.made_at,
        "redacted": material.key is None,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    files["manifest.json"] = json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n"
    if key is not None:
        files["manifest.sig"] = base64.b64encode(key.sign(files["manifest.json"])) + b"\n"
    return pack(files)


def _contents(material: Material, key: bytes) -> dict[str, bytes]:
    files = {"case.key": key.hex().encode() + b"\n"}
    for event in material.events:
        content = decode(event["type"], _opened(event, key))[1]
        files[f"content/{event['sequence']:04d}.json"] = _readable(content)
    for document in material.documents:
        suffix = mimetypes.guess_extension(document.content_type.partition(";")[0].strip()) or ".bin"
        files[f"documents/{document.id.removeprefix('sha256:')}{suffix}"] = document.data
    return files


def _opened(event: Mapping[str, Any], key: bytes) -> bytes:
    binding = event_binding(UUID(event["case_id"]), event["sequence"])
    return decompress(unseal(key, base64.b64decode(event["data"]), binding))


def _readable(content: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content, order="deterministic"), indent=1) + b"\n"


def _proofs(
    events: Sequence[Mapping[str, Any]], checkpoints: CheckpointFiles, key: Ed25519PublicKey
) -> dict[str, bytes]:
    """The path of each sealed event to the root of the newest checkpoint; later events have none yet."""
    leaves, last = [], None
    for checkpoint, part in checkpoints.read(key):
        leaves += part
        last = checkpoint
    if last is None:
        return {}
    places = {(leaf[0], leaf[1]): index for index, leaf in enumerate(leaves)}
    sealed = {e["sequence"]: i for e in events if (i := places.get((UUID(e["case_id"]), e["sequence"]))) is not None}
    found = paths([leaf_hash(*leaf) for leaf in leaves], sealed.values())
    proofs = [
        {"sequence": sequence, "index": index, "path": [node.hex() for node in found[index]]}
        for sequence, index in sealed.items()
    ]
    return {
        "proofs.json": json.dumps({"events": proofs}, indent=1).encode() + b"\n",
        "checkpoint.json": checkpoints.raw(last.number),
    }


def check_bundle(
    raw: bytes, public_key: bytes | None = None, installation: str | None = None
) -> tuple[list[str], list[str]]:
    """(problems, what was shown): all that ``verify.py`` checks, and that the readable content is the stored one.

    Raises:
        BundleError: the file cannot be checked at all, or is of another installation than the one that is asked for.
    """
    problems, shown = check(raw, public_key)
    files = unpack(raw)
    manifest = json.loads(files["manifest.json"])
    if installation is not None and manifest["installation"] != installation:
        raise BundleError(f"The bundle is of installation {manifest['installation']}.")
    events = [json.loads(line) for line in files["events.jsonl"].splitlines()]
    if "case.key" in files:
        problems += _content_problems(files, events, bytes.fromhex(files["case.key"].decode()))
        shown.append("the readable content is what the stored bytes open to")
    else:
        shown.append("redacted: the clinical content stands in the bundle as stored, and stays closed without its key")
    return problems, shown


def _content_problems(files: Mapping[str, bytes], events: Sequence[Mapping[str, Any]], key: bytes) -> list[str]:
    problems = []
    for event in events:
        name = f"content/{event['sequence']:04d}.json"
        try:
            stored = _readable(decode(event["type"], _opened(event, key))[1])
        except (KeyUnavailableError, ValueError, msgspec.ValidationError):
            problems.append(f"event {event['sequence']} does not open with the key of the bundle")
            continue
        if files.get(name) != stored:
            problems.append(f"{name} is not what the stored event opens to")
    return problems
