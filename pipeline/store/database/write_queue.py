"""Let writers of an SQLite database wait in line, in the order in which they came.

SQLite's own wait is a lottery: everybody asks again after a while, whoever asks when the lock is
free has it, and who was unlucky for long enough fails ("database is locked"). The line is a small
hidden file beside the database: each writer takes the next number and holds the byte of that number
until it has written. The system ends such a lock with its process, so the line passes over whoever
was killed. It only orders: SQLite's own lock still decides who writes.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = "hhqqi0q"
"""The system's `struct flock`: kind, from where, first byte, number of bytes, process."""
_NUMBER = struct.Struct("=q")
_COUNTER = 0
"""The byte that is locked while a number is taken; the last number is stored from here on."""
_FIRST = 64
"""The byte of number 0, beyond the stored number."""
_STEP_SECONDS, _LONGEST_SECONDS = 0.002, 0.1
"""Time between two looks at the line, for each one in front, and at most."""


def queue_file(database: Path) -> Path:
    """Return the file of the line: hidden, so that no backup takes it for a part of a workspace."""
    return database.with_name(f".{database.name}.turns")


@contextmanager
def wait_turn(
    database: Path,
    wait_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[None]:
    """Wait until all who came earlier have written, and let nobody in before the block ends.

    One in front who stays longer than `wait_seconds`, stopped or stuck, is not waited for any
    more: SQLite itself then says whether the database is locked. Where no line can be made, as in a
    folder that cannot be written, there is none.
    """
    line, number = _join(queue_file(database))
    try:
        first, until = -1, 0.0
        while number is not None and (seen := _first_before(line, number)) is not None:
            if seen != first:
                first, until = seen, clock() + wait_seconds
            elif clock() > until:
                break
            sleep(min(_STEP_SECONDS * (number - seen), _LONGEST_SECONDS))
        yield
    finally:
        if line >= 0:
            os.close(line)


def _join(file: Path) -> tuple[int, int | None]:
    """Open the line and take the next number in it; no number where that is not possible."""
    line = -1
    try:
        line = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _lock(line, fcntl.F_OFD_SETLKW, fcntl.F_WRLCK, _COUNTER)
        last = os.pread(line, _NUMBER.size, _COUNTER).ljust(_NUMBER.size, b"\0")
        number = _NUMBER.unpack(last)[0] + 1
        os.pwrite(line, _NUMBER.pack(number), _COUNTER)
        # Before the next number can be taken, so that nobody overlooks this one
        _lock(line, fcntl.F_OFD_SETLK, fcntl.F_WRLCK, _FIRST + number)
        _lock(line, fcntl.F_OFD_SETLK, fcntl.F_UNLCK, _COUNTER)
    except OSError:
        return line, None
    return line, number


def _first_before(line: int, number: int) -> int | None:
    """Return a number in front of this one: the one that came first of those still in line."""
    kind, start = _lock(line, fcntl.F_OFD_GETLK, fcntl.F_WRLCK, _FIRST, number)
    return None if kind == fcntl.F_UNLCK else start - _FIRST


def _lock(line: int, command: int, kind: int, start: int, length: int = 1) -> tuple[int, int]:
    """Do something with a lock of this open file, whatever thread asks; return kind and start."""
    asked = struct.pack(_LOCK, kind, os.SEEK_SET, start, length, 0)
    found = struct.unpack(_LOCK, fcntl.fcntl(line, command, asked))
    return found[0], found[2]
