"""Files from a scanner or a phone → pages, kept as they came.

A page's bytes are those of the file where the file is one page (JPEG, PNG, single TIFF), or the embedded scan of a PDF taken out unrecoded;
what must be rewritten is rewritten without loss. Pages come one at a time, so that memory does not grow with the file.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from pipeline.errors import BrokenFileError
from pipeline.model import Image
from pipeline.pdf_pages import PdfProblem, pdf_page_count, pdf_pages

MAX_PIXELS = 180_000_000
"""More than an A3 sheet at 800 dpi: a picture beyond it is a mistake or an attack."""
MAX_FILE_BYTES = 400_000_000
"""Largest single-picture file that is read into memory."""
_FINEST_DPI = 100_000
"""No scanner tells more, and a PNG cannot hold much more."""

PDF, TIFF, JPEG, PNG = "application/pdf", "image/tiff", "image/jpeg", "image/png"
_STARTS = {b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": PNG, b"II*\x00": TIFF, b"MM\x00*": TIFF, b"II+\x00": TIFF, b"MM\x00+": TIFF}
SUFFIXES = frozenset({".pdf", ".tif", ".tiff", ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".png"})
"""Names that such files usually have. What a file is, its content tells."""
_DAMAGE = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, struct.error, MemoryError, OverflowError)
"""What Pillow raises on damaged pictures."""


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """One page of a file. `source_page` counts from 1.

    `data` is None when the page cannot be taken in; then `problem` is one of `empty_file`, `not_a_document`, `broken_file`, `encrypted`,
    `too_large`, `broken_page` and `reason` says it in plain words.
    """

    source_name: str
    source_page: int
    data: bytes | None
    media_type: str
    problem: str = ""
    reason: str = ""


def media_type_of(path: Path) -> str | None:
    """The kind of file by its first bytes, whatever its name; None when it holds no pages that we can read.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(1024)
    if b"%PDF-" in start:
        return PDF
    return next((kind for magic, kind in _STARTS.items() if start.startswith(magic)), None)


def pages_of(path: Path) -> Iterator[ScannedPage]:
    """The pages of a file in order. A file that holds none that can be read yields one page with its problem.

    Raises:
        OSError: the file is missing or may not be read.
    """
    kind = media_type_of(path)
    if kind is None:
        empty = path.stat().st_size == 0
        problem, reason = ("empty_file", "The file is empty.") if empty else ("not_a_document", "The file is not a PDF, TIFF, JPEG or PNG.")
        yield ScannedPage(path.name, 1, None, "", problem, reason)
    elif kind == PDF:
        yield from _from_pdf(path)
    elif kind == TIFF:
        yield from _from_tiff(path)
    else:
        yield _from_picture(path, kind)


def page_count(path: Path) -> int:
    """How many pages `pages_of` will yield, for showing progress. Reads no picture data.

    Raises:
        OSError: the file is missing or may not be read.
    """
    kind = media_type_of(path)
    if kind == PDF:
        return pdf_page_count(path)
    if kind == TIFF:
        pages, is_cut = _frames(path)
        return pages + is_cut
    return 1


def decode(data: bytes, media_type: str) -> Image:
    """A page's picture: grey (h, w) or BGR (h, w, 3), uint8, turned as its EXIF orientation says, transparency laid on white.

    Raises:
        BrokenFileError: the bytes are damaged, not a picture, or too large.
    """
    try:
        with _opened(io.BytesIO(data)) as picture:
            return _eight_bit(picture)
    except _TooLargeError as error:
        raise BrokenFileError("The picture is too large.", "Scan the page again at 300 dpi.") from error
    except _DAMAGE as error:
        raise BrokenFileError(f"The picture ({media_type}) is damaged.", "Scan the page again.") from error


class _TooLargeError(Exception):
    """More pixels than MAX_PIXELS."""


def _opened(source: Path | io.BytesIO) -> Pillow.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata is not the picture's fault, and our own limit of size follows
        try:
            picture = Pillow.open(source, formats=("JPEG", "PNG", "TIFF"))
        except Pillow.DecompressionBombError as error:
            raise _TooLargeError from error
        except UnidentifiedImageError as error:
            raise ValueError("not a picture") from error
    _check_size(picture)
    return picture


def _check_size(picture: Pillow.Image) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise _TooLargeError


def _eight_bit(picture: Pillow.Image) -> Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata; the pixels are what counts
        picture.load()
        ImageOps.exif_transpose(picture, in_place=True)
    return _pixels(picture)


def _pixels(upright: Pillow.Image) -> Image:
    if upright.mode.startswith("I") or upright.mode == "F":
        return _from_deep(np.asarray(upright))
    if upright.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in upright.info:
        rgba = upright.convert("RGBA")
        ground = Pillow.new("RGBA", rgba.size, "white")
        upright = Pillow.alpha_composite(ground, rgba).convert("RGB")
    wanted = "L" if upright.mode in ("1", "L") else "RGB"
    pixels = np.asarray(upright if upright.mode == wanted else upright.convert(wanted), dtype=np.uint8)  # to convert is to copy
    return pixels if wanted == "L" else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), dtype=np.uint8)


def _from_deep(pixels: NDArray[Any]) -> Image:
    """What has more than 8 bits. 32-bit and float pictures have no fixed white, so their own range is used."""
    if pixels.dtype.kind in "iu" and pixels.min() >= 0 and pixels.max() <= 0xFFFF:
        return np.asarray(pixels >> (_depth(int(pixels.max())) - 8), dtype=np.uint8)
    values = pixels.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    return np.asarray(np.clip((values - low) * (255.0 / max(high - low, 1e-6)), 0, 255), dtype=np.uint8)


def _depth(highest: int) -> int:
    """The bits of a pixel. Scanners with 10, 12 or 14 store them in 16, some as they are; paper is white, so the highest value tells."""
    return next(bits for bits in (8, 10, 12, 14, 16) if highest < 1 << bits)


def _from_picture(path: Path, kind: str) -> ScannedPage:
    """A JPEG or PNG, as it is. Damage inside the picture data shows when it is decoded; the bytes are kept all the same."""
    if path.stat().st_size > MAX_FILE_BYTES:
        return ScannedPage(path.name, 1, None, kind, "too_large", "The file is too large for one picture.")
    try:
        _opened(path).close()
    except _TooLargeError:
        return ScannedPage(path.name, 1, None, kind, "too_large", "The picture has too many pixels.")
    except _DAMAGE:
        return ScannedPage(path.name, 1, None, kind, "broken_file", "The picture is damaged.")
    return ScannedPage(path.name, 1, path.read_bytes(), kind)


def _from_pdf(path: Path) -> Iterator[ScannedPage]:
    for number, found in pdf_pages(path):
        if isinstance(found, PdfProblem):
            yield ScannedPage(path.name, number, None, PDF, found.code, found.reason)
        else:
            yield ScannedPage(path.name, number, found.data, found.media_type)


def _from_tiff(path: Path) -> Iterator[ScannedPage]:
    pages, is_cut = _frames(path)
    if pages == 1 and not is_cut:
        yield _from_picture(path, TIFF)
        return
    with _tiff(path) as picture:
        for index in range(pages):
            yield _frame(path.name, picture, index)
    if is_cut:
        yield ScannedPage(path.name, pages + 1, None, TIFF, "broken_page", "The file ends before its pages do: some are missing.")


def _frames(path: Path) -> tuple[int, bool]:
    """How many pages of a TIFF can be reached, and whether the file is cut off and tells of more."""
    try:
        with _tiff(path) as picture, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for index in count(1):
                try:
                    picture.seek(index)
                except EOFError:
                    return index, False
                except _DAMAGE:
                    return index, True
    except _DAMAGE:
        pass  # pages_of tells the reason
    return 1, False


def _tiff(path: Path) -> TiffImageFile:
    """The file, however large its first page is: that page alone is refused, not those after it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return TiffImageFile(path)


def _frame(name: str, picture: Pillow.Image, index: int) -> ScannedPage:
    """One page of a TIFF, wrapped again without loss."""
    try:
        picture.seek(index)
        _check_size(picture)
        data, kind = _rewrapped(picture)
    except (_TooLargeError, Pillow.DecompressionBombError):
        return ScannedPage(name, index + 1, None, TIFF, "too_large", "The page has too many pixels.")
    except _DAMAGE:
        return ScannedPage(name, index + 1, None, TIFF, "broken_page", "The page is damaged.")
    return ScannedPage(name, index + 1, data, kind)


def _rewrapped(picture: Pillow.Image) -> tuple[bytes, str]:
    """1-bit pages as Group 4 TIFF, what PNG cannot hold as LZW TIFF, the rest as PNG; the turn that the file asks for is carried out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        upright = ImageOps.exif_transpose(picture)
    out = io.BytesIO()
    dpi = _resolution(picture)
    if upright.mode == "1":
        upright.save(out, "TIFF", compression="group4", dpi=dpi)
        return out.getvalue(), TIFF
    if upright.mode in ("L", "LA", "P", "RGB", "RGBA", "I", "I;16"):
        upright.save(out, "PNG", dpi=dpi, compress_level=3)
        return out.getvalue(), PNG
    upright.save(out, "TIFF", compression="tiff_lzw", dpi=dpi)
    return out.getvalue(), TIFF


def _resolution(picture: Pillow.Image) -> tuple[float, float]:
    """The dots an inch that the file tells; 300 where that cannot be true, such as 0/0."""
    told = tuple(float(v) for v in picture.info.get("dpi", ()))
    return (told[0], told[1]) if len(told) == 2 and all(0 <= each <= _FINEST_DPI for each in told) else (300.0, 300.0)
