"""Measure how well check boxes are read, on real answer sheets and on Efterskrift's forms.

The boxes of real answer sheets are cut out of scans and photographs, with what a person sees in
them. Where the boxes are and what they contain is in `tests/data/answer_sheets.yaml`; the images
are third-party data and kept elsewhere. No blank sheet exists, so the blank of a box is the median
of all boxes of a sheet with the same letter or digit, most of which are empty.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec, Kind, StrictModel
from pipeline.domain.model import Image, State
from pipeline.domain.settings import ROOT
from pipeline.files.images import decode_image
from pipeline.reading.field_readers import CALIBRATED_READERS
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.imaging.geometry import PX_PER_MM
from pipeline.reading.imaging.pixels import to_ink_grayscale
from research.evaluation.fields.marked_forms import MarkedBox, read_marked_boxes
from research.evaluation.measure import (
    EvaluationData,
    JudgedValue,
    QualityRow,
    absent_row,
    make_quality_row,
)

TRUTH_FILE = ROOT / "tests" / "data" / "answer_sheets.yaml"
BOX_MARGIN_MM = 0.8
"""Paper around each box: half of the distance between neighbours."""
Points = NDArray[np.float64]
MARK_KIND = "mark"
MARKS_SEED = 2021


class SheetUse(StrEnum):
    """What a sheet may be used for."""

    DEVELOPMENT = "development"
    HELD_OUT = "held out"


class BoxBlock(StrictModel):
    """Boxes in rows and columns.

    `corners`: middles of the outermost ones, px, clockwise from the top left.

    `boxes`: a string a row, `x` marked, `.` empty, `?` people may disagree. `printed`: the way
    in which the letter in the box changes.
    """

    printed: Literal["across", "down"]
    corners: tuple[
        tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]
    ]
    boxes: tuple[str, ...]


class AnswerSheet(StrictModel):
    """One image of a filled answer sheet; `image` is its path below the folder of scans."""

    name: str
    image: str
    px_per_mm: float
    box_mm: float
    use: SheetUse
    blocks: tuple[BoxBlock, ...]


@dataclass(frozen=True, slots=True)
class AnswerBox:
    """One box as a reader gets it; `marked` is None where people may disagree."""

    crop: FieldImage
    marked: bool | None


def load_answer_sheets(path: Path = TRUTH_FILE) -> list[AnswerSheet]:
    """Return all sheets."""
    return [
        AnswerSheet.model_validate(sheet)
        for sheet in yaml.safe_load(path.read_text("utf-8"))["sheets"]
    ]


def load_sheet_image(sheet: AnswerSheet, scans: Path) -> Image:
    """Return the sheet's image in grey. `scans` is the folder with the images."""
    path = scans / sheet.image
    return to_ink_grayscale(decode_image(path.read_bytes(), path.suffix))


def cut_answer_boxes(sheet: AnswerSheet, scans: Path) -> list[AnswerBox]:
    """Return every box of the sheet, cut at 8 px/mm with its blank."""
    return cut_boxes(sheet, load_sheet_image(sheet, scans))


def cut_boxes(sheet: AnswerSheet, grey: Image, number: int = 1) -> list[AnswerBox]:
    """Return every box of the sheet in an image of it.

    `number` tells the reader which boxes are of one sheet.
    """
    # Cut all boxes with their printed letter.
    cut = [
        (label, _cut_box(grey, matrix, sheet.box_mm), truth)
        for label, matrix, truth in _box_places(sheet)
    ]
    # The median over boxes with the same print is the box without its mark: few are marked.
    alike: dict[tuple[str, int], list[Image]] = defaultdict(list)
    for label, picture, _ in cut:
        alike[label].append(picture)
    blanks = {
        label: np.median(np.stack(pictures), axis=0).astype(np.uint8)
        for label, pictures in alike.items()
    }
    # The reader gets each box as a field of a form, with that median as template image.
    side = sheet.box_mm
    spec = FieldSpec(
        name="box", label="box", kind=Kind.MARK, box=(10, 10, side, side), filled="marked"
    )
    crops = [
        FieldImage(picture, spec, blanks[label], PX_PER_MM, BOX_MARGIN_MM, sheet_number=number)
        for label, picture, _ in cut
    ]
    return [
        AnswerBox(crop, {"x": True, ".": False}.get(truth))
        for crop, (_, _, truth) in zip(crops, cut, strict=True)
    ]


def _box_places(sheet: AnswerSheet) -> Iterator[tuple[tuple[str, int], NDArray[np.float64], str]]:
    """Return for each box its print, its matrix mm (from its middle) → px, and the truth."""
    for block in sheet.blocks:
        across, down = len(block.boxes[0]), len(block.boxes)
        # Homography from the block's plane, mm, to the image, px, by its four corner boxes.
        size = _block_size_mm(block, sheet.px_per_mm)
        corners = np.array([(0, 0), (size[0], 0), size, (0, size[1])], np.float32)
        plane = (
            cv2.getPerspectiveTransform(corners, np.array(block.corners, np.float32))
            if across > 1 and down > 1
            else None
        )
        for row, line in enumerate(block.boxes):
            for column, truth in enumerate(line):
                # A single row or column does not determine a homography.
                if plane is None:
                    continue
                # Boxes are evenly spaced between the corner boxes.
                x, y = size[0] * column / (across - 1), size[1] * row / (down - 1)
                shift = np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])
                # Boxes with the same letter share their print.
                number = column if block.printed == "across" else row
                yield (
                    (f"{block.printed} {across if block.printed == 'across' else down}", number),
                    plane @ shift,
                    truth,
                )


def block_centres(block: BoxBlock, px_per_mm: float) -> list[tuple[float, float]]:
    """Return the middles of a block's boxes, px, row by row.

    None for a block of a single row or column.
    """
    across, down = len(block.boxes[0]), len(block.boxes)
    if across < 2 or down < 2:
        return []
    width, height = _block_size_mm(block, px_per_mm)
    # Homography from the block's plane, mm, to the image, px.
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    plane = cv2.getPerspectiveTransform(corners, np.array(block.corners, np.float32))
    grid = [
        (width * column / (across - 1), height * row / (down - 1))
        for row in range(down)
        for column in range(across)
    ]
    found = cv2.perspectiveTransform(np.array([grid], np.float64), plane)[0]
    return [(float(x), float(y)) for x, y in found]


def _block_size_mm(block: BoxBlock, px_per_mm: float) -> tuple[float, float]:
    """Return the distance from the middle of the first to that of the last box, mm."""
    # The mean of two opposite sides.
    a, b, c, d = (np.array(corner) for corner in block.corners)
    return (
        float(np.linalg.norm(b - a) + np.linalg.norm(c - d)) / 2 / px_per_mm,
        float(np.linalg.norm(d - a) + np.linalg.norm(c - b)) / 2 / px_per_mm,
    )


def _cut_box(grey: Image, matrix: Points, box_mm: float) -> Image:
    # Half of the cut, and its pixels.
    half = box_mm / 2 + BOX_MARGIN_MM
    side = round(2 * half * PX_PER_MM)
    # From px of the cut (centres at half integers) to mm from the box's middle.
    to_mm = np.array(
        [
            [1 / PX_PER_MM, 0, 0.5 / PX_PER_MM - half],
            [0, 1 / PX_PER_MM, 0.5 / PX_PER_MM - half],
            [0, 0, 1],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpPerspective(
            grey, matrix @ to_mm, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )


PAGE_COUNT, QUICK_PAGE_COUNT = 42, 7


def measure_marks(data: EvaluationData) -> list[QualityRow]:
    """Measure answer sheets of development, held-out ones, and printed and marked forms.

    Writers are sheets, or ways and styles of marks.
    """
    scans = data.find("scans")
    boxes = list(read_marked_boxes(QUICK_PAGE_COUNT if data.quick else PAGE_COUNT, MARKS_SEED))
    # Development and held-out sheets are separate rows: only the latter are unseen.
    return [
        *(_measure_sheets(use, scans, quick=data.quick) for use in SheetUse),
        make_quality_row(MARK_KIND, "own forms, printed and marked", judge_boxes(boxes)),
    ]


def judge_boxes(boxes: Sequence[MarkedBox]) -> list[JudgedValue]:
    """Compare what was read with what was drawn.

    A mark that people may disagree on may be read as one; read as empty it counts as wrong.
    """
    return [
        JudgedValue(
            box.reading.p, box.reading.value is (box.marked is not False), f"{box.way}, {box.style}"
        )
        for box in boxes
    ]


def _measure_sheets(use: SheetUse, scans: Path | None, *, quick: bool) -> QualityRow:
    name = f"answer sheets, {use}"
    if scans is None:
        return absent_row(MARK_KIND, name)
    found: list[JudgedValue] = []
    for sheet in load_answer_sheets():
        if sheet.use is use:
            # Boxes of one sheet are read together, as the reader adapts to the sheet.
            boxes = cut_answer_boxes(sheet, scans)[:: 10 if quick else 1]
            readings = CALIBRATED_READERS[Kind.MARK]([box.crop for box in boxes])
            pairs = zip(boxes, readings, strict=True)
            found += [
                JudgedValue(r.p, (r.state is State.READ) is (b.marked is not False), sheet.name)
                for b, r in pairs
            ]
    return make_quality_row(MARK_KIND, name, found)
