"""A scanner's folder or a USB stick: what is put there is taken in once, and left where it is.

A file is known by its content, so a scanner may use a name again. A file that is still being
written is left alone: it must have stood unchanged from one look to the next, nobody on this
machine may have it open for writing, and it must end as its kind ends. A file that never does is
taken in after a while all the same, for a person to see.
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
    JPEG,
    PAGE_SUFFIXES,
    PDF,
    PNG,
    TIFF,
    count_pages,
    detect_media_type,
    natural_sort_key,
)
from pipeline.operations.intake import IntakeResult, SourceFile, batch_fingerprint, import_files
from pipeline.store.database.store import Store
from pipeline.store.paper.batches import is_source_imported, last_source_of_unfinished

_MAX_WAIT_INTERVALS = 30
"""After so many times the interval, a file that does not end as it should is taken in as it is."""
_TAIL_BYTES = 4096

FileSignature = tuple[int, int]
"""Size and time of change, ns."""


@dataclass(slots=True)
class _KnownFile:
    signature: FileSignature
    since: float
    done: bool = False


@dataclass(slots=True)
class FolderWatch:
    """A folder, and what was seen there. `interval` is in seconds; `clock` counts them."""

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
        """Take in what has become ready since the last look, as one batch. A file that cannot be
        read holds up no other.

        Raises:
            IntakeError: the folder went away, or nothing but files that cannot be read has
            become ready; the next look goes on.
            StoreError: the database or the disk failed; likewise.
        """
        ready, unreadable = self._ready()
        new: dict[str, Path] = {}
        here: set[str] = set()
        for path, (sha256, pages) in ready.items():
            here.add(sha256)
            with self.store.read() as conn:
                if not is_source_imported(conn, sha256, pages):
                    new.setdefault(sha256, path)
        stack, files = self._stack(here, new), list(new.values())
        taken = (
            import_files(
                self.store, files, unit=self.unit, place=self.place, by=self.by, stack=stack
            )
            if new
            else None
        )
        for path in ready:
            self._known[path].done = True
        if unreadable is not None and taken is None:
            raise unreadable
        return taken

    def _ready(self) -> tuple[dict[Path, tuple[str, int]], IntakeError | None]:
        """The files that have become ready, each with its SHA-256 and its number of pages, and what
        is wrong with the first that cannot be read.
        """
        ready: dict[Path, tuple[str, int]] = {}
        unreadable = None
        for path, known in self._seen().items():
            try:
                if self._is_ready(path, known):
                    ready[path] = SourceFile.of(path).sha256, count_pages(path)
            except IntakeError as error:
                unreadable = unreadable or error
            except OSError as error:
                unreadable = unreadable or _unreadable_folder_error(path.name, error)
        return ready, unreadable

    def _stack(self, here: Collection[str], new: Collection[str]) -> str:
        """What a look takes in goes on with what the look before was cut off in. If that file has
        gone, its batch stays unfinished.
        """
        stack = f"watch {self.folder.resolve()}"
        with self.store.read() as conn:
            cut_off = last_source_of_unfinished(
                conn, batch_fingerprint(stack, self.unit, self.place)
            )
        return f"{stack} {min(new)}" if new and cut_off and cut_off not in here else stack

    def pending(self) -> int:
        """How many files have been seen but are not ready yet."""
        return sum(not known.done for known in self._known.values())

    def _seen(self) -> dict[Path, _KnownFile]:
        """Every scan in the folder and below, in the order of their names, with how long it has
        stood unchanged.
        """
        now, files = self.clock(), self._files()
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

    def _files(self) -> list[tuple[Path, FileSignature]]:
        try:
            return self._found()
        except OSError as error:  # a share that breaks off
            raise _unreadable_folder_error(str(self.folder), error) from error

    def _found(self) -> list[tuple[Path, FileSignature]]:
        if not self.folder.is_dir():
            raise IntakeError("folder_not_check_name", folder=self.folder)
        found = []
        for path in sorted(self.folder.rglob("*"), key=natural_sort_key):
            if (
                any(part.startswith(".") for part in path.relative_to(self.folder).parts)
                or path.is_symlink()
                or not path.is_file()
            ):
                continue
            try:
                about = path.stat()
            except FileNotFoundError:
                continue  # taken away between the two calls
            found.append((path, (about.st_size, about.st_mtime_ns)))
        return found

    def _is_ready(self, path: Path, known: _KnownFile) -> bool:
        if known.done:
            return False
        stood = self.clock() - known.since
        if stood < self.interval or _is_open_for_writing(path):
            return False
        return is_complete_file(path) or stood >= _MAX_WAIT_INTERVALS * self.interval


def is_complete_file(path: Path) -> bool:
    """Whether the file's end is there, as far as its kind tells.

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
    ends = {PDF: b"%%EOF", JPEG: b"\xff\xd9", PNG: b"IEND"}
    return (
        _has_tiff_directory(head, size) if kind == TIFF else kind is not None and ends[kind] in tail
    )


def _has_tiff_directory(head: bytes, size: int) -> bool:
    """A TIFF is being written until its header points to a directory inside the file."""
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    if len(head) < 16:
        return False
    offset: int = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)[0]
    return 8 <= offset < size


def _is_open_for_writing(path: Path) -> bool:
    """Whether a process of this machine is writing. Linux grants a read lease only on a file that
    nobody has open for writing.
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
        # leases do not work on this file system (vfat, network) or for this owner; the other signs
        # must do
        return False
    finally:
        os.close(handle)
    return False


def _unreadable_folder_error(name: str, error: OSError) -> IntakeError:
    return IntakeError(
        "not_read_check_stick", name=name, reason=error.strerror or type(error).__name__
    )
