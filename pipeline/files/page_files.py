"""Files from a scanner or a phone → pages, kept as they came.

A page's bytes are those of the file where the file is one page (JPEG, PNG, single TIFF), or the
embedded scan of a PDF taken out unrecoded; what must be rewritten is rewritten without loss.
Pages come one at a time, so that memory does not grow with the file.

Files that are pages of one stack, in the order of the paper.
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
"""Largest single-picture file that is read into memory."""
_MAX_DPI = 100_000
"""No scanner tells more, and a PNG cannot hold much more."""
PAGE_SUFFIXES = frozenset(
    {".pdf", ".tif", ".tiff", ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".png"}
)
"""Names that such files usually have. What a file is, its content tells."""
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

    `data` is None when the page cannot be taken in; then `problem` is one of `empty_file`,
    `not_a_document`, `broken_file`, `encrypted`, `too_large`, `broken_page` and `reason` says it
    in plain words.
    """

    source_name: str
    source_page: int
    data: bytes | None
    media_type: str
    problem: str = ""
    reason: str = ""


def detect_media_type(path: Path) -> str | None:
    """The kind of file by its first bytes, whatever its name; None when it holds no pages that we
    can read.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(1024)
    if b"%PDF-" in start:
        return PDF
    return next((kind for magic, kind in _MAGIC_BYTES.items() if start.startswith(magic)), None)


def read_pages(path: Path) -> Iterator[ScannedPage]:
    """The pages of a file in order. A file that holds none that can be read yields one page with
    its problem.

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
    """How many pages `pages_of` will yield, for showing progress. Reads no picture data.

    Raises:
        OSError: the file is missing or may not be read.
    """
    kind = detect_media_type(path)
    if kind == PDF:
        return count_pdf_pages(path)
    if kind == TIFF:
        pages, is_cut = _count_frames(path)
        return pages + is_cut
    return 1


def _read_image_file(path: Path, kind: str) -> ScannedPage:
    """A JPEG or PNG, as it is. Damage inside the picture data shows when it is decoded; the bytes
    are kept all the same.
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
    for number, found in read_pdf_pages(path):
        if isinstance(found, PdfProblem):
            yield ScannedPage(path.name, number, None, PDF, found.code, found.reason)
        else:
            yield ScannedPage(path.name, number, found.data, found.media_type)


def _read_tiff(path: Path) -> Iterator[ScannedPage]:
    pages, is_cut = _count_frames(path)
    if pages == 1 and not is_cut:
        yield _read_image_file(path, TIFF)
        return
    with _open_tiff(path) as picture:
        for index in range(pages):
            yield _read_frame(path.name, picture, index)
    if is_cut:
        yield ScannedPage(
            path.name,
            pages + 1,
            None,
            TIFF,
            IssueCode.BROKEN_PAGE,
            "The file ends before its pages do: some are missing.",
        )


def _count_frames(path: Path) -> tuple[int, bool]:
    """How many pages of a TIFF can be reached, and whether the file is cut off and tells of more."""
    try:
        with _open_tiff(path) as picture, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for index in count(1):
                try:
                    picture.seek(index)
                except EOFError:
                    return index, False
                except IMAGE_ERRORS:
                    return index, True
    except IMAGE_ERRORS:
        pass  # pages_of tells the reason
    return 1, False


def _open_tiff(path: Path) -> TiffImageFile:
    """The file, however large its first page is: that page alone is refused, not those after it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return TiffImageFile(path)


def _read_frame(name: str, picture: Pillow.Image, index: int) -> ScannedPage:
    """One page of a TIFF, wrapped again without loss."""
    try:
        picture.seek(index)
        check_size(picture)
        data, kind = _reencode_frame(picture)
    except (TooLargeError, Pillow.DecompressionBombError):
        return ScannedPage(
            name, index + 1, None, TIFF, IssueCode.TOO_LARGE, "The page has too many pixels."
        )
    except IMAGE_ERRORS:
        return ScannedPage(
            name, index + 1, None, TIFF, IssueCode.BROKEN_PAGE, "The page is damaged."
        )
    return ScannedPage(name, index + 1, data, kind)


def _reencode_frame(picture: Pillow.Image) -> tuple[bytes, str]:
    """1-bit pages as Group 4 TIFF, what PNG cannot hold as LZW TIFF, the rest as PNG; the turn that
    the file asks for is carried out.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        upright = ImageOps.exif_transpose(picture)
    out = io.BytesIO()
    dpi = _read_resolution(picture)
    if upright.mode == "1":
        upright.save(out, "TIFF", compression="group4", dpi=dpi)
        return out.getvalue(), TIFF
    if upright.mode in ("L", "LA", "P", "RGB", "RGBA", "I", "I;16"):
        upright.save(out, "PNG", dpi=dpi, compress_level=3)
        return out.getvalue(), PNG
    upright.save(out, "TIFF", compression="tiff_lzw", dpi=dpi)
    return out.getvalue(), TIFF


def _read_resolution(picture: Pillow.Image) -> tuple[float, float]:
    """The dots an inch that the file tells; 300 where that cannot be true, such as 0/0."""
    told = tuple(float(v) for v in picture.info.get("dpi", ()))
    return (
        (told[0], told[1])
        if len(told) == 2 and all(0 <= each <= _MAX_DPI for each in told)
        else (300.0, 300.0)
    )


def natural_sort_key(path: Path) -> tuple[list[list[str | int]], str]:
    """To sort by name, numbers as numbers: a copier calls the tenth picture of a stack `Scan 10`
    and the second `Scan 2`.
    """
    parts = [
        [int(piece) if at % 2 else piece for at, piece in enumerate(_NUMBER_PATTERN.split(part))]
        for part in path.parts
    ]
    return parts, str(path)


def order_files(paths: Sequence[Path]) -> list[Path]:
    """Files as somebody listed them, but by number where names differ in nothing else and stand as
    a shell lists them (`scan *.jpg`).

    Any other order was meant as it is.
    """
    given = list(paths)
    listed_by_shell = (
        given == sorted(given, key=str)
        and len({_NUMBER_PATTERN.sub("0", str(path)) for path in given}) == 1
    )
    return sorted(given, key=natural_sort_key) if listed_by_shell else given
