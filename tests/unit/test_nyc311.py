"""One row of New York's 311 data: what becomes of it, however messy it is."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.numbers import TicketNumber
from domain.vocabulary import Channel, Role
from infra.importing.formats import FORMATS, format_named
from infra.importing.nyc311 import Nyc311
from infra.importing.source import SourceCase

ROW = {
    "unique key": "39573567",
    "created date": "06/26/2018 10:58:54 AM",
    "closed date": "06/26/2018 12:50:01 PM",
    "agency": "NYPD",
    "agency name": "New York City Police Department",
    "complaint type": "Non-Emergency Police Matter",
    "descriptor": "Other (complaint details)",
    "incident zip": "11421",
    "incident address": "91-33 97 STREET",
    "city": "WOODHAVEN",
    "status": "Closed",
    "due date": "06/26/2018 06:58:54 PM",
    "resolution description": "Police action was not necessary.",
    "community board": "09 QUEENS",
    "borough": "QUEENS",
    "open data channel type": "PHONE",
    "latitude": "40.69",
    "longitude": "-73.84",
}

NO_TIME = "is not a time like 06/26/2018 10:58:54 AM or 2018-06-26 10:58:54"


def case(**changed: str) -> SourceCase:
    return Nyc311().case({**ROW, **{name.replace("_", " "): text for name, text in changed.items()}})


def test_everything_the_source_knew_is_kept() -> None:
    command = case().command
    assert command.source_id == "39573567"
    assert command.placed_at == datetime(2018, 6, 26, 14, 58, 54, tzinfo=UTC)
    assert command.closed_at == datetime(2018, 6, 26, 16, 50, 1, tzinfo=UTC)
    assert command.resolve_due == datetime(2018, 6, 26, 22, 58, 54, tzinfo=UTC)
    assert (command.agency, command.agency_name) == ("dept:us-nyc:nypd", "New York City Police Department")
    assert command.category == "nyc311:non-emergency-police-matter"
    assert command.category_text == "Non-Emergency Police Matter – Other (complaint details)"
    assert (command.channel, command.source_channel, command.source_status) == (
        Channel.PHONE,
        "PHONE",
        "Closed",
    )
    assert command.resolution == "Police action was not necessary."
    assert command.closed
    assert command.oddities == ()


def test_the_exact_place_is_personal_and_nothing_else_is() -> None:
    personal = case().command.personal(Role.SYSTEM)
    assert personal is not None
    assert personal.model_dump(exclude_none=True) == {
        "address": "91-33 97 STREET, WOODHAVEN, 11421, (40.69, -73.84)"
    }


def test_the_number_is_the_same_each_time_and_another_for_another_case() -> None:
    assert case().number == case().number == TicketNumber.parse(case().number)
    assert case().number.startswith("USNYC-180626-")
    assert case(unique_key="39573568").number != case().number
    assert case(unique_key="39573568").command_id != case().command_id == case().command_id


def test_the_day_in_the_number_is_the_day_in_new_york() -> None:
    assert case(created_date="06/26/2018 11:30:00 PM").number.startswith("USNYC-180626-")


@pytest.mark.parametrize(
    ("borough", "board", "region", "odd"),
    [
        ("QUEENS", "09 QUEENS", "us-nyc:queens:09", None),
        ("STATEN ISLAND", "01 STATEN ISLAND", "us-nyc:staten-island:01", None),
        ("BROOKLYN", "55 BROOKLYN", "us-nyc:brooklyn:55", None),
        ("BROOKLYN", "Unspecified BROOKLYN", "us-nyc:brooklyn", None),
        ("BROOKLYN", "", "us-nyc:brooklyn", None),
        ("Unspecified", "0 Unspecified", "us-nyc", None),
        ("", "", "us-nyc", None),
        ("Unspecified", "03 BRONX", "us-nyc:bronx:03", None),
        ("QUEENS", "77 QUEENS", "us-nyc:queens", "unknown community board: 77 QUEENS"),
        ("QUEENS", "somewhere", "us-nyc:queens", "unknown community board: somewhere"),
        ("QUEENS", "03 BRONX", "us-nyc", "boroughs disagree: QUEENS and 03 BRONX"),
        ("ATLANTIS", "", "us-nyc", "unknown borough: ATLANTIS"),
    ],
)
def test_a_region_is_as_narrow_as_borough_and_board_allow(
    borough: str, board: str, region: str, odd: str | None
) -> None:
    command = case(borough=borough, community_board=board).command
    assert command.region == region
    assert command.oddities == ((odd,) if odd else ())


@pytest.mark.parametrize(
    ("changed", "closed", "odd"),
    [
        ({"status": "Open", "closed_date": ""}, False, ()),
        ({"status": "In Progress", "closed_date": "", "due_date": ""}, False, ()),
        ({"status": "Pending"}, True, ("closed in spite of its status: Pending",)),
        ({"status": ""}, True, ("closed in spite of its status: none",)),
        ({"closed_date": ""}, True, ("closed without a closing time",)),
        ({"closed_date": "06/25/2018 01:00:00 PM"}, True, ("closed before it was opened",)),
        ({"due_date": "06/25/2018 01:00:00 PM"}, True, ("due before it was opened",)),
        (
            {"due_date": "soon"},
            True,
            (f"unreadable time: Due Date 'soon' {NO_TIME}",),
        ),
        (
            {"closed_date": "06/31/2018 01:00:00 PM", "status": "Open"},
            False,
            ("unreadable time: Closed Date '06/31/2018 01:00:00 PM' is not a date",),
        ),
        ({"open_data_channel_type": "FAX"}, True, ("unknown channel: FAX",)),
        ({"agency": ""}, True, ("no agency",)),
        ({"complaint_type": ""}, True, ("no complaint type",)),
        ({"descriptor": "x" * 201}, True, ("text was cut: it had 201 characters",)),
    ],
)
def test_what_cannot_be_right_is_imported_and_named(
    changed: dict[str, str], closed: bool, odd: tuple[str, ...]
) -> None:
    command = case(**changed).command
    assert command.closed is closed
    assert command.oddities[: len(odd)] == odd
    assert len(command.oddities) - len(odd) in (0, 1 if "descriptor" in changed else 0)


def test_a_text_that_was_encoded_twice_is_repaired() -> None:
    broken = "Transportation’s website".encode().decode("latin-1")
    command = case(resolution_description=broken).command
    assert command.resolution == "Transportation’s website"
    assert command.oddities == ("text was encoded twice: resolution description",)
    assert case(resolution_description="Café").command.resolution == "Café"


@pytest.mark.parametrize(
    ("local", "utc", "odd"),
    [
        ("03/11/2018 01:59:59 AM", datetime(2018, 3, 11, 6, 59, 59, tzinfo=UTC), ""),
        ("03/11/2018 02:30:00 AM", datetime(2018, 3, 11, 7, 30, tzinfo=UTC), "skipped local time"),
        ("11/04/2018 01:30:00 AM", datetime(2018, 11, 4, 5, 30, tzinfo=UTC), "ambiguous local time"),
        ("11/04/2018 12:00:00 AM", datetime(2018, 11, 4, 4, 0, tzinfo=UTC), ""),
        ("11/04/2018 12:00:00 PM", datetime(2018, 11, 4, 17, 0, tzinfo=UTC), ""),
        ("2018-06-26T10:58:54.000", datetime(2018, 6, 26, 14, 58, 54, tzinfo=UTC), ""),
        ("06/26/2018", datetime(2018, 6, 26, 4, 0, tzinfo=UTC), ""),
        ("2018-06-26 10:58", datetime(2018, 6, 26, 14, 58, tzinfo=UTC), ""),
        ("2018-06-26 10:58:54.5", datetime(2018, 6, 26, 14, 58, 54, 500_000, tzinfo=UTC), ""),
        ("2018-06-26 10:58:54.1234567", datetime(2018, 6, 26, 14, 58, 54, 123_456, tzinfo=UTC), ""),
        ("2018-06-26T10:58:54Z", datetime(2018, 6, 26, 10, 58, 54, tzinfo=UTC), ""),
        ("2018-06-26 10:58:54-05", datetime(2018, 6, 26, 15, 58, 54, tzinfo=UTC), ""),
        ("2018-06-26 10:58:54 -0530", datetime(2018, 6, 26, 16, 28, 54, tzinfo=UTC), ""),
        ("2018-11-04T01:30:00.25-05:00", datetime(2018, 11, 4, 6, 30, 0, 250_000, tzinfo=UTC), ""),
    ],
)
def test_local_times_become_moments(local: str, utc: datetime, odd: str) -> None:
    command = case(created_date=local, closed_date="", due_date="", status="Open").command
    assert command.placed_at == utc
    assert [oddity.split(":")[0] for oddity in command.oddities] == ([odd] if odd else [])


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"unique_key": ""}, "Unique Key is empty"),
        ({"created_date": ""}, "Created Date is empty"),
        ({"created_date": "yesterday"}, "Created Date 'yesterday' is not a time"),
        ({"created_date": "13/40/2018 10:00:00 AM"}, "is not a date"),
        ({"created_date": "06/26/2018 13:00:00 PM"}, "is not a time"),
        ({"created_date": "06/26/2018 00:00:00 AM"}, "is not a time"),
        ({"created_date": "2018-06-26 24:00:00"}, "is not a time"),
        ({"created_date": "2018-06-26 10:60:00"}, "is not a time"),
        ({"created_date": "2018-06-26 10:58:54+24:00"}, "is not a date"),
        ({"created_date": "2018-06-26-05:00"}, "is not a time"),
        ({"created_date": "01/01/0001 10:00:00 AM"}, "the year 1 cannot be meant"),
        ({"created_date": "２０１８-06-26"}, "is not a time"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why(changed: dict[str, str], reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        case(**changed)
    assert reason in str(refused.value)
    assert refused.value.field in ("unique key", "created date")


def test_a_row_is_known_up_to_what_last_happened_and_not_to_what_is_planned() -> None:
    closed = datetime(2018, 6, 26, 16, 50, 1, tzinfo=UTC)
    assert case(due_date="06/26/2028 06:58:54 PM").known_until == closed
    later = case(resolution_action_updated_date="06/27/2018 09:00:00 AM")
    assert later.known_until == datetime(2018, 6, 27, 13, tzinfo=UTC)
    assert case(resolution_action_updated_date="soon").command.oddities == ()
    assert case(closed_date="", status="Open").known_until == case().command.placed_at


def test_only_the_required_columns_are_needed() -> None:
    row = {name: ROW[name] for name in Nyc311().required}
    command = Nyc311().case(row).command
    assert (command.resolve_due, command.channel, command.address) == (None, Channel.UNKNOWN, None)


CELL = st.one_of(
    st.text(max_size=300),
    st.sampled_from(list(ROW.values())),
    st.sampled_from(["Unspecified", "N/A", "02/29/2019 01:00:00 PM", "12/31/2200 11:59:59 PM", "0 QUEENS"]),
)


@given(st.fixed_dictionaries(dict.fromkeys(ROW, CELL)))
def test_any_row_is_taken_or_refused_with_a_reason(row: dict[str, str]) -> None:
    cells = {name: text.strip() for name, text in row.items()}
    try:
        taken = Nyc311().case(cells)
    except Invalid as error:
        refused = error
    else:
        assert taken.command.source_id
        assert taken.command.placed_at.tzinfo is UTC
        assert TicketNumber.parse(taken.number) == taken.number
        return
    assert str(refused)
    assert refused.field


def test_formats_are_found_by_name() -> None:
    assert format_named("nyc311") is FORMATS["nyc311"]
    with pytest.raises(Invalid, match="there are: nyc311, boston311"):
        format_named("chicago311")
