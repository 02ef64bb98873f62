"""Decode image files to 8-bit pixels: grey or colour, 1 to 32 bits, rotated or transparent."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from pipeline.domain.errors import BrokenFileError
from pipeline.domain.model import Image

MAX_PIXELS = 125_000_000
"""An A3 sheet at 800 dpi: a larger image is a mistake or an attack."""
LARGE_PIXELS = 40_000_000
"""A larger image is halved when it is decoded: more than an A4 sheet at 600 dpi shows nothing."""
STRIP_PX = 128
"""Rows copied at once.

Pillow makes two copies of what it returns: for a whole page in colour as much memory again as the
page itself.
"""
IMAGE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    struct.error,
    MemoryError,
    OverflowError,
)
"""What Pillow raises on damaged images."""


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


def decode_image(data: bytes, media_type: str) -> Image:
    """Decode a page's image: grey (h, w) or BGR (h, w, 3), uint8.

    It is rotated by its EXIF orientation; transparency becomes white.

    Raises:
        BrokenFileError: the bytes are damaged, not an image, or too large.
    """
    try:
        with open_image(io.BytesIO(data)) as picture:
            return to_eight_bit(picture)
    except TooLargeError as error:
        raise BrokenFileError("image_too_large") from error
    except IMAGE_ERRORS as error:
        raise BrokenFileError("image_damaged", media_type=media_type) from error


class TooLargeError(Exception):
    """An image has more pixels than `MAX_PIXELS`."""


def open_image(
    source: Path | io.BytesIO, formats: tuple[str, ...] | None = ("JPEG", "PNG", "TIFF")
) -> Pillow.Image:
    """Open an image of some of Pillow's formats, or of any, without decoding its pixels.

    Raises:
        TooLargeError: it has more pixels than `MAX_PIXELS`.
        ValueError: it is no image; for a damaged one Pillow raises any of `IMAGE_ERRORS`.
    """
    with warnings.catch_warnings():
        # Odd metadata does no harm, and the size is checked below.
        warnings.simplefilter("ignore")
        try:
            picture = Pillow.open(source, formats=formats)
        except Pillow.DecompressionBombError as error:
            raise TooLargeError from error
        except UnidentifiedImageError as error:
            raise ValueError("not a picture") from error
    check_size(picture)
    return picture


def check_size(picture: Pillow.Image) -> None:
    """Check that an image fits in memory.

    Raises:
        TooLargeError: it has more pixels than `MAX_PIXELS`.
    """
    if picture.width * picture.height > MAX_PIXELS:
        raise TooLargeError


def to_eight_bit(picture: Pillow.Image) -> Image:
    """Return the pixels of an open image as `decode_image` does; Pillow raises `IMAGE_ERRORS`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata; only the pixels matter
        picture.load()
        ImageOps.exif_transpose(picture, in_place=True)
    return _read_pixels(_halve_large(picture))


def _halve_large(picture: Pillow.Image) -> Pillow.Image:
    """Halve the sides of a large image in a mode that can be averaged, so that it fits in memory.

    A 1-bit image is made grey; palettes and deep images are left as they are.
    """
    if picture.width * picture.height <= LARGE_PIXELS:
        return picture
    grey = picture.convert("L") if picture.mode == "1" else picture
    return grey.reduce(2) if grey.mode in ("L", "RGB", "CMYK", "YCbCr") else grey


def _read_pixels(upright: Pillow.Image) -> Image:
    # More than 8 bits per channel.
    if upright.mode.startswith("I") or upright.mode == "F":
        return _reduce_depth(np.asarray(upright))
    # Transparency on white.
    if upright.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in upright.info:
        rgba = upright.convert("RGBA")
        background = Pillow.new("RGBA", rgba.size, "white")
        upright = Pillow.alpha_composite(background, rgba).convert("RGB")
    # All other modes as grey or RGB.
    if upright.mode not in ("L", "RGB"):
        upright = upright.convert("L" if upright.mode == "1" else "RGB")
    return _copy_pixels(upright)


def _copy_pixels(upright: Pillow.Image) -> Image:
    """Copy the pixels of an image in grey or RGB: grey (h, w) or BGR (h, w, 3)."""
    size = upright.height, upright.width
    pixels = np.empty(size if upright.mode == "L" else (*size, 3), np.uint8)
    # Pillow puts the channels in order as it copies: NumPy takes five times as long for that.
    order = "L" if upright.mode == "L" else "BGR"
    for top in range(0, upright.height, STRIP_PX):
        strip = upright.crop((0, top, upright.width, min(top + STRIP_PX, upright.height)))
        part = pixels[top : top + STRIP_PX]
        part[:] = np.frombuffer(strip.tobytes("raw", order), np.uint8).reshape(part.shape)
    return pixels


def _reduce_depth(pixels: NDArray[Any]) -> Image:
    """Reduce pixels of more than 8 bits to 8 bits."""
    if pixels.dtype.kind in "iu" and pixels.min() >= 0 and pixels.max() <= 0xFFFF:
        return np.asarray(pixels >> (_bit_depth(int(pixels.max())) - 8), dtype=np.uint8)
    # 32-bit and float images have no fixed white, so they are scaled by their own range.
    values = pixels.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    return np.asarray(
        np.clip((values - low) * (255.0 / max(high - low, 1e-6)), 0, 255), dtype=np.uint8
    )


def _bit_depth(highest: int) -> int:
    """Return the bits of a pixel by the highest value, as paper is white.

    Scanners with 10, 12 or 14 bits store them in 16, some of them unscaled.
    """
    return next(bits for bits in (8, 10, 12, 14, 16) if highest < 1 << bits)
