"""Draw pages of a PDF with poppler."""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pdf2image import convert_from_bytes
from pdf2image.exceptions import (
    PDFInfoNotInstalledError,
    PDFPageCountError,
    PDFPopplerTimeoutError,
    PDFSyntaxError,
)
from PIL.Image import Image as PillowImage

from pipeline.domain.errors import MissingProgramError, ProgramKilledError, StoreUnavailableError
from pipeline.domain.model import Image
from pipeline.files.atomic import remove_stale_partials_daily, temporary_folder_prefix

# Run helper programs such as poppler's, and tell a killed program from a damaged file.
#
# A program that the machine kills, usually for want of memory, says nothing about its input: it is
# run again, and then the machine is at fault and not the page.

_KILL_SIGNALS = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
"""Signals that come from outside the program; the others are its own crash."""
PAUSES_S = (0.0, 0.5, 2.0)
"""Time before each attempt, seconds: memory may be free again a moment later."""


def run_program(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Run a program and return its output; it is run again where the machine killed it.

    Raises:
        FileNotFoundError: it is not installed.
        TimeoutExpired: it did not end within `seconds`.
        ProgramKilledError: it was killed at every attempt.
    """
    for pause in PAUSES_S:
        time.sleep(pause)
        done = subprocess.run(command, capture_output=True, check=False, timeout=seconds)
        if -done.returncode not in _KILL_SIGNALS:
            return done
    raise ProgramKilledError("program_killed", program=command[0])


RENDER_SECONDS = 90
"""Timeout of drawing one page."""
_OUT_OF_MEMORY = re.compile(b"out of memory|bad_alloc", re.IGNORECASE)
_MAX_PPM_BYTES = 300_000_000
"""A larger drawing is the page's fault and not that of a full disk."""


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A drawn page, BGR or grey, and whether poppler found an error in it."""

    image: Image
    is_damaged: bool


def render_page(path: Path, number: int, options: Sequence[str]) -> RenderedPage | None:
    """Draw a page, numbered from 1; None if nothing can be drawn.

    Args:
        options: of pdftoppm, such as its resolution.

    Raises:
        MissingProgramError: poppler is not installed.
        ProgramKilledError: the machine killed poppler at every attempt.
        StoreUnavailableError: the disk has no room for the drawing.
        MemoryError: the page needs more memory than the process may have.
        TimeoutExpired: the page takes longer than `RENDER_SECONDS`.
    """
    remove_stale_partials_daily(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=temporary_folder_prefix()) as folder:
        pages = ("-f", str(number), "-l", str(number), "-singlefile")
        target = Path(folder, "page")
        try:
            done = run_program(
                ["pdftoppm", *options, *pages, str(path), str(target)], RENDER_SECONDS
            )
        except FileNotFoundError as error:
            raise MissingProgramError("poppler_not_installed") from error
        drawing = next(target.parent.glob("page.*"), None)
        if drawing is None:
            if done.returncode == -signal.SIGABRT or _OUT_OF_MEMORY.search(done.stderr):
                raise MemoryError
            return None
        if _is_truncated(drawing):
            if drawing.stat().st_size > _MAX_PPM_BYTES:
                return None
            raise StoreUnavailableError("page_drawing_disk_full", value=tempfile.gettempdir())
        image = cv2.imread(str(drawing), cv2.IMREAD_UNCHANGED)
    if image is None:
        return None
    return RenderedPage(np.asarray(image, np.uint8), b"Syntax Error" in done.stderr)


def render_own_pdf(
    pdf: bytes,
    number: int,
    *,
    dpi: int = 200,
    size: tuple[int, int | None] | None = None,
    grayscale: bool = False,
) -> Image:
    """Draw a page of a PDF that this program made, BGR or grey, numbered from 1.

    Such a PDF is whole: where poppler fails on it, or finds an error in it, the machine has killed
    poppler or had no memory for a font, and the page is drawn again.

    Args:
        size: width and height in px, instead of `dpi`; without a height the page keeps its shape.

    Raises:
        MissingProgramError: poppler is not installed.
        ProgramKilledError: poppler failed at every attempt.
    """
    for pause in PAUSES_S:
        time.sleep(pause)
        with suppress(PDFPageCountError, PDFSyntaxError, PDFPopplerTimeoutError, OSError):
            pages = _draw_with_poppler(pdf, number, dpi, size, grayscale)
            if pages:
                drawn = np.asarray(pages[0], np.uint8)
                # RGB to OpenCV's BGR.
                return drawn if grayscale else np.ascontiguousarray(drawn[:, :, ::-1])
    raise ProgramKilledError("program_killed", program="pdftoppm")


def _draw_with_poppler(
    pdf: bytes, number: int, dpi: int, size: tuple[int, int | None] | None, grayscale: bool
) -> list[PillowImage]:
    scale: dict[str, Any] = {"dpi": dpi} if size is None else {"size": size}
    try:
        return convert_from_bytes(
            pdf,
            **scale,
            grayscale=grayscale,
            first_page=number,
            last_page=number,
            timeout=RENDER_SECONDS,
            strict=True,  # without: a page whose font could not be opened has no text
        )
    except PDFInfoNotInstalledError as error:
        raise MissingProgramError("poppler_not_installed") from error


def _is_truncated(drawing: Path) -> bool:
    """Whether a drawing has less data than its header declares, as on a full disk."""
    with drawing.open("rb") as file:
        header = file.read(64).split(maxsplit=4)
    if len(header) < 4:
        return True
    channels = 3 if header[0] == b"P6" else 1
    return drawing.stat().st_size < channels * int(header[1]) * int(header[2])
