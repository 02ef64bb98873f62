"""Other programs on the same pages: Tesseract on the whole page, and OCRmyPDF."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytesseract
from PIL import Image as Pillow

from pipeline.errors import MissingProgramError, ReadingError
from pipeline.picture import decode
from pipeline.scan import JPEG

LANGUAGE = "swe"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast some pages were done: seconds by the clock, and seconds that processors worked for it (user and system)."""

    pages: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Pages a second by the clock; other work on the machine slows it."""
        return self.pages / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Processor time a page, ms; other work on the machine hardly changes it."""
        return 1000 * self.cpu_seconds / self.pages


def cpu_seconds() -> float:
    """Processor time of this process and of the programs that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def tesseract_page(data: bytes) -> None:
    """Tesseract's text of the whole page, thrown away."""
    pytesseract.image_to_string(decode(data, JPEG), lang=LANGUAGE)


def ocrmypdf_pace(pages: Sequence[bytes], jobs: int) -> Pace:
    """OCRmyPDF on one PDF of all pages, as it comes but for the conversion to PDF/A, which it is spared.

    Raises:
        MissingProgramError: it is not installed.
        ReadingError: it failed.
    """
    program = _ocrmypdf()
    if program is None:
        raise MissingProgramError("ocrmypdf_not_installed")
    with tempfile.TemporaryDirectory() as folder:
        scanned, text = Path(folder, "scanned.pdf"), Path(folder, "text.pdf")
        _write_pdf(pages, scanned)
        command = [program, "--quiet", "--jobs", str(jobs), "--language", LANGUAGE, "--output-type", "pdf", str(scanned), str(text)]
        start, cpu = time.perf_counter(), cpu_seconds()
        done = subprocess.run(command, check=False, capture_output=True, env=os.environ | {"OMP_THREAD_LIMIT": "1"})
        pace = Pace(len(pages), time.perf_counter() - start, cpu_seconds() - cpu)
    if done.returncode:
        raise ReadingError("ocrmypdf_ended_code", returncode=done.returncode)
    return pace


def _ocrmypdf() -> str | None:
    """Beside this Python, where the extra `bench` installs it, or anywhere on the path."""
    return shutil.which("ocrmypdf", path=str(Path(sys.executable).parent)) or shutil.which("ocrmypdf")


def _write_pdf(pages: Sequence[bytes], path: Path) -> None:
    first, *rest = (Pillow.open(BytesIO(page)) for page in pages)
    first.save(path, "PDF", save_all=True, append_images=rest, resolution=300)
