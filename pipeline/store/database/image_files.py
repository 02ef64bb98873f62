"""Pictures and files, each under the name of its SHA-256. Nothing is ever changed or removed."""

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


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """A content-addressed folder."""

    folder: Path

    def path(self, sha256: str) -> Path:
        """Where the bytes of this digest lie, or would lie.

        Raises:
            StoreError: this is no digest.
        """
        if not _SHA256.fullmatch(sha256):
            raise StoreError("picture_named_sha_256")
        return self.folder / sha256[:2] / sha256

    def put(self, data: bytes) -> str:
        """Keep the bytes and answer with their SHA-256. Keeping the same bytes twice changes
        nothing.

        The file appears whole or not at all: it is written beside, flushed to disk and renamed.

        Raises:
            StoreUnavailableError: the disk is full or cannot be written; nothing is left behind.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        try:
            if not path.exists():
                path.parent.mkdir(
                    exist_ok=True
                )  # not the folder itself: without its disk it is an empty place
                self._write(path, data)
        except OSError as error:
            raise StoreUnavailableError(
                "folder_not_written", folder=self.folder, reason=error.strerror
            ) from error
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes of this digest, verified.

        Raises:
            StoreError: they are missing or no longer what they were.
        """
        path = self.path(sha256)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StoreError(
                "picture_not_read", sha256=sha256[:12], reason=error.strerror, path=path
            ) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StoreError("picture_changed_damaged", sha256=sha256[:12], path=path)
        return data

    def remove_stale_partials(self) -> int:
        """Remove files that a killed process left half written; answers with how many."""
        too_old = time.time() - _STALE_SECONDS
        left = [
            path
            for path in self.folder.glob(f"*{_PARTIAL_SUFFIX}")
            if _is_older_than(path, too_old)
        ]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _write(self, path: Path, data: bytes) -> None:
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
    """Not so of a file that is gone: another process has just finished it."""
    try:
        return path.stat().st_mtime < moment
    except FileNotFoundError:
        return False


def _flush_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
