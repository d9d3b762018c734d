"""Back up and restore what is personal: the vault, and the record of who has read. Apart from the events.

The keys in it are wrapped; without the key-encryption key, which is in no backup at all, it says nothing.
"""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from domain.errors import Invalid
from infra.backup.archive import (
    PARTIAL,
    Manifest,
    StoredFile,
    check_file,
    new_backup,
    read_manifest,
    stored,
    sync_folder,
    write_manifest,
)
from infra.event_store.sqlite_file import connect, unavailable
from infra.home import Home

FORM = "liudan-vault-1"


def back_up(target: Path, home: Home, now: datetime) -> Manifest:
    """Write a backup into a new folder while everything runs; raises Invalid, StoreUnavailable, OSError."""
    with new_backup(target) as folder:
        files = tuple(_copied(folder, path) for path in (home.vault, home.access_record) if path.exists())
        manifest = Manifest(format=FORM, made_at=now, files=files)
        write_manifest(folder, manifest)
    return manifest


def restore(source: Path, home: Home) -> Manifest:
    """Put the files back where there are none; raises Damaged, Invalid. Carry out the erasures next."""
    manifest = read_manifest(source, FORM)
    known = {path.name: path for path in (home.vault, home.access_record)}
    files = [(check_file(source, file), known[file.name]) for file in manifest.files if file.name in known]
    if taken := [target for _, target in files if target.exists()]:
        raise Invalid(f"{taken[0]} is there already; move it away first", field="home")
    for origin, target in reversed(files):  # the vault last: it is what others look for
        draft = target.with_name(target.name + PARTIAL)
        draft.unlink(missing_ok=True)
        _copy(origin, draft)
        stored(draft)
        draft.replace(target)
    sync_folder(home.folder)
    return manifest


def _copied(folder: Path, origin: Path) -> StoredFile:
    target = folder / origin.name
    _copy(origin, target)
    return stored(target)


def _copy(origin: Path, target: Path) -> None:
    """Copy a database as it is at one moment, into one file that its owner alone may read."""
    target.touch(0o600)
    with closing(connect(origin, read_only=True)) as source, closing(sqlite3.connect(target)) as copy:
        try:
            source.backup(copy, pages=2000)
            copy.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.Error as error:
            raise unavailable(origin, error) from error
