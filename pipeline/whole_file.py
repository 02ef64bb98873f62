"""A file is there whole or as it was: what is written lies beside it until it is complete. And a file that one process at a time holds.

What a process that was killed left beside its file is removed by the next that writes in the folder.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pipeline.left_behind import partial_name, remove_left


def write_whole(file: Path, text: str) -> None:
    """Put a text in the place of what a file held; its folder is made. A disk that is full or a process that ends leaves the file as it was.

    Raises:
        OSError: the disk refuses.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    remove_left(file.parent)
    partial = file.with_name(partial_name())
    try:
        partial.write_text(text, "utf-8")
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def write_secretly(file: Path, data: bytes) -> None:
    """As `write_whole`, of what is secret about people: only its owner may read the file, whoever might read what it was before.

    Raises:
        OSError: the disk refuses, or there is no such folder.
    """
    with beside(file) as partial:
        with partial.open("wb") as out:
            out.write(data)
            settle(out)
        put(partial, file)


@contextmanager
def beside(file: Path) -> Iterator[Path]:
    """A new file in the same folder, for its owner only, to be filled and `put`; it is gone after the block otherwise.

    A pipe, a device or a folder is given as it is.

    Raises:
        OSError: the disk refuses, or there is no such folder.
    """
    if file.exists() and not file.is_file():
        yield file
        return
    remove_left(_meant(file).parent)
    partial = _meant(file).with_name(partial_name())
    try:
        partial.touch(mode=0o600, exist_ok=False)
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def settle(out: BinaryIO) -> None:
    """What was written lies on the disk, so that it is known to have room.

    Raises:
        OSError: the disk refuses.
    """
    out.flush()
    if stat.S_ISREG(os.fstat(out.fileno()).st_mode):
        os.fsync(out.fileno())


def put(partial: Path, file: Path) -> None:
    """Let what was filled `beside` a file take its place.

    Raises:
        OSError: the disk refuses.
    """
    if partial != file:
        partial.replace(_meant(file))


def _meant(file: Path) -> Path:
    """The file that a link leads to: the link stays where it is."""
    return file.resolve() if file.is_symlink() else file


@contextmanager
def held(file: Path) -> Iterator[bool]:
    """Hold a file that stands for a right, until the block or the process ends; False if another holds it.

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
