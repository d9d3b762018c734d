"""`liudan audit access`: who has read what is sealed."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click
import orjson

from domain.errors import Invalid
from domain.numbers import TicketNumber
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.privacy.access_record import AccessQuery, AccessRecord, Head, Outcome, Recorded

_PAGE = 500
_moment = click.DateTime(["%Y-%m-%dT%H:%M:%S%z"])


@click.command()
@home_option
@click.option("--number", default=None, help="Of this ticket.")
@click.option("--actor", default=None, help="By this officer.")
@click.option("--outcome", type=click.Choice([outcome.value for outcome in Outcome]), default=None)
@click.option("--since", type=_moment, default=None)
@click.option("--until", type=_moment, default=None)
@click.option("--limit", type=click.IntRange(min=1), default=None, help="The newest so many; default all.")
@click.option("--verify", is_flag=True, help="Compute the whole chain anew first.")
@click.option(
    "--head", default=None, help="ENTRIES:CHAIN as it was seen before; the record must go on from it."
)
def access(
    home: Path | None, number: str | None, actor: str | None, outcome: str | None, since: datetime | None,
    until: datetime | None, limit: int | None, verify: bool, head: str | None,
) -> None:  # fmt: skip
    """Print who has read what is sealed, or tried to: a JSON object a line, the newest first."""
    parsed = str(TicketNumber.parse(number)) if number else None
    wanted = AccessQuery(parsed, actor, Outcome(outcome) if outcome else None, since, until)
    with Installation.at(home) as parts:
        record = parts.access_record
        if verify or head:
            found = record.verify(_head(head) if head else None)
            click.echo(f"whole: {found.entries} entries, head {found.entries}:{found.chain}", err=True)
        for one in _entries(record, wanted, limit):
            plain = {"sequence": one.sequence, **one.access.model_dump(mode="json")}
            click.echo(orjson.dumps(plain))


def _entries(record: AccessRecord, wanted: AccessQuery, limit: int | None) -> Iterator[Recorded]:
    cursor, left = None, limit
    while left is None or left > 0:
        page = record.find(wanted, limit=min(left or _PAGE, _PAGE), cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        left = None if left is None else left - len(page.items)
        if cursor is None:
            return


def _head(text: str) -> Head:
    entries, _, chain = text.partition(":")
    if not entries.isdecimal() or len(chain) != 64:
        raise Invalid("a head is the number of entries and its hash: 12:ab34…", field="head")
    return Head(int(entries), chain)
