"""Merkle trees over a growing list of leaves, as RFC 6962 (Certificate Transparency, section 2.1) defines them. Pure.

The leaves are the events of the journal in the order in which they became visible. A tree of an earlier size is
contained in every later one, so that one root (32 bytes) fixes all that came before it. ``Frontier`` holds what is
needed to go on: one hash for each bit of the size, so memory stays constant however long the journal is.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from uuid import UUID


def leaf_hash(case_id: UUID, sequence: int, event_hash: bytes) -> bytes:
    """The leaf of an event: SHA-256(0x00 | case id, 16 bytes | sequence, 4 bytes big-endian | hash of the event)."""
    return hashlib.sha256(b"\x00" + case_id.bytes + sequence.to_bytes(4, "big") + event_hash).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """An inner node: SHA-256(0x01 | left | right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


EMPTY = hashlib.sha256(b"").digest()
"""The root of the tree without leaves."""


class Frontier:
    """The roots of the full subtrees that the leaves so far make up, from the largest to the smallest."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if len(peaks) != size.bit_count():
            raise ValueError("A frontier has one hash for each bit that is set in its size.")
        self.size = size
        self.peaks = list(peaks)

    def add(self, leaf: bytes) -> None:
        """Appends a leaf; on average two hashes."""
        size = self.size
        while size & 1:
            leaf = node_hash(self.peaks.pop(), leaf)
            size >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree of all leaves so far."""
        if not self.peaks:
            return EMPTY
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root of a tree, leaf by leaf."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root()


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def paths(leaves: Sequence[bytes], indices: Collection[int]) -> dict[int, list[bytes]]:
    """The proofs of inclusion of several leaves by index, in one pass over the tree: sibling hashes from leaf to root.

    Source: RFC 6962, 2.1.1. ``bundle_verifier.root_of`` leads such a path to its root.
    """
    level, places = list(leaves), {index: index for index in indices}
    found: dict[int, list[bytes]] = {index: [] for index in indices}
    if any(not 0 <= index < len(level) for index in indices):
        raise IndexError("A leaf is not in the tree.")
    while len(level) > 1:
        for index, place in places.items():
            # The last node of a level of odd length has no sibling, and goes up as it is.
            if place ^ 1 < len(level):
                found[index].append(level[place ^ 1])
            places[index] = place >> 1
        pairs = range(0, len(level) - 1, 2)
        level = [node_hash(level[i], level[i + 1]) for i in pairs] + (level[-1:] if len(level) & 1 else [])
    return found


def consistency_proof(leaves: Sequence[bytes], earlier: int) -> list[bytes]:
    """What shows that the first ``earlier`` leaves are the tree of that size (RFC 6962, 2.1.2)."""
    if not 0 < earlier <= len(leaves):
        raise IndexError("An earlier tree has at least one leaf and no more than the later one.")
    return _consistency(leaves, earlier, whole=True)


def _consistency(leaves: Sequence[bytes], earlier: int, *, whole: bool) -> list[bytes]:
    if earlier == len(leaves):
        return [] if whole else [root_of(leaves)]
    split = _split(len(leaves))
    if earlier <= split:
        return [*_consistency(leaves[:split], earlier, whole=whole), root_of(leaves[split:])]
    return [*_consistency(leaves[split:], earlier - split, whole=False), root_of(leaves[:split])]


def is_consistent(earlier_root: bytes, earlier: int, later_root: bytes, later: int, proof: Sequence[bytes]) -> bool:
    """Whether the later tree begins with the whole earlier one (RFC 9162, 2.1.4.2)."""
    if not 0 < earlier <= later:
        return False
    if earlier == later:
        return not proof and earlier_root == later_root
    rest = list(proof)
    node, last = earlier - 1, later - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    # Where the earlier tree is one full subtree, its root is the first node of the path.
    first = earlier_root if not node else (rest.pop(0) if rest else b"")
    old = new = first
    while last:
        if node & 1 or node == last:
            if not rest:
                return False
            sibling = rest.pop(0)
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            if not rest:
                return False
            new = node_hash(new, rest.pop(0))
        node, last = node >> 1, last >> 1
    return not rest and old == earlier_root and new == later_root
