"""Verifies an evidence bundle of priorauth with Python's standard library alone: no database, no network, no package.

    python3 verify.py BUNDLE.zip [PUBLIC_KEY.pem]

It recomputes the hash of every file, the hash chain of the case, and each event's path to the root of the signed
checkpoint (RFC 6962), and checks the signatures (Ed25519, RFC 8032). Give the public key that you had from the health
plan by another way: with the key inside the bundle, the signatures only show that the bundle agrees with itself.
This file is a copy of ``shared/journal/bundle_verifier.py`` of the project, which uses it too.
"""

import base64
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEMA = "priorauth.bundle/1"
_HEADER = (
    "case_id", "sequence", "event_id", "type", "state_before", "state_after", "actor", "payer", "consumer", "causation_id",
    "occurred_at", "recorded_at", "traceparent", "code_version", "public",
)  # fmt: skip
_MOST_BYTES = 512 * 1024 * 1024
Json = dict[str, Any]


class BundleError(Exception):
    """The file is not a bundle that could be checked, and why."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip file of these members, sorted by name: the same members always give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, files[name])
    return buffer.getvalue()


def unpack(raw: bytes) -> dict[str, bytes]:
    """The members of a bundle.

    Raises:
        BundleError: it is no zip file, was cut short, or differs by as much as a byte from what its members give.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MOST_BYTES:
                raise BundleError("The bundle is larger than any that is made.")
            if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
                raise BundleError("The file was altered: members of a bundle are not compressed.")
            files = {info.filename: archive.read(info) for info in archive.infolist()}
    # What zipfile raises for bytes that were altered: among others NotImplementedError for a version or a flag that it
    # does not know, and RuntimeError for a member that calls itself encrypted.
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise BundleError("The file is no zip file, was cut short or was altered.") from error
    if pack(files) != raw:
        raise BundleError("The file was altered: it is not what its members give.")
    return files


def check(raw: bytes, public_key: bytes | None = None) -> tuple[list[str], list[str]]:
    """(problems, what was shown). ``public_key`` is PEM; without it the key inside the bundle is taken.

    Raises:
        BundleError: the file cannot be checked at all.
    """
    files = unpack(raw)
    try:
        manifest = json.loads(files["manifest.json"])
        if manifest["schema"] != SCHEMA:
            raise BundleError("The bundle is of another schema.")
        problems, shown = _files(files, manifest)
        key = public_key if public_key is not None else files.get("public_key.pem")
        _signature(files, key, problems, shown)
        events = [json.loads(line) for line in files["events.jsonl"].splitlines()]
        problems += _chain(events, manifest["case"])
        shown.append(f"{len(events)} events of case {manifest['case']}, each linked to the one before by its hash")
        if "proofs.json" in files:
            _proofs(files, manifest, events, key, problems, shown)
        else:
            shown.append("no checkpoint: that no later event was left out cannot be shown")
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise BundleError("The bundle lacks something that every bundle has.") from error
    if public_key is None:
        shown.append("the public key is the bundle's own: compare it with the one that the health plan published")
    return problems, shown


def _files(files: Mapping[str, bytes], manifest: Json) -> tuple[list[str], list[str]]:
    problems = []
    listed = manifest["files"]
    for name, digest in listed.items():
        if name not in files:
            problems.append(f"{name} is missing")
        elif hashlib.sha256(files[name]).hexdigest() != digest:
            problems.append(f"{name} is not the file that the manifest names")
    extra = files.keys() - listed.keys() - {"manifest.json", "manifest.sig"}
    problems += [f"{name} is not in the manifest" for name in sorted(extra)]
    for name in sorted(files):
        if name.startswith("documents/"):
            digest = name.split("/")[1].split(".")[0]
            if hashlib.sha256(files[name]).hexdigest() != digest:
                problems.append(f"{name} is not the document that its name says")
    return problems, [f"{len(listed)} files as the manifest has them"]


def _signature(files: Mapping[str, bytes], key: bytes | None, problems: list[str], shown: list[str]) -> None:
    signature = files.get("manifest.sig")
    if signature is None:
        shown.append("the manifest is not signed")
    elif key is None or not verifies(key, base64.b64decode(signature), files["manifest.json"]):
        problems.append("the signature of the manifest does not fit its content and the public key")
    else:
        shown.append("the manifest is signed by the public key")


def _chain(events: list[Json], case: str) -> list[str]:
    problems = []
    previous, state = bytes(32), "new"
    for number, event in enumerate(events, start=1):
        where = f"event {number}"
        if event["sequence"] != number or event["case_id"] != case:
            problems.append(f"{where} is of another place or case")
        header = json.dumps([event[name] for name in _HEADER], separators=(",", ":"), ensure_ascii=False).encode()
        data = base64.b64decode(event["data"])
        digest = hashlib.sha256(previous + header + b"\n" + data).hexdigest()
        if digest != event["hash"]:
            problems.append(f"{where} is not what was hashed, or does not follow from the one before")
        if event["state_before"] != state:
            problems.append(f"{where} starts from another state than the case was in")
        previous, state = bytes.fromhex(event["hash"]), event["state_after"]
    return problems


def _proofs(
    files: Mapping[str, bytes],
    manifest: Json,
    events: list[Json],
    key: bytes | None,
    problems: list[str],
    shown: list[str],
) -> None:
    proofs, document = json.loads(files["proofs.json"]), json.loads(files["checkpoint.json"])
    checkpoint = document["checkpoint"]
    signed = json.dumps(checkpoint, separators=(",", ":"), sort_keys=True).encode()
    if key is None or not verifies(key, base64.b64decode(document["signature"]), signed):
        problems.append("the signature of the checkpoint does not fit its content and the public key")
    if checkpoint["installation"] != manifest["installation"]:
        problems.append("the checkpoint is of another installation than the bundle")
    for proof in proofs["events"]:
        event = events[proof["sequence"] - 1]
        leaf = hashlib.sha256(
            b"\x00"
            + bytes.fromhex(event["case_id"].replace("-", ""))
            + event["sequence"].to_bytes(4, "big")
            + bytes.fromhex(event["hash"])
        ).digest()
        path = [bytes.fromhex(node) for node in proof["path"]]
        root = root_of(leaf, proof["index"], checkpoint["size"], path)
        if root is None or root.hex() != checkpoint["root"]:
            problems.append(f"event {proof['sequence']} is not under the root of the checkpoint")
    shown.append(
        f"{len(proofs['events'])} of {len(events)} events are under the root of checkpoint {checkpoint['number']} "
        f"({checkpoint['size']} events, {checkpoint['made_at']})"
    )


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """The root that a path of inclusion leads to (RFC 9162, 2.1.3.2); None where it is no path for this place."""
    if not 0 <= index < size:
        return None
    node, last = index, size - 1
    for sibling in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            leaf = hashlib.sha256(b"\x01" + sibling + leaf).digest()
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            leaf = hashlib.sha256(b"\x01" + leaf + sibling).digest()
        node, last = node >> 1, last >> 1
    return leaf if last == 0 else None


# Ed25519 (RFC 8032, 5.1): verification alone, which handles nothing secret and so needs no constant time.
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]


def verifies(public_pem: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature is that of the key over the message."""
    body = b"".join(line for line in public_pem.splitlines() if not line.startswith(b"-----"))
    public = base64.b64decode(body)[-32:]
    if len(signature) != 64 or len(public) != 32:
        return False
    key, point = _decode(public), _decode(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or point is None or scalar >= _L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _L
    base = _decode((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
    return base is not None and _same(_times(scalar, base), _add(point, _times(challenge, key)))


def _decode(raw: bytes) -> _Point | None:
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


def _add(a: _Point, b: _Point) -> _Point:
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    c, d = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    result: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point, scalar = _add(point, point), scalar >> 1
    return result


def _same(a: _Point, b: _Point) -> bool:
    return (a[0] * b[2] - b[0] * a[2]) % _P == 0 and (a[1] * b[2] - b[1] * a[2]) % _P == 0


def main(arguments: list[str]) -> int:
    """0 where nothing was found, 1 where something was, 2 where the command is used otherwise, 3 for no bundle."""
    say = sys.stdout.write
    if not 1 <= len(arguments) <= 2:
        say(__doc__)
        return 2
    try:
        key = Path(arguments[1]).read_bytes() if len(arguments) == 2 else None
        problems, shown = check(Path(arguments[0]).read_bytes(), key)
    except (OSError, BundleError) as error:
        say(f"{error}\n")
        return 3
    say("".join([*(f"  {line}\n" for line in shown), *(f"! {line}\n" for line in problems)]))
    say("Nothing was found to be altered.\n" if not problems else f"{len(problems)} problems.\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
