"""A file is there whole or as it was: what is written lies beside it until it is complete. And a file that one process at a time holds."""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Put a text in the place of what a file held; its folder is made. A disk that is full or a process that ends leaves the file as it was.

    Raises:
        OSError: the disk refuses.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(f".{secrets.token_hex(4)}.partial")  # another process may write the same file
    try:
        partial.write_text(text, "utf-8")
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


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
