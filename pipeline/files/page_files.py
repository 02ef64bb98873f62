"""Read the pages of files from a scanner or a phone, and sort such files in the order of the paper.

A page's bytes are those of the file where the file is one page (JPEG, PNG, single TIFF), or the
embedded scan of a PDF without recoding; what must be recoded is recoded without loss. Pages are
yielded one at a time, so that memory does not grow with the file.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageOps
from PIL.TiffImagePlugin import TiffImageFile

from pipeline.domain.issues import IssueCode
from pipeline.files.images import IMAGE_ERRORS, TooLargeError, check_size, open_image
from pipeline.files.pdf_input import PdfProblem, count_pdf_pages, read_pdf_pages

MAX_FILE_BYTES = 400_000_000
"""Largest single-image file that is read into memory."""
_MAX_DPI = 100_000
"""Highest credible resolution; a PNG cannot store much more."""
PAGE_SUFFIXES = frozenset(
    {".pdf", ".tif", ".tiff", ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".png"}
)
"""Usual suffixes of such files; their content decides the type."""
_NUMBER_PATTERN = re.compile("([0-9]+)")

PDF, TIFF, JPEG, PNG = "application/pdf", "image/tiff", "image/jpeg", "image/png"
_MAGIC_BYTES = {
    b"\xff\xd8\xff": JPEG,
    b"\x89PNG\r\n\x1a\n": PNG,
    b"II*\x00": TIFF,
    b"MM\x00*": TIFF,
    b"II+\x00": TIFF,
    b"MM\x00+": TIFF,
}


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """One page of a file. `source_page` counts from 1.

    `data` is None when the page cannot be imported; then `problem` is one of `empty_file`,
    `not_a_document`, `broken_file`, `encrypted`, `too_large`, `broken_page` and `reason` explains
    it in plain words.
    """

    source_name: str
    source_page: int
    data: bytes | None
    media_type: str
    problem: str = ""
    reason: str = ""


def detect_media_type(path: Path) -> str | None:
    """Return the type of a file by its first bytes; None if it is not one with pages.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(1024)
    if b"%PDF-" in start:
        return PDF
    return next((kind for magic, kind in _MAGIC_BYTES.items() if start.startswith(magic)), None)


def read_pages(path: Path) -> Iterator[ScannedPage]:
    """Yield the pages of a file in order; a file without readable pages yields one problem.

    Raises:
        OSError: the file is missing or may not be read.
    """
    kind = detect_media_type(path)
    if kind is None:
        empty = path.stat().st_size == 0
        problem, reason = (
            (IssueCode.EMPTY_FILE, "The file is empty.")
            if empty
            else (IssueCode.NOT_A_DOCUMENT, "The file is not a PDF, TIFF, JPEG or PNG.")
        )
        yield ScannedPage(path.name, 1, None, "", problem, reason)
    elif kind == PDF:
        yield from _read_pdf(path)
    elif kind == TIFF:
        yield from _read_tiff(path)
    else:
        yield _read_image_file(path, kind)


def count_pages(path: Path) -> int:
    """Return the number of pages that `read_pages` will yield. Reads no pixels.

    Raises:
        OSError: the file is missing or may not be read.
    """
    kind = detect_media_type(path)
    if kind == PDF:
        return count_pdf_pages(path)
    if kind == TIFF:
        pages, is_truncated = _count_frames(path)
        return pages + is_truncated
    return 1


def _read_image_file(path: Path, kind: str) -> ScannedPage:
    """Read a JPEG, PNG or TIFF of one page as it is.

    Damaged pixels show later, when it is decoded; the bytes are kept nevertheless.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        return ScannedPage(
            path.name, 1, None, kind, IssueCode.TOO_LARGE, "The file is too large for one picture."
        )
    try:
        open_image(path).close()
    except TooLargeError:
        return ScannedPage(
            path.name, 1, None, kind, IssueCode.TOO_LARGE, "The picture has too many pixels."
        )
    except IMAGE_ERRORS:
        return ScannedPage(
            path.name, 1, None, kind, IssueCode.BROKEN_FILE, "The picture is damaged."
        )
    return ScannedPage(path.name, 1, path.read_bytes(), kind)


def _read_pdf(path: Path) -> Iterator[ScannedPage]:
    for number, page in read_pdf_pages(path):
        if isinstance(page, PdfProblem):
            yield ScannedPage(path.name, number, None, PDF, page.code, page.reason)
        else:
            yield ScannedPage(path.name, number, page.data, page.media_type)


def _read_tiff(path: Path) -> Iterator[ScannedPage]:
    pages, is_truncated = _count_frames(path)
    # A single page stays as it is, several are written as one file each.
    if pages == 1 and not is_truncated:
        yield _read_image_file(path, TIFF)
        return
    with _open_tiff(path) as image:
        for index in range(pages):
            yield _read_frame(path.name, image, index)
    if is_truncated:
        yield ScannedPage(
            path.name,
            pages + 1,
            None,
            TIFF,
            IssueCode.BROKEN_PAGE,
            "The file ends before its pages do: some are missing.",
        )


def _count_frames(path: Path) -> tuple[int, bool]:
    """Count the pages of a TIFF that can be reached; also whether more are cut off."""
    try:
        with _open_tiff(path) as image, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for index in count(1):
                try:
                    image.seek(index)
                except EOFError:
                    return index, False
                except IMAGE_ERRORS:
                    return index, True
    except IMAGE_ERRORS:
        pass  # `read_pages` reports the reason
    return 1, False


def _open_tiff(path: Path) -> TiffImageFile:
    """Open the file whatever the size of its first page: only pages too large are refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return TiffImageFile(path)


def _read_frame(name: str, image: Pillow.Image, index: int) -> ScannedPage:
    """Read one page of a TIFF, encoded again without loss."""
    try:
        image.seek(index)
        check_size(image)
        data, kind = _reencode_frame(image)
    except (TooLargeError, Pillow.DecompressionBombError):
        return ScannedPage(
            name, index + 1, None, TIFF, IssueCode.TOO_LARGE, "The page has too many pixels."
        )
    except IMAGE_ERRORS:
        return ScannedPage(
            name, index + 1, None, TIFF, IssueCode.BROKEN_PAGE, "The page is damaged."
        )
    return ScannedPage(name, index + 1, data, kind)


def _reencode_frame(image: Pillow.Image) -> tuple[bytes, str]:
    """Rotate a page by its EXIF orientation and encode it; return data and media type.

    1-bit pages become Group 4 TIFF, modes that PNG lacks LZW TIFF, the rest PNG.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        upright = ImageOps.exif_transpose(image)
    out = io.BytesIO()
    dpi = _read_resolution(image)
    if upright.mode == "1":
        upright.save(out, "TIFF", compression="group4", dpi=dpi)
        return out.getvalue(), TIFF
    if upright.mode in ("L", "LA", "P", "RGB", "RGBA", "I", "I;16"):
        upright.save(out, "PNG", dpi=dpi, compress_level=3)
        return out.getvalue(), PNG
    upright.save(out, "TIFF", compression="tiff_lzw", dpi=dpi)
    return out.getvalue(), TIFF


def _read_resolution(image: Pillow.Image) -> tuple[float, float]:
    """Return the resolution in the file, dpi; 300 where it is impossible, such as 0/0."""
    dpi = tuple(float(v) for v in image.info.get("dpi", ()))
    is_credible = len(dpi) == 2 and all(0 <= value <= _MAX_DPI for value in dpi)
    return (dpi[0], dpi[1]) if is_credible else (300.0, 300.0)


def natural_sort_key(path: Path) -> tuple[list[list[str | int]], str]:
    """Return a key to sort by name with numbers as numbers, `Scan 2` before `Scan 10`."""
    # Every second piece of a split name is a number.
    parts = [
        [int(piece) if i % 2 else piece for i, piece in enumerate(_NUMBER_PATTERN.split(part))]
        for part in path.parts
    ]
    return parts, str(path)


def order_files(paths: Sequence[Path]) -> list[Path]:
    """Sort files by number, if their names differ in nothing else and a shell listed them.

    A shell lists `scan *.jpg` in alphabetical order. Any other order is intended and stays.
    """
    files = list(paths)
    is_listed_by_shell = (
        files == sorted(files, key=str)
        and len({_NUMBER_PATTERN.sub("0", str(path)) for path in files}) == 1
    )
    return sorted(files, key=natural_sort_key) if is_listed_by_shell else files
