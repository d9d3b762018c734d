"""Merkle trees as RFC 6962 §2.1 defines them (SHA-256): hashes, roots, and what proofs consist of. Pure.

A stretch of hashes is one `bytes` object, 32 bytes each, because a tree of millions of leaves is built from
them: what is a slice here would be a list of objects otherwise.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree without leaves."""

Stretch = tuple[int, int]
"""Leaves from the first to before the second."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry."""
    return sha256(b"\0" + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> bytes:
    """Hash entries, one after the other."""
    return b"".join([sha256(b"\0" + entry).digest() for entry in entries])


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours into their parent."""
    return sha256(b"\1" + left + right).digest()


def perfect_root(hashes: bytes) -> bytes:
    """Give the root over 2^k hashes."""
    while len(hashes) > HASH_BYTES:
        pairs = range(0, len(hashes), 2 * HASH_BYTES)
        hashes = b"".join([sha256(b"\1" + hashes[at : at + 2 * HASH_BYTES]).digest() for at in pairs])
    return hashes


def fold_right(subtrees: Sequence[bytes]) -> bytes:
    """Give the root over neighbouring perfect subtrees of falling size, which is how every tree begins."""
    if not subtrees:
        return EMPTY_ROOT
    root = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        root = node_hash(left, root)
    return root


def perfect_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a stretch that a proof consists of into perfect subtrees: each one's height and place in its row.

    `start` must be a multiple of the smallest power of two that is not smaller than the stretch.
    """
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


def inclusion_stretches(index: int, size: int) -> list[Stretch]:
    """Say whose hashes prove that leaf `index` is in the tree of `size` leaves, from the leaf upwards."""
    start, end = 0, size
    downwards: list[Stretch] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            downwards.append((middle, end))
            end = middle
        else:
            downwards.append((start, middle))
            start = middle
    return downwards[::-1]


def consistency_stretches(first: int, second: int) -> list[Stretch]:
    """Say whose hashes prove that the tree of `first` leaves is the beginning of the one of `second`."""
    if first in (0, second):
        return []
    start, end = 0, second
    downwards: list[Stretch] = []
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            downwards.append((middle, end))
            end = middle
        else:
            downwards.append((start, middle))
            start = middle
    if start:
        downwards.append((start, end))
    return downwards[::-1]


def _split(leaves: int) -> int:
    """Give the largest power of two that is smaller than the number of leaves."""
    return 1 << ((leaves - 1).bit_length() - 1)


def root_by_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Give the root that an inclusion proof leads to, None when it cannot be one of that leaf and size."""
    if not 0 <= index < size:
        return None
    stretches = inclusion_stretches(index, size)
    if len(stretches) != len(proof):
        return None
    root = leaf
    for (start, _), sibling in zip(stretches, proof, strict=True):
        root = node_hash(sibling, root) if start <= index else node_hash(root, sibling)
    return root


def is_consistent(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether a proof shows that the smaller tree is the beginning of the larger (RFC 9162 §2.1.4.2)."""
    if not 0 <= first <= second:
        return False
    if first in (0, second):
        begun = first_root == (EMPTY_ROOT if first == 0 else second_root)
        return begun and not proof
    stretches = consistency_stretches(first, second)
    if len(stretches) != len(proof):
        return False
    hashes = list(proof)
    if stretches[0][1] != first:  # the smaller tree is perfect: both begin with its root
        stretches, hashes = [(0, first), *stretches], [first_root, *hashes]
    old = new = hashes[0]
    for (start, _), sibling in zip(stretches[1:], hashes[1:], strict=True):
        if start < first:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    return old == first_root and new == second_root
