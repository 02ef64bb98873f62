"""Watch a scanner's folder or a USB stick: each file is imported once, and left where it is.

A file is recognized by its content, so a scanner may use a name again. A file that is still being
written is left alone: it must be unchanged between two scans of the folder, not be open for writing
on this machine, and have the end mark of its type. A file that never gets one is imported after a
while nevertheless, so that a person sees it.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.domain.errors import IntakeError
from pipeline.files.page_files import (
    BMP,
    GIF,
    HEIC,
    JPEG,
    PAGE_SUFFIXES,
    PDF,
    PNG,
    TIFF,
    WEBP,
    detect_media_type,
    natural_sort_key,
)
from pipeline.files.sandbox.pages import count_foreign_pages
from pipeline.files.sandbox.process import SandboxProcess
from pipeline.operations.intake import IntakeResult, SourceFile, batch_fingerprint, import_files
from pipeline.store.database.store import Store
from pipeline.store.paper.batches import is_source_imported, last_source_of_unfinished

_MAX_WAIT_INTERVALS = 30
"""Intervals after which a file without its end mark is imported as it is."""
_TAIL_BYTES = 4096
"""The end of a file in which its end mark is searched."""

FileSignature = tuple[int, int]
"""Size and time of change, ns."""


@dataclass(slots=True)
class _KnownFile:
    signature: FileSignature
    since: float
    done: bool = False


@dataclass(slots=True)
class FolderWatch:
    """A watched folder with its known files. `interval` is in seconds, as is `clock`.

    `others` counts files of other types by suffix.
    """

    store: Store
    folder: Path
    unit: str
    place: str
    by: str
    interval: float
    clock: Callable[[], float] = time.monotonic
    others: Counter[str] = field(default_factory=Counter)
    _known: dict[Path, _KnownFile] = field(default_factory=dict)

    def poll(self) -> IntakeResult | None:
        """Import the files that have become ready since the last call, as one batch.

        A file that cannot be read does not stop the others.

        Raises:
            IntakeError: the folder is gone, or all files that have become ready are unreadable;
                the next call goes on.
            StoreError: the database or the disk failed; likewise.
        """
        ready, error = self._find_ready()
        # Each content once, unless it was imported before.
        new: dict[str, Path] = {}
        ready_digests = {sha256 for sha256, _ in ready.values()}
        resumable = self._resumable_fingerprint(ready_digests)
        for path, (sha256, pages) in ready.items():
            with self.store.read() as conn:
                if not is_source_imported(conn, sha256, pages, resumable):
                    new.setdefault(sha256, path)
        stack, files = self._stack_name(ready_digests, new), list(new.values())
        result = (
            import_files(
                self.store, files, unit=self.unit, place=self.place, by=self.by, stack=stack
            )
            if new
            else None
        )
        for path in ready:
            self._known[path].done = True
        if error is not None and result is None:
            raise error
        return result

    def _find_ready(self) -> tuple[dict[Path, tuple[str, int]], IntakeError | None]:
        """Return the files that have become ready, with SHA-256 and page count, and an error.

        The error is that of the first file that cannot be read.
        """
        ready: dict[Path, tuple[str, int]] = {}
        first_error = None
        with SandboxProcess() as process:
            for path, known in self._update_known().items():
                try:
                    if self._is_ready(path, known):
                        source = SourceFile.of(path)
                        ready[path] = source.sha256, count_foreign_pages(process, path)
                except IntakeError as error:
                    first_error = first_error or error
                except OSError as error:
                    first_error = first_error or _unreadable_folder_error(path.name, error)
        return ready, first_error

    def _resumable_fingerprint(self, ready: Collection[str]) -> str:
        """Return the fingerprint of this folder's unfinished batch, if it can be continued."""
        fingerprint = batch_fingerprint(self._stack, self.unit, self.place)
        with self.store.read() as conn:
            interrupted = last_source_of_unfinished(conn, fingerprint)
        return "" if interrupted and interrupted not in ready else fingerprint

    @property
    def _stack(self) -> str:
        return f"watch {self.folder.resolve()}"

    def _stack_name(self, ready: Collection[str], new: Collection[str]) -> str:
        """Return the name of the batch: that of an interrupted one, if its file is still there.

        If that file is gone, its batch stays unfinished.
        """
        is_other_batch = new and not self._resumable_fingerprint(ready)
        return f"{self._stack} {min(new)}" if is_other_batch else self._stack

    def pending(self) -> int:
        """Return the number of known files that are not ready yet."""
        return sum(not known.done for known in self._known.values())

    def _update_known(self) -> dict[Path, _KnownFile]:
        """Return every scan in the folder and below, in the order of their names.

        Each has the time since when it is unchanged.
        """
        now, files = self.clock(), self._list_files()
        before, self._known, self.others = self._known, {}, Counter()
        for path, signature in files:
            if path.suffix.lower() not in PAGE_SUFFIXES:
                self.others[path.suffix.lower()] += 1
                continue
            known = before.get(path)
            self._known[path] = (
                known if known and known.signature == signature else _KnownFile(signature, now)
            )
        return self._known

    def _list_files(self) -> list[tuple[Path, FileSignature]]:
        try:
            return self._scan_folder()
        except OSError as error:  # a network share that breaks off
            raise _unreadable_folder_error(str(self.folder), error) from error

    def _scan_folder(self) -> list[tuple[Path, FileSignature]]:
        if not self.folder.is_dir():
            raise IntakeError("folder_not_check_name", folder=self.folder)
        files = []
        for path in sorted(self.folder.rglob("*"), key=natural_sort_key):
            # Hidden files and links are ignored.
            if (
                any(part.startswith(".") for part in path.relative_to(self.folder).parts)
                or path.is_symlink()
                or not path.is_file()
            ):
                continue
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # removed between the two calls
            files.append((path, (status.st_size, status.st_mtime_ns)))
        return files

    def _is_ready(self, path: Path, known: _KnownFile) -> bool:
        if known.done:
            return False
        unchanged = self.clock() - known.since
        if unchanged < self.interval or _is_open_for_writing(path):
            return False
        return is_complete_file(path) or unchanged >= _MAX_WAIT_INTERVALS * self.interval


def is_complete_file(path: Path) -> bool:
    """Whether the file has the end mark of its type.

    Raises:
        IntakeError: the file cannot be read.
    """
    try:
        kind = detect_media_type(path)
        with path.open("rb") as file:
            head = file.read(16)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            tail = file.read()
    except OSError as error:
        raise _unreadable_folder_error(path.name, error) from error
    ends = {PDF: b"%%EOF", JPEG: b"\xff\xd9", PNG: b"IEND", GIF: b";"}
    match kind:
        case None:
            return False
        case _ if kind == TIFF:
            return _has_tiff_directory(head, size)
        case _ if kind == WEBP:  # both declare their size
            return size >= 8 + int.from_bytes(head[4:8], "little")
        case _ if kind == BMP:
            return size >= int.from_bytes(head[2:6], "little")
        case _ if kind == HEIC:
            return _has_whole_boxes(path, size)
    return ends[kind] in tail


def _has_whole_boxes(path: Path, size: int) -> bool:
    """Whether the last box of an ISO media file, as HEIC is, ends with the file."""
    position = 0
    with path.open("rb") as file:
        while position + 8 <= size:
            file.seek(position)
            length = int.from_bytes(file.read(4), "big")
            if length == 1:  # a long box
                file.seek(position + 8)
                length = int.from_bytes(file.read(8), "big")
            if length == 0:  # to the end of the file
                return True
            if length < 8:
                return False
            position += length
    return position == size


def _has_tiff_directory(head: bytes, size: int) -> bool:
    """Whether the header of a TIFF points to a directory inside the file, as of a complete one."""
    byte_order = "<" if head[:2] == b"II" else ">"
    is_big = head[2:4] in (b"+\0", b"\0+")
    if len(head) < 16:
        return False
    # A BigTIFF has an offset of 64 bits.
    number_format, position = ("Q", 8) if is_big else ("I", 4)
    offset: int = struct.unpack_from(byte_order + number_format, head, position)[0]
    return 8 <= offset < size


def _is_open_for_writing(path: Path) -> bool:
    """Whether a process of this machine has the file open for writing.

    Linux grants a read lease only on a file that is not open for writing.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise _unreadable_folder_error(path.name, error) from error
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        # Leases do not work on this file system (vfat, network) or for this owner: the other
        # criteria have to be enough.
        return False
    finally:
        os.close(handle)
    return False


def _unreadable_folder_error(name: str, error: OSError) -> IntakeError:
    return IntakeError(
        "not_read_check_stick", name=name, reason=error.strerror or type(error).__name__
    )
