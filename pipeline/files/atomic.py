"""A file is there whole or as it was: what is written lies beside it until it is complete. And a
file that one process at a time holds.

What a process that was killed left beside its file is removed by the next that writes in the
folder.

What is only half made bears the number of the process that makes it, so that what a killed one
left behind is found: it is secret about people.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

_PARTIAL_NAME = re.compile(
    r"(?:\.|efterskrift-)([0-9a-f]{8})-([0-9]+)-[0-9a-z_]+(?:\.partial)?", re.ASCII
)
_FOREIGN_STALE_SECONDS = 24 * 3600
"""After so long what a process of another computer makes is taken to be left behind; whether it
lives cannot be asked from here.
"""


def partial_name() -> str:
    """A new name for a file that is being written."""
    return f".{_process_tag()}{secrets.token_hex(4)}.partial"


def temporary_folder_prefix() -> str:
    """How the name of a folder for passing pictures begins."""
    return f"efterskrift-{_process_tag()}"


def remove_stale_partials(folder: Path) -> None:
    """Remove what was left half made in a folder by processes that are no more. What cannot be
    removed stays, without a word.
    """
    with suppress(OSError):
        for path in [path for path in folder.iterdir() if _is_stale(path)]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def remove_stale_partials_daily(folder: Path) -> None:
    """As `remove_left`, once a process and day: for whoever makes one thing after another in a
    folder that may hold much of other programs.

    Another process takes the place of one that was killed, and looks first of all. What another
    computer left is not known to be left until later.
    """
    _remove_for_day(folder, int(time.monotonic() // _FOREIGN_STALE_SECONDS))


@lru_cache(maxsize=8)
def _remove_for_day(folder: Path, day: int) -> None:
    del day
    remove_stale_partials(folder)


def _process_tag() -> str:
    return f"{_host_tag()}-{os.getpid()}-"


def _host_tag() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _is_stale(path: Path) -> bool:
    found = _PARTIAL_NAME.fullmatch(path.name)
    if found is None:
        return False
    if found[1] == _host_tag() and not _is_alive(int(found[2])):
        return True
    with suppress(FileNotFoundError):  # finished just now
        return path.lstat().st_mtime < time.time() - _FOREIGN_STALE_SECONDS
    return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # of another account
    return True


def write_atomically(file: Path, text: str) -> None:
    """Put a text in the place of what a file held; its folder is made. A disk that is full or a
    process that ends leaves the file as it was.

    Raises:
        OSError: the disk refuses.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    remove_stale_partials(file.parent)
    partial = file.with_name(partial_name())
    try:
        partial.write_text(text, "utf-8")
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def write_private(file: Path, data: bytes) -> None:
    """As `write_whole`, of what is secret about people: only its owner may read the file, whoever
    might read what it was before.

    Raises:
        OSError: the disk refuses, or there is no such folder.
    """
    with open_partial(file) as partial:
        with partial.open("wb") as out:
            out.write(data)
            flush_to_disk(out)
        replace_file(partial, file)


@contextmanager
def open_partial(file: Path) -> Iterator[Path]:
    """A new file in the same folder, for its owner only, to be filled and `put`; it is gone after
    the block otherwise.

    A pipe, a device or a folder is given as it is.

    Raises:
        OSError: the disk refuses, or there is no such folder.
    """
    if file.exists() and not file.is_file():
        yield file
        return
    remove_stale_partials(_resolve_link(file).parent)
    partial = _resolve_link(file).with_name(partial_name())
    try:
        partial.touch(mode=0o600, exist_ok=False)
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def flush_to_disk(out: BinaryIO) -> None:
    """What was written lies on the disk, so that it is known to have room.

    Raises:
        OSError: the disk refuses.
    """
    out.flush()
    if stat.S_ISREG(os.fstat(out.fileno()).st_mode):
        os.fsync(out.fileno())


def replace_file(partial: Path, file: Path) -> None:
    """Let what was filled `beside` a file take its place.

    Raises:
        OSError: the disk refuses.
    """
    if partial != file:
        partial.replace(_resolve_link(file))


def _resolve_link(file: Path) -> Path:
    """The file that a link leads to: the link stays where it is."""
    return file.resolve() if file.is_symlink() else file


@contextmanager
def hold_lock(file: Path) -> Iterator[bool]:
    """Hold a file that stands for a right, until the block or the process ends; False if another
    holds it.

    Raises:
        OSError: the disk refuses.
    """
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
