"""Import files and uploads: every page becomes a row of the store with its original image.

That includes pages that cannot be read. Pages are imported one by one, so that a reader may begin
with the first before the last is imported. An interrupted import is continued by importing the
same files again: pages imported already are recognized by the content of their file. So is a
finished import, whose command may have been killed before it could say so.

Uploads are written to a folder in the workspace, imported like other files, and removed. A folder
left by a killed process is removed by the next upload; the number of the process is in its name.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from pipeline.domain.errors import (
    EfterskriftError,
    IntakeError,
    StoreError,
    StoreUnavailableError,
    describe_error_location,
)
from pipeline.domain.issues import IssueCode
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.files.atomic import remove_stale_partials, temporary_folder_prefix
from pipeline.files.images import ScannedPage
from pipeline.files.page_files import MAX_FILE_BYTES
from pipeline.files.sandbox_pages import ForeignPages
from pipeline.files.sandbox_process import SandboxProcess
from pipeline.store.database.store import Store
from pipeline.store.paper.intake.batches import (
    SourceKey,
    append_page_to_batch,
    close_batch,
    count_batch_pages,
    count_death,
    count_known_files,
    count_start,
    find_same_batch,
    list_imported_pages,
    mark_source_imported,
    open_batch,
    reset_starts,
)
from pipeline.store.paper.pages import NewPage

MAX_STARTS = 20
"""How often an import may begin at the same page of a file; then that page has killed them all.

Foreign files are opened in a process of their own, which is counted by itself: who kills the import
is most often a person who restarts the machine, on whose account no page may fail.
"""


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """The result of an import.

    `failed` of the `pages` could not be imported; `is_resumed` if an interrupted batch was
    continued. `new` pages came in now; `repeated` of the files had come in before.
    """

    batch: str
    pages: int
    failed: int
    is_resumed: bool
    new: int = field(default=0, compare=False)
    repeated: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was when its content was read."""

    path: Path
    sha256: str
    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> SourceFile:
        """Read size, time and digest of a file.

        Raises:
            IntakeError: it cannot be read.
        """
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable_file_error(path, error) from error
        return cls(path, sha256, status.st_size, status.st_mtime_ns)

    def check_unchanged(self, *, may_be_gone: bool = False) -> None:
        """Check that the file is still the same, so that a page read from it is a page of it.

        Args:
            may_be_gone: whether a removed file is accepted, as its page is already in memory.

        Raises:
            IntakeError: the file was changed, replaced or removed.
        """
        try:
            status = self.path.stat()
        except OSError as error:
            if may_be_gone:
                return
            raise _unreadable_file_error(self.path, error) from error
        if (status.st_size, status.st_mtime_ns) != (self.size, self.changed_ns):
            raise IntakeError("changed_during_import", name=self.path.name)


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
    """Import every page of the files as a row, in order.

    Args:
        store: the store to import into.
        paths: PDF and picture files; a file of another type becomes one failed page.
        unit: of the paper.
        place: where the paper original is kept.
        by: login of the user.
        stack: identifies the batch that is continued after a crash; unless given, the content of
            all files together.
        on_page: called after each page with the number of pages imported.

    Raises:
        IntakeError: a file cannot be read or was removed. Imported pages stay; importing the same
            files again continues.
        StoreError: the database or the disk failed; likewise.
    """
    if not paths:
        raise IntakeError("no_files_to_import")
    page_count = new = 0
    with SandboxProcess() as process:
        process.prepare_pages()
        sources = [SourceFile.of(path) for path in paths]
        fingerprint = batch_fingerprint(
            stack or "".join(source.sha256 for source in sources), unit, place
        )
        content = None if stack else fingerprint
        with store.begin() as conn:
            repeated = count_known_files(conn, [source.sha256 for source in sources])
            known = find_same_batch(conn, content) if content else None
            batch, is_resumed = (
                (known, True)
                if known
                else open_batch(conn, fingerprint, unit=unit, place=place, by=by)
            )
        for key, source in _number_copies(batch, sources):
            with closing(_read_source(store, process, key, source)) as pages:
                for scanned in pages:
                    if scanned is not None:
                        _store_page(store, key, source, scanned, by)
                        new += 1
                    page_count += 1
                    if on_page:
                        on_page(page_count)
    with store.begin() as conn:
        close_batch(conn, batch, content)
        return IntakeResult(batch, *count_batch_pages(conn, batch), is_resumed, new, repeated)


def _number_copies(
    batch: str, sources: Iterable[SourceFile]
) -> Iterator[tuple[SourceKey, SourceFile]]:
    """Number equal files in one batch, so that each gets pages of its own."""
    copies: Counter[str] = Counter()
    for source in sources:
        copies[source.sha256] += 1
        yield SourceKey(batch, source.sha256, copies[source.sha256]), source


def _read_source(
    store: Store, process: SandboxProcess, key: SourceKey, source: SourceFile
) -> Generator[ScannedPage | None, None, None]:
    """Yield the pages of a file; None for one that was imported before an interruption.

    The attempt is counted first: an import that is killed cannot count it any more.
    """
    known = store.query(list_imported_pages, key)
    first = next(number for number in count(1) if number not in known)
    with _counted_attempt(store, key, first) as starts:
        if starts > MAX_STARTS + 1:
            # Its opening has killed the program, which cannot count its pages.
            yield _killed_page(source, first)
            return
        pages = _open_source(store, process, key, source)
        last = pages.page_count if pages.problem is None else first
        for number in range(1, last + 1):
            if number in known:
                _restore_image(store, pages, source, number, known[number])
                yield None
            elif number == first and starts > MAX_STARTS:
                yield _killed_page(source, number)
            else:
                yield _read_foreign_page(pages, source, number)
    store.change(mark_source_imported, key, last)


@contextmanager
def _counted_attempt(store: Store, key: SourceKey, first: int) -> Iterator[int]:
    """Count an attempt to import a file; it yields how often one began at this page.

    An attempt that ends in order, also by an error, says nothing against the file.
    """
    starts = store.change(count_start, key, first)
    try:
        yield starts
    except BaseException:
        with suppress(StoreError), store.begin() as conn:
            reset_starts(conn, key)
        raise


def _killed_page(source: SourceFile, number: int) -> ScannedPage:
    reason = "The page ended the program that imports it several times."
    return ScannedPage(source.path.name, number, None, "", IssueCode.OPENING_FAILED, reason)


def _open_source(
    store: Store, process: SandboxProcess, key: SourceKey, source: SourceFile
) -> ForeignPages:
    def note_death(number: int) -> int:
        return store.change(count_death, key, number)

    try:
        return ForeignPages(process, source.path, note_death)
    except OSError as error:
        raise _unreadable_file_error(source.path, error) from error


def _restore_image(
    store: Store, pages: ForeignPages, source: SourceFile, number: int, image: str | None
) -> None:
    """Store the image of an imported page again where its file has been lost or damaged since."""
    if image is not None and not store.images.holds(image):
        data = _read_foreign_page(pages, source, number).data
        if data is not None:
            store.images.put(data)


def _read_foreign_page(pages: ForeignPages, source: SourceFile, number: int) -> ScannedPage:
    """Read a page; whatever error there is with it, it is a page with a problem."""
    try:
        return pages.read(number)
    except EfterskriftError:
        raise
    except OSError as error:
        raise _unreadable_file_error(source.path, error) from error
    except Exception as error:  # a bad page must not stop the others
        problem, reason = IssueCode.BROKEN_PAGE, describe_error_location(error)
        return ScannedPage(source.path.name, number, None, "", problem, reason)


def _store_page(
    store: Store, key: SourceKey, source: SourceFile, scanned: ScannedPage, by: str
) -> None:
    source.check_unchanged(may_be_gone=scanned.data is not None)
    # Of a page that cannot be read its whole file is kept.
    reason = ""
    if scanned.data is None:
        reason = f"{scanned.problem}: {scanned.reason}"
        if source.size <= MAX_FILE_BYTES:
            store.images.put(source.path.read_bytes())
    image = store.images.put(scanned.data) if scanned.data is not None else None
    # A name that is no UTF-8, as on an old USB stick, cannot be stored as it is.
    name = scanned.source_name.encode("utf-8", "replace").decode()[-400:]
    page = NewPage(
        key.batch,
        0,
        name,
        scanned.source_page,
        source.sha256,
        image,
        scanned.media_type or None,
        reason,
    )
    store.change(append_page_to_batch, page, by, key.copy)


def batch_fingerprint(stack: str, unit: str, place: str) -> str:
    """Return the fingerprint by which an unfinished batch is recognized."""
    # The name of a folder may be no UTF-8.
    text = "\0".join((stack, unit, place)).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()


def _unreadable_file_error(path: Path, error: OSError) -> IntakeError:
    return IntakeError(
        "file_unreadable", path=path.name, reason=error.strerror or type(error).__name__
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
    """Import uploaded files, each a name and bytes, in order.

    Uploading the same files again continues an interrupted import.

    Raises:
        NotAllowedError: the person may not scan for this unit.
        IntakeError, StoreError: as `import_files`.
    """
    store.require_permission(person, Action.SCAN, unit)
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
    remove_stale_partials(parent)
    with tempfile.TemporaryDirectory(prefix=temporary_folder_prefix(), dir=parent) as folder:
        yield Path(folder)
