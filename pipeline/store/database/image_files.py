"""Image files, each named by the SHA-256 of its bytes; a whole file is never changed or removed.

They lie in a folder, or in an object store (`object_images.py`). Either has a file with its id,
which the database knows. A folder's is compared before every access, so that the empty mount point
of a disk or share that is away is noticed and never written to.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.domain.errors import (
    ImageError,
    ImagesAwayError,
    StoreError,
    StoreUnavailableError,
    WrongImagesError,
)

ID_FILE = "image-store-id"
"""The file in the folder with its id."""
NO_ID = ""
"""The id of a database that has not accepted any folder as its own: nothing is read or written."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PARTIAL_SUFFIX = ".part"
_STALE_SECONDS = 3600
"""A partial file older than this was left by a process that was killed."""


class Images(Protocol):
    """Where the images of a database are: a folder, or an object store."""

    @property
    def id(self) -> str | None:
        """The id that the database knows; None: not compared."""
        ...

    @property
    def place(self) -> str:
        """Its path or URL, which has no secrets."""
        ...

    def require_present(self) -> None:
        """Check that this is the place that the database knows.

        Raises:
            WrongImagesError: it is empty or another one, or denies access.
            ImagesAwayError: it is out of reach.
        """
        ...

    def read_id(self) -> str:
        """Return the id that is written there, or `NO_ID`.

        Raises:
            ImagesAwayError: an object store is out of reach or denies access.
        """
        ...

    def write_id(self, store_id: str) -> None:
        """Write its id.

        Raises:
            StoreUnavailableError: it is out of reach or cannot be written.
        """
        ...

    def put(self, data: bytes) -> str:
        """Store the bytes and return their SHA-256; storing them twice changes nothing.

        They are there whole or not at all, and are read back. Damaged ones are replaced.

        Raises:
            ImagesAwayError: the place is away.
            StoreUnavailableError: it is full or cannot be written.
        """
        ...

    def get(self, sha256: str) -> bytes:
        """Return the bytes of this digest, verified.

        Raises:
            ImageError: the file is missing, cannot be read or has changed.
            ImagesAwayError: the place is away.
            StoreError: this is not a SHA-256 digest.
        """
        ...

    def has(self, sha256: str) -> bool:
        """Return whether there is a file of this digest, whatever it holds."""
        ...

    def holds(self, sha256: str) -> bool:
        """Return whether the file of this digest is there and whole."""
        ...

    def list_names(self) -> Iterator[str]:
        """Yield the digests of all files, in order."""
        ...

    def try_out(self) -> None:
        """Write, read and remove a small file.

        Raises:
            StoreUnavailableError: one of these fails.
        """
        ...


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """A content-addressed folder. `id` is the one that the database knows; None: not compared."""

    folder: Path
    id: str | None = None

    @property
    def place(self) -> str:
        """Its path."""
        return str(self.folder)

    def path(self, sha256: str) -> Path:
        """Return where the bytes of this digest are, or would be.

        Raises:
            StoreError: this is not a SHA-256 digest.
        """
        return self.folder / object_name(sha256)

    def require_present(self) -> None:
        """Check that the folder is the one that the database knows.

        Raises:
            ImagesAwayError: it is missing, empty or another one: its disk is not connected.
        """
        if self.id is None:
            return
        if self.id == NO_ID:
            raise WrongImagesError("images_not_accepted", place=self.place)
        try:
            found = read_folder_id(self.folder)
        except OSError as error:
            raise ImagesAwayError(
                "images_away", folder=self.folder, reason=error.strerror or type(error).__name__
            ) from error
        if found != self.id:
            raise WrongImagesError("images_of_other_store", folder=self.folder)

    def read_id(self) -> str:
        """Return the id that is written in the folder, or `NO_ID`."""
        with suppress(OSError):
            return read_folder_id(self.folder)
        return NO_ID

    def write_id(self, store_id: str) -> None:
        """Write the id of the folder.

        Raises:
            StoreUnavailableError: the folder is missing or cannot be written.
        """
        with self._writing():
            self._write_small(ID_FILE, f"{store_id}\n".encode("ascii"))

    def put(self, data: bytes) -> str:
        """Store the bytes and return their SHA-256; storing them twice changes nothing.

        The file appears whole or not at all: it is written beside, flushed to disk, read back and
        renamed. A file of that name whose content is damaged is replaced.

        Raises:
            ImagesAwayError: the folder is away.
            StoreUnavailableError: the disk is full or cannot be written; no partial file is left.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        self.require_present()
        with self._writing():
            if not has_digest(path, sha256):
                # Not the folder itself: if its disk is not mounted, writing has to fail
                path.parent.mkdir(exist_ok=True)
                self._write(path, data, sha256)
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return the bytes of this digest, verified.

        Raises:
            ImageError: the file is missing, cannot be read or has changed.
            ImagesAwayError: the folder is away.
            StoreError: this is not a SHA-256 digest.
        """
        path = self.path(sha256)
        self.require_present()
        try:
            data = path.read_bytes()
        except OSError as error:
            # The disk may have gone just now: then nothing is wrong with this file
            self.require_present()
            raise ImageError(
                "stored_image_unreadable", sha256=sha256[:12], reason=error.strerror, path=path
            ) from error
        # Bytes that do not match their name are damaged or were changed
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ImageError("image_changed", sha256=sha256[:12], path=path)
        return data

    def has(self, sha256: str) -> bool:
        """Return whether there is a file of this digest, whatever it holds."""
        return self.path(sha256).is_file()

    def holds(self, sha256: str) -> bool:
        """Return whether the file of this digest is there and whole."""
        return has_digest(self.path(sha256), sha256)

    def list_names(self) -> Iterator[str]:
        """Yield the digests of all files, in the order of the folders."""
        for number in range(256):
            folder = self.folder / f"{number:02x}"
            if folder.is_dir():
                yield from sorted(
                    path.name for path in folder.iterdir() if _SHA256.fullmatch(path.name)
                )

    def remove_stale_partials(self) -> int:
        """Remove partial files that a killed process left; return how many."""
        limit = time.time() - _STALE_SECONDS
        stale = [
            path for path in self.folder.glob(f"*{_PARTIAL_SUFFIX}") if _is_older_than(path, limit)
        ]
        for path in stale:
            with suppress(OSError):  # of a workspace that can only be read
                path.unlink(missing_ok=True)
        return len(stale)

    def try_out(self) -> None:
        """Write, read and remove a small file.

        Raises:
            StoreUnavailableError: one of these fails.
        """
        data = secrets.token_bytes(16)
        probe = self.folder / f"{secrets.token_hex(8)}{_PARTIAL_SUFFIX}"
        with self._writing():
            self._write_small(probe.name, data)
            is_whole = probe.read_bytes() == data
            probe.unlink()
        if not is_whole:
            raise StoreUnavailableError("image_written_wrong", folder=self.folder)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Name the folder in errors of the disk.

        Raises:
            StoreUnavailableError: it is full, missing or may not be written.
        """
        try:
            yield
        except OSError as error:
            raise StoreUnavailableError(
                "folder_not_writable", folder=self.folder, reason=error.strerror
            ) from error

    def _write_small(self, name: str, data: bytes) -> None:
        handle, temporary = tempfile.mkstemp(suffix=_PARTIAL_SUFFIX, dir=self.folder)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(self.folder / name)
        _flush_folder(self.folder)

    def _write(self, path: Path, data: bytes, sha256: str) -> None:
        # Write to a partial file in the same file system and read it back, then rename it
        handle, name = tempfile.mkstemp(suffix=_PARTIAL_SUFFIX, dir=self.folder)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if not has_digest(temporary, sha256):
                raise StoreUnavailableError("image_written_wrong", folder=self.folder)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _flush_folder(path.parent)


def object_name(sha256: str) -> str:
    """Return where a digest lies within a folder or object store, such as `ab/ab12…`.

    Raises:
        StoreError: this is not a SHA-256 digest.
    """
    if not _SHA256.fullmatch(sha256):
        raise StoreError("image_name_malformed")
    return f"{sha256[:2]}/{sha256}"


def has_digest(path: Path, sha256: str) -> bool:
    """Return whether a file is there, can be read and has this SHA-256."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False


def read_folder_id(folder: Path) -> str:
    """Return the id of a folder of images.

    Raises:
        OSError: the folder or its file is missing, or cannot be read.
    """
    return (folder / ID_FILE).read_bytes().decode("ascii", "replace").strip()


def _is_older_than(path: Path, moment: float) -> bool:
    """Return whether a file was last changed before a time; False if it no longer exists.

    Another process may just have finished it.
    """
    try:
        return path.stat().st_mtime < moment
    except FileNotFoundError:
        return False


def _flush_folder(folder: Path) -> None:
    """Flush a folder to disk, so that a new name in it survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
