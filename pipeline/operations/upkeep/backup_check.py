"""Read a backup again: every stored file, and with the private key what is in it."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pipeline.domain.errors import StoreError, StoreUnavailableError, UsageError
from pipeline.operations.upkeep.backup_folder import (
    WORKSPACE_PART,
    BackupFolder,
    Manifest,
    StoredFile,
    describe_data,
)
from pipeline.operations.upkeep.encryption import PrivateKeys, read_private_keys
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

    Manifests of others that cannot be read are named, too: such a backup is passed over. Without
    keys only what is stored is compared, which notices all damage but not a key that does not fit;
    an image that was copied anew since is encrypted anew, and not as an older backup has it.

    Raises:
        UsageError: the keys do not fit.
        StoreUnavailableError: the folder is away.
    """
    check = BackupCheck(manifest, keys is not None)
    for name in folder.names():
        with _noting(check):
            folder.load(name)
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
    for number, (sha256, stored) in enumerate(images.items(), 1):
        with _noting(check):
            if keys is None:
                folder.read_stored(folder.image_name(manifest.keys_id, sha256), stored)
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
    """Return an image decrypted; one that was copied anew since is encrypted anew, and as good.

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
