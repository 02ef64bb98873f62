"""Files → pages in the store. Every page becomes a row with its picture as it came, also the page that cannot be read.

Pages are taken in one by one and a reader may begin with the first before the last is in. Taking in that was cut short is continued by giving
the same files again: what is in already is recognised by the content of its file.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import EfterskriftError, IntakeError, place_of
from pipeline.issues import IssueCode
from pipeline.scan import MAX_FILE_BYTES, ScannedPage, pages_of
from pipeline.store.database import Store
from pipeline.store.pages import NewPage
from pipeline.store.stacks import append_page, finish_batch, is_in, open_batch, page_counts


@dataclass(frozen=True, slots=True)
class Taken:
    """What taking in came to. `failed` of the `pages` could not be taken in; `continued` if the batch had been begun before."""

    batch: str
    pages: int
    failed: int
    continued: bool


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was when its content was looked at."""

    path: Path
    sha256: str
    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Source:
        """Look at a file.

        Raises:
            IntakeError: it cannot be read.
        """
        try:
            with path.open("rb") as file:
                about = os.fstat(file.fileno())
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable(path, error) from error
        return cls(path, sha256, about.st_size, about.st_mtime_ns)

    def check_unchanged(self, *, may_be_gone: bool = False) -> None:
        """Tell a page that is bad from a file that was taken away, and a page of this file from one of another that has its name now.

        Raises:
            IntakeError: the file is another, or gone, which what has been read of it outlives (`may_be_gone`).
        """
        try:
            about = self.path.stat()
        except OSError as error:
            if may_be_gone:
                return
            raise _unreadable(self.path, error) from error
        if (about.st_size, about.st_mtime_ns) != (self.size, self.changed_ns):
            raise IntakeError("changed_while_taken", name=self.path.name)


def take_in(
    store: Store,
    paths: Sequence[Path],
    *,
    unit: str,
    place: str,
    by: str,
    stack: str = "",
    on_page: Callable[[int], None] | None = None,
) -> Taken:
    """Make every page of the files a row, in order.

    Args:
        store: where to.
        paths: PDF, TIFF, JPEG or PNG files; a file that is none of these becomes one failed page.
        unit: whose paper it is.
        place: where the paper original is kept.
        by: login of who takes in.
        stack: what is continued after a crash; the content of all the files together unless given.
        on_page: told after each page how many are in.

    Raises:
        IntakeError: a file cannot be read or was taken away. What is in stays in; the same files again continue.
        StoreError: the database or the disk failed; likewise.
    """
    sources = [Source.of(path) for path in paths]
    if not sources:
        raise IntakeError("no_files_take")
    fingerprint = fingerprint_of(stack or "".join(source.sha256 for source in sources), unit, place)
    with store.begin() as conn:
        batch, continued = open_batch(conn, fingerprint, unit=unit, place=place, by=by)
    times: Counter[str] = Counter()
    done = 0
    for source in sources:
        times[source.sha256] += 1
        for scanned in _pages(source):
            _keep(store, batch, source, scanned, by, times[source.sha256])
            done += 1
            if on_page:
                on_page(done)
    with store.begin() as conn:
        finish_batch(conn, batch)
        return Taken(batch, *page_counts(conn, batch), continued)


def _pages(source: Source) -> Iterator[ScannedPage]:
    """The file's pages; one that breaks the program itself ends the file with a failed page."""
    number = 0
    try:
        for scanned in pages_of(source.path):
            number = scanned.source_page
            yield scanned
    except EfterskriftError:
        raise
    except OSError as error:
        raise _unreadable(source.path, error) from error
    except Exception as error:  # a bad file fails alone
        yield ScannedPage(source.path.name, number + 1, None, "", IssueCode.BROKEN_PAGE, place_of(error))


def _keep(store: Store, batch: str, source: Source, scanned: ScannedPage, by: str, nth: int) -> None:
    with store.read() as conn:
        if is_in(conn, batch, source.sha256, scanned.source_page, nth):
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
    new = NewPage(batch, 0, name, scanned.source_page, source.sha256, image, scanned.media_type or None, reason)
    with store.begin() as conn:
        append_page(conn, new, by, nth)


def fingerprint_of(stack: str, unit: str, place: str) -> str:
    """What an unfinished batch is known by."""
    return hashlib.sha256("\0".join((stack, unit, place)).encode("utf-8", "surrogateescape")).hexdigest()  # a folder may have a name that is no UTF-8


def _unreadable(path: Path, error: OSError) -> IntakeError:
    return IntakeError("not_read_check_file", path=path.name, reason=error.strerror or type(error).__name__)
