"""Answer sheets of others as forms printed elsewhere: their unfilled sheet, made from a filled one,
and their definition.

No unfilled sheets were published. So every box of one sheet is covered with what is in most
boxes that bear the same letter or figure, and the page is laid flat on the plane of its boxes.
Both are made when tests run; nothing of the pictures is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from pipeline.domain.form.form import Form, load_form
from pipeline.domain.model import Image
from pipeline.reading.imaging.geometry import PX_PER_MM
from research.evaluation.fields.marks import (
    BOX_MARGIN_MM,
    AnswerSheet,
    BoxBlock,
    block_centres,
    cut_boxes,
    load_sheet_image,
)

AROUND_MM = 25.0
"""Paper around the boxes that belongs to the form, at most."""


@dataclass(frozen=True, slots=True)
class FlatSheet:
    """`px` takes mm of the flat page to px of the picture; `size` (mm); `boxes`: middle of each,
    mm, in the order of the sheet's blocks.
    """

    px: NDArray[np.float64]
    size: tuple[float, float]
    boxes: NDArray[np.float64]


def flat(sheet: AnswerSheet, shape: tuple[int, int]) -> FlatSheet:
    """The plane of the boxes, as much of it as the picture (h, w) shows."""
    outer = max(sheet.blocks, key=_area)
    sides = np.array(outer.corners)
    width = (
        float(np.linalg.norm(sides[1] - sides[0]) + np.linalg.norm(sides[2] - sides[3]))
        / 2
        / sheet.px_per_mm
    )
    height = (
        float(np.linalg.norm(sides[3] - sides[0]) + np.linalg.norm(sides[2] - sides[1]))
        / 2
        / sheet.px_per_mm
    )
    plane = np.asarray(
        cv2.getPerspectiveTransform(
            np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32),
            sides.astype(np.float32),
        ),
        np.float64,
    )
    inverse = np.asarray(np.linalg.inv(plane), np.float64)
    middles = _through(
        inverse,
        np.array(
            [place for block in sheet.blocks for place in block_centres(block, sheet.px_per_mm)]
        ),
    )
    low, high = middles.min(axis=0) - AROUND_MM, middles.max(axis=0) + AROUND_MM
    low, high = _within(inverse, shape, low, high)
    shift = np.array([[1, 0, low[0]], [0, 1, low[1]], [0, 0, 1]])
    return FlatSheet(
        plane @ shift, (float(high[0] - low[0]), float(high[1] - low[1])), middles - low
    )


def unfilled(sheet: AnswerSheet, scans: Path) -> Image:
    """The sheet without its marks, flat, grey, 8 px/mm."""
    grey = load_sheet_image(sheet, scans)
    place = flat(sheet, grey.shape)
    to_px = place.px @ np.array(
        [[1 / PX_PER_MM, 0, 0.5 / PX_PER_MM], [0, 1 / PX_PER_MM, 0.5 / PX_PER_MM], [0, 0, 1]]
    )
    size = round(place.size[0] * PX_PER_MM), round(place.size[1] * PX_PER_MM)
    page = np.asarray(
        cv2.warpPerspective(
            grey, to_px, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderValue=(255,)
        ),
        np.uint8,
    )
    for box, (x, y) in zip(cut_boxes(sheet, grey), place.boxes, strict=True):
        if box.marked is not False and box.crop.template_image is not None:
            _cover(
                page,
                box.crop.template_image,
                round((x - sheet.box_mm / 2 - BOX_MARGIN_MM) * PX_PER_MM),
                round((y - sheet.box_mm / 2 - BOX_MARGIN_MM) * PX_PER_MM),
            )
    return page


def written_form(folder: Path, form_id: str, sheet: AnswerSheet, scans: Path) -> Form:
    """The form in its folder, with its blank beside it: a check box for each box of the sheet,
    named by its number.
    """
    place, side = flat(sheet, load_sheet_image(sheet, scans).shape), sheet.box_mm
    fields = [
        {
            "name": f"box_{i}",
            "label": f"Box {i}",
            "kind": "mark",
            "filled": "marked",
            "box": [*(np.round(at - side / 2, 2).tolist()), side, side],
        }
        for i, at in enumerate(place.boxes)
    ]
    head = {
        "id": form_id,
        "version": 1,
        "title": form_id,
        "area": "HSL",
        "criticality": "C",
        "law": [],
        "entries": "sheet",
    }
    size = [round(v, 2) for v in place.size]
    (folder / form_id).mkdir(parents=True)
    cv2.imwrite(str(folder / form_id / "blank.png"), unfilled(sheet, scans))
    content = yaml.safe_dump(
        head | {"pages": [{"blank": "blank.png", "size": size, "fields": fields}]}
    )
    (folder / form_id / "form.yaml").write_text(content, "utf-8")
    return load_form(folder / form_id / "form.yaml")


def _cover(page: Image, patch: Image, left: int, top: int) -> None:
    target = page[max(0, top) : top + patch.shape[0], max(0, left) : left + patch.shape[1]]
    target[:] = patch[max(0, -top) :, max(0, -left) :][: target.shape[0], : target.shape[1]]


def _area(block: BoxBlock) -> float:
    return float(cv2.contourArea(np.array(block.corners, np.float32)))


def _through(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    mapped = np.hstack([points, np.ones((len(points), 1))]) @ matrix.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)


def _within(
    inverse: NDArray[np.float64],
    shape: tuple[int, int],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The rectangle cut to what the picture certainly shows: its corners in mm, the inner two of
    each pair.
    """
    h, w = shape
    corners = _through(inverse, np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float64))
    xs, ys = np.sort(corners[:, 0]), np.sort(corners[:, 1])
    return np.maximum(low, (xs[1], ys[1])), np.minimum(high, (xs[2], ys[2]))


def truth_of(sheet: AnswerSheet) -> list[bool | None]:
    """What a person sees in each box, in the order of the fields; None where people may
    disagree.
    """
    rows = [
        row
        for block in sheet.blocks
        if block_centres(block, sheet.px_per_mm)
        for row in block.boxes
    ]
    return [{"x": True, ".": False}.get(mark) for row in rows for mark in row]
