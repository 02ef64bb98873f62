"""Read the pages of a file that was uploaded in the browser, without keeping it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.domain.errors import FormEditorError
from pipeline.domain.model import PrintedWord
from pipeline.files.images import ScannedPage
from pipeline.files.sandbox_pages import ForeignPages
from pipeline.files.sandbox_process import SandboxProcess


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
