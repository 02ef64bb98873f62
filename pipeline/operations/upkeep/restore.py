"""Restore a backup into a new workspace, on any path and either kind of database.

What makes the workspace usable comes last, after everything was checked: the file of an SQLite
database gets its name, the address of a PostgreSQL database its place in the settings. Whatever
ends a restoration before leaves a workspace that does not open, and the same command goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from pipeline.domain.errors import StoreError, StoreUnavailableError, UsageError
from pipeline.domain.settings import Settings, is_object_store_url, sqlite_url
from pipeline.files.atomic import hold_lock, write_private
from pipeline.operations.upkeep.backup_check import (
    open_image,
    read_files,
    read_lines,
)
from pipeline.operations.upkeep.backup_folder import BackupFolder, Manifest
from pipeline.operations.upkeep.encryption import PrivateKeys
from pipeline.operations.upkeep.store_check import check_store
from pipeline.store.database.engines import queue_file
from pipeline.store.database.history import head, revisions
from pipeline.store.database.image_files import ImageFolder, Images
from pipeline.store.database.image_store import make_images
from pipeline.store.database.migrations.row_copy import fill_database
from pipeline.store.database.store import RESTORATION_MARK, Store, open_store
from pipeline.store.event_log.events import record
from pipeline.store.event_log.verification import verify_chain

_SETTINGS_FILE = "settings.yaml"
_DATABASE_FILE = "efterskrift.db"
_UNFINISHED_DATABASE = "efterskrift.db.restoring"
_PLACE_SETTINGS = ("database_url", "images_url")
"""Settings that are those of the restoration, not of the backed-up workspace."""


@dataclass(frozen=True, slots=True)
class RestoreOrder:
    """What is restored, and where to.

    Without a URL the database is SQLite in the workspace, and the images are a folder there.
    With `is_incomplete` images that are damaged in the backup are left out.
    """

    manifest: Manifest
    keys: PrivateKeys
    workspace: Path
    database_url: str = ""
    is_incomplete: bool = False
    images_url: str = ""


@dataclass(frozen=True, slots=True)
class Restoration:
    """What was restored: files, images that were not in the backup, and problems of the log."""

    files: int
    lost_images: int
    log_problems: int


def restore_backup(
    folder: BackupFolder,
    order: RestoreOrder,
    settings: Settings,
    by: str,
    on_image: Callable[[int, int], None] = lambda _done, _all: None,
) -> Restoration:
    """Restore a backup and check the result: rows, files, database and log.

    One of an earlier version is upgraded, after its rows were compared.

    Args:
        folder: where the backup lies.
        order: what and where to.
        settings: for reading the new workspace.
        by: who restores; it is recorded in the restored log.
        on_image: called after each image with how many are done, and of how many.

    Raises:
        UsageError: the workspace is not empty, the object store has the images of another one, or
            the keys do not fit.
        StoreError: the backup is of a later version, from before version 1.2.0 or damaged, the
            database is not empty, or what was restored is not what was backed up.
        StoreUnavailableError: a disk is full or away, or the database out of reach.
    """
    manifest = order.manifest
    if manifest.schema not in revisions():
        told = {"found": manifest.schema, "version": manifest.version}
        if manifest.schema < head():
            raise StoreError("backup_before_history", **told)
        raise StoreError("backup_later_schema", needed=head(), **told)
    with _writing(order.workspace), _alone(order.workspace):
        settings_text = _restore_files(folder, order)
        placed = _placed_settings(settings, order, settings_text or b"")
        images = make_images(placed, None)
        _claim(images, manifest.image_store)
        lost = _restore_images(folder, order, images, on_image)
        url = order.database_url or _unfinished_url(order.workspace)
        lines = read_lines(folder, manifest, order.keys)
        fill_database(url, lines, manifest.tables, manifest.schema)
        store = open_store(placed.model_copy(update={"database_url": url}))
        try:
            restored = _check(store, order, len(lost), by)
        finally:
            store.close()
        _finish(order, settings_text)
    return restored


@contextmanager
def _writing(workspace: Path) -> Iterator[None]:
    """Name the workspace in errors of the disk.

    Raises:
        StoreUnavailableError: it is full or may not be written.
    """
    try:
        yield
    except OSError as error:
        raise StoreUnavailableError(
            "workspace_folder_not_writable", workspace=workspace, reason=error.strerror
        ) from error


@contextmanager
def _alone(workspace: Path) -> Iterator[None]:
    """Hold an empty workspace, or one where a restoration was ended before its time.

    Raises:
        UsageError: it has other files, or another process restores there.
        OSError: it cannot be made.
    """
    workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
    workspace.chmod(0o700)
    mark = workspace / RESTORATION_MARK
    is_begun = mark.exists() and not (workspace / _DATABASE_FILE).exists()
    if not is_begun and not all(_is_of_machine(path) for path in workspace.iterdir()):
        raise UsageError("restore_not_empty", folder=workspace)
    with hold_lock(mark) as is_held:
        if not is_held:
            raise UsageError("restore_running", folder=workspace)
        yield
        mark.unlink()


def _is_of_machine(path: Path) -> bool:
    """Return whether this is no part of a workspace: an empty folder, or a hidden file.

    The workspace is the home of the program's user on a server: a password file of PostgreSQL and
    caches lie there before anything is restored.
    """
    if path.name == "lost+found" or path.name.startswith("."):
        return True
    return path.is_dir() and not any(path.iterdir())


def _restore_files(folder: BackupFolder, order: RestoreOrder) -> bytes | None:
    """Write the files of the workspace; return its settings, which are written at the end."""
    settings_text = None
    for name, content in read_files(folder, order.manifest, order.keys):
        if name == _SETTINGS_FILE:
            settings_text = content
            continue
        path = order.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, content)
    return settings_text


def _placed_settings(settings: Settings, order: RestoreOrder, backed_up: bytes) -> Settings:
    """Return settings of the new workspace; the keys of an object store may have been backed up.

    Raises:
        UsageError: the URL of the images is not understood.
    """
    if order.images_url and not is_object_store_url(order.images_url):
        raise UsageError("images_url_wrong", url=order.images_url, file="–")
    keys = settings.images_keys
    with suppress(yaml.YAMLError, AttributeError, TypeError):
        name = yaml.safe_load(backed_up).get("images_keys")
        if keys is None and (order.workspace / name).is_file():
            keys = Path(name)
    return settings.model_copy(
        update={
            "workspace": order.workspace,
            "images_url": order.images_url.rstrip("/"),
            "images_keys": keys,
        }
    )


def _claim(images: Images, store_id: str) -> None:
    """Make empty images those of the restored database, or go on with those that already are.

    Raises:
        UsageError: they are those of another workspace.
        StoreUnavailableError: they are out of reach or cannot be written.
    """
    if isinstance(images, ImageFolder):
        images.folder.mkdir(exist_ok=True, mode=0o700)
    found = images.read_id()
    if found == store_id:
        return
    if found or next(images.list_names(), None) is not None:
        raise UsageError("restore_images_of_other", place=images.place)
    images.write_id(store_id)


def _restore_images(
    folder: BackupFolder,
    order: RestoreOrder,
    images: Images,
    on_image: Callable[[int, int], None],
) -> list[str]:
    """Write the images that are not there yet; return those that the backup has damaged.

    Raises:
        StoreError: there are such, and they are not to be left out.
    """
    listed = folder.list_images(order.manifest)
    lost = list[str]()
    for number, (sha256, stored) in enumerate(listed.items(), 1):
        if not images.holds(sha256):
            try:
                data = open_image(folder, order.manifest, order.keys, sha256, stored)
            except StoreUnavailableError:
                raise
            except StoreError:
                lost.append(sha256)
            else:
                images.put(data)
        on_image(number, len(listed))
    if lost and not order.is_incomplete:
        raise StoreError("backup_images_damaged", number=len(lost), first=lost[0])
    return lost


def _unfinished_url(workspace: Path) -> str:
    """Return the URL of an empty SQLite file, without what an earlier restoration left."""
    for path in workspace.glob(f"{_UNFINISHED_DATABASE}*"):
        path.unlink()
    file = workspace / _UNFINISHED_DATABASE
    file.touch(mode=0o600)
    return sqlite_url(file)


def _check(store: Store, order: RestoreOrder, lost: int, by: str) -> Restoration:
    """Check database, files and log of what was restored, and record it in the log.

    Raises:
        StoreError: something is missing or damaged that the backup had.
    """
    check = check_store(store, by).check
    absent = check.missing + check.damaged
    if check.database_problem or absent > lost + len(order.manifest.missing):
        raise StoreError("restored_not_whole", missing=absent, database=check.database_problem)
    verdict = store.query(verify_chain)
    store.change(
        record,
        by,
        "restore_backup",
        "backup",
        number=order.manifest.log_head[0],
        rows=order.manifest.rows,
        pictures=check.files - absent,
        problems=verdict.count + absent,
    )
    return Restoration(check.files - absent, absent, verdict.count)


def _finish(order: RestoreOrder, settings_text: bytes | None) -> None:
    """Make the workspace usable."""
    content = _settings_of(settings_text or b"", order)
    if content:
        write_private(order.workspace / _SETTINGS_FILE, content)
    if not order.database_url:
        file = order.workspace / _UNFINISHED_DATABASE
        file.replace(order.workspace / _DATABASE_FILE)
        queue_file(file).unlink(missing_ok=True)


def _settings_of(content: bytes, order: RestoreOrder) -> bytes:
    """Return the settings with the new places of database and images instead of the old ones."""
    lines = content.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    own = tuple(f"{name}:" for name in _PLACE_SETTINGS)
    kept = "".join(line for line in lines if not line.startswith(own))
    urls = zip(_PLACE_SETTINGS, (order.database_url, order.images_url), strict=True)
    added = {name: url for name, url in urls if url}
    if added:
        kept += "" if not kept or kept.endswith("\n") else "\n"
        kept += yaml.safe_dump(added, width=10_000)
    return kept.encode("utf-8", "surrogateescape")
