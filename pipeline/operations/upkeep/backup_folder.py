"""The folder that backups lie in: one folder a backup, and the images of all of them.

    <folder>/images/<keys>/ab/<sha256>      an image, named by the digest of what it was
    <folder>/20261130T083612Z/rows-00001    lines of `row_copy`, compressed
                              workspace     keys, settings, models and own forms, a compressed tar
                              images        the images that belong to it, compressed
                              manifest.json written last: a backup without it is not whole
    <folder>/README.txt       what this is, for the person who finds the disk

Everything but `images` and the manifest is encrypted. These two say digests and counts.

Backups are ordered by what their manifests say, whatever the clock was when they got their names:
by generation, then by how much of the log they cover, then by number. A generation begins where a
workspace does not go on from the newest backup of its folder, as after a restoration.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
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
_UNNUMBERED_FORMAT = "efterskrift-backup-1"
MANIFEST, WORKSPACE_PART, IMAGES_PART = "manifest.json", "workspace", "images"
IMAGES_FOLDER = "images"
_LOCK_FILE, _README_FILE = ".lock", "README.txt"
_NAME = re.compile(r"\d{8}T\d{6}Z")
_NAMED = 10
"""So many of the newest backups are named to who asks for one that is not there."""
_NAME_FORMAT = "%Y%m%dT%H%M%SZ"


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
    folder: str = ""
    """An id of the folder, which its backups share: disks in turn may have the same path."""
    generation: int = 0
    sequence: int = 0
    """The number in its folder, from 1; 0 of a program that gave none."""
    removed: tuple[int, ...] = ()
    """Numbers of older backups that were not kept: they are no gap."""

    @property
    def order(self) -> tuple[int, int, int, str]:
        """What backups are ordered by; those without a number come first, by their names."""
        if not self.sequence:
            return (0, 0, 0, self.name)
        return (self.generation, self.log_head[0], self.sequence, self.name)

    @property
    def made_at(self) -> datetime:
        """The moment that the backup shows, in UTC."""
        return moment_of(self.name)

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
        """Return the names of the whole backups, oldest first.

        One whose manifest cannot be read follows those with an earlier date.

        Raises:
            StoreUnavailableError: the folder cannot be read.
        """
        ordered = [manifest.name for manifest in self.manifests()]
        for name in self._named():
            if name not in ordered:
                earlier = [place for place, other in enumerate(ordered, 1) if other < name]
                ordered.insert(max(earlier, default=0), name)
        return ordered

    def manifests(self) -> list[Manifest]:
        """Return the manifests that can be read, oldest first.

        Raises:
            StoreUnavailableError: the folder cannot be read.
        """
        found = list[Manifest]()
        for name in self._named():
            try:
                found.append(self._load(name))
            except StoreUnavailableError:
                raise
            except StoreError:
                continue
        return sorted(found, key=lambda manifest: manifest.order)

    def _named(self) -> list[str]:
        with self.writing():
            return [name for name in self._folders() if (self.folder / name / MANIFEST).is_file()]

    def next_name(self, now: datetime) -> str:
        """Return a name for a backup that is made now; no two have the same."""
        while (name := f"{now.astimezone(UTC):{_NAME_FORMAT}}") in self._folders():
            now += timedelta(seconds=1)
        return name

    def remove_unfinished(self) -> None:
        """Remove what killed backups left; images that they copied stay, for the next one."""
        for name in self._folders():
            if not (self.folder / name / MANIFEST).is_file():
                shutil.rmtree(self.folder / name)
        remove_stale_partials(self.folder)

    def load(self, name: str = "") -> Manifest:
        """Return the manifest of a backup, by default that of the newest.

        Raises:
            StoreError: there is none, it is damaged, or a later version of the program made it.
            StoreUnavailableError: the folder cannot be read.
        """
        names = self.names()
        if not names:
            raise StoreError("no_backup", folder=self.folder)
        chosen = name or names[-1]
        if chosen not in names:
            listed = ", ".join(reversed(names[-_NAMED:]))
            raise StoreError("no_backup_named", folder=self.folder, name=name, names=listed)
        return self._load(chosen)

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
        data = self.read(f"{manifest.name}/{part}")
        if describe_data(data) != manifest.parts[part]:
            raise StoreError("backup_part_damaged", file=f"{manifest.name}/{part}")
        return data

    def image_name(self, keys_id: str, sha256: str) -> str:
        """Return the path of an image in the folder."""
        return f"{IMAGES_FOLDER}/{keys_id}/{sha256[:2]}/{sha256}"

    def write_image(self, keys_id: str, sha256: str, data: bytes) -> StoredFile:
        """Write an image, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        path = self.folder / self.image_name(keys_id, sha256)
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
        return describe_data(data)

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


def moment_of(name: str) -> datetime:
    """Return the moment that a backup of this name shows, in UTC."""
    return datetime.strptime(name, _NAME_FORMAT).replace(tzinfo=UTC)


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
    if content["format"] not in (FORMAT, _UNNUMBERED_FORMAT):
        raise StoreError("backup_too_new", found=str(content["format"])[:40])
    if content.pop("sha256") != _digest(content):
        raise ValueError("changed")
    del content["format"]
    for name in ("keys", "missing", "outside", "log_head", "removed"):
        content[name] = tuple(content.get(name, ()))
    content["tables"] = {name: TableSum(**one) for name, one in content["tables"].items()}
    content["parts"] = {name: StoredFile(**one) for name, one in content["parts"].items()}
    return Manifest(**content)


def _digest(content: Mapping[str, Any]) -> str:
    data = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.sha256(data).hexdigest()


# Which backups are kept: the last of each of some days and of some weeks.


def choose_kept(made_at: Sequence[datetime], days: int, weeks: int) -> set[datetime]:
    """Return the moments of the backups that are kept; the newest always is.

    Days and weeks without a backup do not count: however long ago the last one was made, as many
    stay.

    Args:
        made_at: when each backup was made by the clock of its machine, the oldest first.
        days: of so many days the last backup is kept.
        weeks: of so many weeks (ISO 8601) the last backup is kept.
    """
    newest_first = made_at[::-1]
    last_of_day, last_of_week = dict[object, datetime](), dict[object, datetime]()
    for moment in newest_first:
        last_of_day.setdefault(moment.date(), moment)
        last_of_week.setdefault(moment.isocalendar()[:2], moment)
    return {
        *newest_first[:1],
        *list(last_of_day.values())[:days],
        *list(last_of_week.values())[:weeks],
    }


# What is odd about the backups of a folder: numbers that are gone, dates in the future.

_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class OrderRemarks:
    """Numbers that are absent though nothing removed them, and names of backups that are odd.

    `unnumbered` are those of programs that gave no numbers: they come first, by their dates.
    """

    absent: tuple[int, ...] = ()
    future: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    unnumbered: int = 0

    @property
    def is_doubtful(self) -> bool:
        """Whether somebody has to look at the folder."""
        return bool(self.absent or self.future or self.damaged)


def find_remarks(folder: BackupFolder, now: datetime) -> OrderRemarks:
    """Return what is odd about the backups of a folder.

    Raises:
        StoreUnavailableError: the folder cannot be read.
    """
    manifests = folder.manifests()
    there = {manifest.sequence for manifest in manifests if manifest.sequence}
    removed = manifests[-1].removed if manifests else ()
    numbers = range(min(there), max(there)) if there else range(0)
    return OrderRemarks(
        tuple(number for number in numbers if number not in there and number not in removed),
        tuple(manifest.name for manifest in manifests if manifest.made_at > now + _SKEW),
        tuple(sorted(set(folder.names()).difference(manifest.name for manifest in manifests))),
        sum(not manifest.sequence for manifest in manifests),
    )


def require_order(folder: BackupFolder, now: datetime) -> None:
    """Check that no backup of a folder is gone, damaged or from the future.

    Raises:
        StoreError: one is.
        StoreUnavailableError: the folder cannot be read.
    """
    remarks = find_remarks(folder, now)
    if remarks.is_doubtful:
        named = (*map(str, remarks.absent), *remarks.future, *remarks.damaged)
        raise StoreError("backup_order_doubtful", folder=folder.folder, names=", ".join(named))
