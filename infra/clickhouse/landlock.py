"""Lock a process into a few folders with Linux's Landlock: no other file, no new network connection.

The second wall behind the analyst's statement check. It cannot be undone, and it holds for threads started
afterwards, so it is called before the engine is loaded. Numbers are from linux/landlock.h.
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE = 1 << 14
_IOCTL_DEVICE = 1 << 15
_ALL_FIRST_VERSION = (1 << 13) - 1
_REFER = 1 << 13
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_ONLY_FOLDERS = _READ_DIR | _REFER | (_ALL_FIRST_VERSION & ~(_EXECUTE | _WRITE_FILE | _READ_FILE))
_BIND_AND_CONNECT_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


def restrict(writable: Iterable[Path], readable: Iterable[Path]) -> int:
    """Give up all files but these, TCP connections, and signals to others; return Landlock's version.

    0 means that this kernel has no Landlock and nothing is restricted. Sockets that are already listening
    go on. Raises OSError when the kernel has Landlock but refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = int(libc.syscall(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION))
    if version <= 0:
        return 0
    files = _handled_files(version)
    ruleset = _checked(libc.syscall(_CREATE_RULESET, *_ruleset_attributes(version, files), 0))
    try:
        for path in writable:
            _allow(libc, ruleset, path, files)
        for path in readable:
            _allow(libc, ruleset, path, files & _READ)
        _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return version


def _handled_files(version: int) -> int:
    files = _ALL_FIRST_VERSION
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEVICE)):
        if version >= since:
            files |= right
    return files


def _ruleset_attributes(version: int, files: int) -> tuple[ctypes.Array[ctypes.c_char], int]:
    fields = [files]
    if version >= 4:
        fields.append(_BIND_AND_CONNECT_TCP)
    if version >= 6:
        fields.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    packed = struct.pack(f"={len(fields)}Q", *fields)
    return ctypes.create_string_buffer(packed, len(packed)), len(packed)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not path.is_dir():
            rights &= ~_ONLY_FOLDERS
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, folder), 12)
        _checked(libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0))
    finally:
        os.close(folder)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result
