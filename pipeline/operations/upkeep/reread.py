"""Read again what lies in a folder of backups, the longest unread first, and repair damaged images.

A disk changes bits of files that nobody touches. An image that is damaged or missing is written
again from the workspace, under the key that it had: so older backups that name it can be restored.
What was read on which day is in a small file of the folder; without it everything is unread.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from pipeline.domain.errors import ImageError, StoreError
from pipeline.files.atomic import write_private
from pipeline.operations.upkeep.backup_check import list_stored
from pipeline.operations.upkeep.backup_folder import (
    IMAGES_FOLDER,
    BackupFolder,
    StoredFile,
    describe_data,
)
from pipeline.operations.upkeep.encryption import PublicKeys
from pipeline.store.database.image_files import Images

READ_BYTES = 1024**3
"""So much is read in each run at least."""
READ_RUNS = 14
"""In so many runs everything is read, however much it is."""
_STATE_FILE = "read.json.gz"
_NAMED_DAMAGED, _NEVER = "0", "1"
"""Instead of a day: what was found damaged comes first, then what was never read."""


@dataclass(frozen=True, slots=True)
class Reread:
    """What a run read again: `read` of `files`, the rest was read or written in so many `days`.

    `unread` files have not been read since they came. `damaged` ones are named by their path in
    the folder: nothing could repair them.
    """

    read: int = 0
    files: int = 0
    repaired: int = 0
    damaged: tuple[str, ...] = ()
    unread: int = 0
    days: int | None = None


class StoredFiles:
    """What a folder of backups holds, what it has to be, and on which day it was read."""

    def __init__(self, folder: BackupFolder, today: date) -> None:
        self._folder, self._today = folder, today.isoformat()
        self._known = list_stored(folder)
        self._keys = {one.keys_id: PublicKeys(one.keys) for one in folder.manifests()}
        # A day in the future is that of a wrong clock
        self._days = {name: day for name, day in _load_days(folder).items() if day <= self._today}
        self._read, self._repaired, self._damaged = 0, 0, list[str]()

    def read_again(self, images: Images) -> None:
        """Read what is longest unread, and repair what is damaged.

        Raises:
            StoreUnavailableError: the folder of backups or of images is away.
            OSError: an image cannot be written.
        """
        total = sum(stored.size for stored in self._known.values())
        rest = max(READ_BYTES, -(-total // READ_RUNS))
        for name in sorted(self._known, key=lambda one: self._days.get(one, _NEVER)):
            if rest <= 0:
                break
            rest -= self._known[name].size
            self._read += 1
            if self._is_whole(name) or self._repair(name, images):
                self._days[name] = self._today
            else:
                self._days[name] = _NAMED_DAMAGED
                self._damaged.append(name)

    def find(self, name: str) -> StoredFile | None:
        """Return what a file has to be; None if no backup names it or it is damaged."""
        return None if name in self._damaged else self._known.get(name)

    def is_damaged(self, name: str) -> bool:
        """Return whether a file was found damaged and could not be repaired."""
        return name in self._damaged

    def note_written(self, name: str, stored: StoredFile, *, is_read: bool = False) -> None:
        """Note that a file was written now, and perhaps read after that."""
        self._known[name] = stored
        self._days[name] = self._today
        self._read += is_read

    def save(self) -> Reread:
        """Write what was read on which day, and return how much that is.

        Raises:
            OSError: it cannot be written.
        """
        kept = {name: self._days.get(name, _NEVER) for name in self._known}
        _save_days(self._folder, kept)
        days = [date.fromisoformat(day) for day in kept.values() if day > _NEVER]
        unread = len(kept) - len(days)
        oldest = min(days, default=None)
        since = None if unread or oldest is None else date.fromisoformat(self._today) - oldest
        return Reread(
            self._read,
            len(kept),
            self._repaired,
            tuple(self._damaged),
            unread,
            None if since is None else since.days,
        )

    def _is_whole(self, name: str) -> bool:
        try:
            return describe_data(self._folder.read(name)) == self._known[name]
        except StoreError:
            # Missing, or on a bad sector; a disk that is gone fails at the next write
            return False

    def _repair(self, name: str, images: Images) -> bool:
        top, keys_id, *_, sha256 = ("", "", *name.split("/"))[-4:]
        data = read_image(images, sha256) if top == IMAGES_FOLDER else None
        if data is None:
            return False
        stored = self._folder.write_image(keys_id, sha256, self._keys[keys_id].encrypt(data))
        self._known[name] = stored
        self._repaired += 1
        return True


def read_image(images: Images, sha256: str) -> bytes | None:
    """Return an image; None if it is missing or damaged, while the folder itself is there."""
    try:
        return images.get(sha256)
    except ImageError:
        return None


def note_damaged(folder: BackupFolder, problems: Collection[StoreError]) -> None:
    """Let the next backup read first what was found damaged, if the folder can be written."""
    named = {str(problem.values["file"]): _NAMED_DAMAGED for problem in problems}
    with suppress(StoreError), folder.alone(), folder.writing():
        _save_days(folder, _load_days(folder) | named)


def _load_days(folder: BackupFolder) -> dict[str, str]:
    try:
        content = json.loads(gzip.decompress(folder.read(_STATE_FILE)))
        return {name: day for day, names in content.items() for name in names}
    except (StoreError, ValueError, OSError, EOFError, AttributeError, TypeError):
        return {}


def _save_days(folder: BackupFolder, days: dict[str, str]) -> None:
    by_day = dict[str, list[str]]()
    for name, day in days.items():
        by_day.setdefault(day, []).append(name)
    data = json.dumps(by_day, separators=(",", ":")).encode("ascii")
    write_private(folder.folder / _STATE_FILE, gzip.compress(data, mtime=0))
