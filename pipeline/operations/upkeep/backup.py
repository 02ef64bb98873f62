"""Back up a workspace while people work in it: the database first, then its images.

The database is read in one transaction that sees one moment. An image is never changed, so the
images that this moment names may be copied afterwards; those that the folder has already are not
copied again. The manifest comes last: whatever ends a backup before, it does not count as one.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import __version__
from pipeline.domain.errors import (
    EfterskriftError,
    ImageError,
    ReadOnlyStoreError,
    SettingsError,
    StoreError,
    StoreUnavailableError,
    UsageError,
)
from pipeline.domain.settings import ROOT, Settings
from pipeline.operations.upkeep.backup_folder import (
    IMAGES_PART,
    WORKSPACE_PART,
    BackupFolder,
    Manifest,
    StoredFile,
    choose_kept,
    describe_data,
    pack_images,
)
from pipeline.operations.upkeep.encryption import PLAIN, PublicKeys
from pipeline.store.database.history import head
from pipeline.store.database.image_files import Images
from pipeline.store.database.image_store import (
    list_named_files,
    list_source_files,
    load_image_store_id,
)
from pipeline.store.database.migrations.row_copy import write_rows
from pipeline.store.database.store import Store
from pipeline.store.event_log.hash_chain import load_head
from pipeline.store.paper.intake.stacks import list_watched_paths
from pipeline.store.reports.upkeep import (
    BackupFacts,
    record_backup,
    record_failed_backup,
    was_apart,
)
from pipeline.store.schema.clock import utc_now

_PART_BYTES = 32 * 1024**2
"""So many bytes of rows are compressed and encrypted at a time."""
_SECOND_FACTOR_KEY = "second-factor.key"
_LEFT_OUT_FOLDERS = {"images", "uploads"}
_LEFT_OUT = (".db", ".db-wal", ".db-shm", ".db-journal", ".partial", ".lock", ".part")
_UPGRADE_COPY = "-before-upgrade-"
_MADE_ANEW = {"EFTERSKRIFT_WORKSPACE", "EFTERSKRIFT_DATABASE_URL", "EFTERSKRIFT_IMAGES_URL"}
"""Settings by environment that are named when a backup is restored."""

OnImage = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BackupOrder:
    """Where to and how a backup is made, and by whom.

    Without keys it is not encrypted; without days and weeks all older ones stay. The folder has
    backups of this workspace only.
    """

    folder: BackupFolder
    keys: PublicKeys
    by: str
    keep_days: int = 0
    keep_weeks: int = 0


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made: how many images were copied, and how many older ones removed.

    It is `is_apart` on another disk than the workspace.
    """

    manifest: Manifest
    copied: int
    removed: int
    is_apart: bool = True


@dataclass(frozen=True, slots=True)
class _Moment:
    """What the database held at one moment."""

    manifest: Manifest
    named: tuple[str, ...]
    """The images that have to be there."""
    sources: frozenset[str]
    """Files that may be there: those with pages that could not be imported."""
    watched: tuple[Path, ...]
    """Folders of scanners: what they hold is among the images."""


def make_backup(
    store: Store,
    settings: Settings,
    order: BackupOrder,
    on_image: OnImage = lambda _done, _all: None,
) -> Backup:
    """Back up a workspace, read the new backup again, then remove those that are not kept.

    That it was made, or failed, is recorded in the log.

    Args:
        store: the open store of the workspace.
        settings: of the workspace.
        order: where to and how.
        on_image: called after each image with how many are done, and of how many.

    Raises:
        ImagesAwayError: the folder of images is away.
        StoreUnavailableError: a disk is full or away, or the database out of reach. Earlier backups
            are whole. A folder that was on another disk and is not now has lost its disk.
        StoreError: another backup runs, the clock is wrong, or an earlier backup that should be
            kept is damaged.
        UsageError: the folder is in the workspace or around it, or has the backups of another one,
            or a key is wrong.
    """
    folder = order.folder
    try:
        _require_apart(settings, folder)
        store.images.require_present()
        with folder.alone():
            with folder.writing():
                is_apart = _require_disk(store, settings, folder)
                _require_own(store, folder)
                folder.remove_unfinished()
                folder.explain()
                made = _make(store, settings, order, on_image)
            manifest = made.manifest
            # A workspace that can only be read, as its disk fails, is backed up all the same
            with suppress(ReadOnlyStoreError), store.begin() as conn:
                facts = BackupFacts(
                    manifest.rows,
                    manifest.images,
                    len(manifest.missing),
                    _place_of(folder),
                    is_apart,
                )
                record_backup(conn, order.by, facts)
            with folder.writing():
                return replace(made, removed=_remove_older(order), is_apart=is_apart)
    except EfterskriftError as error:
        with suppress(StoreError), store.begin() as conn:
            record_failed_backup(conn, order.by, error.key)
        raise


def _require_apart(settings: Settings, folder: BackupFolder) -> None:
    workspace, target = settings.workspace.resolve(), folder.folder.resolve()
    if workspace == target or workspace in target.parents or target in workspace.parents:
        raise UsageError("backup_in_workspace", folder=folder.folder)


def is_on_other_disk(settings: Settings, folder: Path) -> bool:
    """Return whether a folder lies on another disk than the workspace and its images.

    Raises:
        OSError: the folder or the workspace is away.
    """
    own = (path for path in (settings.workspace, settings.images) if path.exists())
    return folder.stat().st_dev not in {path.stat().st_dev for path in own}


def _require_disk(store: Store, settings: Settings, folder: BackupFolder) -> bool:
    """Return whether the folder is on another disk; one that was has to be still.

    The folder that a disk was mounted on stays there without it, and may be written.
    """
    if is_on_other_disk(settings, folder.folder):
        return True
    if store.query(was_apart, _place_of(folder)):
        raise StoreUnavailableError("backup_disk_away", folder=folder.folder)
    return False


def _place_of(folder: BackupFolder) -> str:
    """Return a digest of a folder's path."""
    return hashlib.sha256(os.fsencode(folder.folder.resolve())).hexdigest()[:16]


def _require_own(store: Store, folder: BackupFolder) -> None:
    """Check that the newest readable backup of the folder is of this workspace."""
    manifests = folder.manifests()
    if manifests and manifests[-1].image_store != store.images.id:
        raise UsageError("backup_folder_of_other", folder=folder.folder)


def _make(store: Store, settings: Settings, order: BackupOrder, on_image: OnImage) -> Backup:
    folder, keys = order.folder, order.keys
    name = folder.next_name(utc_now())
    place = folder.folder / name
    place.mkdir(mode=0o700)
    try:
        moment = _copy_database(store, folder, name, keys)
        parts = dict(moment.manifest.parts)
        files = _list_workspace_files(settings.workspace, moment.watched)
        packed = keys.encrypt(_pack_files(settings, files, is_encrypted=bool(keys.keys)))
        parts[WORKSPACE_PART] = folder.write_part(name, WORKSPACE_PART, packed)
        images, missing, copied = _copy_images(store.images, order, moment, on_image)
        parts[IMAGES_PART] = folder.write_part(name, IMAGES_PART, pack_images(images))
        manifest = replace(
            moment.manifest,
            parts=parts,
            images=len(images),
            missing=missing,
            outside=tuple(_list_outside(settings)),
        )
        for part in parts:
            folder.read_part(manifest, part)
        folder.save(manifest)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return Backup(manifest, copied, removed=0)


def _copy_database(store: Store, folder: BackupFolder, name: str, keys: PublicKeys) -> _Moment:
    writer = _RowParts(folder, name, keys)
    with store.snapshot() as conn:
        log_head = load_head(conn)
        tables = write_rows(conn, writer.add)
        named = tuple(list_named_files(conn))
        sources = frozenset(list_source_files(conn)).difference(named)
        watched = tuple(Path(path) for path in list_watched_paths(conn))
        image_store = load_image_store_id(conn)
    manifest = Manifest(
        name,
        __version__,
        head(),
        store.engine.dialect.name,
        image_store,
        keys.keys,
        keys.id,
        (log_head.number, log_head.sha256) if log_head else (0, ""),
        tables,
        writer.end(),
    )
    return _Moment(manifest, named, sources, watched)


class _RowParts:
    """Writes rows as parts of a backup, each compressed and encrypted on its own."""

    def __init__(self, folder: BackupFolder, name: str, keys: PublicKeys) -> None:
        self._folder, self._name, self._keys = folder, name, keys
        self._lines, self._size = list[bytes](), 0
        self._parts = dict[str, StoredFile]()

    def add(self, line: bytes) -> None:
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _PART_BYTES:
            self._write()

    def end(self) -> dict[str, StoredFile]:
        if self._lines:
            self._write()
        return self._parts

    def _write(self) -> None:
        part = f"rows-{len(self._parts) + 1:05d}"
        data = self._keys.encrypt(gzip.compress(b"".join(self._lines), 6, mtime=0))
        self._parts[part] = self._folder.write_part(self._name, part, data)
        self._lines, self._size = [], 0


def _pack_files(settings: Settings, files: Iterator[Path], *, is_encrypted: bool) -> bytes:
    """Return files of the workspace as a compressed tar.

    The key of the second factors is only among them where the backup is encrypted: together with
    the database a thief would have the second factors.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in files:
            name = path.relative_to(settings.workspace).as_posix()
            if name == _SECOND_FACTOR_KEY and not is_encrypted:
                continue
            # A file may be replaced or removed meanwhile: its content is read once
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise SettingsError("not_inspectable", value=path, reason=error.strerror) from error
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def _list_workspace_files(workspace: Path, watched: Collection[Path]) -> Iterator[Path]:
    """Yield the files of the workspace besides database and images.

    It is also the home of the program's user on a server: hidden files there are of that machine.
    """
    for path in sorted(workspace.rglob("*")):
        top = path.relative_to(workspace).parts[0]
        is_left_out = (
            top in _LEFT_OUT_FOLDERS
            or top.startswith(".")
            or path.name.endswith(_LEFT_OUT)
            or _UPGRADE_COPY in path.name
            or not path.is_file()
        )
        if not is_left_out and not any(one in path.resolve().parents for one in watched):
            yield path


def _copy_images(
    images: Images,
    order: BackupOrder,
    moment: _Moment,
    on_image: OnImage,
) -> tuple[dict[str, StoredFile], tuple[str, ...], int]:
    """Copy the images that the folder lacks; return all, the missing ones, and how many are new."""
    folder, keys = order.folder, order.keys
    found, missing, copied = dict[str, StoredFile](), list[str](), 0
    noted = _list_noted(folder, keys.id)
    wanted = sorted({*moment.named, *moment.sources})
    for number, sha256 in enumerate(wanted, 1):
        stored = _find_stored(folder, keys.id, sha256, noted.get(sha256))
        if stored is not None:
            found[sha256] = stored
        elif (data := _read_image(images, sha256)) is not None:
            found[sha256] = folder.write_image(keys.id, sha256, keys.encrypt(data))
            copied += 1
        elif sha256 not in moment.sources:
            missing.append(sha256)
        on_image(number, len(wanted))
    return found, tuple(missing), copied


def _list_noted(folder: BackupFolder, keys_id: str) -> dict[str, StoredFile]:
    """Return the images of the newest backup with these keys whose list can be read."""
    for manifest in reversed(folder.manifests()):
        if manifest.keys_id == keys_id:
            with suppress(StoreError):
                return folder.list_images(manifest)
    return {}


def _find_stored(
    folder: BackupFolder, keys_id: str, sha256: str, noted: StoredFile | None
) -> StoredFile | None:
    """Return how an image lies in the folder; None if it is not there or has another size.

    One that no list names was copied by a backup that was killed: it is whole, since images get
    their name last.
    """
    path = folder.folder / folder.image_name(keys_id, sha256)
    if not path.is_file():
        return None
    if noted is not None:
        return noted if path.stat().st_size == noted.size else None
    stored = describe_data(path.read_bytes())
    return None if keys_id == PLAIN and stored.sha256 != sha256 else stored


def _read_image(images: Images, sha256: str) -> bytes | None:
    """Return an image; None if it is missing or damaged, while the folder itself is there."""
    try:
        return images.get(sha256)
    except ImageError:
        return None


def _list_outside(settings: Settings) -> Iterator[str]:
    """Yield what belongs to the workspace and is elsewhere: files, and settings by environment."""
    files = (
        settings.second_factor_key,
        settings.images_key_file,
        settings.archive_schemas,
    )
    folders = (settings.forms, settings.models)
    for path in (*files, *(folder for folder in folders if ROOT not in folder.parents)):
        if path is not None and settings.workspace.resolve() not in path.resolve().parents:
            yield str(path)
    names = {f"EFTERSKRIFT_{name.upper()}" for name in Settings.model_fields}
    yield from sorted(names.intersection(os.environ) - _MADE_ANEW)


def _remove_older(order: BackupOrder) -> int:
    """Remove what is not kept; the last backup without missing images always is."""
    if not (order.keep_days or order.keep_weeks):
        return 0
    folder = order.folder
    whole = [manifest.name for manifest in folder.manifests() if not manifest.missing]
    kept = choose_kept(folder.names(), order.keep_days, order.keep_weeks)
    return folder.remove_all_but(kept.union(whole[-1:]))
