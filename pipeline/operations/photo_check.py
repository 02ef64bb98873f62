"""Look at a photo of a sheet before it is sent: its edges, and whether it can be read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from pipeline.domain.form.page import PAGE_HEIGHT_MM
from pipeline.domain.model import Image
from pipeline.files.images import decode_image
from pipeline.files.page_files import PNG
from pipeline.files.sandbox_pages import ForeignPages
from pipeline.files.sandbox_process import SandboxProcess
from pipeline.reading.identify.identify import identify_page
from pipeline.reading.imaging.geometry import Points
from pipeline.reading.imaging.paper_edges import (
    find_paper_edges,
    is_blurred_photo,
    is_cut_off,
    longer_side_px,
)

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
