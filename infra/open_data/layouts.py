"""The layouts of published data: which columns there are, what they mean, and how a ticket fills them."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from domain.categories import CATALOGUE
from infra.open_data.closed_tickets import ClosedTicket
from projections.open_data import Cell

Value = str | int | bool | date | None
_KEY_DIGITS = 10**15


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the data dictionary; `kind` is a type of Frictionless Table Schema."""

    name: str
    kind: str
    description: str

    @property
    def arrow_type(self) -> pa.DataType:
        """The column's type in Parquet."""
        types = {"string": pa.string(), "integer": pa.int32(), "boolean": pa.bool_(), "date": pa.date32()}
        return types[self.kind]


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns and what goes into them; `fill` gets the ticket, the cell it is published under, the secret."""

    name: str
    title: str
    columns: tuple[Column, ...]
    fill: Callable[[ClosedTicket, Cell, bytes], tuple[Value, ...]]


def _own(ticket: ClosedTicket, cell: Cell, _: bytes) -> tuple[Value, ...]:
    category = CATALOGUE.get(cell.category)
    return (
        ticket.month, ticket.placed_month, cell.region, cell.category,
        category.zh if category else None, category.en if category else None,
        ticket.matter_class or None, ticket.urgency or None, ticket.channel or None, ticket.outcome or None,
        ticket.origin or "liudan", ticket.days, ticket.on_time, ticket.returned, ticket.reopened,
    )  # fmt: skip


OWN = Layout(
    "liudan",
    "Closed tickets 已办结事项",
    (
        Column("closed_month", "date", "First day of the month in which the ticket was closed 办结月份"),
        Column("placed_month", "date", "First day of the month in which it was reported 点单月份"),
        Column("region", "string", "Administrative code, 12, 9, 6 or 4 digits, as deep as k allows 区划代码"),
        Column("category", "string", "Category, or its group before the dot, or empty for any 类别"),
        Column("category_zh", "string", "Name of the category in Chinese, where it is published 类别名称"),
        Column("category_en", "string", "Name of the category in English, where it is published"),
        Column("matter_class", "string", "Class of the matter, with its own deadline 事项类型"),
        Column("urgency", "string", "How urgent it was judged to be 紧急程度"),
        Column("channel", "string", "How it was reported 受理渠道"),
        Column("outcome", "string", "How it ended: rated, lapsed, or closed in another system 办结方式"),
        Column("origin", "string", "liudan, or the system from which it was imported 来源"),
        Column("days_to_resolve", "integer", "Calendar days from reporting to resolving 办理天数"),
        Column("on_time", "boolean", "Resolved by its deadline; empty where it had none 是否按期"),
        Column("returned", "boolean", "Whether it was ever returned to the level before 是否退回"),
        Column("reopened", "boolean", "Whether it was ever reopened 是否重开"),
    ),
    _own,
)  # fmt: skip

_CHANNELS = {"phone": "PHONE", "web": "ONLINE", "wechat": "ONLINE", "app": "MOBILE", "unknown": "UNKNOWN"}


def _nyc311(ticket: ClosedTicket, cell: Cell, secret: bytes) -> tuple[Value, ...]:
    borough, board = _borough(cell.region)
    return (
        _unique_key(ticket.number, secret), _nyc_day(ticket.placed_month), _nyc_day(ticket.month), "", "",
        _complaint(cell.category), ticket.matter_class, "Closed", board, borough,
        _CHANNELS.get(ticket.channel, "OTHER"),
    )  # fmt: skip


NYC311 = Layout(
    "nyc311",
    "Closed tickets in the layout of NYC 311 Service Requests",
    (
        Column("Unique Key", "string", "Pseudonym: a hash of the number under a secret of the publisher's"),
        Column("Created Date", "string", "First day of the month of reporting, MM/DD/YYYY 12:00:00 AM"),
        Column("Closed Date", "string", "First day of the month of closing, likewise"),
        Column("Agency", "string", "Empty: the unit is not published"),
        Column("Agency Name", "string", "Empty: the unit is not published"),
        Column("Complaint Type", "string", "Category, or its group, or Any"),
        Column("Descriptor", "string", "Class of the matter"),
        Column("Status", "string", "Always Closed"),
        Column("Community Board", "string", "Number and borough where known; of another city Unspecified"),
        Column("Borough", "string", "Borough, or the administrative code of a region elsewhere"),
        Column("Open Data Channel Type", "string", "PHONE, ONLINE, MOBILE, OTHER or UNKNOWN"),
    ),
    _nyc311,
)  # fmt: skip

LAYOUTS: Mapping[str, Layout] = {layout.name: layout for layout in (OWN, NYC311)}


def _unique_key(number: str, secret: bytes) -> str:
    """A resident holds the number of a ticket, so it is never published; this cannot be computed from it."""
    digest = hmac.new(secret, number.encode(), hashlib.sha256).digest()
    return str(int.from_bytes(digest[:8], "big") % _KEY_DIGITS)


def _nyc_day(month: date) -> str:
    return f"{month:%m/%d/%Y} 12:00:00 AM"


def _complaint(category: str) -> str:
    known = CATALOGUE.get(category)
    if known:
        return known.en
    return category.rpartition(":")[2].replace("-", " ").title() or "Any"


def _borough(region: str) -> tuple[str, str]:
    city, _, place = region.partition(":")
    if city != "us-nyc":
        return region or "Unspecified", ""
    borough, _, district = place.partition(":")
    name = borough.replace("-", " ").upper() or "Unspecified"
    return name, f"{district} {name}" if district else f"Unspecified {name}" if borough else ""
