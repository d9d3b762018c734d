"""Regions, grids and ticket numbers are values that know what they are."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.numbers import ALPHABET, TicketNumber
from domain.regions import Grid, Region

DAY = date(2026, 11, 23)
numbers = st.builds(
    TicketNumber.compose,
    st.sampled_from([Region("622901"), Region("130225001002"), Region("us-nyc:queens")]),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.integers(0, 29**4 - 1),
)


def test_a_number_says_where_and_when_and_can_be_spoken() -> None:
    number = TicketNumber.compose(Region("622901001001"), DAY, 123_456)
    assert re.fullmatch(rf"622901-261123-[{ALPHABET}]{{5}}", number)
    assert not set("01ILOS5") & set(ALPHABET)
    assert TicketNumber.parse(f" {number.lower()} ") == number


@given(numbers, st.data())
def test_one_wrong_character_is_found(number: TicketNumber, data: st.DataObject) -> None:
    place = data.draw(st.integers(len(number) - 5, len(number) - 1))
    wrong = data.draw(st.sampled_from([char for char in ALPHABET if char != number[place]]))
    with pytest.raises(Invalid):
        TicketNumber.parse(number[:place] + wrong + number[place + 1 :])


@given(numbers, st.data())
def test_two_swapped_neighbours_are_found(number: TicketNumber, data: st.DataObject) -> None:
    place = data.draw(st.integers(len(number) - 5, len(number) - 3))
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped != number:
        with pytest.raises(Invalid):
            TicketNumber.parse(swapped)


@pytest.mark.parametrize(
    "text", ["", "622901", "622901-261123-7KQ4", "622901-261123-OIL01", "６22901-261123-7KQ4M"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        TicketNumber.parse(text)


def test_chinese_codes_are_prefixes() -> None:
    village = Region.parse("622901001001")
    assert village.ancestors == ("62", "6229", "622901", "622901001", "622901001001")
    assert Region.parse("622901000000") == "622901"
    assert Region("6229").contains("622927104")
    assert not Region("622901").contains("622902001")
    assert Grid.parse("622901001001-U003").region == village
    assert Region("622901").contains("622901001001-U003")


def test_foreign_codes_have_their_own_hierarchy() -> None:
    queens = Region.parse("us-nyc:queens:09")
    assert queens.ancestors == ("us-nyc", "us-nyc:queens", "us-nyc:queens:09")
    assert Region("us-nyc:queens").contains(queens)
    assert not Region("us-nyc:queens:0").contains(queens)
    assert queens.area == "USNYC"


@pytest.mark.parametrize("text", ["", "6", "62290", "0229", "us", "US-NYC", "us-nyc:", "622901-1", "६२"])
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Region.parse(text)


@pytest.mark.parametrize("text", ["622901001001", "622901001001-X003", "622901001001-U3"])
def test_what_is_no_grid_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Grid.parse(text)
