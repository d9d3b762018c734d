"""Tiles: their names, their contents, and the edge of a growing tree."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Invalid
from infra.transparency.merkle import EMPTY_ROOT, fold_right, leaf_hash, node_hash
from infra.transparency.position_runs import PositionRuns
from infra.transparency.tiles import ENTRIES, Tile, pack_entries, tile_with, unfinished, unpack_entries
from infra.transparency.tree_edge import TreeEdge


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(1, 999, 5), "tile/1/999.p/5"),
        (Tile(ENTRIES, 1234067), "tile/entries/x001/x234/067"),
        (Tile(63, 1000, 255), "tile/63/x001/000.p/255"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "tile/0", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/0", "tile/0/x000/000",
        "tile/0/001/000", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/data/000",
        "tile/0/../0/000", "tile/0/000/", "tile/0/０００",
    ],
)  # fmt: skip
def test_any_other_path_is_refused(path: str) -> None:
    with pytest.raises(Invalid):
        Tile.parse(path)


def test_the_example_of_the_specification() -> None:
    """A tree of 70,000: 273 full tiles and one of 112, then one full and one of 17, then one of 1."""
    assert [unfinished(level, 70_000) for level in (ENTRIES, 0, 1, 2, 3)] == [
        Tile(ENTRIES, 273, 112), Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1), None,
    ]  # fmt: skip
    assert tile_with(0, 69_999, 70_000) == (Tile(0, 273, 112), 111)
    assert tile_with(0, 256, 70_000) == (Tile(0, 1), 0)
    assert Tile(1, 1, 17).end == 69_888


@given(st.lists(st.binary(max_size=300), max_size=300))
def test_bundles_give_back_what_was_put_in(entries: list[bytes]) -> None:
    assert list(unpack_entries(pack_entries(entries))) == entries


def test_what_does_not_fit_a_bundle_is_refused() -> None:
    assert list(unpack_entries(pack_entries([b"x" * 65_535]))) == [b"x" * 65_535]
    with pytest.raises(Invalid):
        pack_entries([b"x" * 65_536])
    for cut in (1, 2, 5):
        with pytest.raises(Invalid):
            list(unpack_entries(pack_entries([b"four", b"five5"])[:-cut]))


def plain_root(hashes: list[bytes]) -> bytes:
    if len(hashes) < 2:
        return hashes[0] if hashes else EMPTY_ROOT
    middle = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node_hash(plain_root(hashes[:middle]), plain_root(hashes[middle:]))


@settings(deadline=None)
@given(st.lists(st.integers(0, 700), max_size=5))
def test_a_tree_is_the_same_however_it_grew(steps: list[int]) -> None:
    """It is taken up again from its unfinished tiles between the steps, as after a crash."""
    edge, entries = TreeEdge(), [b"%d" % n for n in range(sum(steps))]
    written: dict[Tile, bytes] = {}
    for step in steps:
        written.update(edge.extend(entries[edge.size : edge.size + step]))
        written.update(edge.unfinished())
        edge = TreeEdge(edge.size, written.__getitem__)
    assert edge.root() == plain_root([leaf_hash(entry) for entry in entries])
    at_once = TreeEdge()
    whole = dict(at_once.extend(entries)) | dict(at_once.unfinished())
    assert {tile: written[tile] for tile in whole} == whole


def test_a_row_of_subtrees_folds_from_the_right() -> None:
    a, b, c = (leaf_hash(b"%d" % n) for n in range(3))
    assert fold_right([node_hash(a, b), c]) == plain_root([a, b, c])


@given(st.lists(st.integers(1, 3), max_size=60), st.integers(1, 7))
def test_leaves_and_positions_find_each_other(steps: list[int], batch: int) -> None:
    positions, at = [], 0
    for step in steps:
        at += step
        positions.append(at)
    runs = PositionRuns()
    for start in range(0, len(positions), batch):
        runs.extend(positions[start : start + batch])
    assert [runs.position_of(leaf) for leaf in range(len(positions))] == positions
    found = {position: runs.leaf_of(position) for position in positions}
    assert found == {position: leaf for leaf, position in enumerate(positions)}
    assert runs.leaf_of(at + 1) is None
    assert runs.leaf_of(0) is None
    assert runs.last_position == at
