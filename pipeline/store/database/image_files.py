"""Image files, each named by the SHA-256 of its bytes; nothing is ever changed or removed."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from pipeline.domain.errors import StoreError, StoreUnavailableError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PARTIAL_SUFFIX = ".part"
_STALE_SECONDS = 3600
"""A partial file older than this was left by a process that was killed."""


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """A content-addressed folder."""

    folder: Path

    def path(self, sha256: str) -> Path:
        """Return where the bytes of this digest are, or would be.

        Raises:
            StoreError: this is not a SHA-256 digest.
        """
        if not _SHA256.fullmatch(sha256):
            raise StoreError("picture_named_sha_256")
        return self.folder / sha256[:2] / sha256

    def put(self, data: bytes) -> str:
        """Store the bytes and return their SHA-256; storing them twice changes nothing.

        The file appears whole or not at all: it is written beside, flushed to disk and renamed.

        Raises:
            StoreUnavailableError: the disk is full or cannot be written; no partial file is left.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        try:
            if not path.exists():
                # Not the folder itself: if its disk is not mounted, writing has to fail
                path.parent.mkdir(exist_ok=True)
                self._write(path, data)
        except OSError as error:
            raise StoreUnavailableError(
                "folder_not_written", folder=self.folder, reason=error.strerror
            ) from error
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return the bytes of this digest, verified.

        Raises:
            StoreError: the file is missing or has changed.
        """
        path = self.path(sha256)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StoreError(
                "picture_not_read", sha256=sha256[:12], reason=error.strerror, path=path
            ) from error
        # Bytes that do not match their name are damaged or were changed
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StoreError("picture_changed_damaged", sha256=sha256[:12], path=path)
        return data

    def remove_stale_partials(self) -> int:
        """Remove partial files that a killed process left; return how many."""
        limit = time.time() - _STALE_SECONDS
        stale = [
            path for path in self.folder.glob(f"*{_PARTIAL_SUFFIX}") if _is_older_than(path, limit)
        ]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def _write(self, path: Path, data: bytes) -> None:
        # Write to a partial file in the same file system, then rename it
        handle, name = tempfile.mkstemp(suffix=_PARTIAL_SUFFIX, dir=self.folder)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _flush_folder(path.parent)


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
