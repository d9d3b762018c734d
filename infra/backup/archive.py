"""A backup is a folder: rows in LZ4 files, and a manifest that is written last and vouches for each of them.

The folder gets its name when everything in it is on the disk; what was cut off has another name and no
manifest, so that nobody takes it for a backup.
"""

import hashlib
import io
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol, cast

import lz4.frame
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from domain.errors import Invalid, LiudanError
from infra.transparency.durable_files import replace_durably

MANIFEST = "manifest.json"
PARTIAL = ".partial"
_ROWS_A_FILE = 500_000


class Damaged(LiudanError):
    """The backup is not what was written; says where."""


class StoredFile(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    rows: int
    bytes: int
    sha256: str


class LogState(BaseModel):
    """The transparency log when the backup was begun: all that its checkpoint covers is in the backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    checkpoint: str
    verifier: str


class Manifest(BaseModel):
    """What a backup holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: str
    made_at: AwareDatetime
    position: int = 0
    """The event store's position up to which everything is in it, and nothing beyond."""
    events: int = 0
    commands: int = 0
    log: LogState | None = None
    files: tuple[StoredFile, ...]
    home: dict[str, str] = {}
    """Small files of the data folder, by name."""


class Row(Protocol):
    """How a row becomes bytes and comes back."""

    def pack(self, row: tuple[object, ...]) -> bytes:
        """Give the bytes of a row."""
        ...

    def unpack(self, read: "Read") -> tuple[object, ...] | None:
        """Read the next row, None at the end."""
        ...


class Read(Protocol):
    """Reads exactly so many bytes, or fewer at the end."""

    def __call__(self, count: int, /) -> bytes:
        """Read."""
        ...


@contextmanager
def new_backup(target: Path) -> Iterator[Path]:
    """Give a folder to write into; it becomes the target when the block ends without an error."""
    if target.exists():
        raise Invalid(f"{target} exists already; name a new folder", field="target")
    draft = target.with_name(target.name + PARTIAL)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    yield draft
    sync_folder(draft)
    draft.rename(target)
    sync_folder(target.parent)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, durably."""
    replace_durably(folder / MANIFEST, manifest.model_dump_json(indent=1).encode())


def read_manifest(folder: Path, form: str) -> Manifest:
    """Read a backup's manifest; raises Damaged, Invalid for a folder that is not a backup of this form."""
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise Invalid(f"{folder} is not a whole backup: it has no {MANIFEST}", field="source") from error
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise Damaged(f"{folder / MANIFEST} is damaged") from error
    if manifest.format != form:
        raise Invalid(f"{folder} is a backup of the form {manifest.format}, not {form}", field="source")
    return manifest


def write_rows(
    folder: Path, name: str, rows: Iterable[tuple[object, ...]], form: Row
) -> Iterator[StoredFile]:
    """Write rows into files of a few hundred thousand each; gives every file when it is on the disk."""
    left, number = iter(rows), 0
    while (first := next(left, None)) is not None:
        number += 1
        path = folder / f"{name}-{number:06}.lz4"
        count = 1
        with path.open("xb") as raw, lz4.frame.open(raw, "wb") as packed:
            out = io.BufferedWriter(cast("io.RawIOBase", packed), 1 << 20)
            out.write(form.pack(first))
            while count < _ROWS_A_FILE and (row := next(left, None)) is not None:
                out.write(form.pack(row))
                count += 1
            out.flush()
        yield stored(path, count)


def stored(path: Path, rows: int = 0) -> StoredFile:
    """Make a file durable and describe it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return StoredFile(name=path.name, rows=rows, bytes=path.stat().st_size, sha256=digest)


def read_rows(folder: Path, files: Iterable[StoredFile], form: Row) -> Iterator[tuple[object, ...]]:
    """Give all rows; raises Damaged at the end of the first file that is not what was written."""
    for file in files:
        path = folder / file.name
        rows = 0
        try:
            with path.open("rb") as raw:
                hashing = _Hashing(raw)
                with lz4.frame.open(hashing, "rb") as packed:
                    read = io.BufferedReader(cast("io.RawIOBase", packed), 1 << 20).read
                    while (row := form.unpack(read)) is not None:
                        rows += 1
                        yield row
                hashing.finish()
        except (OSError, RuntimeError, EOFError, ValueError) as error:
            raise Damaged(f"{path} is damaged: {error}") from error
        if (hashing.digest.hexdigest(), rows) != (file.sha256, file.rows):
            raise Damaged(f"{path} is not what was written")


def check_file(folder: Path, file: StoredFile) -> Path:
    """Give a file's path; raises Damaged when it is not what was written."""
    path = folder / file.name
    try:
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise Damaged(f"{path} is missing") from error
    if digest != file.sha256:
        raise Damaged(f"{path} is not what was written")
    return path


class _Hashing(io.RawIOBase):
    """Reads a file and hashes what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self.digest.update(content)
        return content

    def finish(self) -> None:
        """Hash what nobody has read."""
        while self.read(1 << 20):
            pass


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
