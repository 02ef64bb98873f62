"""Read the pages of a file that was uploaded in the browser, without keeping it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.domain.errors import FormEditorError
from pipeline.files.page_files import ScannedPage
from pipeline.files.sandbox.pages import ForeignPages
from pipeline.files.sandbox.process import SandboxProcess


def load_pages(data: bytes, name: str) -> list[ScannedPage]:
    """Return all pages, each with its image, which is encoded anew by another process.

    Raises:
        FormEditorError: there are none, or one cannot be opened.
    """
    with TemporaryDirectory(prefix="efterskrift-form-") as folder:
        path = Path(folder, "upload" + Path(name).suffix[:6])
        path.write_bytes(data)
        with SandboxProcess() as process:
            file = ForeignPages(process, path)
            pages = [file.read(number, flatten=True) for number in range(1, file.page_count + 1)]
    if not pages or any(page.data is None for page in pages):
        raise FormEditorError("unreadable")
    return pages
