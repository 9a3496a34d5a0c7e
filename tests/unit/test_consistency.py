"""Consistency of checkpoints: who kept one signed file can be shown later that nothing in it was rewritten."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.journal.checkpoint import Checkpoint, CheckpointError, CheckpointFiles, pack_leaves
from shared.journal.consistency import check_consistency, prove_consistency
from shared.journal.merkle import Frontier, leaf_hash

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key()


def sealed(folder: Path, sizes: Sequence[int], mark: int = 0, installation: str = "here") -> CheckpointFiles:
    """Checkpoints of so many events each; ``mark`` makes the first event another one."""
    files, frontier, previous, done = CheckpointFiles(folder), Frontier(), "", 0
    for number, size in enumerate(sizes, start=1):
        leaves = [(UUID(int=i), 1, bytes([(i + (mark if i == 0 else 0)) % 256]) * 32) for i in range(done, done + size)]
        done += size
        for leaf in leaves:
            frontier.add(leaf_hash(*leaf))
        packed = pack_leaves(leaves)
        checkpoint = Checkpoint(
            number, installation, frontier.size, frontier.root().hex(), tuple(p.hex() for p in frontier.peaks), 7,
            frontier.size, "2026-11-25T00:00:00+00:00", previous, hashlib.sha256(packed).hexdigest(),
        )  # fmt: skip
        files.add(checkpoint, packed, KEY)
        previous = checkpoint.digest()
    return files


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.data())
def test_every_checkpoint_is_the_beginning_of_the_newest(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
) -> None:
    files = sealed(tmp_path_factory.mktemp("seals"), sizes)
    kept = files.raw(data.draw(st.integers(1, len(sizes))))
    earlier, later, shown = check_consistency(prove_consistency(kept, files, PUBLIC), PUBLIC)
    assert shown and later.size == sum(sizes) and earlier.size <= later.size


def test_a_history_that_was_rewritten_and_sealed_anew_does_not_begin_with_the_kept_checkpoint(tmp_path: Path) -> None:
    kept = sealed(tmp_path / "true", [3, 4]).raw(1)
    rewritten = sealed(tmp_path / "rewritten", [3, 4, 2], mark=1)
    assert not check_consistency(prove_consistency(kept, rewritten, PUBLIC), PUBLIC)[2]


def test_a_folder_that_was_set_back_is_told(tmp_path: Path) -> None:
    kept = sealed(tmp_path / "true", [3, 4]).raw(2)
    with pytest.raises(CheckpointError, match="ends before"):
        prove_consistency(kept, sealed(tmp_path / "back", [3]), PUBLIC)


def test_another_installation_or_key_is_refused(tmp_path: Path) -> None:
    kept = sealed(tmp_path / "here", [3]).raw(1)
    with pytest.raises(CheckpointError, match="another installation"):
        prove_consistency(kept, sealed(tmp_path / "there", [3, 4], installation="there"), PUBLIC)
    with pytest.raises(CheckpointError, match="signature"):
        check_consistency(
            prove_consistency(kept, sealed(tmp_path / "again", [3, 1]), PUBLIC),
            Ed25519PrivateKey.generate().public_key(),
        )


def test_every_hash_of_the_proof_counts(tmp_path: Path) -> None:
    files = sealed(tmp_path, [5, 6, 2])
    document = json.loads(prove_consistency(files.raw(1), files, PUBLIC))
    assert len(document["proof"]) > 3
    for place in range(len(document["proof"])):
        proof = list(document["proof"])
        for changed in ("00" * 32, None):
            forged = proof[:place] + ([changed] if changed else []) + proof[place + 1 :]
            raw = json.dumps(document | {"proof": forged}).encode()
            assert not check_consistency(raw, PUBLIC)[2]


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"schema": "another"}', b'{"schema": "priorauth.consistency/1", "proof": ["xy"]}']
)
def test_what_is_no_proof_is_refused(raw: bytes) -> None:
    with pytest.raises(CheckpointError, match="no proof"):
        check_consistency(raw, PUBLIC)
