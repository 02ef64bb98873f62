"""Look at a photo of a sheet before it is sent: its edges, and whether it can be read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.page import PAGE_HEIGHT_MM
from pipeline.domain.model import Image
from pipeline.files.images import decode_image
from pipeline.files.page_files import PNG
from pipeline.files.sandbox_pages import ForeignPages
from pipeline.files.sandbox_process import SandboxProcess
from pipeline.reading.identify.identify import identify_page
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import Points, to_grayscale

# Find the edges of a sheet in a photo of it, for a preview before it is sent.
#
# Reading does not need them: it finds the markers of the form. A person who sees the outline on the
# photo knows that the whole paper is in it.

_SIDE_PX = 700
"""Longer side of the reduced image in which the edges are searched, px."""
_MIN_SHARE = 0.05
"""Least share of the photo that the paper covers."""
_MIN_FILLED = 0.9
"""Least share of its outline's area that paper of four straight sides fills."""
_MARGIN = 0.008
"""A corner nearer to the photo's edge than this share of its longer side is cut off."""
_MIN_CONTRAST = 25
"""Grey levels by which paper is lighter than what it lies on, at least."""
_SHARPNESS_SIDE_PX = 1200
_MIN_SHARPNESS = 60.0
"""Least variance of the Laplacian, grey levels²; text of a steady hand has several hundred."""


def find_paper_edges(image: Image) -> Points | None:
    """Return the corners of a sheet, px, clockwise from the top left; None if none stands out.

    `image` is grey or BGR. The sheet is lighter than what it lies on.
    """
    small = geometry.shrink_image(image, _SIDE_PX / max(image.shape[:2]))
    paper = _paper_mask(cv2.GaussianBlur(small, (0, 0), 2.0).astype(np.uint8))
    if paper is None:
        return None
    # The largest light part, without what is written or printed on it.
    outlines, _ = cv2.findContours(paper, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outline = cv2.convexHull(max(outlines, key=cv2.contourArea))
    corners = _four_corners(outline)
    if corners is None:
        return None
    area = cv2.contourArea(corners.astype(np.float32))
    is_filled = cv2.contourArea(outline) >= _MIN_FILLED * area
    if area < _MIN_SHARE * small.size or not is_filled:
        return None
    on_image: Points = _clockwise(corners) * (max(image.shape[:2]) / max(small.shape[:2]))
    return on_image


def is_cut_off(image: Image, corners: Points) -> bool:
    """Return whether a corner of the sheet lies at the edge of the photo or outside of it."""
    height, width = image.shape[:2]
    margin = _MARGIN * max(height, width)
    inside = (corners >= margin) & (corners <= np.array([width, height]) - 1 - margin)
    return not bool(inside.all())


def longer_side_px(corners: Points) -> float:
    """Return the length of the sheet's longer side in the photo, px."""
    return float(np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1).max())


def is_blurred_photo(image: Image, corners: Points | None) -> bool:
    """Return whether what is inside the corners, or the whole photo, has no sharp strokes."""
    grey = to_grayscale(image)
    if corners is not None:
        left, top = np.maximum(corners.min(axis=0), 0).astype(int)
        right, bottom = corners.max(axis=0).astype(int)
        grey = grey[top:bottom, left:right]
    if not grey.size:
        return True
    page = geometry.shrink_image(grey, _SHARPNESS_SIDE_PX / max(grey.shape))
    # Without its edge, which is sharp or blurred with whatever lies around the paper.
    height, width = page.shape
    inner = page[height // 10 : -height // 10, width // 10 : -width // 10]
    return float(cv2.Laplacian(inner, cv2.CV_64F).var()) < _MIN_SHARPNESS


def _paper_mask(grey: Image) -> NDArray[np.uint8] | None:
    """Return where the image is as light as paper; None if all of it is alike."""
    level, mask = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light, dark = grey[grey > level], grey[grey <= level]
    if not light.size or not dark.size or light.mean() - dark.mean() < _MIN_CONTRAST:
        return None
    # Writing and boxes at the edge of the paper are closed.
    size = max(3, max(grey.shape) // 60) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (size, size))
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
    return np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, kernel), np.uint8)


def _four_corners(outline: NDArray[Any]) -> Points | None:
    length = cv2.arcLength(outline, closed=True)
    for share in (0.01, 0.02, 0.03, 0.05, 0.08):
        corners = cv2.approxPolyDP(outline, share * length, closed=True)
        if len(corners) == 4:
            return corners.reshape(4, 2).astype(np.float64)
    return None


def _clockwise(corners: Points) -> Points:
    """Order corners clockwise, the one nearest to the top left first."""
    around = corners - corners.mean(axis=0)
    ordered = corners[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
    return np.roll(ordered, -int(np.argmin(ordered.sum(axis=1))), axis=0)


_MIN_PX_PER_MM = 5.5
"""Least resolution of an A4 sheet in a photo, px/mm: 140 dpi."""
_PREVIEW_SIDE_PX = 900
_GREEN, _AMBER = (80, 160, 0), (0, 140, 240)
"""Colours of the outline, BGR: all is well, and something is wrong."""


class PhotoProblem(StrEnum):
    """What is wrong with a photo; also a part of its text's key."""

    UNREADABLE = "unreadable"
    NO_EDGES = "no_edges"
    CUT_OFF = "cut_off"
    TOO_FAR = "too_far"
    BLURRED = "blurred"


@dataclass(frozen=True, slots=True)
class PhotoCheck:
    """What was found in a photo.

    `preview` is a small JPEG image with the outline of the paper, empty if the file cannot be
    opened. `is_known`: the code of one of Efterskrift's forms was read.
    """

    preview: bytes
    is_known: bool
    problems: tuple[PhotoProblem, ...]


def check_photo(data: bytes, name: str) -> PhotoCheck:
    """Look at a photo; nothing is stored. The file is opened in the sandbox.

    Raises:
        StoreUnavailableError: the machine cannot open it now, for want of room or memory.
    """
    with TemporaryDirectory(prefix="efterskrift-photo-") as folder:
        path = Path(folder, "photo" + Path(name).suffix[:6])
        path.write_bytes(data)
        with SandboxProcess() as process:
            page = ForeignPages(process, path).read(1, flatten=True)
    if page.data is None:
        return PhotoCheck(b"", is_known=False, problems=(PhotoProblem.UNREADABLE,))
    return _check_image(decode_image(page.data, PNG))


def _check_image(image: Image) -> PhotoCheck:
    corners = find_paper_edges(image)
    is_known = identify_page(image).code is not None
    problems = []
    # A form whose code was read is whole enough, whatever it lies on.
    if corners is None and not is_known:
        problems.append(PhotoProblem.NO_EDGES)
    if corners is not None and is_cut_off(image, corners) and not is_known:
        problems.append(PhotoProblem.CUT_OFF)
    longer_side = longer_side_px(corners) if corners is not None else max(image.shape[:2])
    if longer_side < _MIN_PX_PER_MM * PAGE_HEIGHT_MM:
        problems.append(PhotoProblem.TOO_FAR)
    if is_blurred_photo(image, corners):
        problems.append(PhotoProblem.BLURRED)
    return PhotoCheck(_draw_preview(image, corners, problems), is_known, tuple(problems))


def _draw_preview(image: Image, corners: Points | None, problems: list[PhotoProblem]) -> bytes:
    scale = min(1.0, _PREVIEW_SIDE_PX / max(image.shape[:2]))
    preview = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if preview.ndim == 2:
        preview = cv2.cvtColor(preview, cv2.COLOR_GRAY2BGR)
    if corners is not None:
        outline = np.round(corners * scale).astype(np.int32)
        colour = _AMBER if problems else _GREEN
        cv2.polylines(preview, [outline], True, colour, 5, cv2.LINE_AA)
    return cv2.imencode(".jpg", preview, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
