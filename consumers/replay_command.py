"""`liudan replay`: a ticket's history step by step, or every history of a region, one after the other."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import click
import orjson

from consumers.catch_up import catch_up
from consumers.replay_view import show_causes, show_history
from domain.errors import Invalid, NotFound
from domain.numbers import TicketNumber
from domain.regions import Region
from domain.replay import Replay, causes, replay
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.read_store.ticket_queries import SqlTicketQueries
from infra.read_store.ticket_rows import TicketStateProjection
from infra.tickets import CHINA, Tickets
from projections.page import MAX_LIMIT
from projections.ticket_state import Sort, TicketFilter, TicketQueries

_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"])
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("replay")
@click.argument("number", required=False)
@home_option
@click.option("--version", type=click.IntRange(1), default=None, help="Up to this version of the ticket.")
@click.option("--as-of", type=_MOMENT, default=None, help="What had happened by then.")
@click.option("--known-at", type=_MOMENT, default=None, help="What had been recorded here by then.")
@click.option("--region", default=None, help="Instead of a number: every ticket of this region.")
@click.option("--from", "first", type=_DAY, default=None, help="Placed on this day or later (Asia/Shanghai).")
@click.option("--to", "last", type=_DAY, default=None, help="Placed on this day or earlier.")
@click.option("--causes", "draw_causes", is_flag=True, help="Draw what brought about what.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a ticket, one a line, times in UTC.")
def replay_command(
    number: str | None, home: Path | None, version: int | None, as_of: datetime | None,
    known_at: datetime | None, region: str | None, first: datetime | None, last: datetime | None,
    draw_causes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Replay a ticket's history: who did what, when, at which level, what it changed, and which limit ran."""
    if (number is None) == (region is None):
        raise click.UsageError("give the number of a ticket, or --region")
    if version is not None and as_of is not None:
        raise click.UsageError("give --version or --as-of, not both")
    with Installation.at(home) as parts:
        numbers: Iterator[TicketNumber]
        if number is not None:
            numbers = iter([TicketNumber.parse(number)])
        else:
            catch_up(parts, TicketStateProjection())
            wanted = TicketFilter(
                region=Region.parse(region or ""), placed_from=_midnight(first), placed_before=_next(last)
            )
            numbers = _numbers(SqlTicketQueries(parts.reads), wanted)
        read = partial(_read, parts.tickets, version=version, as_of=as_of, known_at=known_at)
        show = _SHOW[as_json, draw_causes]
        for one in numbers:
            try:
                history = read(one)
            except NotFound:
                if number is not None:
                    raise
                continue  # it did not exist yet, at the point that was asked for
            show(history)


def _read(
    tickets: Tickets,
    number: TicketNumber,
    *,
    version: int | None,
    as_of: datetime | None,
    known_at: datetime | None,
) -> Replay:
    events = asyncio.run(tickets.events(number, upto=version, as_of=as_of, known_at=known_at))
    if version is not None and events[-1].sequence != version:
        raise NotFound(f"ticket {number} has no version {version}", rule="no-such-version")
    return replay(events)


def _numbers(queries: TicketQueries, wanted: TicketFilter) -> Iterator[TicketNumber]:
    cursor = None
    while True:
        page = queries.list(wanted, sort=Sort.OLDEST, limit=MAX_LIMIT, cursor=cursor)
        yield from (TicketNumber(row.number) for row in page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _show_json(history: Replay) -> None:
    click.echo(orjson.dumps(history, option=orjson.OPT_UTC_Z))


def _show_causes_json(history: Replay) -> None:
    drawn = {"number": history.number, "causes": causes(history.steps)}
    click.echo(orjson.dumps(drawn, option=orjson.OPT_UTC_Z))


def _midnight(day: datetime | None) -> datetime | None:
    return day.replace(tzinfo=CHINA) if day else None


def _next(day: datetime | None) -> datetime | None:
    if day is None:
        return None
    try:
        return (day + timedelta(days=1)).replace(tzinfo=CHINA)
    except OverflowError as error:
        raise Invalid("the last day is too late", field="to") from error


_SHOW: Mapping[tuple[bool, bool], Callable[[Replay], None]] = {
    (False, False): show_history,
    (False, True): show_causes,
    (True, False): _show_json,
    (True, True): _show_causes_json,
}
"""By: as JSON, the causes."""
