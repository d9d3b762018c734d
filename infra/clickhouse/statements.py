"""Carry out what is asked: insert rows, run statements, and end a reading one as soon as nobody wants it."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from infra.clickhouse.accounts import ANALYST, WRITER
from infra.clickhouse.analyst_guard import Rule, StatementRefused, only_reads
from infra.clickhouse.analyst_limits import limited
from infra.clickhouse.answer import Answer, BrokenOff
from infra.clickhouse.catalogue import DATABASE
from infra.clickhouse.engine import Engine, Handle, Progress, Work
from infra.clickhouse.http_errors import ServerError
from infra.clickhouse.insert_order import Entry, InsertOrder
from infra.clickhouse.kill_query import kill_query
from infra.clickhouse.planner import Plan, Planner
from infra.clickhouse.request import Asked, Transport
from infra.clickhouse.roles import ANALYST_ROLE
from infra.clickhouse.running import Admission, Names, Running
from infra.clickhouse.sessions import Sessions

_AT_ONCE = {WRITER: 12, ANALYST: 4}
_WAITING = {WRITER: 1000, ANALYST: 16}
_WAIT_SECONDS = {WRITER: 600.0, ANALYST: 10.0}
_INSERTS_AT_ONCE = 4
_BEYOND_LIMIT_SECONDS = 5.0
_SPOOL_BYTES = 16 << 20
_PIECE_BYTES = 256 << 10
_PROGRESS_LINES = 100
_INSERTS = re.compile(r"\s*INSERT\b", re.IGNORECASE)
# Newer clients expect this before every Native block: no overflow rows, no bucket.
_BLOCK_HEAD = b"\x01\x00\x02\xff\xff\xff\xff\x00"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Question:
    """One request as far as it is understood."""

    user: str
    asked: Asked
    transport: Transport
    changes_nothing: bool
    """Asked by GET, which must not change anything."""
    receive: Receive


class Statements:
    """Runs statements on threads: the analyst's, the writer's and inserts never wait for one another."""

    def __init__(self, engine: Engine, planner: Planner, inserts: InsertOrder) -> None:
        self._engine = engine
        self._planner = planner
        self._inserts = inserts
        self._names = Names()
        self._sessions = Sessions(_close)
        self._admissions = {
            user: Admission(user, at_once=at_once, waiting=_WAITING[user], wait_seconds=_WAIT_SECONDS[user])
            for user, at_once in _AT_ONCE.items()
        }
        self._threads = {user: ThreadPoolExecutor(at_once, user) for user, at_once in _AT_ONCE.items()}
        self._inserters = ThreadPoolExecutor(_INSERTS_AT_ONCE, "insert")
        self._planners = {user: ThreadPoolExecutor(2, f"plan-{user}") for user in _AT_ONCE}
        self._killers = ThreadPoolExecutor(2, "kill")

    async def carry_out(self, question: Question, entry: Entry, answer: Answer) -> None:
        """Answer a question. Raises ServerError, StatementRefused, the engine's errors, BrokenOff."""
        asked = question.asked
        if asked.data is not None and question.user == ANALYST:
            raise only_reads()
        with self._names.taken(question.user, question.transport.query_id) as name:
            async with self._session(question) as session:
                if asked.data is not None:
                    work = _work(question, Plan(asked.sql, asked.output_format, reads=False), name)
                    await self._insert(work, session, answer)
                    return
                plan = await self._planned(question)
                work = _work(question, plan, name)
                if plan.kill is not None:
                    await self._kill(question, plan, entry, answer)
                elif plan.reads:
                    self._inserts.leave(entry)
                    await self._inserts.earlier_settled(entry)
                    await self._read(question, plan, work, session, answer)
                else:
                    if not _INSERTS.match(asked.sql):
                        self._inserts.leave(entry)
                        await self._inserts.earlier_settled(entry)
                    await self._change(question, work, session, answer)

    def close(self) -> None:
        """Wait for what is running, and end the sessions."""
        for threads in (*self._threads.values(), *self._planners.values(), self._inserters, self._killers):
            threads.shutdown()
        self._sessions.close()

    def _session(self, question: Question) -> AbstractAsyncContextManager[Handle]:
        transport = question.transport
        if not transport.session_id:
            return nullcontext(None)
        return self._sessions.taken(
            question.user,
            transport.session_id,
            seconds=transport.session_seconds,
            must_exist=transport.session_check,
            make=self._engine.open_session if question.user == WRITER else lambda: None,
        )

    async def _planned(self, question: Question) -> Plan:
        plan = self._planner.for_analyst if question.user == ANALYST else self._planner.for_writer
        asked = question.asked
        return await _on(self._planners[question.user], partial(plan, asked.sql, asked.output_format))

    async def _insert(self, work: Work, session: Handle, answer: Answer) -> None:
        # Not cancelled with the request: rows that the engine has begun to write stay in order.
        written = await asyncio.shield(_on(self._inserters, partial(self._engine.insert, work, session)))
        await answer.complete(b"", {"written_rows": written})

    async def _change(self, question: Question, work: Work, session: Handle, answer: Answer) -> None:
        if question.changes_nothing and session is not None:
            raise ServerError(164, "READONLY", "Cannot execute query in readonly mode: use POST")
        run = partial(self._engine.run, work, session)
        body = await asyncio.shield(_on(self._threads[question.user], run))
        await answer.complete(body, work.progress.counts)

    async def _kill(self, question: Question, plan: Plan, entry: Entry, answer: Answer) -> None:
        self._inserts.leave(entry)
        only_user = ANALYST if question.user == ANALYST else ""
        kill = partial(
            kill_query, self._engine, plan.kill or {}, only_user=only_user, output_format=plan.output_format
        )
        await answer.complete(await _on(self._killers, kill), {}, plan.output_format)

    async def _read(
        self, question: Question, plan: Plan, work: Work, session: Handle, answer: Answer
    ) -> None:
        limit = float(work.settings["max_execution_time"]) + _BEYOND_LIMIT_SECONDS if work.role else None
        answer.progress = _collected(work.progress, question.transport.progress_seconds)
        run = self._led(question.transport, plan, work, session)
        running = Running(work.settings["log_comment"], self._engine.kill, self._killers)
        async with _until_gone(question.receive), self._admissions[question.user].admitted():
            try:
                async with asyncio.timeout(limit):
                    await running.start(self._threads[question.user], run)
                    await _sent(running, question.transport, work, answer)
            except TimeoutError as error:
                if answer.begun:
                    raise BrokenOff from error
                raise ServerError(159, "TIMEOUT_EXCEEDED", "Timeout exceeded") from error
            finally:
                await _to_the_end(running.end())

    def _led(self, transport: Transport, plan: Plan, work: Work, session: Handle) -> Callable[[int], None]:
        """Give what runs the statement and writes its answer into a file descriptor."""
        has_heads = transport.block_heads and work.output_format == "Native"
        if not plan.led or (has_heads and not plan.selects):
            head = _BLOCK_HEAD if has_heads else b""
            return lambda place: _write(place, head + self._engine.run(work, session))
        if has_heads:
            return partial(_write_blocks, self._engine, work, session)

        def run(place: int) -> None:
            self._engine.run(replace(work, sql=plan.led_into(f"/proc/self/fd/{place}")), session)

        return run


def _close(session: Handle | None) -> None:
    if session is not None:
        session.close()


def _work(question: Question, plan: Plan, name: str) -> Work:
    asked = question.asked
    is_analyst = question.user == ANALYST
    if is_analyst and asked.database not in {"", "default", DATABASE}:
        raise StatementRefused(Rule.ONLY_OPEN_TABLES, f"the analyst sees only the database {DATABASE}")
    settings = limited({**asked.settings, **plan.settings}) if is_analyst else dict(asked.settings)
    in_session = bool(question.transport.session_id) and not is_analyst
    return Work(
        sql=plan.text,
        output_format=plan.output_format,
        database=DATABASE if is_analyst else asked.database or ("" if in_session else DATABASE),
        settings=settings | {"log_comment": name},
        parameters=asked.parameters,
        read_only=is_analyst or (question.changes_nothing and not in_session),
        role=ANALYST_ROLE if is_analyst else "",
        data=asked.data,
    )


async def _sent(running: Running, transport: Transport, work: Work, answer: Answer) -> None:
    """Send the answer as it comes, holding its beginning back for as long as an error may have a status."""
    with SpooledTemporaryFile(_SPOOL_BYTES) as held:
        while piece := await running.read():
            held.write(piece)
            if not transport.whole and held.tell() >= transport.held_bytes:
                break
        is_small = held.tell() <= _SPOOL_BYTES
        held.seek(0)
        if not piece and is_small:
            await answer.complete(held.read(), work.progress.counts, work.output_format)
        else:
            pieces = _pieces(held, running)
            await answer.stream(pieces, work.progress.counts, work.output_format)


async def _pieces(held: "SpooledTemporaryFile[bytes]", running: Running) -> AsyncIterator[bytes]:
    while piece := held.read(_PIECE_BYTES):
        yield piece
    while piece := await running.read():
        yield piece


def _write_blocks(engine: Engine, work: Work, session: Handle, place: int) -> None:
    for block in engine.stream(work, session):
        if block:
            _write(place, _BLOCK_HEAD + block)


def _write(place: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(place, view) :]


def _collected(progress: Progress, every_seconds: float | None) -> list[Mapping[str, int]]:
    """Collect what the engine says of its progress, at most so often."""
    said: list[Mapping[str, int]] = []
    if every_seconds is None:
        return said
    last = time.monotonic()

    def seen(counts: Mapping[str, int]) -> None:
        nonlocal last
        if time.monotonic() - last >= every_seconds and len(said) < _PROGRESS_LINES:
            last = time.monotonic()
            said.append(counts)

    progress.seen = seen
    return said


@asynccontextmanager
async def _until_gone(receive: Receive) -> AsyncIterator[None]:
    """Do what follows for as long as the client is there; raises ClientDisconnect."""
    asking = asyncio.current_task()
    is_gone = False

    async def watch() -> None:
        nonlocal is_gone
        while (await receive())["type"] != "http.disconnect":
            pass
        is_gone = True
        if asking is not None:
            asking.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if not is_gone or asking is None:
            raise
        asking.uncancel()
        raise ClientDisconnect from None
    finally:
        watcher.cancel()


async def _to_the_end(work: Awaitable[None]) -> None:
    """Do it even when we are told to stop meanwhile, and stop then."""
    task = asyncio.ensure_future(work)
    stopped: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            stopped = error
    if stopped is not None:
        raise stopped


async def _on(threads: Executor, call: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(threads, call)
