"""Read the pages of files from a scanner or a phone, and sort such files in the order of the paper.

A page's bytes are those of the file where the file is one page (JPEG, PNG, single TIFF), or the
embedded scan of a PDF without recoding; what must be recoded is recoded without loss. Pages are
read one at a time, so that memory does not grow with the file. Every page of a file is a page with
an image or one with a reason, whatever error a library raises.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

from PIL import Image as Pillow
from PIL import ImageOps
from PIL.TiffImagePlugin import TiffImageFile

from pipeline.domain.errors import (
    MissingProgramError,
    StoreUnavailableError,
    describe_error_location,
)
from pipeline.domain.issues import IssueCode
from pipeline.files.documents import (
    TYPED_PNG,
    TYPED_SUFFIXES,
    TYPED_TYPES,
    DocumentError,
    TypedFile,
    detect_typed,
    open_typed,
)
from pipeline.files.images import IMAGE_ERRORS, ScannedPage, TooLargeError, check_size, open_image
from pipeline.files.pdf_input import PdfFile

MAX_FILE_BYTES = 250_000_000
"""Largest single-image file that is read into memory."""
_MAX_DPI = 100_000
"""Highest credible resolution; a PNG cannot store much more."""
_MAX_FRAMES = 2_000
"""A file with more pictures is no stack of paper."""
PAGE_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("pdf", "tif", "tiff", "jpg", "jpeg", "jpe", "jfif", "jif", "png"),
        *("heic", "heif", "hif", "webp", "bmp", "gif"),
    )
)
"""Usual suffixes of such files; their content decides the type."""
INTAKE_SUFFIXES = PAGE_SUFFIXES | TYPED_SUFFIXES
"""Those, and those of files that were typed and not scanned."""
_NUMBER_PATTERN = re.compile("([0-9]+)")

PDF, TIFF, JPEG, PNG = "application/pdf", "image/tiff", "image/jpeg", "image/png"
HEIC, WEBP, BMP, GIF = "image/heic", "image/webp", "image/bmp", "image/gif"
_MAGIC_BYTES = {
    b"\xff\xd8\xff": JPEG,
    b"\x89PNG\r\n\x1a\n": PNG,
    b"II*\x00": TIFF,
    b"MM\x00*": TIFF,
    b"II+\x00": TIFF,
    b"MM\x00+": TIFF,
    b"GIF87a": GIF,
    b"GIF89a": GIF,
}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"heif"}
"""Brands of pictures in the format of phones (ISO/IEC 23008-12)."""
_BMP_HEADER_BYTES = {12, 40, 52, 56, 64, 108, 124}
_FORMATS = {GIF: "GIF", WEBP: "WEBP", BMP: "BMP", HEIC: "HEIF"}
"""Pillow's names of the formats whose pictures are encoded again."""


def detect_media_type(path: Path) -> str | None:
    """Return the type of a file by its first bytes; None if it is not one with pages.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(1024)
    if b"%PDF-" in start:
        return PDF
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return WEBP
    if start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS:
        return HEIC
    if start[:2] == b"BM" and int.from_bytes(start[14:18], "little") in _BMP_HEADER_BYTES:
        return BMP
    known = next((kind for magic, kind in _MAGIC_BYTES.items() if start.startswith(magic)), None)
    return known or detect_typed(path, start)


class PageFile(Protocol):
    """An open file with pages, numbered from 1."""

    @property
    def page_count(self) -> int:
        """The number of pages, at least 1."""
        ...

    def read(self, number: int) -> ScannedPage:
        """Read a page; libraries may raise any error on a damaged one."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


@contextmanager
def open_pages(path: Path) -> Iterator[PageFile]:
    """Open a file; one without readable pages has one page with a problem.

    Raises:
        OSError: the file is missing or may not be read.
    """
    file = _open_file(path, detect_media_type(path))
    try:
        yield file
    finally:
        file.close()


def read_page(file: PageFile, path: Path, number: int) -> ScannedPage:
    """Read a page of an open file; whatever error a library raises, it is a page with a problem.

    Raises:
        MissingProgramError: poppler is not installed, so that no page can be rendered.
        StoreUnavailableError: the machine cannot read it now, for want of room or memory.
    """
    try:
        return file.read(number)
    except (MissingProgramError, StoreUnavailableError):
        raise
    except (MemoryError, TooLargeError, Pillow.DecompressionBombError):
        problem, reason = IssueCode.TOO_LARGE, "The page needs too much memory."
    except Exception as error:  # a bad page must not stop the others
        problem, reason = IssueCode.BROKEN_PAGE, describe_error_location(error)
    return ScannedPage(path.name, number, None, "", problem, reason)


def read_pages(path: Path) -> Iterator[ScannedPage]:
    """Yield the pages of a file in order, in this process: for files that are not foreign.

    Raises:
        OSError: the file is missing or may not be read. Others as `read_page`.
    """
    with open_pages(path) as file:
        for number in range(1, file.page_count + 1):
            yield read_page(file, path, number)


def count_pages(path: Path) -> int:
    """Return the number of pages that `read_pages` will yield. Reads no pixels.

    Raises:
        OSError: the file is missing or may not be read.
    """
    with open_pages(path) as file:
        return file.page_count


def _open_file(path: Path, kind: str | None) -> PageFile:
    if kind is None:
        if path.stat().st_size == 0:
            return _BadFile(path, "", IssueCode.EMPTY_FILE, "The file is empty.")
        return _BadFile(
            path,
            "",
            IssueCode.NOT_A_DOCUMENT,
            "The file is not a PDF or a picture of a known kind.",
        )
    if kind == PDF:
        return PdfFile(path)
    if kind in (JPEG, PNG):
        return _WholeImage(path, kind)
    if kind in TYPED_TYPES:
        return _open_typed_pages(path, kind)
    try:
        return _open_frames(path, kind)
    except (TooLargeError, MemoryError, Pillow.DecompressionBombError):
        return _BadFile(path, kind, IssueCode.TOO_LARGE, "The picture has too many pixels.")
    except Exception:  # of the format's library: the file cannot be opened
        return _BadFile(path, kind, IssueCode.BROKEN_FILE, "The picture is damaged.")


@dataclass(frozen=True, slots=True)
class _BadFile:
    """A file that cannot be opened: one page with its problem."""

    path: Path
    kind: str
    problem: str
    reason: str
    page_count: int = 1

    def read(self, number: int) -> ScannedPage:
        return ScannedPage(self.path.name, number, None, self.kind, self.problem, self.reason)

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class _WholeImage:
    """A JPEG, PNG or TIFF of one page, as it is.

    Damaged pixels show later, when it is decoded; the bytes are kept nevertheless.
    """

    path: Path
    kind: str
    page_count: int = 1

    def read(self, number: int) -> ScannedPage:
        problem = ("", "")
        if self.path.stat().st_size > MAX_FILE_BYTES:
            problem = IssueCode.TOO_LARGE, "The file is too large for one picture."
        else:
            try:
                open_image(self.path).close()
            except TooLargeError:
                problem = IssueCode.TOO_LARGE, "The picture has too many pixels."
            except IMAGE_ERRORS:
                problem = IssueCode.BROKEN_FILE, "The picture is damaged."
        data = None if any(problem) else self.path.read_bytes()
        return ScannedPage(self.path.name, number, data, self.kind, *problem)

    def close(self) -> None:
        """Nothing is open."""


def _open_typed_pages(path: Path, kind: str) -> PageFile:
    try:
        return _TypedPages(path, open_typed(path, kind))
    except DocumentError:
        return _BadFile(path, kind, IssueCode.BROKEN_FILE, "The document is damaged or empty.")


@dataclass(frozen=True, slots=True)
class _TypedPages:
    """The pages of a file that was typed and not scanned."""

    path: Path
    typed: TypedFile

    @property
    def page_count(self) -> int:
        return len(self.typed.pages)

    def read(self, number: int) -> ScannedPage:
        return ScannedPage(self.path.name, number, self.typed.draw(number), TYPED_PNG)

    def close(self) -> None:
        """Nothing is open."""


def _open_frames(path: Path, kind: str) -> PageFile:
    image = _open_tiff(path) if kind == TIFF else _open_picture(path, kind)
    frames = _count_frames(image)
    # A TIFF of one page stays as it is, all else is written as one file for each picture.
    if kind == TIFF and frames == (1, ""):
        image.close()
        return _WholeImage(path, kind)
    return _Frames(path, kind, image, *frames)


@dataclass(frozen=True, slots=True)
class _Frames:
    """The pictures of a file, each encoded again without loss; `missing` says why others are not.

    A picture of a TIFF is a page; so is one of an animation, since none may be lost.
    """

    path: Path
    kind: str
    image: Pillow.Image
    readable: int
    missing: str

    @property
    def page_count(self) -> int:
        return self.readable + bool(self.missing)

    def read(self, number: int) -> ScannedPage:
        name = self.path.name
        if number > self.readable:
            return ScannedPage(name, number, None, self.kind, IssueCode.BROKEN_PAGE, self.missing)
        try:
            self.image.seek(number - 1)
            check_size(self.image)
            data, kind = _reencode_frame(self.image)
        except (TooLargeError, Pillow.DecompressionBombError):
            return ScannedPage(
                name,
                number,
                None,
                self.kind,
                IssueCode.TOO_LARGE,
                "The page has too many pixels.",
            )
        except IMAGE_ERRORS:
            return ScannedPage(
                name, number, None, self.kind, IssueCode.BROKEN_PAGE, "The page is damaged."
            )
        return ScannedPage(name, number, data, kind)

    def close(self) -> None:
        self.image.close()


def _count_frames(image: Pillow.Image) -> tuple[int, str]:
    """Count the pictures of a file that can be reached; also why others cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for index in count(1):
            if index >= _MAX_FRAMES:
                return index, f"The file has more than {_MAX_FRAMES} pictures."
            try:
                image.seek(index)
            except EOFError:
                break
            except (*IMAGE_ERRORS, Pillow.DecompressionBombError):
                return index, "The file ends before its pages do: some are missing."
    image.seek(0)
    return index, ""


def _open_tiff(path: Path) -> TiffImageFile:
    """Open the file whatever the size of its first page: only pages too large are refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return TiffImageFile(path)


def _open_picture(path: Path, kind: str) -> Pillow.Image:
    if kind == HEIC:
        import pi_heif

        pi_heif.register_heif_opener()
    return open_image(path, (_FORMATS[kind],))


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
