"""No published cell is smaller than k, nothing large is coarsened, and nothing gets lost."""

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from projections.open_data import Cell, coarsened, group_of, wider

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
cells = st.dictionaries(
    st.builds(
        Cell,
        region=st.sampled_from(
            ["622901002001", "622901002002", "622901003001", "622922200203", "130225100201",
             "us-nyc:queens:09", "us-nyc:queens:10", "us-nyc", "6229", ""]
        ),
        category=st.sampled_from(["roads.surface", "roads.lighting", "other", "nyc311:noise", ""]),
        month=st.sampled_from([OCTOBER, NOVEMBER]),
    ),
    st.integers(1, 8),
)  # fmt: skip


@given(cells, st.integers(1, 12))
def test_every_published_cell_has_k_rows(counted: dict[Cell, int], k: int) -> None:
    published = coarsened(counted, k)
    assert published.keys() == counted.keys()
    rows: Counter[Cell] = Counter()
    for cell, place in published.items():
        if place is not None:
            rows[place] += counted[cell]
    assert all(count >= k for count in rows.values())


@given(cells, st.integers(1, 12))
def test_what_is_large_enough_stays_as_it_is(counted: dict[Cell, int], k: int) -> None:
    published = coarsened(counted, k)
    assert all(published[cell] == cell for cell, rows in counted.items() if rows >= k)


@given(cells, st.integers(1, 12))
def test_a_cell_is_only_widened_and_its_month_stays(counted: dict[Cell, int], k: int) -> None:
    for cell, place in coarsened(counted, k).items():
        if place is not None:
            assert cell.region.startswith(place.region)
            assert place.category in {cell.category, group_of(cell.category), ""}
            assert place.month == cell.month


def test_small_villages_are_published_with_their_township() -> None:
    first, second = (Cell(f"62290100200{n}", "roads.surface", OCTOBER) for n in (1, 2))
    together = Cell("622901002", "roads.surface", OCTOBER)
    assert coarsened({first: 3, second: 2}, 5) == {first: together, second: together}
    assert coarsened({first: 3, second: 1}, 5) == {first: None, second: None}


def test_regions_and_categories_widen_step_by_step() -> None:
    assert [wider("622901002001", depth) for depth in (4, 3, 2)] == ["622901002", "622901", "6229"]
    assert [wider("us-nyc:queens:09", depth) for depth in (4, 3, 2)] == [
        "us-nyc:queens:09", "us-nyc:queens", "us-nyc",
    ]  # fmt: skip
    assert [group_of(one) for one in ("roads.surface", "nyc311:noise", "other")] == [
        "roads",
        "nyc311",
        "other",
    ]
