"""The folder that backups lie in: one folder a backup, and the images of all of them.

    <folder>/images/<keys>/ab/<sha256>      an image, named by the digest of what it was
    <folder>/20261130T083612Z/rows-00001    lines of `row_copy`, compressed
                              workspace     keys, settings, models and own forms, a compressed tar
                              images        the images that belong to it, compressed
                              manifest.json written last: a backup without it is not whole
    <folder>/README.txt       what this is, for the person who finds the disk

Everything but `images` and the manifest is encrypted. These two say digests and counts.

Backups are ordered by their names, which are the moments that they show.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.domain.errors import StoreError, StoreUnavailableError
from pipeline.files.atomic import (
    flush_to_disk,
    hold_lock,
    partial_name,
    remove_stale_partials,
    write_private,
)
from pipeline.operations.upkeep.encryption import PLAIN
from pipeline.store.database.migrations.row_copy import TableSum
from pipeline.texts import text

FORMAT = "efterskrift-backup-2"
_KNOWN_FORMATS = ("efterskrift-backup-1", FORMAT)
"""1.1.0 wrote the first; 1.2.0 wrote more than is read now."""
MANIFEST, WORKSPACE_PART, IMAGES_PART = "manifest.json", "workspace", "images"
IMAGES_FOLDER = "images"
_LOCK_FILE, _README_FILE = ".lock", "README.txt"
_NAME = re.compile(r"\d{8}T\d{6}Z")
_NAMED = 10
"""So many of the newest backups are named to who asks for one that is not there."""
_NAME_FORMAT = "%Y%m%dT%H%M%SZ"
_SKEW = timedelta(minutes=5)
"""So far may clocks differ."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it lies in the backup, encrypted or not: its size in bytes and its digest."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, and of what it was made. No personal data."""

    name: str
    version: str
    """Of the program that made it."""
    schema: str
    database: str
    """The kind of database: sqlite or postgresql."""
    image_store: str
    """The id of the folder of images, which tells whose backup it is."""
    keys: tuple[str, ...] = ()
    """The public keys that it is encrypted to."""
    keys_id: str = PLAIN
    log_head: tuple[int, str] = (0, "")
    """Number and digest of the last row of the log: an anchor."""
    tables: Mapping[str, TableSum] = field(default_factory=dict)
    parts: Mapping[str, StoredFile] = field(default_factory=dict)
    images: int = 0
    missing: tuple[str, ...] = ()
    """Images that were missing or damaged already when the backup was made."""
    outside: tuple[str, ...] = ()
    """Files that the settings name outside of the workspace: they are not in the backup."""

    @property
    def made_at(self) -> datetime:
        """The moment that the backup shows, in UTC."""
        return _moment_of(self.name)

    @property
    def rows(self) -> int:
        """The number of rows of all tables."""
        return sum(table.rows for table in self.tables.values())


@dataclass(frozen=True, slots=True)
class BackupFolder:
    """A folder with backups, perhaps on a disk or share that is away."""

    folder: Path

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder, so that no other process writes or removes backups there.

        Raises:
            StoreError: another process does so.
            StoreUnavailableError: the folder is missing or cannot be written.
        """
        with self.writing():
            # Not made here: where its disk is not mounted, writing has to fail
            if not self.folder.is_dir():
                raise FileNotFoundError(2, "No such folder")
            with hold_lock(self.folder / _LOCK_FILE) as is_held:
                if not is_held:
                    raise StoreError("backup_running", folder=self.folder)
                yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Name the folder in errors of the disk.

        Raises:
            StoreUnavailableError: it is full, away or may not be written.
        """
        try:
            yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StoreUnavailableError(
                "backup_folder_failed", folder=self.folder, reason=reason
            ) from error

    def names(self) -> list[str]:
        """Return the names of the backups, oldest first; the manifests are not read.

        Raises:
            StoreUnavailableError: the folder cannot be read.
        """
        with self.writing():
            return [name for name in self._folders() if (self.folder / name / MANIFEST).is_file()]

    def manifests(self) -> list[Manifest]:
        """Return the manifests that can be read, oldest first.

        Raises:
            StoreUnavailableError: the folder cannot be read.
        """
        found = list[Manifest]()
        for name in self.names():
            try:
                found.append(self._load(name))
            except StoreUnavailableError:
                raise
            except StoreError:
                continue
        return found

    def list_unreadable(self) -> list[str]:
        """Return the names of backups that are passed over, since their manifest is damaged.

        Raises:
            StoreUnavailableError: the folder cannot be read.
        """
        readable = {manifest.name for manifest in self.manifests()}
        return [name for name in self.names() if name not in readable]

    def next_name(self, now: datetime) -> str:
        """Return a name for a backup that is made now; it follows all others.

        Raises:
            StoreError: a backup is of the future: the clock is wrong, or was.
        """
        newest = max(self._folders(), default="")
        if newest > _name_of(now + _SKEW):
            raise StoreError("backup_from_future", folder=self.folder, name=newest)
        while (name := _name_of(now)) <= newest:
            now += timedelta(seconds=1)
        return name

    def remove_unfinished(self) -> None:
        """Remove what killed backups left; images that they copied stay, for the next one."""
        for name in self._folders():
            if not (self.folder / name / MANIFEST).is_file():
                shutil.rmtree(self.folder / name)
        remove_stale_partials(self.folder)

    def load(self, name: str = "") -> Manifest:
        """Return the manifest of a backup, by default that of the newest that can be read.

        Raises:
            StoreError: there is none, it is damaged, or a later version of the program made it.
            StoreUnavailableError: the folder cannot be read.
        """
        names = self.names()
        if not names:
            raise StoreError("no_backup", folder=self.folder)
        if not name:
            readable = self.manifests()
            return readable[-1] if readable else self._load(names[-1])
        if name not in names:
            listed = ", ".join(reversed(names[-_NAMED:]))
            raise StoreError("no_backup_named", folder=self.folder, name=name, names=listed)
        return self._load(name)

    def _load(self, name: str) -> Manifest:
        with self.writing():
            content = (self.folder / name / MANIFEST).read_bytes()
        try:
            # Somebody may have renamed the folder: its parts are found, and its date is the new one
            return replace(_parse_manifest(content), name=name)
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError("backup_part_damaged", file=f"{name}/{MANIFEST}") from error

    def save(self, manifest: Manifest) -> None:
        """Write the manifest, which makes the backup whole.

        Raises:
            OSError: it cannot be written.
        """
        content = {"format": FORMAT, **asdict(manifest)}
        content["sha256"] = _digest(content)
        data = json.dumps(content, indent=1, ensure_ascii=False).encode()
        write_private(self.folder / manifest.name / MANIFEST, data)

    def explain(self) -> None:
        """Write for a finder of the disk what it is and how it is restored, in two languages.

        Raises:
            OSError: it cannot be written.
        """
        content = "\n".join(text("cli.backup.readme", language) for language in ("sv", "en"))
        write_private(self.folder / _README_FILE, content.encode())

    def write_part(self, name: str, part: str, data: bytes) -> StoredFile:
        """Write a part of a backup that is being made.

        Raises:
            OSError: it cannot be written.
        """
        write_private(self.folder / name / part, data)
        return describe_data(data)

    def read_part(self, manifest: Manifest, part: str) -> bytes:
        """Return a part of a backup as it is stored.

        Raises:
            StoreError: it is missing or was changed.
        """
        return self.read_stored(f"{manifest.name}/{part}", manifest.parts[part])

    def read_stored(self, name: str, stored: StoredFile) -> bytes:
        """Return a file of the folder, by its path in it.

        Raises:
            StoreError: it is missing or was changed.
            StoreUnavailableError: it cannot be read.
        """
        data = self.read(name)
        if describe_data(data) != stored:
            raise StoreError("backup_part_damaged", file=name)
        return data

    def image_name(self, keys_id: str, sha256: str) -> str:
        """Return the path of an image in the folder."""
        return f"{IMAGES_FOLDER}/{keys_id}/{sha256[:2]}/{sha256}"

    def write_image(self, keys_id: str, sha256: str, data: bytes) -> StoredFile:
        """Write an image, whole or not at all, and read it back.

        Raises:
            OSError: it cannot be written.
            StoreError: it was changed on the way.
        """
        name = self.image_name(keys_id, sha256)
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = self.folder / partial_name()
        try:
            partial.touch(mode=0o600, exist_ok=False)
            with partial.open("wb") as out:
                out.write(data)
                flush_to_disk(out)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        stored = describe_data(data)
        self.read_stored(name, stored)
        return stored

    def list_images(self, manifest: Manifest) -> dict[str, StoredFile]:
        """Return the images of a backup by the digest of what they were.

        Raises:
            StoreError: the list is missing or was changed.
        """
        data = gzip.decompress(self.read_part(manifest, IMAGES_PART))
        rows = (line.split() for line in data.decode("ascii").splitlines())
        return {sha256: StoredFile(int(size), stored) for sha256, size, stored in rows}

    def remove_all_but(self, kept: Collection[str]) -> int:
        """Remove other backups, then images that none of the kept ones names; return how many.

        Raises:
            StoreError: the list of a kept one is damaged; then no image is removed.
            OSError: something cannot be removed.
        """
        manifests = [self.load(name) for name in kept]
        named = {(one.keys_id, sha256) for one in manifests for sha256 in self.list_images(one)}
        gone = [name for name in self.names() if name not in kept]
        for name in gone:
            # Without its manifest it is no backup any more, whatever else is still there
            (self.folder / name / MANIFEST).unlink()
            shutil.rmtree(self.folder / name)
        for path in (self.folder / IMAGES_FOLDER).glob("*/??/*"):
            if (path.parent.parent.name, path.name) not in named:
                path.unlink()
        return len(gone)

    def _folders(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if _NAME.fullmatch(path.name))

    def read(self, name: str) -> bytes:
        """Return a file of the folder as it is now, by its path in it.

        Raises:
            StoreError: it is missing.
            StoreUnavailableError: it cannot be read.
        """
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            raise StoreError("backup_part_missing", file=name) from None
        except OSError as error:
            raise StoreUnavailableError(
                "backup_folder_failed", folder=self.folder, reason=error.strerror
            ) from error


def describe_data(data: bytes) -> StoredFile:
    """Return the size and digest of what is stored."""
    return StoredFile(len(data), hashlib.sha256(data).hexdigest())


def _moment_of(name: str) -> datetime:
    return datetime.strptime(name, _NAME_FORMAT).replace(tzinfo=UTC)


def _name_of(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):{_NAME_FORMAT}}"


def pack_images(images: Mapping[str, StoredFile]) -> bytes:
    """Return the list of a backup's images, for `BackupFolder.list_images`."""
    lines = (f"{name} {one.size} {one.sha256}\n" for name, one in sorted(images.items()))
    return gzip.compress("".join(lines).encode("ascii"), mtime=0)


def _parse_manifest(data: bytes) -> Manifest:
    """Return a manifest.

    Raises:
        StoreError: it is of a later version.
        ValueError, KeyError, TypeError: it was changed.
    """
    content: dict[str, Any] = json.loads(data)
    if content["format"] not in _KNOWN_FORMATS:
        raise StoreError("backup_too_new", found=str(content["format"])[:40])
    if content.pop("sha256") != _digest(content):
        raise ValueError("changed")
    for name in ("keys", "missing", "outside", "log_head"):
        content[name] = tuple(content.get(name, ()))
    content["tables"] = {name: TableSum(**one) for name, one in content["tables"].items()}
    content["parts"] = {name: StoredFile(**one) for name, one in content["parts"].items()}
    known = {each.name for each in fields(Manifest)}
    return Manifest(**{name: value for name, value in content.items() if name in known})


def _digest(content: Mapping[str, Any]) -> str:
    data = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.sha256(data).hexdigest()


def choose_kept(names: Sequence[str], days: int, weeks: int) -> set[str]:
    """Return the names of the backups that are kept; the newest always is.

    Days and weeks without a backup do not count: however long ago the last one was made, as many
    stay.

    Args:
        names: of the backups, the oldest first.
        days: of so many days the last backup is kept.
        weeks: of so many weeks (ISO 8601) the last backup is kept.
    """
    last_of_day, last_of_week = dict[object, str](), dict[object, str]()
    for name in reversed(names):
        moment = _moment_of(name)
        last_of_day.setdefault(moment.date(), name)
        last_of_week.setdefault(moment.isocalendar()[:2], name)
    return {
        *names[-1:],
        *list(last_of_day.values())[:days],
        *list(last_of_week.values())[:weeks],
    }
