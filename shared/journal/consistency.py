"""Consistency of two checkpoints: that the later journal begins with the whole earlier one (RFC 6962, 2.1.2).

Who kept one signed checkpoint, and nothing else, can have it shown years later that what it sealed was not rewritten. The
proof is a JSON document with both signed checkpoints and about twice as many hashes as the tree is deep.
"""

import json
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.journal.checkpoint import Checkpoint, CheckpointError, CheckpointFiles, opened
from shared.journal.merkle import consistency_proof, is_consistent, leaf_hash

SCHEMA: Final = "priorauth.consistency/1"


def prove_consistency(earlier: bytes, files: CheckpointFiles, key: Ed25519PublicKey) -> bytes:
    """The proof that the newest checkpoint of a folder begins with an earlier signed one, which need not be of the folder.

    Raises:
        CheckpointError: the earlier one does not open, the folder cannot be used or ends before it.
    """
    before = opened(earlier, key, "The earlier checkpoint")
    leaves: list[bytes] = []
    last: Checkpoint | None = None
    for checkpoint, part in files.read(key):
        last = checkpoint
        leaves += [leaf_hash(*leaf) for leaf in part]
    if last is None or last.size < before.size:
        raise CheckpointError("The folder ends before the earlier checkpoint: what was sealed is gone.")
    if before.size == 0 or last.installation != before.installation:
        raise CheckpointError("The earlier checkpoint is of another installation.")
    document = {
        "schema": SCHEMA,
        "earlier": json.loads(earlier),
        "later": json.loads(files.raw(last.number)),
        "proof": [node.hex() for node in consistency_proof(leaves, before.size)],
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def check_consistency(raw: bytes, key: Ed25519PublicKey) -> tuple[Checkpoint, Checkpoint, bool]:
    """The earlier and the later checkpoint of a proof, and whether it shows that the later begins with the earlier.

    Raises:
        CheckpointError: it is no proof, or a checkpoint in it was not signed with this key.
    """
    try:
        document: dict[str, Any] = json.loads(raw)
        if document["schema"] != SCHEMA:
            raise ValueError("another schema")
        proof = [bytes.fromhex(node) for node in document["proof"]]
        signed = [json.dumps(document[name]).encode() for name in ("earlier", "later")]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError("The file is no proof of consistency.") from error
    earlier, later = opened(signed[0], key, "The earlier checkpoint"), opened(signed[1], key, "The later checkpoint")
    roots = bytes.fromhex(earlier.root), bytes.fromhex(later.root)
    shown = earlier.installation == later.installation
    return earlier, later, shown and is_consistent(roots[0], earlier.size, roots[1], later.size, proof)
