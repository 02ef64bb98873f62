"""One picture from its bytes to its pixels, however its file holds them: grey or colour, 1 to 32
bits, turned, or with transparency.
"""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from pipeline.domain.errors import BrokenFileError
from pipeline.domain.model import Image

MAX_PIXELS = 180_000_000
"""More than an A3 sheet at 800 dpi: a picture beyond it is a mistake or an attack."""
STRIP_PX = 128
"""So many rows are copied at once. Pillow makes two copies of what it hands over: of a whole page
in colour as much again as the page itself.
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
"""What Pillow raises on damaged pictures."""


def decode_image(data: bytes, media_type: str) -> Image:
    """A page's picture: grey (h, w) or BGR (h, w, 3), uint8, turned as its EXIF orientation says,
    transparency laid on white.

    Raises:
        BrokenFileError: the bytes are damaged, not a picture, or too large.
    """
    try:
        with open_image(io.BytesIO(data)) as picture:
            return _to_eight_bit(picture)
    except TooLargeError as error:
        raise BrokenFileError("picture_too_large") from error
    except IMAGE_ERRORS as error:
        raise BrokenFileError("picture_damaged", media_type=media_type) from error


class TooLargeError(Exception):
    """More pixels than MAX_PIXELS."""


def open_image(source: Path | io.BytesIO) -> Pillow.Image:
    """A picture of which only the head is read.

    Raises:
        TooLargeError: it has more pixels than `MAX_PIXELS`.
        ValueError: it is no picture; of a damaged one Pillow raises any of `DAMAGE`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # odd metadata is not the picture's fault, and our own limit of size follows
        try:
            picture = Pillow.open(source, formats=("JPEG", "PNG", "TIFF"))
        except Pillow.DecompressionBombError as error:
            raise TooLargeError from error
        except UnidentifiedImageError as error:
            raise ValueError("not a picture") from error
    check_size(picture)
    return picture


def check_size(picture: Pillow.Image) -> None:
    """That memory can hold it.

    Raises:
        TooLargeError: it has more pixels than `MAX_PIXELS`.
    """
    if picture.width * picture.height > MAX_PIXELS:
        raise TooLargeError


def _to_eight_bit(picture: Pillow.Image) -> Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata; the pixels are what counts
        picture.load()
        ImageOps.exif_transpose(picture, in_place=True)
    return _read_pixels(picture)


def _read_pixels(upright: Pillow.Image) -> Image:
    if upright.mode.startswith("I") or upright.mode == "F":
        return _reduce_depth(np.asarray(upright))
    if upright.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in upright.info:
        rgba = upright.convert("RGBA")
        ground = Pillow.new("RGBA", rgba.size, "white")
        upright = Pillow.alpha_composite(ground, rgba).convert("RGB")
    return _copy_pixels(
        upright
        if upright.mode in ("L", "RGB")
        else upright.convert("L" if upright.mode == "1" else "RGB")
    )


def _copy_pixels(upright: Pillow.Image) -> Image:
    """The pixels of a picture in grey or RGB: grey (h, w) or BGR (h, w, 3)."""
    size = upright.height, upright.width
    out = np.empty(size if upright.mode == "L" else (*size, 3), np.uint8)
    for top in range(0, upright.height, STRIP_PX):
        strip = np.asarray(
            upright.crop((0, top, upright.width, min(top + STRIP_PX, upright.height)))
        )
        out[top : top + STRIP_PX] = strip if upright.mode == "L" else strip[:, :, ::-1]
    return out


def _reduce_depth(pixels: NDArray[Any]) -> Image:
    """What has more than 8 bits. 32-bit and float pictures have no fixed white, so their own range
    is used.
    """
    if pixels.dtype.kind in "iu" and pixels.min() >= 0 and pixels.max() <= 0xFFFF:
        return np.asarray(pixels >> (_bit_depth(int(pixels.max())) - 8), dtype=np.uint8)
    values = pixels.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    return np.asarray(
        np.clip((values - low) * (255.0 / max(high - low, 1e-6)), 0, 255), dtype=np.uint8
    )


def _bit_depth(highest: int) -> int:
    """The bits of a pixel. Scanners with 10, 12 or 14 store them in 16, some as they are; paper is
    white, so the highest value tells.
    """
    return next(bits for bits in (8, 10, 12, 14, 16) if highest < 1 << bits)
