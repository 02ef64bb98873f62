"""Write files atomically: a partial file in the same folder replaces the file once complete.

The name of a partial file has the number of its process. So what a killed process left is
recognized, and removed by the next process that writes in the folder: it may be personal data.
There is also a lock that one process at a time holds.
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
"""Age from which a partial file of another computer is stale: its process cannot be checked."""


_PRIVATE_MODE, _SHARED_MODE = 0o600, 0o666
"""Modes of a file that only its owner may read, and of others, as far as the process lets."""


def partial_name() -> str:
    """Return a new name for a file that is being written."""
    return f".{_process_tag()}{secrets.token_hex(4)}.partial"


def temporary_folder_prefix() -> str:
    """Return the prefix of the name of a folder for temporary images."""
    return f"efterskrift-{_process_tag()}"


def remove_stale_partials(folder: Path) -> None:
    """Remove the partial files in a folder of processes that have ended.

    What cannot be removed stays, without an error.
    """
    with suppress(OSError):
        for path in [path for path in folder.iterdir() if _is_stale(path)]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def remove_stale_partials_daily(folder: Path) -> None:
    """As `remove_stale_partials`, once per process and day.

    It is for frequent use in a folder that may have many files of other programs. A process that
    replaces a killed one checks at its first use; files of another computer are not stale before
    a day has passed.
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
    match = _PARTIAL_NAME.fullmatch(path.name)
    if match is None:
        return False
    host, process = match[1], int(match[2])
    if host == _host_tag() and not _is_alive(process):
        return True
    # The file may be gone by now, if its process has just completed it.
    with suppress(FileNotFoundError):
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


def write_atomically(file: Path, content: str | bytes) -> None:
    """Replace the content of a file; its folder is made if needed.

    If the disk is full, the process ends or the power fails, the file stays as it was.

    Raises:
        OSError: the file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    _write_partial(file, data, _SHARED_MODE)


def write_private(file: Path, data: bytes) -> None:
    """Replace the content of a file by personal data, so that only its owner may read it.

    Raises:
        OSError: the file cannot be written, or there is no such folder.
    """
    _write_partial(file, data, _PRIVATE_MODE)


def _write_partial(file: Path, data: bytes, mode: int) -> None:
    with open_partial(file, mode) as partial:
        with partial.open("wb") as out:
            out.write(data)
            flush_to_disk(out)
        replace_file(partial, file)


@contextmanager
def open_partial(file: Path, mode: int = _PRIVATE_MODE) -> Iterator[Path]:
    """Open a partial file in the same folder, for its owner only, for use with `replace_file`.

    It is removed after the block. A pipe, a device or a folder is returned as it is.

    Raises:
        OSError: the file cannot be written, or there is no such folder.
    """
    if file.exists() and not file.is_file():
        yield file
        return
    remove_stale_partials(_resolve_link(file).parent)
    partial = _resolve_link(file).with_name(partial_name())
    try:
        partial.touch(mode=mode, exist_ok=False)
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def flush_to_disk(out: BinaryIO) -> None:
    """Flush what was written to the disk, to be certain that it has room.

    Raises:
        OSError: the file cannot be written.
    """
    out.flush()
    if stat.S_ISREG(os.fstat(out.fileno()).st_mode):
        os.fsync(out.fileno())


def replace_file(partial: Path, file: Path) -> None:
    """Replace a file by its partial file (`open_partial`).

    Raises:
        OSError: the file cannot be replaced.
    """
    if partial != file:
        partial.replace(_resolve_link(file))


def _resolve_link(file: Path) -> Path:
    """Return the target of a link, so that the link itself is not replaced."""
    return file.resolve() if file.is_symlink() else file


@contextmanager
def hold_lock(file: Path) -> Iterator[bool]:
    """Hold the lock of a file until the block or the process ends.

    Yields False if another process holds it.

    Raises:
        OSError: the file cannot be opened.
    """
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
