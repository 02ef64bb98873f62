"""Read the pages of a PDF: the embedded scan as it is, or the page rendered without loss.

The scan is extracted without recoding where a page consists of exactly one. Missing pages are
reported: what is left of a damaged file can be opened, and does not show that pages are lost.
"""

from __future__ import annotations

import io
import math
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
from PIL import Image as Pillow

from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Image, PrintedWord
from pipeline.files.images import ScannedPage
from pipeline.files.pdf_render import RENDER_SECONDS, render_page, run_program

_TAIL_BYTES = 4096
"""The end of a complete file that has its end mark, possibly followed by other data."""
RENDER_DPI = 300
MAX_RENDER_DPI = 600
MAX_RENDER_PIXELS = 60_000_000
"""A larger page is rendered at fewer dpi."""
MAX_EMBEDDED_PIXELS = 120_000_000
_EDGE_TOLERANCE = 0.02
"""Distance of the edges of a full-page scan from those of the page, as a share of the page."""
_MAX_SCAN_CONTENT_BYTES = 4096
"""A page with more drawing instructions is not just a scan."""
_PDF = "application/pdf"
_DAMAGED = IssueCode.BROKEN_FILE, "The PDF is damaged."
_ImageFile = tuple[bytes, str]
"""The content of an image file, and its media type."""
_ORIENTATION = 0x0112
"""The EXIF tag of the orientation."""


class PdfFile:
    """An open PDF. A file that cannot be opened has one page: its problem."""

    def __init__(self, path: Path) -> None:
        """Open the file; whatever is wrong with it becomes `problem`, never an error."""
        self._path = path
        self._pdf: pikepdf.Pdf | None = None
        self._readable_count, self._missing = 0, ""
        self.problem: tuple[IssueCode, str] | None = None
        try:
            self._pdf = pikepdf.open(path)
            self._readable_count = len(self._pdf.pages)
            self._missing = explain_missing_pages(path, self._readable_count)
        except pikepdf.PasswordError:
            self.problem = IssueCode.ENCRYPTED, "The PDF is locked with a password."
        except MemoryError:
            self.problem = IssueCode.TOO_LARGE, "The PDF needs too much memory."
        except Exception:  # of pikepdf, or of what it calls: all mean that it cannot be opened
            self.problem = _DAMAGED
        else:
            if not self._readable_count and not self._missing:
                self.problem = IssueCode.EMPTY_FILE, "The PDF has no pages."

    @property
    def page_count(self) -> int:
        """The number of pages, with one for those that are missing."""
        return max(1, self._readable_count + bool(self._missing))

    def read(self, number: int) -> ScannedPage:
        """Read a page, numbered from 1.

        Raises:
            MissingProgramError: poppler is not installed and the page must be rendered.
            StoreUnavailableError: the disk has no room to render it, or poppler was killed.
        """
        if self.problem is not None or self._pdf is None:
            return _failed_page(self._path, number, *(self.problem or _DAMAGED))
        if number > self._readable_count:
            return _failed_page(self._path, number, IssueCode.BROKEN_PAGE, self._missing)
        return _read_pdf_page(self._pdf, self._path, number)

    def close(self) -> None:
        """Close the file."""
        if self._pdf is not None:
            self._pdf.close()


def explain_missing_pages(path: Path, page_count: int) -> str:
    """Return why pages are missing from a file with `page_count` readable pages; "" if none are."""
    if _is_file_truncated(path):
        return "The PDF ends before it is whole: pages are missing."
    if _declared_page_count(path) > page_count:
        return "The PDF is damaged: pages are missing."
    return ""


def _declared_page_count(path: Path) -> int:
    """Return the page count that the file declares; 0 if it does not.

    A page whose object is destroyed is otherwise left out without an error.
    """
    try:
        # Without this option pikepdf searches the pages and corrects the count.
        with pikepdf.open(path, inherit_page_attributes=False) as pdf:
            return int(pdf.Root.Pages.Count)
    except Exception:  # an unusual file says nothing of its pages
        return 0


def _is_file_truncated(path: Path) -> bool:
    """Whether the file's end is missing.

    What is left can be repaired, but does not show which pages were lost.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return b"%%EOF" not in file.read()


def _failed_page(path: Path, number: int, problem: IssueCode, reason: str) -> ScannedPage:
    return ScannedPage(path.name, number, None, _PDF, problem, reason)


def _read_pdf_page(pdf: pikepdf.Pdf, path: Path, number: int) -> ScannedPage:
    dpi = float(RENDER_DPI)
    try:
        page = pdf.pages[number - 1]
        if scan := _find_full_page_scan(page):
            image, scan_dpi = scan
            if extracted := _extract_scan(image):
                return ScannedPage(path.name, number, *extracted)
            # A scan that must be recoded is rendered at its own resolution.
            dpi = min(max(scan_dpi, RENDER_DPI), MAX_RENDER_DPI)
        dpi = _bounded_dpi(page, dpi)
    except Exception:  # an unusual or damaged page: the renderer decides whether it can be shown
        pass
    return _render_page(path, number, max(1, math.floor(dpi + 0.5)))


def _bounded_dpi(page: pikepdf.Page, dpi: float) -> float:
    """Return the dpi, reduced so that the page has at most MAX_RENDER_PIXELS."""
    left, bottom, right, top = (float(v) for v in page.cropbox)
    square_inches = abs(right - left) * abs(top - bottom) / 72**2
    return min(dpi, math.sqrt(MAX_RENDER_PIXELS / max(square_inches, 1e-6)))


def _find_full_page_scan(page: pikepdf.Page) -> tuple[pikepdf.PdfImage, float] | None:
    """Return the page's only image and its dpi, if it is upright, fills the page, and is all."""
    # The page itself is not rotated, scaled or annotated.
    if (
        int(page.obj.get("/Rotate", 0)) % 360
        or any(annotation.get("/Subtype") != "/Link" for annotation in page.obj.get("/Annots", []))
        or page.obj.get("/UserUnit", 1) != 1
    ):
        return None
    # It has one external object, which is an image.
    objects: dict[str, Any] = dict(page.resources.get("/XObject", {}))
    if len(objects) != 1:
        return None
    ((name, stream),) = objects.items()
    if not isinstance(stream, pikepdf.Stream) or stream.get("/Subtype") != "/Image":
        return None
    # The image is all that is drawn, and fills the page.
    placement = _find_placement(page, name)
    if placement is None or not _covers_page(page, placement):
        return None
    image = pikepdf.PdfImage(stream)
    return image, image.width / (placement.a / 72)


def _find_placement(page: pikepdf.Page, name: str) -> pikepdf.Matrix | None:
    """Return the placement of the image, points; None if the page draws anything else."""
    contents: Any = page.obj.get("/Contents", [])
    streams = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
    if sum(int(stream.get("/Length", 0)) for stream in streams) > _MAX_SCAN_CONTENT_BYTES:
        return None
    # Follow the transformation up to the image: save, restore, multiply, draw.
    matrix, placement = pikepdf.Matrix(), None
    saved: list[pikepdf.Matrix] = []
    for instruction in pikepdf.parse_content_stream(page):
        operands: Any = instruction.operands
        match str(instruction.operator):
            case "q":
                saved.append(matrix)
            case "Q":
                matrix = saved.pop()
            case "cm":
                matrix = pikepdf.Matrix(*(float(v) for v in operands)) @ matrix
            case "Do" if placement is None and str(operands[0]) == name:
                placement = matrix
            case _:
                return None
    return placement


def _covers_page(page: pikepdf.Page, placement: pikepdf.Matrix) -> bool:
    left, bottom, right, top = (float(v) for v in page.cropbox)
    width, height = right - left, top - bottom
    is_upright = (
        placement.a > 0 and placement.d > 0 and abs(placement.b) < 1e-3 and abs(placement.c) < 1e-3
    )
    fits_x = (
        abs(placement.e - left) <= _EDGE_TOLERANCE * width
        and abs(placement.e + placement.a - right) <= _EDGE_TOLERANCE * width
    )
    fits_y = (
        abs(placement.f - bottom) <= _EDGE_TOLERANCE * height
        and abs(placement.f + placement.d - top) <= _EDGE_TOLERANCE * height
    )
    return is_upright and fits_x and fits_y


def _extract_scan(image: pikepdf.PdfImage) -> _ImageFile | None:
    """Extract the embedded scan as it is; None where a viewer would change it before display."""
    stream = image.obj
    # Masks, inverted values and unusual colours have to be rendered.
    if (
        image.image_mask
        or "/SMask" in stream
        or "/Mask" in stream
        or image.width * image.height > MAX_EMBEDDED_PIXELS
    ):
        return None
    decode: Any = stream.get("/Decode", [])
    if [float(v) for v in decode] != [0.0, 1.0] * (len(decode) // 2):
        return None
    if (
        image.is_device_n
        or image.is_separation
        or image.colorspace not in ("/DeviceGray", "/DeviceRGB", "/CalGray", "/CalRGB", "/ICCBased")
    ):
        return None
    match list(image.filters):
        case ["/DCTDecode"]:
            return _extract_jpeg(image)
        case ["/CCITTFaxDecode"]:
            return _extract_fax(image)
        case ["/FlateDecode"] if image.mode in ("1", "L", "RGB"):
            return _extract_flate(image)
    return None


def _extract_jpeg(image: pikepdf.PdfImage) -> _ImageFile | None:
    """Extract the bytes as they are.

    A PDF viewer ignores EXIF orientation and obeys ColorTransform, while image libraries do the
    opposite, so such pages are rendered.
    """
    data = image.obj.read_raw_bytes()
    if image.mode not in ("L", "RGB") or any(
        "/ColorTransform" in parameters for parameters in image.decode_parms if parameters
    ):
        return None
    with Pillow.open(io.BytesIO(data), formats=("JPEG",)) as jpeg:
        is_rotated = jpeg.getexif().get(_ORIENTATION, 1) != 1
        is_too_large = jpeg.width * jpeg.height > MAX_EMBEDDED_PIXELS
    return None if is_rotated or is_too_large else (data, "image/jpeg")


def _extract_fax(image: pikepdf.PdfImage) -> _ImageFile | None:
    out = io.BytesIO()
    return (out.getvalue(), "image/tiff") if image.extract_to(stream=out) == ".tif" else None


def _extract_flate(image: pikepdf.PdfImage) -> _ImageFile:
    out = io.BytesIO()
    image.as_pil_image().save(out, "PNG", compress_level=3, icc_profile=None)
    return out.getvalue(), "image/png"


def _render_page(path: Path, number: int, dpi: int) -> ScannedPage:
    """Render the page with poppler; a damaged page without content is a problem."""
    try:
        rendered = render_page(path, number, ("-r", str(dpi), "-cropbox"))
    except subprocess.TimeoutExpired:
        reason = f"The page could not be drawn within {RENDER_SECONDS} seconds."
        return _failed_page(path, number, IssueCode.TOO_LARGE, reason)
    except MemoryError:
        return _failed_page(path, number, IssueCode.TOO_LARGE, "The page needs too much memory.")
    if rendered is None or (rendered.is_damaged and rendered.image.min() == rendered.image.max()):
        reason = "The page is damaged and shows nothing."
        return _failed_page(path, number, IssueCode.BROKEN_PAGE, reason)
    image = _drop_colour(rendered.image)
    encoded = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1]
    return ScannedPage(path.name, number, encoded.tobytes(), "image/png")


def _drop_colour(image: Image) -> Image:
    """Return a page as grey if it has no colour."""
    if image.ndim == 2:
        return image
    blue, green, red = cv2.split(image)
    is_grey = np.array_equal(blue, green) and np.array_equal(green, red)
    return np.asarray(blue if is_grey else image, dtype=np.uint8)


_WORD = re.compile(
    rb'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">(.*?)</word>'
)
_PAGE_SIZE = re.compile(rb'<page width="([\d.]+)" height="([\d.]+)"')


def read_pdf_words(path: Path, number: int) -> list[PrintedWord]:
    """Return the words that a page has as text, each with its place as shares of the page.

    Raises:
        FileNotFoundError: poppler is not installed.
        TimeoutExpired: the page takes longer than `RENDER_SECONDS`.
    """
    page = ["-f", str(number), "-l", str(number)]
    found = run_program(["pdftotext", "-bbox", *page, str(path), "-"], RENDER_SECONDS).stdout
    size = _PAGE_SIZE.search(found)
    if size is None:
        return []
    width, height = float(size[1]) or 1.0, float(size[2]) or 1.0
    words = []
    for word in _WORD.finditer(found):
        left, top, right, bottom = (float(side) for side in word.groups()[:4])
        text = unescape(word[5].decode("utf-8", "replace"))
        words.append(
            (text, left / width, top / height, (right - left) / width, (bottom - top) / height)
        )
    return words
