"""The tree of RFC 6962: its own vectors, and the laws that a proof stands on."""

import hashlib
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.journal.bundle_verifier import root_of as root_from_inclusion
from shared.journal.merkle import (
    EMPTY,
    Frontier,
    consistency_proof,
    is_consistent,
    leaf_hash,
    node_hash,
    paths,
    root_of,
)

# The inputs and roots that certificate-transparency implementations test themselves with, sizes 1 to 8.
_INPUTS = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
]
_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
VECTORS = [hashlib.sha256(b"\x00" + data).digest() for data in _INPUTS]

hashes = st.binary(min_size=32, max_size=32)
trees = st.lists(hashes, min_size=1, max_size=70)


def inclusion_proof(leaves: list[bytes], index: int) -> list[bytes]:
    """As RFC 6962, 2.1.1 defines it, half by half."""
    if len(leaves) == 1:
        return []
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return [*inclusion_proof(leaves[:split], index), root_of(leaves[split:])]
    return [*inclusion_proof(leaves[split:], index - split), root_of(leaves[:split])]


@pytest.mark.parametrize("size", sorted(_ROOTS))
def test_the_known_roots(size: int) -> None:
    assert root_of(VECTORS[:size]).hex() == _ROOTS[size]


def test_a_leaf_is_bound_to_its_case_and_sequence() -> None:
    case, other, digest = UUID(int=1), UUID(int=2), bytes(32)
    assert len({leaf_hash(case, 1, digest), leaf_hash(case, 2, digest), leaf_hash(other, 1, digest)}) == 3
    assert root_of([]) == EMPTY


@given(trees)
def test_a_tree_is_its_two_halves(leaves: list[bytes]) -> None:
    assume(len(leaves) > 1)
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    assert root_of(leaves) == node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


@given(trees, st.data())
def test_a_frontier_goes_on_where_it_was_left(leaves: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(leaves)))
    first = Frontier()
    for leaf in leaves[:at]:
        first.add(leaf)
    second = Frontier(first.size, first.peaks)
    for leaf in leaves[at:]:
        second.add(leaf)
    assert second.root() == root_of(leaves)


@given(trees, st.data())
def test_every_leaf_has_a_proof_and_no_other_leaf_has_it(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = inclusion_proof(leaves, index)
    assert root_from_inclusion(leaves[index], index, len(leaves), proof) == root_of(leaves)
    assert paths(leaves, [index, 0]) == {index: proof, 0: inclusion_proof(leaves, 0)}
    other = data.draw(hashes)
    assume(other != leaves[index])
    assert root_from_inclusion(other, index, len(leaves), proof) != root_of(leaves)


@given(trees, st.data())
def test_a_proof_that_was_cut_or_grew_leads_nowhere(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = inclusion_proof(leaves, index)
    assert root_from_inclusion(leaves[index], index, len(leaves), [*proof, bytes(32)]) is None
    if proof:
        assert root_from_inclusion(leaves[index], index, len(leaves), proof[:-1]) is None
    assert root_from_inclusion(leaves[index], len(leaves), len(leaves), proof) is None


@given(trees, st.data())
def test_a_later_tree_shows_that_it_begins_with_the_earlier(leaves: list[bytes], data: st.DataObject) -> None:
    earlier = data.draw(st.integers(1, len(leaves)))
    proof = consistency_proof(leaves, earlier)
    assert is_consistent(root_of(leaves[:earlier]), earlier, root_of(leaves), len(leaves), proof)


@given(trees, st.data())
def test_a_rewritten_past_has_no_proof(leaves: list[bytes], data: st.DataObject) -> None:
    earlier = data.draw(st.integers(1, len(leaves)))
    changed = data.draw(st.integers(0, earlier - 1))
    other = data.draw(hashes)
    assume(other != leaves[changed])
    rewritten = [*leaves[:changed], other, *leaves[changed + 1 :]]
    proof = consistency_proof(rewritten, earlier)
    assert not is_consistent(root_of(leaves[:earlier]), earlier, root_of(rewritten), len(leaves), proof)
    assert not is_consistent(root_of(leaves[:earlier]), earlier, root_of(rewritten), len(leaves), [*proof, other])


def test_a_place_that_is_not_there_is_refused() -> None:
    with pytest.raises(IndexError):
        paths(VECTORS, [8])
    with pytest.raises(IndexError):
        consistency_proof(VECTORS, 0)
    with pytest.raises(ValueError, match="one hash for each bit"):
        Frontier(3, [bytes(32)])
    assert not is_consistent(bytes(32), 0, bytes(32), 4, [])
    assert not is_consistent(bytes(32), 3, bytes(32), 7, [])
