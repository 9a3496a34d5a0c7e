"""Signed checkpoints of the journal, kept where the database's owner does not rule.

A checkpoint fixes the Merkle root over the first ``size`` events in the order of the relay. Beside it lie its leaves:
which events came since the one before, so that a verifier can name what is missing instead of saying only that the
root differs. Both are files of a directory, written once and never again; a copy of the directory in a bucket with
object lock does as well. Format of the signature: Ed25519 (RFC 8032) over the JSON of ``checkpoint`` without blanks.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.platform.files import write_whole

SCHEMA: Final = "priorauth.checkpoint/1"
_LEAF: Final = 52
_Leaf = tuple[UUID, int, bytes]
"""Case, sequence, hash of the event."""


class CheckpointError(Exception):
    """Checkpoints that cannot be used: a file is missing or cut, a signature is wrong, one does not follow the other."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is signed. Hashes are hex, ``made_at`` is ISO 8601 in UTC.

    ``transaction_id`` and ``position`` are the relay's place after the last leaf; ``peaks`` is the frontier of the tree,
    ``previous`` the SHA-256 of the signed JSON before this one, ``leaves`` that of the uncompressed leaves since then,
    ``access_entries`` and ``access_hash`` the length of the access log and the hash of its last entry.
    """

    number: int
    installation: str
    size: int
    root: str
    peaks: tuple[str, ...]
    transaction_id: int
    position: int
    made_at: str
    previous: str
    leaves: str
    access_entries: int = 0
    access_hash: str = ""

    def to_bytes(self) -> bytes:
        """The bytes that are signed and hashed."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, separators=(",", ":"), sort_keys=True).encode()

    def digest(self) -> str:
        """What the next checkpoint names as ``previous``."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


def generate_key(path: Path) -> None:
    """Writes a new private key (PKCS #8, PEM, readable by its owner alone) and ``path.pub`` beside it.

    Raises:
        FileExistsError: there is a key already; it would take every checkpoint before it out of use.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_whole(path, private, mode=0o600)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    path.with_name(path.name + ".pub").write_bytes(public)


def load_private_key(path: Path) -> Ed25519PrivateKey:
    """Raises CheckpointError where the file holds no Ed25519 private key."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path} cannot be read as a private key.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise CheckpointError(f"{path} holds a key of another kind than Ed25519.")
    return key


def load_public_key(path: Path) -> Ed25519PublicKey:
    """Raises CheckpointError where the file holds no Ed25519 public key."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read as a public key.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise CheckpointError(f"{path} holds a key of another kind than Ed25519.")
    return key


def signed(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> bytes:
    """The file of a checkpoint: ``{"checkpoint": {...}, "signature": "base64"}``."""
    signature = base64.b64encode(key.sign(checkpoint.to_bytes())).decode()
    document = {"checkpoint": json.loads(checkpoint.to_bytes()), "signature": signature}
    return json.dumps(document, indent=1).encode() + b"\n"


def opened(raw: bytes, key: Ed25519PublicKey, name: str) -> Checkpoint:
    """A checkpoint from its file.

    Raises:
        CheckpointError: it is not a checkpoint, or the signature is not this key's over this content.
    """
    try:
        document = json.loads(raw)
        content, signature = document["checkpoint"], base64.b64decode(document["signature"], validate=True)
        if content.pop("schema") != SCHEMA:
            raise ValueError("another schema")
        checkpoint = Checkpoint(**(content | {"peaks": tuple(content["peaks"])}))
        _check_types(checkpoint)
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{name} is not a checkpoint.") from error
    try:
        key.verify(signature, checkpoint.to_bytes())
    except InvalidSignature as error:
        raise CheckpointError(f"The signature of {name} does not fit its content and this key.") from error
    return checkpoint


def _check_types(checkpoint: Checkpoint) -> None:
    for field in fields(checkpoint):
        value = getattr(checkpoint, field.name)
        if (field.type is int and type(value) is not int) or (field.type is str and not isinstance(value, str)):
            raise TypeError(field.name)


def pack_leaves(leaves: Sequence[_Leaf]) -> bytes:
    """52 bytes a leaf: case, sequence (big-endian), hash."""
    return b"".join(case.bytes + sequence.to_bytes(4, "big") + digest for case, sequence, digest in leaves)


def unpack_leaves(raw: bytes) -> list[_Leaf]:
    """Raises CheckpointError where the bytes are no whole number of leaves."""
    if len(raw) % _LEAF:
        raise CheckpointError("The leaves of a checkpoint were cut short.")
    return [
        (UUID(bytes=raw[i : i + 16]), int.from_bytes(raw[i + 16 : i + 20], "big"), raw[i + 20 : i + 52])
        for i in range(0, len(raw), _LEAF)
    ]


class CheckpointFiles:
    """The checkpoints of a directory, in order."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def _file(self, number: int, kind: str) -> Path:
        return self._directory / f"{number:06d}.{kind}"

    def add(self, checkpoint: Checkpoint, leaves: bytes, key: Ed25519PrivateKey) -> None:
        """Writes the leaves and then the checkpoint, which never replaces another: leaves without one are of no use.

        Raises:
            FileExistsError: another process has made this checkpoint.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        write_whole(self._file(checkpoint.number, "leaves.zst"), zstandard.compress(leaves), replace=True)
        write_whole(self._file(checkpoint.number, "json"), signed(checkpoint, key))

    def numbers(self) -> list[int]:
        """The numbers of the checkpoints that are there, in order.

        Raises:
            CheckpointError: one of them is missing between the others.
        """
        found = sorted(int(path.name.split(".")[0]) for path in self._directory.glob("[0-9]*.json"))
        if found != list(range(1, len(found) + 1)):
            missing = next(n for n in range(1, len(found) + 2) if n not in found)
            raise CheckpointError(f"Checkpoint {missing} is missing from {self._directory}.")
        return found

    def read(self, key: Ed25519PublicKey) -> Iterator[tuple[Checkpoint, list[_Leaf]]]:
        """Each checkpoint with its leaves; one at a time is in memory.

        Raises:
            CheckpointError: one is missing, does not open, or does not follow from the one before.
        """
        before: Checkpoint | None = None
        for number in self.numbers():
            checkpoint = self._open(number, key)
            leaves = self._leaves(checkpoint)
            _check_follows(before, checkpoint, len(leaves))
            yield checkpoint, leaves
            before = checkpoint

    def last(self, key: Ed25519PublicKey) -> Checkpoint | None:
        """The newest checkpoint; None where there is none."""
        numbers = self.numbers()
        return self._open(numbers[-1], key) if numbers else None

    def raw(self, number: int) -> bytes:
        """The signed file of a checkpoint as it lies there."""
        return self._file(number, "json").read_bytes()

    def _open(self, number: int, key: Ed25519PublicKey) -> Checkpoint:
        name = self._file(number, "json").name
        checkpoint = opened(self.raw(number), key, name)
        if checkpoint.number != number:
            raise CheckpointError(f"{name} holds checkpoint {checkpoint.number}.")
        return checkpoint

    def _leaves(self, checkpoint: Checkpoint) -> list[_Leaf]:
        path = self._file(checkpoint.number, "leaves.zst")
        try:
            raw = zstandard.ZstdDecompressor().decompress(path.read_bytes(), max_output_size=_LEAF * 10_000_000)
        except (OSError, zstandard.ZstdError) as error:
            raise CheckpointError(f"{path.name} cannot be read.") from error
        if hashlib.sha256(raw).hexdigest() != checkpoint.leaves:
            raise CheckpointError(
                f"{path.name} holds other leaves than checkpoint {checkpoint.number} was signed over."
            )
        return unpack_leaves(raw)


def _check_follows(before: Checkpoint | None, checkpoint: Checkpoint, leaves: int) -> None:
    size, digest = (before.size, before.digest()) if before is not None else (0, "")
    if checkpoint.previous != digest or checkpoint.size != size + leaves:
        raise CheckpointError(f"Checkpoint {checkpoint.number} does not follow from the one before it.")
    if before is not None and checkpoint.installation != before.installation:
        raise CheckpointError(f"Checkpoint {checkpoint.number} is of another installation.")


def summary(checkpoint: Checkpoint) -> dict[str, Any]:
    """What a command prints of it."""
    return {key: getattr(checkpoint, key) for key in ("number", "installation", "size", "root", "made_at")}
