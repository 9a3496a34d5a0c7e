"""Checkpoints as files: what is signed is what is read, and nothing else is."""

import hashlib
import json
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.journal.checkpoint import (
    Checkpoint,
    CheckpointError,
    CheckpointFiles,
    generate_key,
    load_private_key,
    load_public_key,
    pack_leaves,
    unpack_leaves,
)
from shared.journal.merkle import Frontier, leaf_hash

LEAVES = [(UUID(int=i), i + 1, bytes([i]) * 32) for i in range(5)]


@pytest.fixture
def key(tmp_path: Path) -> Ed25519PrivateKey:
    generate_key(tmp_path / "key.pem")
    return load_private_key(tmp_path / "key.pem")


@pytest.fixture
def files(tmp_path: Path, key: Ed25519PrivateKey) -> CheckpointFiles:
    made = CheckpointFiles(tmp_path / "checkpoints")
    frontier, previous = Frontier(), ""
    for number, part in enumerate((LEAVES[:3], LEAVES[3:]), start=1):
        for leaf in part:
            frontier.add(leaf_hash(*leaf))
        packed = pack_leaves(part)
        checkpoint = Checkpoint(
            number, "here", frontier.size, frontier.root().hex(), tuple(p.hex() for p in frontier.peaks), 7, frontier.size,
            "2026-11-25T00:00:00+00:00", previous, hashlib.sha256(packed).hexdigest(),
        )  # fmt: skip
        made.add(checkpoint, packed, key)
        previous = checkpoint.digest()
    return made


def test_what_was_written_is_read(files: CheckpointFiles, key: Ed25519PrivateKey) -> None:
    read = list(files.read(key.public_key()))
    assert [leaf for _, leaves in read for leaf in leaves] == LEAVES
    last = files.last(key.public_key())
    assert last is not None and last == read[-1][0] and last.size == 5


def test_a_checkpoint_is_never_replaced(files: CheckpointFiles, key: Ed25519PrivateKey) -> None:
    checkpoint, leaves = next(files.read(key.public_key()))
    with pytest.raises(FileExistsError):
        files.add(checkpoint, pack_leaves(leaves), key)


def test_a_private_key_is_its_owners_alone_and_is_never_replaced(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
    with pytest.raises(FileExistsError):
        generate_key(tmp_path / "key.pem")
    assert load_public_key(tmp_path / "key.pem.pub").public_bytes_raw() == key.public_key().public_bytes_raw()


@pytest.mark.parametrize(
    ("field", "value"),
    [("size", 4), ("root", "00" * 32), ("installation", "there"), ("made_at", "2027"), ("position", 8), ("number", 3)],
)
def test_a_forged_field_is_refused(
    files: CheckpointFiles, key: Ed25519PrivateKey, tmp_path: Path, field: str, value: object
) -> None:
    path = tmp_path / "checkpoints" / "000002.json"
    document = json.loads(path.read_text())
    document["checkpoint"][field] = value
    path.write_text(json.dumps(document))
    with pytest.raises(CheckpointError, match="signature"):
        list(files.read(key.public_key()))


def test_another_key_does_not_open_it(files: CheckpointFiles) -> None:
    with pytest.raises(CheckpointError, match="signature"):
        list(files.read(Ed25519PrivateKey.generate().public_key()))


def test_every_byte_of_the_files_counts(files: CheckpointFiles, key: Ed25519PrivateKey, tmp_path: Path) -> None:
    for path in sorted((tmp_path / "checkpoints").iterdir()):
        whole = path.read_bytes()
        for place in range(0, len(whole), 7):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            try:
                read = [leaf for _, leaves in files.read(key.public_key()) for leaf in leaves]
            except CheckpointError:
                continue
            # A blank between two words of JSON says nothing; whatever is read is what was signed.
            assert read == LEAVES
        path.write_bytes(whole)


def test_a_missing_checkpoint_or_leaves_cut_short_are_named(
    files: CheckpointFiles, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    leaves = tmp_path / "checkpoints" / "000002.leaves.zst"
    leaves.write_bytes(leaves.read_bytes()[:-3])
    with pytest.raises(CheckpointError, match=r"000002\.leaves"):
        list(files.read(key.public_key()))
    (tmp_path / "checkpoints" / "000001.json").unlink()
    with pytest.raises(CheckpointError, match="Checkpoint 1 is missing"):
        files.numbers()
    with pytest.raises(CheckpointError, match="cut short"):
        unpack_leaves(bytes(53))


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("junk")
    for load in (load_private_key, load_public_key):
        with pytest.raises(CheckpointError, match="junk"):
            load(tmp_path / "junk")
        with pytest.raises(CheckpointError, match="absent"):
            load(tmp_path / "absent")
