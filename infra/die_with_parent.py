"""Start a program that the kernel kills when the process that asked for it is gone.

Run as a script between the two, because the alternative, `preexec_fn`, can deadlock in a program with
threads: `python -I -S die_with_parent.py PARENT_PID PROGRAM ARGUMENT…`. It needs nothing but the standard
library. On systems other than Linux the program is started without this promise.

The kernel ties the promise to the *thread* that forked: see `Spawner`.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PR_SET_PDEATHSIG = 1


class Spawner:
    """Starts child processes from one thread of its own that lives until `close`.

    A child started by a short-lived thread would be killed at the end of that thread.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")

    def start(self, command: Sequence[str], output: Path) -> subprocess.Popen[bytes]:
        """Start `command` in a session of its own, its output added to the file `output`."""
        return self._thread.submit(_start, command, output).result()

    def close(self) -> None:
        """End the thread, and with it whatever it has started and is still running."""
        self._thread.shutdown(wait=True)


def _start(command: Sequence[str], output: Path) -> subprocess.Popen[bytes]:
    stub = [sys.executable, "-I", "-S", __file__, str(os.getpid())]
    with output.open("ab") as sink:
        return subprocess.Popen(
            [*stub, *command],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the supervisor, which then stops the broker in order
        )


def main(arguments: Sequence[str]) -> None:
    """Ask the kernel for the promise, then become the program."""
    parent, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):  # it died before the promise was made
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - becoming the program is the point


if __name__ == "__main__":
    main(sys.argv[1:])
