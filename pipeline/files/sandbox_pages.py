"""Read the pages of foreign files in the sandbox; a page that kills its reader twice has failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.domain.errors import FormEditorError
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import PrintedWord
from pipeline.files.images import ScannedPage
from pipeline.files.sandbox_process import ReaderEndedError, ReaderTooSlowError, SandboxProcess

MAX_DEATHS = 2
"""How often a page, or the opening of a file, may kill the process before it has failed."""
_MAX_FAILURES = 2
"""Pages of a file that may kill the process or be too slow; then the rest of it is not opened."""

_PAGE_REASON = "The page ended the program that reads it twice."
_FILE_REASON = "The file ended the program that reads it twice: the rest of it was not opened."

CountDeath = Callable[[int], int]
"""Gets the number of a page that killed the process, 0 for the opening of the file.

Returns how often it has done so.
"""


class ForeignPages:
    """The pages of one foreign file, each read once; `problem` says why it cannot be opened.

    Args:
        process: reads the file; it may be used for others before and after.
        path: of the file.
        count_death: where deaths of the process are counted; in memory unless given.
    """

    def __init__(
        self, process: SandboxProcess, path: Path, count_death: CountDeath | None = None
    ) -> None:
        self._process, self._path = process, path
        self._deaths: Counter[int] = Counter()
        self._count_death = count_death or self._count_in_memory
        self._failures = 0
        self._page_count = 1
        self.problem = self._open()

    @property
    def page_count(self) -> int:
        """The number of pages; a file that cannot be opened has one, with its problem."""
        return self._page_count

    def read(self, number: int, *, flatten: bool = False) -> ScannedPage:
        """Read a page, numbered from 1; whatever happens, it is a page or one with a problem.

        Args:
            flatten: decode the page and encode it again, for use in this process.

        Raises:
            MissingProgramError: poppler is not installed.
            StoreUnavailableError: the machine cannot read it now, for want of room or memory.
            OSError: the file is gone, or may not be read.
        """
        if self.problem is not None:
            return replace(self.problem, source_page=number)
        if self._failures >= _MAX_FAILURES:
            return self._failed_page(number, IssueCode.OPENING_FAILED, _FILE_REASON)
        while True:
            try:
                return self._read(number, "flatten" if flatten else "read")
            except ReaderEndedError:
                if self._count_death(number) >= MAX_DEATHS:
                    self._failures += 1
                    return self._failed_page(number, IssueCode.OPENING_FAILED, _PAGE_REASON)
            except ReaderTooSlowError:
                self._failures += 1
                return self._failed_page(number, IssueCode.TOO_LARGE, "The page took too long.")

    def read_words(self, number: int) -> list[PrintedWord]:
        """Return the words that a page has as text; none where they cannot be read."""
        if self.problem is not None:
            return []
        try:
            if not self._process.is_running:
                self._ask_open()
            head, _ = self._process.ask("words", number)
        except (ReaderEndedError, ReaderTooSlowError, MemoryError):
            self._process.end()
            return []
        return [
            (str(text), float(x), float(y), float(w), float(h))
            for text, x, y, w, h in head["words"]
        ]

    def _open(self) -> ScannedPage | None:
        """Open the file and count its pages; return a page with the problem if that fails."""
        while True:
            try:
                self._page_count = self._ask_open()
            except ReaderEndedError:
                if self._count_death(0) >= MAX_DEATHS:
                    return self._failed_page(1, IssueCode.OPENING_FAILED, _FILE_REASON)
            except (ReaderTooSlowError, MemoryError):
                self._process.end()
                return self._failed_page(1, IssueCode.TOO_LARGE, "The file needs too much memory.")
            else:
                return None

    def _ask_open(self) -> int:
        head, _ = self._process.ask("open", str(self._path.absolute()))
        return int(head["pages"])

    def _read(self, number: int, action: str) -> ScannedPage:
        if not self._process.is_running:
            self._ask_open()
        try:
            head, data = self._process.ask(action, number)
        except MemoryError:
            head, data = {"problem": IssueCode.TOO_LARGE}, b""
        if head["problem"] == IssueCode.TOO_LARGE:
            self._process.end()  # what it holds would fail the next page
        return ScannedPage(
            self._path.name,
            number,
            data if head.get("has_data") else None,
            head.get("media_type", ""),
            head["problem"],
            head.get("reason", "The page needs too much memory."),
        )

    def _failed_page(self, number: int, problem: IssueCode, reason: str) -> ScannedPage:
        return ScannedPage(self._path.name, number, None, "", problem, reason)

    def _count_in_memory(self, number: int) -> int:
        self._deaths[number] += 1
        return self._deaths[number]


def count_foreign_pages(process: SandboxProcess, path: Path) -> int:
    """Return the number of pages that `ForeignPages` will have.

    Raises:
        OSError: the file is missing or may not be read.
    """
    return ForeignPages(process, path).page_count


def count_all_pages(process: SandboxProcess, paths: Iterable[Path]) -> int | None:
    """Return the number of pages of files; None if one cannot be read, which its import reports."""
    try:
        return sum(count_foreign_pages(process, path) for path in paths)
    except OSError:
        return None


# Read the pages of a file that was uploaded in the browser, without keeping it.


def load_pages(data: bytes, name: str) -> list[ScannedPage]:
    """Return all pages, each with its image, which is encoded again by another process.

    Raises:
        FormEditorError: there are none, or one cannot be opened.
    """
    return [page for page, _ in load_pages_and_words(data, name, has_words=False)]


def load_pages_and_words(
    data: bytes, name: str, *, has_words: bool = True
) -> list[tuple[ScannedPage, list[PrintedWord]]]:
    """Return all pages, each with the words that the file has as text, if they are wanted.

    Raises:
        FormEditorError: there are no pages, or one cannot be opened.
    """
    with TemporaryDirectory(prefix="efterskrift-form-") as folder:
        path = Path(folder, "upload" + Path(name).suffix[:6])
        path.write_bytes(data)
        with SandboxProcess() as process:
            file = ForeignPages(process, path)
            numbers = range(1, file.page_count + 1)
            pages = [file.read(number, flatten=True) for number in numbers]
            words = [file.read_words(number) if has_words else [] for number in numbers]
    if not pages or any(page.data is None for page in pages):
        raise FormEditorError("unreadable")
    return list(zip(pages, words, strict=True))
