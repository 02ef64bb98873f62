"""Images of single fields that come without a page: from files, folders and zip archives."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.domain.errors import BrokenFileError
from pipeline.domain.model import Image
from pipeline.files import page_files
from pipeline.files.images import IMAGE_ERRORS, TooLargeError, open_image, to_eight_bit
from pipeline.reading.imaging.geometry import to_grayscale

IMAGE_SUFFIXES = (page_files.PAGE_SUFFIXES - {".pdf"}) | {".bmp", ".webp", ".pgm", ".pbm"}
"""File name endings of images of single fields: those of scans, and what programs that cut fields
out write.
"""
MIN_FIELD_SIDE_PX, MAX_FIELD_PX = 8, 40_000_000
"""An image with a shorter side, or with more pixels, is no field."""


def read_image_files(paths: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and bytes of every image, by name within each path.

    A path is a file, a folder (with all below it) or a zip archive, which is read in memory.

    Raises:
        BrokenFileError: an archive cannot be read.
    """
    # Folders are searched with all below; archives are read in memory.
    for path in paths:
        if path.is_dir():
            yield from (
                (str(p), p.read_bytes())
                for p in sorted(path.rglob("*"))
                if p.is_file() and p.suffix.lower() in IMAGE_SUFFIXES
            )
        elif path.suffix.lower() == ".zip":
            yield from _read_zip(path)
        else:
            yield str(path), path.read_bytes()


def decode_grayscale(data: bytes) -> Image:
    """Decode an image file, grey (h, w), upright by its EXIF, transparent parts white.

    Raises:
        BrokenFileError: it is no image, is damaged, or is too small or too large to be a field.
    """
    try:
        with open_image(io.BytesIO(data), formats=None) as picture:
            # Judged before the pixels take memory.
            if min(picture.size) < MIN_FIELD_SIDE_PX or math.prod(picture.size) > MAX_FIELD_PX:
                raise BrokenFileError("field_image_size")
            return to_grayscale(to_eight_bit(picture))
    except TooLargeError as error:
        raise BrokenFileError("field_image_size") from error
    except IMAGE_ERRORS as error:
        raise BrokenFileError("image_unreadable") from error


def _read_zip(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(
                n for n in archive.namelist() if Path(n).suffix.lower() in IMAGE_SUFFIXES
            ):
                yield f"{path}/{name}", _read_zip_member(archive, name)
    except (zipfile.BadZipFile, RuntimeError) as error:
        raise BrokenFileError("bad_zip_archive", path=path.name) from error


def _read_zip_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a file of an archive, or nothing if it is damaged, so that the rest is read."""
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return b""
