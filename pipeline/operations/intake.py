"""Files → pages in the store. Every page becomes a row with its picture as it came, also the page
that cannot be read.

Pages are taken in one by one and a reader may begin with the first before the last is in. Taking
in that was cut short is continued by giving the same files again: what is in already is
recognised by the content of its file.

Files that come through the browser: laid in a folder of their own in the workspace, taken in
like all others, removed.

A folder that a killed process left behind is removed by the next upload; a lock tells it from
one that is in use.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.domain.errors import (
    EfterskriftError,
    IntakeError,
    StoreUnavailableError,
    describe_error_location,
)
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.domain.settings import Settings
from pipeline.files.page_files import MAX_FILE_BYTES, ScannedPage, read_pages
from pipeline.store.database.store import Store
from pipeline.store.paper.batches import (
    append_page_to_batch,
    close_batch,
    contains_page,
    count_batch_pages,
    open_batch,
)
from pipeline.store.paper.pages import NewPage

_LOCK_FILE = ".in-use"


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What taking in came to. `failed` of the `pages` could not be taken in; `continued` if the
    batch had been begun before.
    """

    batch: str
    pages: int
    failed: int
    is_resumed: bool


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was when its content was looked at."""

    path: Path
    sha256: str
    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> SourceFile:
        """Look at a file.

        Raises:
            IntakeError: it cannot be read.
        """
        try:
            with path.open("rb") as file:
                about = os.fstat(file.fileno())
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable_file_error(path, error) from error
        return cls(path, sha256, about.st_size, about.st_mtime_ns)

    def check_unchanged(self, *, may_be_gone: bool = False) -> None:
        """Tell a page that is bad from a file that was taken away, and a page of this file from one
        of another that has its name now.

        Raises:
            IntakeError: the file is another, or gone, which what has been read of it outlives
            (`may_be_gone`).
        """
        try:
            about = self.path.stat()
        except OSError as error:
            if may_be_gone:
                return
            raise _unreadable_file_error(self.path, error) from error
        if (about.st_size, about.st_mtime_ns) != (self.size, self.changed_ns):
            raise IntakeError("changed_while_taken", name=self.path.name)


def import_files(
    store: Store,
    paths: Sequence[Path],
    *,
    unit: str,
    place: str,
    by: str,
    stack: str = "",
    on_page: Callable[[int], None] | None = None,
) -> IntakeResult:
    """Make every page of the files a row, in order.

    Args:
        store: where to.
        paths: PDF, TIFF, JPEG or PNG files; a file that is none of these becomes one failed
            page.
        unit: whose paper it is.
        place: where the paper original is kept.
        by: login of who takes in.
        stack: what is continued after a crash; the content of all the files together unless
            given.
        on_page: told after each page how many are in.

    Raises:
        IntakeError: a file cannot be read or was taken away. What is in stays in; the same files
        again continue.
        StoreError: the database or the disk failed; likewise.
    """
    sources = [SourceFile.of(path) for path in paths]
    if not sources:
        raise IntakeError("no_files_take")
    fingerprint = batch_fingerprint(
        stack or "".join(source.sha256 for source in sources), unit, place
    )
    with store.begin() as conn:
        batch, continued = open_batch(conn, fingerprint, unit=unit, place=place, by=by)
    times: Counter[str] = Counter()
    done = 0
    for source in sources:
        times[source.sha256] += 1
        for scanned in _read_source(source):
            _store_page(store, batch, source, scanned, by, times[source.sha256])
            done += 1
            if on_page:
                on_page(done)
    with store.begin() as conn:
        close_batch(conn, batch)
        return IntakeResult(batch, *count_batch_pages(conn, batch), continued)


def _read_source(source: SourceFile) -> Iterator[ScannedPage]:
    """The file's pages; one that breaks the program itself ends the file with a failed page."""
    number = 0
    try:
        for scanned in read_pages(source.path):
            number = scanned.source_page
            yield scanned
    except EfterskriftError:
        raise
    except OSError as error:
        raise _unreadable_file_error(source.path, error) from error
    except Exception as error:  # a bad file fails alone
        yield ScannedPage(
            source.path.name,
            number + 1,
            None,
            "",
            IssueCode.BROKEN_PAGE,
            describe_error_location(error),
        )


def _store_page(
    store: Store, batch: str, source: SourceFile, scanned: ScannedPage, by: str, nth: int
) -> None:
    with store.read() as conn:
        if contains_page(conn, batch, source.sha256, scanned.source_page, nth):
            return
    source.check_unchanged(may_be_gone=scanned.data is not None)
    reason = ""
    if scanned.data is None:
        reason = f"{scanned.problem}: {scanned.reason}"
        if source.size <= MAX_FILE_BYTES:
            store.images.put(source.path.read_bytes())
    image = store.images.put(scanned.data) if scanned.data is not None else None
    # A name that is no UTF-8, as of an old stick, cannot be stored as it is.
    name = scanned.source_name.encode("utf-8", "replace").decode()[-400:]
    new = NewPage(
        batch,
        0,
        name,
        scanned.source_page,
        source.sha256,
        image,
        scanned.media_type or None,
        reason,
    )
    with store.begin() as conn:
        append_page_to_batch(conn, new, by, nth)


def batch_fingerprint(stack: str, unit: str, place: str) -> str:
    """What an unfinished batch is known by."""
    return hashlib.sha256(
        "\0".join((stack, unit, place)).encode("utf-8", "surrogateescape")
    ).hexdigest()  # a folder may have a name that is no UTF-8


def _unreadable_file_error(path: Path, error: OSError) -> IntakeError:
    return IntakeError(
        "not_read_check_file", path=path.name, reason=error.strerror or type(error).__name__
    )


def import_uploads(
    store: Store,
    settings: Settings,
    uploads: Iterable[tuple[str, bytes]],
    *,
    person: Person,
    unit: str,
    place: str,
    on_page: Callable[[int], None] | None = None,
) -> IntakeResult:
    """Take in uploaded files, each given by its name and its bytes, in order. Uploading the same
    files again continues what was cut short.

    Raises:
        NotAllowedError: the person may not take in for this unit.
        IntakeError, StoreError: as `intake.take_in`.
    """
    with store.recording_denials():
        require_permission(person, Action.SCAN, unit)
    with _upload_folder(settings.workspace / "uploads") as folder:
        paths = _write_uploads(folder, uploads)
        return import_files(store, paths, unit=unit, place=place, by=person.login, on_page=on_page)


def _write_uploads(folder: Path, uploads: Iterable[tuple[str, bytes]]) -> Sequence[Path]:
    paths = []
    for number, (name, data) in enumerate(uploads):
        path = folder / f"{number:05d}" / (Path(name.replace("\\", "/")).name[-100:] or "upload")
        try:
            path.parent.mkdir()
            path.write_bytes(data)
        except OSError as error:
            raise StoreUnavailableError("upload_not_kept", reason=error.strerror) from error
        paths.append(path)
    return paths


@contextmanager
def _upload_folder(parent: Path) -> Iterator[Path]:
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / _LOCK_FILE).open("w") as turn:
        fcntl.flock(
            turn, fcntl.LOCK_EX
        )  # nobody sweeps between the making of a folder and its lock
        _remove_stale_uploads(parent)
        folder = Path(tempfile.mkdtemp(dir=parent))
        in_use = (folder / _LOCK_FILE).open("w")
        fcntl.flock(in_use, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        in_use.close()


def _remove_stale_uploads(parent: Path) -> None:
    for lock_file in parent.glob(f"*/{_LOCK_FILE}"):
        try:
            with lock_file.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock_file.parent)
        except (BlockingIOError, FileNotFoundError):
            continue  # in use, or removed just now by its own process
