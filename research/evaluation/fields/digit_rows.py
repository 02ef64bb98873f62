"""Draw single rows of digit boxes with a value of a format, for measuring many of them quickly.

The digits are those of real people, and the row is scanned.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.form.field import CELLS_BY_FORMAT, FieldSpec, Format, Kind
from pipeline.domain.model import Image, State, Value
from pipeline.preparation.practice.fill_sheet import (
    cell_characters,
)
from pipeline.reading.fields.field_image import FieldImage
from research.evaluation.fields.field_values import make_digits_value
from research.evaluation.fields.filled_pages import (
    LOCAL_HABIT_SHARE,
    LOW_RESOLUTION_SHARE,
    ONE_BIT_SHARE,
    DigitShapes,
)
from research.training.digits.glyphs import add_local_habit

ROW_PX_PER_MM = 8.0
CELL_SIZE_MM = (5.5, 8.0)
ROW_MARGIN_MM = 2.0
NUMBER_CELLS = (2, 3, 4)
LETTER_CELLS = (3, 4, 8, 12, 16)
MIN_VISIBLE_DARKENING = 0.1
"""Digits that darken the scan less are not on it any more (faint pencil at 1 bit).

No person could read them, so the row is scanned again.
"""
InkLayer = NDArray[np.float32]


def draw_row_field(
    form: Format, shapes: DigitShapes, rng: Generator, *, empty: bool = False
) -> tuple[FieldImage, tuple[Value, State]]:
    """Return a field of a format and what it says."""
    spec = _row_spec(form, rng)
    value = None if empty else make_digits_value(spec, rng)
    # Draw the empty boxes, which are also the template image.
    blank, edges = _draw_boxes(spec.cell_count)
    # Write the digits on a layer of their own.
    ink = np.zeros(blank.shape, np.float32)
    if value is not None:
        _write_digits(ink, cell_characters(spec, value), edges, shapes, rng)
    image = _scan_row(blank, ink, rng)
    while value is not None and _darkening(image, ink) < MIN_VISIBLE_DARKENING:
        image = _scan_row(blank, ink, rng)
    return FieldImage(image, spec, blank, ROW_PX_PER_MM, ROW_MARGIN_MM), (
        value,
        State.EMPTY if value is None else State.READ,
    )


def _darkening(image: Image, ink: InkLayer) -> float:
    """Return how much darker the scan is where the pen wrote than elsewhere, 0 to 1."""
    written = ink > 0.5
    return float(image[~written].mean() - image[written].mean()) / 255


def draw_empty_row(form: Format | None, rng: Generator) -> FieldImage:
    """Return an empty field of digit boxes of a format, or of letter boxes without one."""
    spec = _row_spec(form, rng)
    blank, _ = _draw_boxes(spec.cell_count)
    image = _scan_row(blank, np.zeros(blank.shape, np.float32), rng)
    return FieldImage(image, spec, blank, ROW_PX_PER_MM, ROW_MARGIN_MM)


def _row_spec(form: Format | None, rng: Generator) -> FieldSpec:
    fixed = CELLS_BY_FORMAT.get(form) if form else None
    cells = fixed or int(rng.choice(NUMBER_CELLS if form else LETTER_CELLS))
    box = (20.0, 20.0, CELL_SIZE_MM[0] * cells, CELL_SIZE_MM[1])
    number = {} if fixed else {"cells": cells}
    if form is Format.NUMBER:
        number["decimals"] = int(rng.integers(2))
    kind = Kind.DIGITS if form else Kind.LETTERS
    return FieldSpec.model_validate(
        {"name": "row", "label": "row", "kind": kind, "box": box, "format": form, **number}
    )


def _draw_boxes(cells: int) -> tuple[Image, list[int]]:
    margin, pitch, height = (round(mm * ROW_PX_PER_MM) for mm in (ROW_MARGIN_MM, *CELL_SIZE_MM))
    blank = np.full((height + 2 * margin, pitch * cells + 2 * margin), 255, np.uint8)
    # Left edge of each box, and the right edge of the last.
    edges = [margin + i * pitch for i in range(cells + 1)]
    for x in edges:
        cv2.line(blank, (x, margin), (x, margin + height), (200,), 2)
    for y in (margin, margin + height):
        cv2.line(blank, (margin, y), (edges[-1], y), (200,), 2)
    return blank, edges


def _write_digits(
    ink: InkLayer, text: str, edges: list[int], shapes: DigitShapes, rng: Generator
) -> None:
    """Write digits as one writer: sizes in a row are alike."""
    # One size per row, slightly varied per digit: a writer is consistent.
    size = rng.uniform(0.55, 0.85) * CELL_SIZE_MM[1] * ROW_PX_PER_MM
    for character, left in zip(text, edges, strict=False):
        if character == " ":
            continue
        # A random shape of the digit.
        shape = shapes[int(character)][int(rng.integers(len(shapes[int(character)])))]
        # Some writers use a crossed 7, a flagged 1 or a slashed 0.
        if rng.random() < LOCAL_HABIT_SHARE:
            shape = add_local_habit(shape, int(character), rng)
        # Scale to the writer's size, at most as wide as the box.
        height = round(size * rng.uniform(0.9, 1.1))
        width = int(
            np.clip(round(height * 0.75 * shape.shape[1] / shape.shape[0]), 3, edges[1] - edges[0])
        )
        small = (
            cv2.resize(shape, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
            / 255
        )
        # Off the middle of the box by a few pixels.
        x = left + (edges[1] - edges[0] - width) // 2 + int(rng.integers(-4, 5))
        y = (ink.shape[0] - height) // 2 + int(rng.integers(-5, 6))
        x, y = max(0, x), max(0, y)
        part = ink[y : y + height, x : x + width]
        # Darker ink wins where strokes overlap.
        np.maximum(part, small[: part.shape[0], : part.shape[1]], out=part)


def _scan_row(blank: Image, ink: InkLayer, rng: Generator) -> Image:
    """Draw with a pen between pencil and felt, a row a little off its place, and scan it."""
    # Registration error of up to 2 px.
    shift = np.array([[1, 0, rng.uniform(-2, 2)], [0, 1, rng.uniform(-2, 2)]], np.float32)
    printed = cv2.warpAffine(
        blank, shift, blank.shape[::-1], borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    # Background and ink of random darkness, then the optics and the sensor.
    sheet = printed - rng.uniform(3, 25) - ink * rng.uniform(70, 200)
    sheet = cv2.GaussianBlur(sheet, (0, 0), rng.uniform(0.4, 1.2))
    grey = np.clip(sheet + rng.normal(0, rng.uniform(1, 6), sheet.shape), 0, 255).astype(np.uint8)
    # Some scans are at 150 dpi.
    if rng.random() < LOW_RESOLUTION_SHARE:
        small = cv2.resize(grey, None, fx=0.74, fy=0.74, interpolation=cv2.INTER_AREA)
        grey = np.asarray(
            cv2.resize(small, grey.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8
        )
    # Some are binarized at a random threshold below the paper's level.
    if rng.random() < ONE_BIT_SHARE:
        grey = np.where(grey < np.percentile(grey, 90) - rng.uniform(45, 90), 0, 255).astype(
            np.uint8
        )
    return np.asarray(grey, np.uint8)
