"""Read a backup again: every stored file, and with the private key what is in it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from pipeline.domain.errors import ImageError, StoreError, StoreUnavailableError, UsageError
from pipeline.files.atomic import write_private
from pipeline.operations.upkeep.backup_folder import (
    IMAGES_FOLDER,
    WORKSPACE_PART,
    BackupFolder,
    Manifest,
    StoredFile,
    describe_data,
)
from pipeline.operations.upkeep.encryption import PrivateKeys, PublicKeys, read_private_keys
from pipeline.store.database.image_files import Images
from pipeline.store.database.migrations.row_copy import sum_lines

_ROWS = "rows-"
_FRESH, _SKEW = timedelta(days=1), timedelta(minutes=5)
_DAMAGED_ERRORS = (ValueError, KeyError, OSError, EOFError, tarfile.TarError)
"""What unpacking damaged data ends with."""


@dataclass(slots=True)
class BackupCheck:
    """What a backup was found to be; `is_opened` if it was decrypted, as far as it is encrypted."""

    manifest: Manifest
    is_opened: bool
    files: int = 0
    problems: list[StoreError] = field(default_factory=list)


def open_keys(manifest: Manifest, file: Path | None) -> PrivateKeys | None:
    """Return the keys that open a backup; None without a file for one that is encrypted.

    Raises:
        UsageError: the file cannot be read, or has no private key.
    """
    if not manifest.keys:
        return PrivateKeys()
    return read_private_keys(file) if file else None


def check_backup(
    folder: BackupFolder,
    manifest: Manifest,
    keys: PrivateKeys | None,
    on_file: Callable[[int, int], None] = lambda _done, _all: None,
) -> BackupCheck:
    """Read all of a backup and compare it with its digests and counts; nothing is written.

    Without keys only what is stored is compared, which notices all damage but not a key that does
    not fit.

    Raises:
        UsageError: the keys do not fit.
        StoreUnavailableError: the folder is away.
    """
    check = BackupCheck(manifest, keys is not None)
    with _noting(check):
        data = folder.read_part(manifest, WORKSPACE_PART)
        if keys is not None:
            list(_unpack_files(manifest, keys.decrypt(data)))
    with _noting(check):
        if keys is None:
            for part in _row_parts(manifest):
                folder.read_part(manifest, part)
        elif sum_lines(read_lines(folder, manifest, keys)) != manifest.tables:
            raise StoreError("backup_part_damaged", file=f"{manifest.name}/{_ROWS}*")
    check.files += len(manifest.parts)
    images = dict[str, StoredFile]()
    with _noting(check):
        images = folder.list_images(manifest)
    repaired = _RepairedImages(folder, manifest)
    for number, (sha256, stored) in enumerate(images.items(), 1):
        with _noting(check):
            if keys is None:
                repaired.require(sha256, stored)
            else:
                open_image(folder, manifest, keys, sha256, stored)
        on_file(number, len(images))
    check.files += len(images)
    return check


def require_fresh_backup(folder: BackupFolder, images: Images, now: datetime) -> Manifest:
    """Return the newest backup if it is of the last day and of this workspace, and reads back.

    Images are not read: nothing that follows changes them.

    Args:
        folder: with the backups.
        images: of the workspace; their id tells whose backup it is.
        now: in UTC.

    Raises:
        UsageError: the backups are of another workspace.
        StoreError: there is none, it is too old or damaged.
        StoreUnavailableError: the folder is away.
    """
    manifest = folder.load()
    if manifest.image_store != images.read_id():
        raise UsageError("backup_folder_of_other", folder=folder.folder)
    if not now - _FRESH <= manifest.made_at <= now + _SKEW:
        at = f"{manifest.made_at:%Y-%m-%d %H:%M}"
        raise StoreError("backup_too_old", folder=folder.folder, at=at)
    for part in manifest.parts:
        folder.read_part(manifest, part)
    return manifest


def read_lines(folder: BackupFolder, manifest: Manifest, keys: PrivateKeys) -> Iterator[bytes]:
    """Yield the lines of rows of a backup.

    Raises:
        StoreError: a part is missing or was changed.
        UsageError: the keys do not fit.
    """
    for part in _row_parts(manifest):
        stored = folder.read_part(manifest, part)
        try:
            data = gzip.decompress(keys.decrypt(stored))
        except _DAMAGED_ERRORS:
            raise StoreError("backup_part_damaged", file=f"{manifest.name}/{part}") from None
        yield from io.BytesIO(data)


def read_files(
    folder: BackupFolder, manifest: Manifest, keys: PrivateKeys
) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the files of the workspace besides database and images.

    Raises:
        StoreError: they are missing or were changed.
        UsageError: the keys do not fit.
    """
    stored = folder.read_part(manifest, WORKSPACE_PART)
    try:
        data = keys.decrypt(stored)
    except ValueError:
        raise _damaged_files(manifest) from None
    yield from _unpack_files(manifest, data)


def open_image(
    folder: BackupFolder, manifest: Manifest, keys: PrivateKeys, sha256: str, stored: StoredFile
) -> bytes:
    """Return an image decrypted; one that was repaired since is encrypted again, and as good.

    Raises:
        StoreError: it is missing, or another one.
        UsageError: the keys do not fit.
    """
    name = folder.image_name(manifest.keys_id, sha256)
    data = folder.read(name)
    is_as_written = describe_data(data) == stored
    try:
        data = keys.decrypt(data)
    except ValueError:
        data = b""
    except UsageError:
        if is_as_written:
            raise
        data = b""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise StoreError("backup_part_damaged", file=name)
    return data


class _RepairedImages:
    """Tells without the private key whether an image is as a backup wrote it, then or since."""

    def __init__(self, folder: BackupFolder, manifest: Manifest) -> None:
        self._folder, self._keys_id = folder, manifest.keys_id
        self._latest: dict[str, StoredFile] | None = None

    def require(self, sha256: str, stored: StoredFile) -> None:
        """Read an image.

        Raises:
            StoreError: it is missing or was changed.
        """
        name = self._folder.image_name(self._keys_id, sha256)
        found = describe_data(self._folder.read(name))
        if found == stored:
            return
        # Lists of other backups are only needed for what differs
        if self._latest is None:
            self._latest = list_stored(self._folder)
        if found != self._latest.get(name):
            raise StoreError("backup_part_damaged", file=name)


def list_stored(folder: BackupFolder) -> dict[str, StoredFile]:
    """Return all that the readable backups of a folder name, by path, as it was written last."""
    found = dict[str, StoredFile]()
    for manifest in folder.manifests():
        found |= {f"{manifest.name}/{part}": one for part, one in manifest.parts.items()}
        try:
            images = folder.list_images(manifest)
        except StoreUnavailableError:
            raise
        except StoreError:
            continue
        found |= {folder.image_name(manifest.keys_id, one): kept for one, kept in images.items()}
    return found


def _row_parts(manifest: Manifest) -> list[str]:
    return sorted(part for part in manifest.parts if part.startswith(_ROWS))


def _unpack_files(manifest: Manifest, data: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            for entry in archive:
                content = archive.extractfile(entry)
                if content is not None:
                    yield _require_within(entry.name), content.read()
    except _DAMAGED_ERRORS:
        raise _damaged_files(manifest) from None


def _require_within(name: str) -> str:
    """Return the path of a packed file, which must not lead out of the workspace.

    Raises:
        ValueError: it does.
    """
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError("a path that leads out")
    return name


def _damaged_files(manifest: Manifest) -> StoreError:
    return StoreError("backup_part_damaged", file=f"{manifest.name}/{WORKSPACE_PART}")


@contextmanager
def _noting(check: BackupCheck) -> Iterator[None]:
    """Note what is damaged and go on; a key that does not fit, or a disk that is away, ends it."""
    try:
        yield
    except (StoreUnavailableError, UsageError):
        raise
    except StoreError as error:
        check.problems.append(error)


# Read again what lies in a folder of backups, the longest unread first, and repair damaged images.
#
# A disk changes bits of files that nobody touches. An image that is damaged or missing is written
# again from the workspace, under the key that it had: so older backups that name it can be used.
# What was read on which day is in a small file of the folder; without it everything is unread.

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
