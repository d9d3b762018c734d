"""The only place that writes events to PostgreSQL: one batch of appends, one round trip, one commit."""

import select
from collections.abc import Sequence
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.event_store.append import Append, version_taken
from infra.event_store.port import CommandReceipt, CommandSeen, StoreUnavailable
from infra.event_store.postgres_connect import LOCK_TIMEOUT_SECONDS, Datastore

SELECT_RECEIPTS = (
    "SELECT command_id, fingerprint, stream_id, version FROM commands WHERE command_id = ANY(%b::uuid[])"
)

_CALL = (
    "SELECT positions, verdicts FROM liudan_append_v1(%b::int[], %b::uuid[], %b::bigint[], %b::text[], "
    "%b::bytea[], %b::uuid[], %b::bytea[], %b::uuid[], %b::bigint[])"
)
_TAKEN, _SEEN = 1, 2

Outcome = Sequence[int] | Exception


class PostgresWriter:
    """Writes batches on one connection. Used by one thread; connects with the first batch."""

    def __init__(self, datastore: Datastore) -> None:
        self._datastore = datastore
        self._connection: Connection[TupleRow] | None = None

    def commit(self, batch: Sequence[Append]) -> list[Outcome]:
        """Store all appends durably in one transaction; the outcome of each is its positions or an error."""
        try:
            connection = self._live_connection()
            return _append_all(connection, batch)
        except StoreUnavailable as error:
            sentence = str(error)
        except psycopg.DataError as error:
            return [error] if len(batch) == 1 else [self.commit([append])[0] for append in batch]
        except psycopg.Error as error:
            sentence = self._explain(error)
        return [StoreUnavailable(sentence) for _ in batch]

    def close(self) -> None:
        """Close the connection; the next batch opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _explain(self, error: psycopg.Error) -> str:
        """Tell a refusal by the server from a connection lost on the way.

        After the latter nobody knows whether the commit took place, so the batch is never sent again.
        """
        if self._connection is not None and not self._connection.closed:
            return str(self._datastore.unavailable(error))
        self.close()
        return (
            "the connection to PostgreSQL was lost before its answer came, so it is not known whether this "
            "command was stored; repeat it with the same id"
        )

    def _live_connection(self) -> Connection[TupleRow]:
        if self._connection is not None and _has_news(self._connection):
            self.close()
        if self._connection is None:
            self._connection = self._datastore.connect()
            self._connection.execute(
                "SELECT set_config('lock_timeout', %s, false), "
                # A server that is set to acknowledge before it is durable is overruled for these commits.
                "CASE current_setting('synchronous_commit') WHEN 'off' THEN "
                "set_config('synchronous_commit', 'on', false) END",
                (f"{LOCK_TIMEOUT_SECONDS}s",),
            )
        return self._connection


def _has_news(connection: Connection[TupleRow]) -> bool:
    """Tell whether the server sent something to an idle connection: as good as always, that it is closed."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _append_all(connection: Connection[TupleRow], batch: Sequence[Append]) -> list[Outcome]:
    row = connection.execute(_CALL, _columns(batch), prepare=True, binary=True).fetchone()
    positions, verdicts = row or (None, None)
    seen = _seen_receipts(connection, batch, verdicts) if verdicts else {}
    outcomes: list[Outcome] = []
    head = 0
    for index, append in enumerate(batch):
        verdict = verdicts[index] if verdicts else 0
        if verdict == _TAKEN:
            outcomes.append(version_taken(append))
        elif verdict == _SEEN and append.receipt is not None:
            outcomes.append(CommandSeen(seen[append.receipt.command_id]))
        else:
            outcomes.append((positions or [])[head : head + len(append.events)])
            head += len(append.events)
    return outcomes


def _columns(batch: Sequence[Append]) -> tuple[list[object], ...]:
    events = [event for append in batch for event in append.events]
    receipts = [append.receipt for append in batch]
    return (
        [len(append.events) for append in batch],
        [event.originator_id for event in events],
        [event.originator_version for event in events],
        [event.topic for event in events],
        [event.state for event in events],
        [receipt and receipt.command_id for receipt in receipts],
        [receipt and receipt.fingerprint for receipt in receipts],
        [receipt and receipt.stream_id for receipt in receipts],
        [receipt and receipt.version for receipt in receipts],
    )


def _seen_receipts(
    connection: Connection[TupleRow], batch: Sequence[Append], verdicts: Sequence[int]
) -> dict[UUID, CommandReceipt]:
    ids = [
        append.receipt.command_id
        for append, verdict in zip(batch, verdicts, strict=True)
        if verdict == _SEEN and append.receipt
    ]
    if not ids:
        return {}
    rows = connection.execute(SELECT_RECEIPTS, (ids,), binary=True).fetchall()
    return {row[0]: CommandReceipt(*row) for row in rows}
