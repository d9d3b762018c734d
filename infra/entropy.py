"""Random numbers of the operating system, fetched many at a time.

Every call of `os.urandom` lets go of the interpreter's lock; beside a busy writer thread it takes 80 µs
until it is back (measured), which is more than deciding a command.
"""

import os
import threading

_CHUNK_BYTES = 4096


class Entropy:
    """A buffer of random bytes that are given out once. Thread-safe; a forked child begins with its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buffer = b""
        self._next = 0
        os.register_at_fork(after_in_child=self._forget)

    def take(self, count: int) -> bytes:
        """Give random bytes, fit for keys and nonces; at most 4096."""
        with self._lock:
            if self._next + count > len(self._buffer):
                self._buffer, self._next = os.urandom(_CHUNK_BYTES), 0
            taken = self._buffer[self._next : self._next + count]
            self._next += count
        return taken

    def below(self, limit: int) -> int:
        """Give an integer from 0 to `limit` - 1, all equally likely, as `secrets.randbelow` does."""
        bits = (limit - 1).bit_length()
        while True:
            number = int.from_bytes(self.take(bits // 8 + 1)) & ((1 << bits) - 1)
            if number < limit:
                return number

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._buffer, self._next = b"", 0


ENTROPY = Entropy()
"""The process's own."""
