"""A transparency log whose writer dies at its n-th touch of the disk, for every n.

python -m tests.services.dying_log STORE_URL FOLDER KEY_FILE FIRST END: for every n from FIRST to before END
a child adds events to the store and brings the log up to date, and kills itself with -9 at the n-th file that
it writes (half of it is written), puts into its place, or flushes; then another one does so and lives. After
each, the checkpoint is printed.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from consumers.transparency.keep import LogKeeper
from infra.event_store.open import open_event_store
from infra.transparency import durable_files
from infra.transparency.log_folder import LogFolder
from infra.transparency.log_key import open_log_key
from tests.services.sample_events import number, stored

EVENTS = (90, 10, 700, 1, 255, 8000)


def main(store_url: str, folder: str, key_file: str, first: str, end: str) -> None:
    for touch in range(int(first), int(end)):
        for serial, last in ((2 * touch, touch), (2 * touch + 1, 0)):
            child = os.fork()
            if child == 0:
                _live(store_url, Path(folder), Path(key_file), serial, last)
            _, status = os.waitpid(child, 0)
            checkpoint = Path(folder) / "checkpoint"
            seen = checkpoint.read_bytes().hex() if checkpoint.exists() else "-"
            print(os.WTERMSIG(status), seen, flush=True)


def _live(store_url: str, folder: Path, key_file: Path, serial: int, last_touch: int) -> NoReturn:
    signer = open_log_key(key_file)
    store = open_event_store(store_url)
    store.append([stored(number(serial), n + 1, 60) for n in range(EVENTS[serial % len(EVENTS)])])
    keeper = LogKeeper(store, LogFolder(folder), signer)
    _Killer(last_touch).arm()
    keeper.catch_up()
    os._exit(0)


class _Killer:
    def __init__(self, touch: int) -> None:
        self._left = touch
        self._lock = threading.Lock()

    def arm(self) -> None:
        write = Path.write_bytes

        def write_half(path: Path, content: bytes) -> int:
            if self._is_last():
                write(path, content[: len(content) // 2])
                _die()
            return write(path, content)

        Path.write_bytes = write_half  # type: ignore[assignment,method-assign] # narrower than the library's
        Path.replace = self._before(Path.replace)  # type: ignore[method-assign]
        os.fsync = self._before(os.fsync)
        durable_files._flush_file_system = self._before(durable_files._flush_file_system)

    def _before(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(*arguments: Any) -> Any:
            if self._is_last():
                _die()
            return act(*arguments)

        return acting

    def _is_last(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left == 0


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


if __name__ == "__main__":
    main(*sys.argv[1:])
