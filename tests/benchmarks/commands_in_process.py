"""Durable commands a second, in one process: our command side against the stock library."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from uuid import UUID

import uvloop
from eventsourcing.application import Application
from sqlalchemy.engine import make_url

from infra.event_store.open import open_event_store
from infra.in_flight import IN_FLIGHT, each
from infra.tickets import Tickets
from infra.vault import Vault
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides, Unavailable
from tests.benchmarks.orders import COMMANDS_A_JOURNEY, Order, journey, walk
from tests.benchmarks.profiled import profiled
from tests.benchmarks.stock_library import THREADS, stock_application, walk_all
from tests.services.postgres import PostgresMissing, fresh_database, running_postgres

_WARM_UP = 64
STOCK = f"stock eventsourcing app.save, {THREADS} threads"


class InProcessSqlite:
    """Durable commands a second on SQLite.

    Ours: `Tickets.handle` on uvloop, full six-order journeys with 256 in flight, each ticket placed by a
    resident of its own, whose words are sealed with a key of their own that the vault makes durable first.
    Theirs: the same journeys with a declarative aggregate of the stock library, kept in memory and saved
    after each command with `app.save` from 32 threads, stock SQLite recorder. Both: WAL, synchronous=FULL,
    events that say the same (1.5 KB ours, 1.3 KB theirs).
    """

    name = "in-process-sqlite"
    unit = "commands/s"
    against = STOCK
    limit = Limit(Direction.AT_LEAST, 5)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Open both stores in the scratch folder and warm them up."""
        stock = {
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": str(place.folder / "stock.db"),
        }
        with _both(f"sqlite:///{place.folder}/events.db", stock, place) as sides:
            yield sides


class InProcessPostgres:
    """Durable commands a second on PostgreSQL 15 as it comes (fsync and synchronous_commit on).

    The sides are those of the SQLite measure; theirs with the stock PostgreSQL recorder and a pool that has a
    connection for every thread.
    """

    name = "in-process-postgres"
    unit = "commands/s"
    against = STOCK
    limit = Limit(Direction.AT_LEAST, 8)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Start PostgreSQL, make a database for each side and warm them up."""
        with ExitStack() as stack:
            try:
                server = stack.enter_context(running_postgres())
            except PostgresMissing as missing:
                raise Unavailable(str(missing)) from missing
            ours, theirs = (stack.enter_context(fresh_database(server)) for _ in range(2))
            yield stack.enter_context(_both(ours, _stock_postgres(theirs), place))


def _stock_postgres(url: str) -> dict[str, str]:
    parsed = make_url(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parsed.database),
        "POSTGRES_HOST": str(parsed.host),
        "POSTGRES_PORT": str(parsed.port),
        "POSTGRES_USER": str(parsed.username),
        "POSTGRES_PASSWORD": "",
        "POSTGRES_POOL_SIZE": str(THREADS),
        "POSTGRES_MAX_OVERFLOW": str(THREADS),
    }


@contextmanager
def _both(store_url: str, stock: Mapping[str, str], place: Place) -> Iterator[Sides]:
    with ExitStack() as stack:
        tickets = stack.enter_context(command_side(store_url, place.folder))
        app = stock_application(stock)
        stack.callback(app.close)
        pool = stack.enter_context(ThreadPoolExecutor(THREADS))
        serials = count()
        _ours(tickets, serials, _WARM_UP)
        _theirs(app, pool, _WARM_UP)
        mine, others = place.pick(4000, 800), place.pick(1000, 200)
        yield Sides(
            lambda: profiled(place.profile, lambda: _ours(tickets, serials, mine)),
            lambda: _theirs(app, pool, others),
        )


@contextmanager
def command_side(store_url: str, folder: Path) -> Iterator[Tickets]:
    """Open the product's command side with a vault in the folder."""
    with closing(open_event_store(store_url)) as store, closing(Vault(folder / "vault.db")) as vault:
        yield Tickets(store, vault)


def _ours(tickets: Tickets, serials: Iterator[int], journeys: int) -> Figure:
    wanted = [journey(next(serials)) for _ in range(journeys)]

    async def go(orders: Sequence[Order]) -> None:
        await walk(tickets.handle, orders)

    began = time.perf_counter()
    uvloop.run(each(wanted, go, IN_FLIGHT))
    return Figure(journeys * COMMANDS_A_JOURNEY / (time.perf_counter() - began))


def _theirs(app: Application[UUID], pool: ThreadPoolExecutor, journeys: int) -> Figure:
    began = time.perf_counter()
    walk_all(app, journeys, pool)
    return Figure(journeys * COMMANDS_A_JOURNEY / (time.perf_counter() - began))
