"""Pictures of single fields that come without a page: from files, folders and zip archives, made
into crops.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pictures
from PIL import ImageOps

from pipeline.domain.errors import BrokenFileError, UsageError
from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import Image
from pipeline.files import page_files
from pipeline.reading.fields import letters
from pipeline.reading.fields.digits import reader
from pipeline.reading.fields.field_image import FieldImage

IMAGE_SUFFIXES = (page_files.PAGE_SUFFIXES - {".pdf"}) | {".bmp", ".webp", ".pgm", ".pbm"}
"""Names of pictures of single fields: those of scans, and what programs that cut fields out write."""


def read_image_files(paths: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every picture: a file, all in a folder, all in a zip archive (read in
    memory), by name within each.

    Raises:
        BrokenFileError: an archive cannot be read.
    """
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


def _read_zip(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(
                n for n in archive.namelist() if Path(n).suffix.lower() in IMAGE_SUFFIXES
            ):
                yield f"{path}/{name}", _read_zip_member(archive, name)
    except (zipfile.BadZipFile, RuntimeError) as error:
        raise BrokenFileError("damaged_encrypted_no_zip_archive", path=path.name) from error


def _read_zip_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """A file of an archive; nothing where it is damaged, so that the others are read all the same."""
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return b""


def decode_grayscale(data: bytes) -> Image:
    """The picture in a file, grey (h, w), turned as its camera noted, transparent parts white.

    Raises:
        BrokenFileError: it is no picture, is damaged, or is too small or too large to be a field.
    """
    try:
        with Pictures.open(io.BytesIO(data)) as opened:
            picture = ImageOps.exif_transpose(opened)
            if picture.has_transparency_data:
                picture = Pictures.alpha_composite(
                    Pictures.new("RGBA", picture.size, "white"), picture.convert("RGBA")
                )
            if picture.mode.startswith("I"):
                return _limit_size((np.asarray(picture, np.uint32) >> 8).astype(np.uint8))
            return _limit_size(np.asarray(picture.convert("L"), np.uint8))
    except (OSError, ValueError, SyntaxError, Pictures.DecompressionBombError) as error:
        raise BrokenFileError("no_picture_damaged") from error


def _limit_size(picture: Image) -> Image:
    if min(picture.shape) < 8 or picture.size > 40_000_000:
        raise BrokenFileError("too_small_too_large_picture")
    return picture


MAX_BOX_ASPECT = 2.0
"""Width by height: a picture that is wider shows a row of boxes. Read as one box, a personal number
was surely nothing.
"""


def make_field_image(image: Image, kind: Kind, cells: int | None) -> FieldImage:
    """A crop of a field that fills the picture. `cells` counts digit boxes or ruled lines (None:
    lines are as on plain paper, digits are one box).

    Raises:
        UsageError: the kind needs a form.
        BrokenFileError: the picture is too wide for one box, and nobody says how many it shows.
    """
    if kind.traits.has_options:
        raise UsageError("choice_can_only_read_form")
    if kind.traits.has_cells:
        if cells is None and image.shape[1] > MAX_BOX_ASPECT * image.shape[0]:
            raise BrokenFileError("wider_than_one_box_say")
        row = reader.plain_digit_row if kind.traits.digits_only else letters.plain_letter_row
        return FieldImage(image, row(cells or 1))
    lines = cells if kind.traits.is_multiline else None
    height = kind.traits.image_height_mm * (lines or 1)
    box = (0.0, 0.0, height * image.shape[1] / image.shape[0], height)
    return FieldImage(
        image, FieldSpec.model_construct(name="crop", label="crop", kind=kind, box=box, lines=lines)
    )
