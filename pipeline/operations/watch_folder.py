"""Watch a scanner's folder or a USB stick: each file is imported once, and left where it is.

A file is recognized by its content, so a scanner may use a name again. A file that is still being
written is left alone: it must be unchanged between two scans of the folder, not be open for writing
on this machine, and have the end mark of its type, if it is one that scanners write page by page. A
file that never gets one is imported after a while nevertheless, so that a person sees it. What is
passed over is stored with its reason, for the screen Skanna.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.domain.errors import IntakeError
from pipeline.files.documents import NOTE, NOTE_SUFFIX
from pipeline.files.page_files import (
    JPEG,
    PAGE_SUFFIXES,
    PDF,
    PNG,
    TIFF,
    detect_media_type,
    natural_sort_key,
)
from pipeline.files.sandbox_pages import count_foreign_pages
from pipeline.files.sandbox_process import SandboxProcess
from pipeline.operations.intake import IntakeResult, SourceFile, batch_fingerprint, import_files
from pipeline.store.database.history import require_head
from pipeline.store.database.store import Store
from pipeline.store.paper.intake.batches import is_source_imported, last_source_of_unfinished
from pipeline.store.paper.intake.stacks import (
    PassedFile,
    PassedOver,
    WatchedFolder,
    find_imported_names,
    save_watched_folder,
)
from pipeline.store.schema.clock import utc_now

_MAX_WAIT_INTERVALS = 30
"""Intervals after which a file without its end mark is imported as it is."""
_LISTED_AFTER_INTERVALS = 3
"""Intervals after which a file that is still being written is listed as passed over."""
_SAVE_SECONDS = 30
"""Seconds after which a look is stored although it found the same as the one before."""
_SYSTEM_FILES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
"""What computers put into folders by themselves: nobody looks for their paper there."""
_TAIL_BYTES = 4096
"""The end of a file in which its end mark is searched."""

FileSignature = tuple[int, int]
"""Size and time of change, ns."""


@dataclass(slots=True)
class _KnownFile:
    signature: FileSignature
    since: float
    first_seen: float
    done: bool = False
    passed: PassedFile | None = None


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
    _never_taken: dict[str, PassedOver] = field(default_factory=dict)
    _saved: WatchedFolder | None = None
    _saved_at: float = 0.0

    def poll(self) -> IntakeResult | None:
        """Import the files that have become ready since the last call, as one batch.

        A file that cannot be read does not stop the others.

        Raises:
            IntakeError: the folder is gone, or all files that have become ready are unreadable;
                the next call goes on.
            StoreError: the database or the disk failed; likewise.
            SchemaMismatchError: the store was upgraded meanwhile; no later call can go on.
        """
        self.store.query(require_head, self.store.name)
        try:
            result = self._import_ready()
        except IntakeError:
            self._save_look()
            raise
        self._save_look()
        return result

    def _import_ready(self) -> IntakeResult | None:
        ready, error = self._find_ready()
        # Each content once, unless it was imported before.
        new: dict[str, Path] = {}
        ready_digests = {sha256 for sha256, _ in ready.values()}
        resumable = self._resumable_fingerprint(ready_digests)
        for path, (sha256, pages) in ready.items():
            with self.store.read() as conn:
                is_imported = is_source_imported(conn, sha256, pages, resumable)
                names = find_imported_names(conn, sha256) if is_imported else []
            if not is_imported and sha256 not in new:
                new[sha256] = path
                continue
            others = names or ([new[sha256].name] if sha256 in new else [])
            if others and path.name not in names:
                self._pass_over(path, PassedOver.SAME_CONTENT, others[0])
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
                        known.passed = None
                        source = SourceFile.of(path)
                        ready[path] = source.sha256, count_foreign_pages(process, path)
                except IntakeError as error:
                    first_error = first_error or error
                    self._pass_over(path, PassedOver.UNREADABLE)
                except OSError as error:
                    first_error = first_error or _unreadable_folder_error(path.name, error)
                    self._pass_over(path, PassedOver.UNREADABLE)
        return ready, first_error

    def _pass_over(self, path: Path, reason: PassedOver, detail: str = "") -> None:
        self._known[path].passed = PassedFile(self._relative_name(path), reason, detail)

    def _relative_name(self, path: Path) -> str:
        # A name that is no UTF-8, as on an old USB stick, cannot be stored as it is.
        return str(path.relative_to(self.folder)).encode("utf-8", "replace").decode()

    def _save_look(self) -> None:
        """Store what this look passed over, if that has changed or was stored some time ago."""
        now = self.clock()
        look = WatchedFolder(
            str(self.folder.resolve()).encode("utf-8", "replace").decode(),
            self.unit,
            self.place,
            utc_now(),
            # Not `Path.is_dir`, which raises where a folder may not be read.
            is_away=not os.path.isdir(self.folder),  # noqa: PTH112
            passed_over=self._passed_over(now),
        )
        saved = self._saved
        is_same = saved is not None and look == replace(saved, looked_at=look.looked_at)
        if is_same and now - self._saved_at < _SAVE_SECONDS:
            return
        self.store.change(save_watched_folder, look)
        self._saved, self._saved_at = look, now

    def _passed_over(self, now: float) -> tuple[PassedFile, ...]:
        passed = [PassedFile(name, reason) for name, reason in self._never_taken.items()]
        for path, known in self._known.items():
            if known.passed is not None:
                passed.append(known.passed)
            elif not known.done and (
                now - known.first_seen >= _LISTED_AFTER_INTERVALS * self.interval
            ):
                passed.append(PassedFile(self._relative_name(path), PassedOver.BEING_WRITTEN))
        return tuple(passed)

    def _resumable_fingerprint(self, ready: Collection[str]) -> str:
        """Return the fingerprint of this folder's unfinished batch, if it can be continued."""
        fingerprint = batch_fingerprint(self._stack, self.unit, self.place)
        interrupted = self.store.query(last_source_of_unfinished, fingerprint)
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
            if not _is_scan_or_note(path):
                self.others[path.suffix.lower()] += 1
                if not _is_system_file(path):
                    self._never_taken[self._relative_name(path)] = PassedOver.OTHER_TYPE
                continue
            known = before.get(path)
            if known is None or known.signature != signature:
                is_growing = known is not None and not known.done
                first_seen = known.first_seen if known and is_growing else now
                known = _KnownFile(signature, now, first_seen)
            self._known[path] = known
        return self._known

    def _list_files(self) -> list[tuple[Path, FileSignature]]:
        try:
            return self._scan_folder()
        except OSError as error:  # a network share that breaks off
            raise _unreadable_folder_error(str(self.folder), error) from error

    def _scan_folder(self) -> list[tuple[Path, FileSignature]]:
        if not self.folder.is_dir():
            raise IntakeError("folder_missing", folder=self.folder)
        files = []
        self._never_taken = {}
        for path in sorted(self.folder.rglob("*"), key=natural_sort_key):
            # Hidden files and links are passed over.
            if self._is_never_taken(path) or not path.is_file():
                continue
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # removed between the two calls
            files.append((path, (status.st_size, status.st_mtime_ns)))
        return files

    def _is_never_taken(self, path: Path) -> bool:
        """Note and return whether a file is hidden, in a hidden folder, or a link."""
        parts = path.relative_to(self.folder).parts
        hidden = next((number for number, part in enumerate(parts) if part[0] == "."), None)
        if hidden is not None:
            place = self.folder.joinpath(*parts[: hidden + 1])
            if not _is_system_file(place):
                self._never_taken[self._relative_name(place)] = PassedOver.HIDDEN
            return True
        if path.is_symlink():
            self._never_taken[self._relative_name(path)] = PassedOver.LINK
            return True
        return False

    def _is_ready(self, path: Path, known: _KnownFile) -> bool:
        if known.done:
            return False
        unchanged = self.clock() - known.since
        if unchanged < self.interval or _is_open_for_writing(path):
            return False
        return is_complete_file(path) or unchanged >= _MAX_WAIT_INTERVALS * self.interval


def _is_scan_or_note(path: Path) -> bool:
    """Whether the name is that of a scan or of a note of a form without paper.

    Other text beside scans is most often of the scanner's own: its log, or what it has recognized.
    """
    return path.suffix.lower() in PAGE_SUFFIXES or path.name.lower().endswith(NOTE_SUFFIX)


def _is_system_file(path: Path) -> bool:
    return path.name.lower() in _SYSTEM_FILES or path.name.startswith("._")


def is_complete_file(path: Path) -> bool:
    """Whether the file has the end mark of its type, if that is known.

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
    if kind == NOTE:
        return tail.rstrip().endswith(b"}")
    if kind == TIFF:
        return _has_tiff_directory(head, size)
    # The files of phones and programs are copied in one piece.
    ends = {PDF: b"%%EOF", JPEG: b"\xff\xd9", PNG: b"IEND"}
    return kind is not None and ends.get(kind, b"") in tail


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
    return IntakeError("stick_unreadable", name=name, reason=error.strerror or type(error).__name__)
