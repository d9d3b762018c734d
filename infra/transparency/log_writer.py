"""Writes a transparency log: tiles first, and the checkpoint over them when they are durable.

Killed at any point it goes on from the last checkpoint. Newer tiles are written again, the same ones; nobody
was told of them. A checkpoint never has fewer leaves than the one before, or others.
"""

import fcntl
import os
from collections.abc import Sequence
from typing import Self

from domain.errors import Halted, Transient
from infra.transparency.checkpoint import Checkpoint
from infra.transparency.durable_files import DurableFiles, replace_durably
from infra.transparency.log_folder import LogFolder
from infra.transparency.merkle import EMPTY_ROOT
from infra.transparency.position_runs import PositionRuns
from infra.transparency.rebuild import Stretch
from infra.transparency.signed_note import BadNote, SignedNote, Signer
from infra.transparency.tiles import Tile
from infra.transparency.tree_edge import TreeEdge

Leaf = tuple[int, bytes]
"""An event's position in the store, and its bytes."""


class LogWriter:
    """The one writer of a log. After an OSError it is worth nothing any more: open another."""

    def __init__(self, log: LogFolder, signer: Signer) -> None:
        """Take up the log where its checkpoint is, or begin it.

        Raises Transient when another process writes it, Halted when its files contradict each other.
        """
        self._log, self._signer = log, signer
        log.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(log)
        self._files = DurableFiles()
        self._full: list[Tile] = []
        try:
            self.checkpoint = self._take_up()
            self._edge = self._checked_edge()
            content = log.positions.read_bytes() if log.positions.exists() else b""
            self._runs = PositionRuns(self.checkpoint.size, content)
            if self._key_is_new():
                replace_durably(log.verifier_key, f"{signer.verifier}\n".encode())
            if not self._runs.knows_all:
                raise Halted(f"{log.positions} is missing or damaged: restore it from a backup")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def size(self) -> int:
        """How many leaves there are, also those that no checkpoint covers yet."""
        return self._edge.size

    @property
    def position(self) -> int:
        """The position in the store of the last leaf, 0 for none."""
        return self._runs.last_position

    def append(self, leaves: Sequence[Leaf]) -> None:
        """Add leaves; nobody sees them before `publish`. Raises OSError."""
        for tile, content in self._edge.extend([entry for _, entry in leaves]):
            self._files.write(self._log.path(tile), content)
            self._full.append(tile)
        self._runs.extend([position for position, _ in leaves])

    def graft(self, stretch: Stretch) -> None:
        """Add leaves whose tiles are in place, see `infra.transparency.rebuild`. Raises OSError."""
        for tile, content in self._edge.graft(stretch.root):
            self._files.write(self._log.path(tile), content)
            self._full.append(tile)
        for positions in stretch.runs:
            self._runs.extend(positions)

    def publish(self) -> Checkpoint:
        """Make everything durable and then sign it: the new checkpoint. Raises OSError."""
        for tile, content in self._edge.unfinished():
            self._files.write(self._log.path(tile), content)
        if self._runs.save(self._log.positions):
            self._files.touched(self._log.positions)
        self._files.make_durable()
        checkpoint = Checkpoint(self._signer.verifier.name, self._edge.size, self._edge.root())
        replace_durably(self._log.checkpoint, bytes(self._signer.sign(checkpoint.text)))
        self.checkpoint = checkpoint
        self._forget_partials()
        return checkpoint

    def close(self) -> None:
        """Let another process write."""
        self._files.close()
        os.close(self._lock)

    def _take_up(self) -> Checkpoint:
        verifier = self._signer.verifier
        try:
            note = SignedNote.parse(self._log.checkpoint.read_bytes())
            return Checkpoint.opened(note, verifier)
        except FileNotFoundError:
            return Checkpoint(verifier.name, 0, EMPTY_ROOT)
        except BadNote as error:
            raise Halted(f"{self._log.checkpoint} is not to be relied on: {error}") from error

    def _key_is_new(self) -> bool:
        path = self._log.verifier_key
        return not path.exists() or path.read_text() != f"{self._signer.verifier}\n"

    def _checked_edge(self) -> TreeEdge:
        edge = TreeEdge(self.checkpoint.size, self._log.read)
        if edge.root() != self.checkpoint.root:
            raise Halted(
                f"the tiles in {self._log.folder} are not those of its checkpoint of {self.checkpoint.size} "
                "leaves: something has changed them; restore the log from a backup"
            )
        return edge

    def _forget_partials(self) -> None:
        for tile in self._full:
            self._log.forget_partial(tile)
        self._full.clear()


def _locked(log: LogFolder) -> int:
    descriptor = os.open(log.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Transient(f"another process is writing the log in {log.folder}") from None
    return descriptor
