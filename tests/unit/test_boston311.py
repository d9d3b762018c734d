"""One row of Boston's 311 data: what becomes of it, in the older layout and in the newer one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.numbers import TicketNumber
from domain.vocabulary import Channel, Role
from infra.importing.boston311 import Boston311
from infra.importing.source import SourceCase

ROW = {
    "case enquiry id": "900000000001",
    "open dt": "2022-01-21 13:47:00",
    "sla target dt": "2022-02-04 13:47:30",
    "closed dt": "2022-01-25 08:00:01",
    "on time": "ONTIME",
    "case status": "Closed",
    "closure reason": "Case Closed. Filled by crew 7, call 617-555-0100",
    "case title": "Pothole before my door",
    "subject": "Public Works Department",
    "reason": "Highway Maintenance",
    "type": "Request for Pothole Repair",
    "queue": "PWDx_District 02",
    "department": "PWDx",
    "location": "1 Example St  Boston  MA  02128",
    "neighborhood": "South Boston / South Boston Waterfront",
    "location street name": "1 Example St",
    "location zipcode": "02128",
    "latitude": "42.35",
    "longitude": "-71.05",
    "source": "Citizens Connect App",
}
CONTRADICTION = "on-time flag contradicts the dates: "

NO_TIME = "is not a time like 06/26/2018 10:58:54 AM or 2018-06-26 10:58:54"


def case(**changed: str) -> SourceCase:
    return Boston311().case({**ROW, **{name.replace("_", " "): text for name, text in changed.items()}})


def test_everything_the_source_knew_is_kept() -> None:
    command = case().command
    assert (command.origin, command.source_id) == ("boston311", "900000000001")
    assert command.placed_at == datetime(2022, 1, 21, 18, 47, tzinfo=UTC)
    assert command.closed_at == datetime(2022, 1, 25, 13, 0, 1, tzinfo=UTC)
    assert command.resolve_due == datetime(2022, 2, 4, 18, 47, 30, tzinfo=UTC)
    assert (command.agency, command.agency_name) == ("dept:us-boston:pwdx", "Public Works Department")
    assert command.category == "boston311:request-for-pothole-repair"
    assert command.category_text == "Request for Pothole Repair – Highway Maintenance"
    assert (command.channel, command.source_channel) == (Channel.APP, "Citizens Connect App")
    assert (command.source_status, command.closed) == ("Closed", True)
    assert command.region == "us-boston:south-boston-south-boston-waterfront"
    assert command.oddities == ()


def test_free_words_and_the_exact_place_are_sealed() -> None:
    personal = case().command.personal(Role.SYSTEM)
    assert personal is not None
    assert personal.model_dump(exclude_none=True) == {
        "address": "1 Example St Boston MA 02128, (42.35, -71.05)",
        "words": "Pothole before my door\nCase Closed. Filled by crew 7, call 617-555-0100",
    }
    open_text = case().command.model_dump_json(exclude={"words", "address"})
    assert "my door" not in open_text
    assert "617-555-0100" not in open_text


def test_both_layouts_say_the_same() -> None:
    older = {
        {"sla target dt": "target dt", "on time": "ontime"}.get(name, name): text
        for name, text in ROW.items()
    }
    assert Boston311().case(older) == case()


def test_the_number_is_the_same_each_time_with_bostons_day_in_it() -> None:
    late = case(open_dt="2022-01-21 23:30:00")
    assert late.number == case(open_dt="2022-01-21 23:30:00").number == TicketNumber.parse(late.number)
    assert late.number.startswith("USBOSTON-220121-")
    assert case(case_enquiry_id="900000000002").command_id != case().command_id == case().command_id


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2022-01-21T13:47:00", datetime(2022, 1, 21, 18, 47, tzinfo=UTC)),
        ("2022-01-21 13:47:00.997", datetime(2022, 1, 21, 18, 47, 0, 997_000, tzinfo=UTC)),
        ("2022-01-21 13:47:00+00", datetime(2022, 1, 21, 13, 47, tzinfo=UTC)),
        ("2022-01-21T13:47:00-05:00", datetime(2022, 1, 21, 18, 47, tzinfo=UTC)),
        ("2022-07-21 13:47:00", datetime(2022, 7, 21, 17, 47, tzinfo=UTC)),
    ],
)
def test_times_are_bostons_unless_they_say_otherwise(text: str, utc: datetime) -> None:
    assert case(open_dt=text).command.placed_at == utc


@pytest.mark.parametrize(
    ("flag", "closed", "due", "odd"),
    [
        ("ONTIME", "2022-02-04 13:47:30", "2022-02-04 13:47:30", ""),
        (
            "ONTIME",
            "2022-02-04 13:47:31",
            "2022-02-04 13:47:30",
            "ONTIME, but it was closed after it was due",
        ),
        ("OVERDUE", "2022-02-04 13:47:31", "2022-02-04 13:47:30", ""),
        ("OVERDUE", "2022-02-04 13:47:30", "2022-02-04 13:47:30", "OVERDUE, but it was closed in time"),
        ("On_Time", "2022-02-04 13:47:30", "2022-02-04 13:47:30", ""),
        ("ONTIME", "2022-02-04 13:47:30", "", ""),
        ("OVERDUE", "2022-02-04 13:47:30", "", "OVERDUE without a due time"),
        ("OVERDUE", "", "2099-02-04 13:47:30", ""),
        ("ONTIME", "", "2022-02-04 13:47:30", ""),
        ("", "2022-02-04 13:47:31", "2022-02-04 13:47:30", ""),
    ],
)
def test_the_sources_own_flag_is_checked_against_its_dates(
    flag: str, closed: str, due: str, odd: str
) -> None:
    status = "Closed" if closed else "Open"
    command = case(on_time=flag, closed_dt=closed, sla_target_dt=due, case_status=status).command
    assert command.oddities == ((CONTRADICTION + odd,) if odd else ())


@pytest.mark.parametrize(
    ("changed", "odd"),
    [
        ({"closed_dt": "2022-01-20 08:00:00"}, ("closed before it was opened",)),
        ({"sla_target_dt": "2022-01-20 08:00:00", "on_time": "OVERDUE"}, ("due before it was opened",)),
        ({"case_status": "Open"}, ("closed in spite of its status: Open",)),
        ({"closed_dt": ""}, ("closed without a closing time",)),
        ({"on_time": "MAYBE"}, ("unknown on-time flag: MAYBE",)),
        ({"source": "Pigeon"}, ("unknown channel: Pigeon",)),
        ({"department": ""}, ("no department",)),
        ({"type": ""}, ("no type",)),
        ({"neighborhood": "???"}, ("unknown neighborhood: ???",)),
        ({"neighborhood": ""}, ()),
        (
            {"sla_target_dt": "soon", "on_time": "OVERDUE"},
            (f"unreadable time: Sla Target Dt 'soon' {NO_TIME}",),
        ),
    ],
)
def test_what_cannot_be_right_is_imported_and_named(changed: dict[str, str], odd: tuple[str, ...]) -> None:
    assert case(**changed).command.oddities == odd


@pytest.mark.parametrize(
    ("changed", "reason", "field"),
    [
        ({"case_enquiry_id": ""}, "Case Enquiry Id is empty", "case enquiry id"),
        ({"open_dt": ""}, "Open Dt is empty", "open dt"),
        ({"open_dt": "21/01/2022 13:47:00"}, "Open Dt '21/01/2022 13:47:00' is not a time", "open dt"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why(changed: dict[str, str], reason: str, field: str) -> None:
    with pytest.raises(Invalid, match=reason) as refused:
        case(**changed)
    assert refused.value.field == field


CELL = st.one_of(st.text(max_size=300), st.sampled_from(list(ROW.values())))


@given(st.fixed_dictionaries(dict.fromkeys(ROW, CELL)))
def test_any_row_is_taken_or_refused_with_a_reason(row: dict[str, str]) -> None:
    try:
        taken = Boston311().case({name: text.strip() for name, text in row.items()})
    except Invalid as error:
        refused = error
    else:
        check_taken(taken)
        return
    assert str(refused)
    assert refused.field


def check_taken(taken: SourceCase) -> None:
    assert taken.command.source_id
    assert taken.command.region.split(":")[0] == "us-boston"
    assert taken.known_until >= taken.command.placed_at
    assert taken.known_until >= (taken.command.closed_at or taken.command.placed_at)
