"""The Merkle tree against its definition in RFC 6962, and its proofs against every way to spoil them."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.transparency import merkle
from infra.transparency.merkle import EMPTY_ROOT, leaf_hash, node_hash

LARGEST = 70


@cache
def root_of(start: int, end: int) -> bytes:
    """MTH as the RFC words it, over leaves whose content is their number."""
    if start == end:
        return EMPTY_ROOT
    if end - start == 1:
        return leaf_hash(b"%d" % start)
    middle = 1
    while middle * 2 < end - start:
        middle *= 2
    return node_hash(root_of(start, start + middle), root_of(start + middle, end))


def inclusion(index: int, size: int) -> list[bytes]:
    return [root_of(*stretch) for stretch in merkle.inclusion_stretches(index, size)]


def consistency(first: int, second: int) -> list[bytes]:
    return [root_of(*stretch) for stretch in merkle.consistency_stretches(first, second)]


def test_hashes_are_those_of_the_rfc() -> None:
    """The test vectors of certificate-transparency's reference implementation."""
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    pair = node_hash(leaf_hash(b""), leaf_hash(b"\x00"))
    assert pair.hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"


def test_every_leaf_of_every_small_tree_is_proven() -> None:
    for size in range(1, LARGEST):
        for index in range(size):
            proof = inclusion(index, size)
            proven = merkle.root_by_inclusion(root_of(index, index + 1), index, size, proof)
            assert proven == root_of(0, size), (index, size)


def test_every_small_tree_is_proven_to_be_the_beginning_of_every_larger_one() -> None:
    for second in range(LARGEST):
        for first in range(second + 1):
            proof = consistency(first, second)
            roots = root_of(0, first), root_of(0, second)
            assert merkle.is_consistent(first, second, *roots, proof), (first, second)


@given(st.data())
def test_a_spoilt_inclusion_proof_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, LARGEST))
    index = data.draw(st.integers(0, size - 1))
    proof, leaf = inclusion(index, size), root_of(index, index + 1)
    place = data.draw(st.integers(0, len(proof) - 1))
    swapped = [*proof[:place], leaf_hash(b"another"), *proof[place + 1 :]]
    attempts = [
        (leaf_hash(b"another"), index, size, proof),
        (leaf, index, size, swapped),
        (leaf, index, size, proof[:place] + proof[place + 1 :]),
        (leaf, index, size, [*proof, leaf]),
        (leaf, (index + 1) % size, size, proof),
        (leaf, index - size, size, proof),
        (leaf, size, size, proof),
    ]
    for attempt in attempts:
        assert merkle.root_by_inclusion(*attempt) != root_of(0, size)


@given(st.data())
def test_a_spoilt_consistency_proof_proves_nothing(data: st.DataObject) -> None:
    second = data.draw(st.integers(2, LARGEST))
    first = data.draw(st.integers(1, second - 1))
    proof = consistency(first, second)
    old, new = root_of(0, first), root_of(0, second)
    place = data.draw(st.integers(0, len(proof) - 1))
    swapped = [*proof[:place], leaf_hash(b"another"), *proof[place + 1 :]]
    other = leaf_hash(b"another tree")
    attempts = [
        (first, second, other, new, proof),
        (first, second, old, other, proof),
        (first, second, old, new, swapped),
        (first, second, old, new, proof[:place] + proof[place + 1 :]),
        (first, second, old, new, [*proof, old]),
        (first, second, new, old, proof),
        (second, first, old, new, proof),
    ]
    assert not any(merkle.is_consistent(*attempt) for attempt in attempts)


def test_a_tree_does_not_grow_out_of_another_empty_one() -> None:
    assert not merkle.is_consistent(0, 5, root_of(0, 1), root_of(0, 5), [])
    assert not merkle.is_consistent(0, 5, EMPTY_ROOT, root_of(0, 5), [EMPTY_ROOT])
    assert not merkle.is_consistent(5, 5, root_of(0, 4), root_of(0, 5), [])


@pytest.mark.parametrize("size", [1, 2, 4, 256])
def test_perfect_trees(size: int) -> None:
    assert merkle.perfect_root(b"".join(root_of(n, n + 1) for n in range(size))) == root_of(0, size)
