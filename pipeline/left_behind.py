"""What is only half made bears the number of the process that makes it, so that what a killed one left behind is found: it is secret about people."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import socket
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

_OURS = re.compile(r"(?:\.|efterskrift-)([0-9a-f]{8})-([0-9]+)-[0-9a-z_]+(?:\.partial)?", re.ASCII)
_ELSEWHERE_SECONDS = 24 * 3600
"""After so long what a process of another computer makes is taken to be left behind; whether it lives cannot be asked from here."""


def partial_name() -> str:
    """A new name for a file that is being written."""
    return f".{_maker()}{secrets.token_hex(4)}.partial"


def folder_prefix() -> str:
    """How the name of a folder for passing pictures begins."""
    return f"efterskrift-{_maker()}"


def remove_left(folder: Path) -> None:
    """Remove what was left half made in a folder by processes that are no more. What cannot be removed stays, without a word."""
    with suppress(OSError):
        for path in [path for path in folder.iterdir() if _is_left(path)]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def remove_left_today(folder: Path) -> None:
    """As `remove_left`, once a process and day: for whoever makes one thing after another in a folder that may hold much of other programs.

    Another process takes the place of one that was killed, and looks first of all. What another computer left is not known to be left until later.
    """
    _removed_left(folder, int(time.monotonic() // _ELSEWHERE_SECONDS))


@lru_cache(maxsize=8)
def _removed_left(folder: Path, day: int) -> None:
    del day
    remove_left(folder)


def _maker() -> str:
    return f"{_computer()}-{os.getpid()}-"


def _computer() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _is_left(path: Path) -> bool:
    found = _OURS.fullmatch(path.name)
    if found is None:
        return False
    if found[1] == _computer() and not _lives(int(found[2])):
        return True
    with suppress(FileNotFoundError):  # finished just now
        return path.lstat().st_mtime < time.time() - _ELSEWHERE_SECONDS
    return False


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # of another account
    return True
