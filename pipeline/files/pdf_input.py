"""Pages of a PDF: the embedded scan unrecoded where a page is exactly one, otherwise the page
rendered without loss.

Whether pages of a PDF have gone: what is left of a damaged file can be opened, and tells nothing
of them.
"""

from __future__ import annotations

import io
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
from pdf2image import convert_from_path
from pdf2image.exceptions import (
    PDFInfoNotInstalledError,
    PDFPageCountError,
    PDFPopplerTimeoutError,
    PDFSyntaxError,
)
from PIL import Image as Pillow

from pipeline.domain.errors import MissingProgramError, StoreUnavailableError
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Image
from pipeline.files.atomic import remove_stale_partials_daily, temporary_folder_prefix

PDF_ERRORS = (
    pikepdf.PikepdfError,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    RuntimeError,
)
"""What pikepdf raises on damaged, unusual or locked objects."""
_TAIL_BYTES = 4096
"""Where a whole file has its end mark, though something may have been written after it."""
RENDER_DPI = 300
MAX_RENDER_DPI = 600
MAX_RENDER_PIXELS = 60_000_000
"""A larger page is rendered at fewer dpi."""
MAX_EMBEDDED_PIXELS = 120_000_000
RENDER_SECONDS = 90
_EDGE_TOLERANCE = 0.02
"""How far, as a share of the page, the edges of a full-page scan may lie from those of the page."""
_MAX_SCAN_CONTENT_BYTES = 4096
_ORIENTATION = 0x0112


def explain_missing_pages(path: Path, found: int) -> str:
    """Why pages are missing from a file in which so many were found; empty if none are known to be."""
    if _is_file_truncated(path):
        return "The PDF ends before it is whole: pages are missing."
    return "The PDF is damaged: pages are missing." if _declared_page_count(path) > found else ""


def _declared_page_count(path: Path) -> int:
    """How many pages the file says that it has; 0 if it does not. One whose object is destroyed is
    else left out without a word.
    """
    try:
        with pikepdf.open(
            path, inherit_page_attributes=False
        ) as pdf:  # pages are not looked for yet, and the count not corrected
            return int(pdf.Root.Pages.Count)
    except PDF_ERRORS:
        return 0


def _is_file_truncated(path: Path) -> bool:
    """Whether the file's end is missing. What is left can be mended, but tells nothing of the pages
    that were lost.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return b"%%EOF" not in file.read()


@dataclass(frozen=True, slots=True)
class PdfPageImage:
    """A page's picture as a file of its own."""

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class PdfProblem:
    """Why a PDF or one of its pages cannot be taken in."""

    code: IssueCode
    reason: str


@dataclass(frozen=True, slots=True)
class _EmbeddedScan:
    """The one image of a page, and the dpi at which it lies there."""

    image: pikepdf.PdfImage
    dpi: float


def count_pdf_pages(path: Path) -> int:
    """How many pages `pdf_pages` will yield."""
    try:
        with pikepdf.open(path) as pdf:
            return max(1, len(pdf.pages) + bool(explain_missing_pages(path, len(pdf.pages))))
    except PDF_ERRORS:
        return 1


def read_pdf_pages(path: Path) -> Iterator[tuple[int, PdfPageImage | PdfProblem]]:
    """Page number from 1 and picture, one at a time; a file that cannot be opened yields one
    problem.

    Raises:
        MissingProgramError: poppler is not installed and a page must be rendered.
        StoreUnavailableError: there is no room to render it.
    """
    try:
        pdf = pikepdf.open(path)
    except pikepdf.PasswordError:
        yield 1, PdfProblem(IssueCode.ENCRYPTED, "The PDF is locked with a password.")
        return
    except PDF_ERRORS:
        yield 1, PdfProblem(IssueCode.BROKEN_FILE, "The PDF is damaged.")
        return
    with pdf:
        missing = explain_missing_pages(path, len(pdf.pages))
        if not len(pdf.pages) and not missing:
            yield 1, PdfProblem(IssueCode.EMPTY_FILE, "The PDF has no pages.")
        for number in range(1, len(pdf.pages) + 1):
            yield number, _read_pdf_page(pdf, path, number)
        if missing:
            yield len(pdf.pages) + 1, PdfProblem(IssueCode.BROKEN_PAGE, missing)


def _read_pdf_page(pdf: pikepdf.Pdf, path: Path, number: int) -> PdfPageImage | PdfProblem:
    dpi = float(RENDER_DPI)
    try:
        page = pdf.pages[number - 1]
        if scan := _find_full_page_scan(page):
            if picture := _extract_scan(scan.image):
                return picture
            dpi = min(max(scan.dpi, RENDER_DPI), MAX_RENDER_DPI)
        dpi = _bounded_dpi(page, dpi)
    except PDF_ERRORS:
        pass  # an unusual page: the renderer decides whether it can be shown
    return _render_page(path, number, max(1, math.floor(dpi + 0.5)))


def _bounded_dpi(page: pikepdf.Page, dpi: float) -> float:
    """The dpi at which the page has at most MAX_RENDER_PIXELS."""
    left, bottom, right, top = (float(v) for v in page.cropbox)
    square_inches = abs(right - left) * abs(top - bottom) / 72**2
    return min(dpi, math.sqrt(MAX_RENDER_PIXELS / max(square_inches, 1e-6)))


def _find_full_page_scan(page: pikepdf.Page) -> _EmbeddedScan | None:
    """The page's only image, if the page is nothing but that image, upright and filling it."""
    if (
        int(page.obj.get("/Rotate", 0)) % 360
        or _has_annotations(page)
        or page.obj.get("/UserUnit", 1) != 1
    ):
        return None
    drawable: dict[str, Any] = dict(page.resources.get("/XObject", {}))
    if len(drawable) != 1:
        return None
    ((name, stream),) = drawable.items()
    if not isinstance(stream, pikepdf.Stream) or stream.get("/Subtype") != "/Image":
        return None
    placed = _find_placement(page, name)
    if placed is None or not _covers_page(page, placed):
        return None
    image = pikepdf.PdfImage(stream)
    return _EmbeddedScan(image, image.width / (placed.a / 72))


def _has_annotations(page: pikepdf.Page) -> bool:
    """Annotations that show: stamps, comments, filled form fields."""
    return any(mark.get("/Subtype") != "/Link" for mark in page.obj.get("/Annots", []))


def _find_placement(page: pikepdf.Page, name: str) -> pikepdf.Matrix | None:
    """Where the image lies, points; None if the page draws anything else."""
    contents: Any = page.obj.get("/Contents", [])
    streams = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
    if sum(int(s.get("/Length", 0)) for s in streams) > _MAX_SCAN_CONTENT_BYTES:
        return None
    matrix, found = pikepdf.Matrix(), None
    saved: list[pikepdf.Matrix] = []
    for step in pikepdf.parse_content_stream(page):
        operands: Any = step.operands
        match str(step.operator):
            case "q":
                saved.append(matrix)
            case "Q":
                matrix = saved.pop()
            case "cm":
                matrix = pikepdf.Matrix(*(float(v) for v in operands)) @ matrix
            case "Do" if found is None and str(operands[0]) == name:
                found = matrix
            case _:
                return None
    return found


def _covers_page(page: pikepdf.Page, placed: pikepdf.Matrix) -> bool:
    left, bottom, right, top = (float(v) for v in page.cropbox)
    width, height = right - left, top - bottom
    straight = placed.a > 0 and placed.d > 0 and abs(placed.b) < 1e-3 and abs(placed.c) < 1e-3
    x_fits = (
        abs(placed.e - left) <= _EDGE_TOLERANCE * width
        and abs(placed.e + placed.a - right) <= _EDGE_TOLERANCE * width
    )
    y_fits = (
        abs(placed.f - bottom) <= _EDGE_TOLERANCE * height
        and abs(placed.f + placed.d - top) <= _EDGE_TOLERANCE * height
    )
    return straight and x_fits and y_fits


def _extract_scan(image: pikepdf.PdfImage) -> PdfPageImage | None:
    """The embedded scan as it is; None where a viewer would change it before showing it."""
    stream = image.obj
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


def _extract_jpeg(image: pikepdf.PdfImage) -> PdfPageImage | None:
    """The bytes as they are. A PDF viewer ignores EXIF orientation and obeys ColorTransform; we
    would do the opposite, so such pages are rendered.
    """
    data = image.obj.read_raw_bytes()
    if image.mode not in ("L", "RGB") or any(
        "/ColorTransform" in parms for parms in image.decode_parms if parms
    ):
        return None
    with Pillow.open(io.BytesIO(data), formats=("JPEG",)) as picture:
        turned = picture.getexif().get(_ORIENTATION, 1) != 1
    return None if turned else PdfPageImage(data, "image/jpeg")


def _extract_fax(image: pikepdf.PdfImage) -> PdfPageImage | None:
    out = io.BytesIO()
    return (
        PdfPageImage(out.getvalue(), "image/tiff")
        if image.extract_to(stream=out) == ".tif"
        else None
    )


def _extract_flate(image: pikepdf.PdfImage) -> PdfPageImage:
    out = io.BytesIO()
    image.as_pil_image().save(out, "PNG", compress_level=3, icc_profile=None)
    return PdfPageImage(out.getvalue(), "image/png")


def _render_page(path: Path, number: int, dpi: int) -> PdfPageImage | PdfProblem:
    """The page as poppler shows it. A damaged page that shows nothing is a problem, not a blank
    page.
    """
    try:
        try:
            picture = _run_renderer(path, number, dpi, strict=True)
        except PDFSyntaxError:
            picture = _run_renderer(path, number, dpi, strict=False)
            if picture is not None and picture.min() == picture.max():
                picture = None
    except PDFPopplerTimeoutError:
        return PdfProblem(
            IssueCode.TOO_LARGE, f"The page could not be drawn within {RENDER_SECONDS} seconds."
        )
    except PDFPageCountError:
        return PdfProblem(IssueCode.BROKEN_PAGE, "The page is damaged.")
    except PDFInfoNotInstalledError as error:
        raise MissingProgramError("poppler_not_installed") from error
    if picture is None:
        return PdfProblem(IssueCode.BROKEN_PAGE, "The page is damaged and shows nothing.")
    encoded = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1]
    return PdfPageImage(encoded.tobytes(), "image/png")


def _run_renderer(path: Path, number: int, dpi: int, *, strict: bool) -> Image | None:
    """Grey where the page has no colour."""
    remove_stale_partials_daily(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=temporary_folder_prefix()) as folder:
        files = convert_from_path(
            path,
            dpi,
            folder,
            number,
            number,
            "ppm",
            paths_only=True,
            strict=strict,
            use_cropbox=True,
            timeout=RENDER_SECONDS,
        )
        if files and _is_image_truncated(Path(str(files[0]))):
            raise StoreUnavailableError("page_could_not_drawn_disk", value=tempfile.gettempdir())
        colour = cv2.imread(str(files[0]), cv2.IMREAD_COLOR) if files else None
    if colour is None:
        return None
    blue, green, red = cv2.split(colour)
    grey = np.array_equal(blue, green) and np.array_equal(green, red)
    return np.asarray(blue if grey else colour, dtype=np.uint8)


def _is_image_truncated(ppm: Path) -> bool:
    """Whether a drawn picture holds less than its head says."""
    with ppm.open("rb") as file:
        head = file.read(64).split(maxsplit=4)
    return len(head) < 4 or ppm.stat().st_size < 3 * int(head[1]) * int(head[2])
