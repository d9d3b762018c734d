"""The embedded ClickHouse as a process of its own: `python -m infra.clickhouse.endpoint --path DIR --port N`.

The engine (chDB) takes a folder for itself and cannot survive a fork, so it never runs inside the API or a
consumer: they speak HTTP to it, as they would to a ClickHouse server.
"""

import argparse
import asyncio
import ctypes
import errno
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
import uvicorn

from infra.clickhouse.accounts import load_accounts
from infra.clickhouse.engine import Engine, claimed
from infra.clickhouse.errors import CannotServe
from infra.clickhouse.http_protocol import ClickHouseHttp
from infra.clickhouse.landlock import restrict

_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 5
_log = structlog.get_logger(__name__)

# What the engine and the interpreter read while they run, beside the data folder. Without its auxv the engine
# looks for it behind the environment, which is not there any more once TMPDIR was set: a crash, often.
_READABLE = (
    "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/urandom",
    "/proc/self/auxv", "/proc/self/maps", "/proc/meminfo", "/proc/stat", "/proc/cpuinfo",
    "/sys/devices/system", "/sys/fs/cgroup",
)  # fmt: skip


def serve(path: Path, port: int, *, host: str = "127.0.0.1", die_with_parent: bool = False) -> None:
    """Serve the folder `path` until SIGTERM or SIGINT; prints nothing, logs one line when it is ready.

    `path` holds the data, the lock and the two password files. Call it in the main thread of a process that
    does nothing else: it locks the process into that folder for good. With `die_with_parent` the process is
    ended when the *thread* that started it ends. Raises CannotServe with one sentence on what to do.
    """
    if die_with_parent:
        _die_with_parent()
    path = path.resolve()
    with claimed(path), _listening(host, port) as listener:
        accounts = load_accounts(path)
        data = path / "data"
        data.mkdir(exist_ok=True)
        os.chdir(data)  # the engine would load a ./config.xml of wherever we are
        _lock_in([data, _scratch(path)])
        engine = Engine(data)
        try:
            protocol = ClickHouseHttp(engine, accounts)
            _log.info("clickhouse endpoint ready", port=listener.getsockname()[1], path=str(path))
            asyncio.run(_Server(_config(protocol)).serve(sockets=[listener]))
            protocol.close()
        finally:
            engine.close()
    _log.info("clickhouse endpoint stopped")


class _Server(uvicorn.Server):
    """Ends cleanly on a signal instead of raising it again."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def _config(protocol: ClickHouseHttp) -> uvicorn.Config:
    return uvicorn.Config(
        protocol.application(),
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # asyncio does not set it on sockets accepted from ours; without it every small answer takes 45 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise CannotServe(
                f"port {port} on {host} {reason}: choose another port for ClickHouse"
            ) from error
        listener.listen(128)
        yield listener
    finally:
        listener.close()


def _scratch(path: Path) -> Path:
    """Give the engine a folder for what it puts into TMPDIR while it loads."""
    scratch = path / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    os.environ["TMPDIR"] = str(scratch)
    return scratch


def _lock_in(writable: list[Path]) -> None:
    readable = [*map(Path, _READABLE), *(Path(entry) for entry in {sys.prefix, sys.base_prefix})]
    version = restrict(writable=writable, readable=readable)
    if version:
        _log.info("locked into the data folder", landlock=version, path=str(writable[0]))
    else:
        _log.warning("this kernel has no Landlock: only the statement check keeps analysts out of files")


def _die_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() == 1:
        raise CannotServe("the process that started this one is gone already")


def main() -> None:
    """Parse the command line and serve; one sentence and exit code 1 when that is impossible."""
    parser = argparse.ArgumentParser(prog="python -m infra.clickhouse.endpoint", description=__doc__)
    parser.add_argument("--path", type=Path, required=True, help="folder of the data and the passwords")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--die-with-parent", action="store_true", help="end when the starting thread ends")
    options = parser.parse_args()
    try:
        serve(options.path, options.port, die_with_parent=options.die_with_parent)
    except CannotServe as error:
        sys.exit(f"{error}.")


if __name__ == "__main__":
    main()
