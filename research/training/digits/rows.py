"""Draw rows of digit boxes as they look after registration at 8 px per mm, with their content.

A row is drawn with its neighbours, box lines, pen and paper, then degraded as scanners do;
`segment_digit_row` then cuts it as it cuts images of scanned fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.fields.digits.cells import EMPTY_CLASS, STRUCK_CLASS, segment_digit_row
from research.training.digits.corrections import (
    CORRECTION_KINDS,
    CORRECTION_SHARES,
    draw_corrected_digit,
    draw_correction,
)
from research.training.digits.glyphs import Glyphs, add_foot_or_hook, add_local_habit

PX_PER_MM = 8.0
CONDITIONS = (
    "plain",
    "pencil",
    "one_bit",
    "low_dpi",
    "jpeg",
    "no_blank",
    "bare",
    "bleed",
    "motion",
)
HABITS = ("over lines", "joined")
"""Conditions of writing that networks are trained on, but that are not measured: digits as high as
the boxes or higher, and digits joined by strokes.
"""
CONTINENTAL_SHARE = 0.12
JOINED_SHARE = 0.6
"""How often two digits of a row with joined digits are joined."""
InkLayer = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """A row as a reader gets it, and the class of each cell."""

    image: Image
    blank: Image | None
    margin_px: float
    labels: tuple[int, ...]

    def pictures(self) -> Image:
        """Its cells (n, 32, 32)."""
        return segment_digit_row(self.image, self.blank, len(self.labels), self.margin_px).pictures


class RowContents(Protocol):
    """What can be in the boxes of a row.

    Returns a class and its shape (None: nothing).
    """

    @property
    def empty(self) -> int:
        """The class of an empty box."""
        ...

    @property
    def struck(self) -> int:
        """The class of a box whose content is struck out."""
        ...

    def cell(self, blanks: float, odd: float, rng: Generator) -> tuple[int, Image | None]:
        """Return one box.

        Empty with probability `blanks`, else something struck out or foreign with probability
        `odd`.
        """
        ...


@dataclass(frozen=True, slots=True)
class DigitContents:
    """Boxes for digits; some 1 with a foot and some 7 with a hook if `continental`."""

    glyphs: Glyphs
    empty: int = EMPTY_CLASS
    struck: int = STRUCK_CLASS
    continental: bool = False

    def cell(self, blanks: float, odd: float, rng: Generator) -> tuple[int, Image | None]:
        """Return a written digit, or something else that occurs in such a box."""
        value, glyph = _choose_content(self.glyphs, blanks, odd, rng)
        if self.continental and glyph is not None and rng.random() < CONTINENTAL_SHARE:
            glyph = add_foot_or_hook(glyph, value, rng)
        return value, glyph


def draw_row(contents: RowContents, condition: str, rng: Generator) -> DrawnRow:
    """Draw one row under a condition of `CONDITIONS` or `HABITS`."""
    if condition == "bare":
        return _bare_character(contents, rng)
    # Geometry of the row: boxes, their size and the margin of the cut.
    cells = int(rng.choice([1, 2, 3, 4, 6, 8, 12]))
    pitch, height = rng.uniform(4.5, 6.5) * PX_PER_MM, rng.uniform(6, 9) * PX_PER_MM
    margin = round(float(rng.choice([2.0, 2.0, rng.uniform(0.5, 2.5)])) * PX_PER_MM)
    shape = (round(height) + 2 * margin, round(pitch * cells) + 2 * margin)
    edges = np.linspace(margin, shape[1] - margin, cells + 1)
    # Draw ink and print on separate layers; they are misaligned by registration.
    ink, labels = _write_row(contents, (shape, margin), edges, condition, rng)
    lines = _draw_boxes(shape, edges, margin, rng)
    image = _scan_sheet(
        _compose_sheet(ink, _misregister(lines, rng, 3.0), condition, rng), condition, rng
    )
    # Without a template image the field is cut without margin.
    blank = None if condition == "no_blank" else np.clip(255 - lines, 0, 255).astype(np.uint8)
    if blank is None:
        image = image[margin : shape[0] - margin, margin : shape[1] - margin]
    return DrawnRow(
        np.ascontiguousarray(image), blank, 0.0 if blank is None else margin, tuple(labels)
    )


def _write_row(
    contents: RowContents,
    sheet: tuple[tuple[int, int], int],
    edges: NDArray[np.float64],
    condition: str,
    rng: Generator,
) -> tuple[InkLayer, list[int]]:
    """Draw the ink of a row (0…1) on a sheet (shape and margin), with the habits of one writer.

    Size, slant and stroke are alike in a row.
    """
    shape, margin = sheet
    ink = np.zeros(shape, np.float32)
    # Habits of the writer.
    size, slant, thick = (
        rng.uniform(0.42, 0.92),
        rng.normal(0, 0.14),
        int(rng.choice([-1, 0, 0, 0, 1, 2])),
    )
    # Some people write over the lines of the boxes, some join their digits.
    if condition == "over lines":
        size = rng.uniform(0.95, 1.2)
    # Some rows are empty, some have gaps, some have corrections.
    blanks = 1.0 if rng.random() < 0.06 else float(rng.choice([0, 0, 0.1, 0.4]))
    odd = float(rng.choice([0, 0, 0.1, 0.7]))
    labels: list[int] = []
    for left, right in pairwise(edges):
        label, glyph = contents.cell(blanks, odd, rng)
        labels.append(label)
        if glyph is not None:
            box = (float(left), float(margin), float(right - left), float(shape[0] - 2 * margin))
            _place_glyph(ink, _thicken(glyph, thick), box, size, slant, rng)
            follows = len(labels) > 1 and labels[-2] != contents.empty
            if condition == "joined" and follows and rng.random() < JOINED_SHARE:
                _join_digits(ink, box, rng)
    # Some rows are struck out as a whole; then every cell is cancelled.
    if rng.random() < 0.05 and contents.empty not in labels:
        y = margin + (shape[0] - 2 * margin) * rng.uniform(0.3, 0.7, 2)
        cv2.line(
            ink,
            (margin - 4, int(y[0])),
            (shape[1] - margin + 4, int(y[1])),
            1.0,
            int(rng.integers(2, 5)),
            cv2.LINE_AA,
        )
        labels = [contents.struck] * len(labels)
    _add_dust(ink, rng)
    return ink, labels


def _join_digits(ink: InkLayer, box: tuple[float, float, float, float], rng: Generator) -> None:
    """Draw the stroke by which a pen came from the digit on the left without being lifted."""
    x, y, w, h = box
    start = (x - rng.uniform(0.12, 0.35) * w, y + rng.uniform(0.55, 0.9) * h)
    end = (x + rng.uniform(0.12, 0.35) * w, y + rng.uniform(0.15, 0.6) * h)
    cv2.line(
        ink,
        (round(start[0]), round(start[1])),
        (round(end[0]), round(end[1])),
        float(rng.uniform(0.5, 1.0)),
        int(rng.integers(1, 4)),
        cv2.LINE_AA,
    )


def _choose_content(
    glyphs: Glyphs, blanks: float, odd_share: float, rng: Generator
) -> tuple[int, Image | None]:
    # Empty, something other than a digit, or a digit.
    if rng.random() < blanks:
        return EMPTY_CLASS, None
    if rng.random() < odd_share:
        return draw_correction(str(rng.choice(CORRECTION_KINDS, p=CORRECTION_SHARES)), glyphs, rng)
    value = int(rng.integers(10))
    glyph, printed = glyphs.digit(value, rng)
    # Writers have Swedish habits; some write over a mistake.
    if not printed and rng.random() < 0.2:
        glyph = add_local_habit(glyph, value, rng)
    if not printed and rng.random() < 0.02:
        glyph = draw_corrected_digit(glyphs.digit(int(rng.integers(10)), rng)[0], glyph, rng)
    return value, glyph


def _thicken(glyph: Image, amount: int) -> Image:
    if not amount:
        return glyph
    # Thicken with a round pen; thin with a small kernel.
    kernel = (
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(amount) + 1,) * 2)
        if amount > 0
        else np.ones((2, 2), np.uint8)
    )
    change = cv2.dilate if amount > 0 else cv2.erode
    changed = np.asarray(change(np.pad(glyph, 2), kernel), np.uint8)
    # Thin strokes must not vanish.
    return changed if changed.max() > 150 else glyph


def _place_glyph(
    ink: InkLayer,
    glyph: Image,
    box: tuple[float, float, float, float],
    size: float,
    slant: float,
    rng: Generator,
) -> None:
    """Place a glyph in its box: own size, slant and turn, off the middle.

    At times it is over the edge.
    """
    x, y, w, h = box
    gh, gw = glyph.shape
    # The digit's height is that of the writer with some variation.
    scale = h * np.clip(size + rng.normal(0, 0.06), 0.35, max(1.0, size)) / gh
    wide = scale * rng.uniform(0.8, 1.2)
    # At most slightly wider than the box.
    if gw * wide > w * 1.05:
        wide = w * rng.uniform(0.8, 1.05) / gw
    # Rotation and slant vary from digit to digit.
    turn = np.deg2rad(rng.normal(0, 5))
    shear = slant + rng.normal(0, 0.06)
    middle = np.array([x + w / 2 + rng.normal(0, 0.09) * w, y + h / 2 + rng.normal(0, 0.06) * h])
    # Affine matrix: scale, then slant, then rotation, about the middle of the digit.
    linear = (
        np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        @ np.array([[1, -shear], [0, 1]])
        @ np.diag([wide, scale])
    )
    shift = middle - linear @ np.array([gw / 2, gh / 2])
    placed = cv2.warpAffine(
        glyph,
        np.column_stack([linear, shift]),
        (ink.shape[1], ink.shape[0]),
        flags=cv2.INTER_LINEAR,
    )
    # Darker ink wins where strokes overlap.
    np.maximum(ink, placed.astype(np.float32) / 255, out=ink)


def _add_dust(ink: InkLayer, rng: Generator) -> None:
    for _ in range(rng.poisson(0.6)):
        at = (int(rng.integers(ink.shape[1])), int(rng.integers(ink.shape[0])))
        cv2.circle(ink, at, int(rng.integers(1, 3)), float(rng.uniform(0.3, 1)), -1, cv2.LINE_AA)


def _draw_boxes(
    shape: tuple[int, int], edges: NDArray[np.float64], margin: int, rng: Generator
) -> InkLayer:
    """Draw printed lines, as grey levels darker than the paper."""
    lines = np.zeros(shape, np.float32)
    level, thick = float(rng.uniform(20, 110)), int(rng.integers(1, 4))
    top, bottom = margin, shape[0] - margin
    # Some forms print dividers of half height between the boxes.
    half = rng.random() < 0.2
    for i, edge in enumerate(edges):
        start = top + (bottom - top) // 2 if half and 0 < i < len(edges) - 1 else top
        cv2.line(lines, (round(edge), start), (round(edge), bottom), level, thick)
    for y in (top, bottom):
        cv2.line(lines, (round(edges[0]), y), (round(edges[-1]), y), level, thick)
    # Some forms have a caption above the boxes.
    if rng.random() < 0.4:
        caption = np.zeros(shape, np.uint8)
        cv2.putText(
            caption,
            "ABC de",
            (margin, margin - 2),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.3,
            (int(rng.integers(60, 220)),),
            1,
            cv2.LINE_AA,
        )
        np.maximum(lines, caption, out=lines, casting="unsafe")
    # Some forms have a tinted background.
    if rng.random() < 0.3:
        lines += float(rng.uniform(4, 14))
    return lines


def _misregister(layer: InkLayer, rng: Generator, most: float) -> InkLayer:
    """Apply what registration leaves: a shift, and lines a little lighter, darker or softer."""
    # Residual shift of up to `most` px.
    shift = np.array(
        [[1, 0, rng.uniform(-most, most)], [0, 1, rng.uniform(-most, most)]], np.float32
    )
    moved = cv2.warpAffine(
        layer, shift, (layer.shape[1], layer.shape[0]), borderMode=cv2.BORDER_REPLICATE
    )
    return (cv2.GaussianBlur(moved, (0, 0), rng.uniform(0.3, 0.9)) * rng.uniform(0.5, 1.6)).astype(
        np.float32
    )


def _compose_sheet(ink: InkLayer, lines: InkLayer, condition: str, rng: Generator) -> InkLayer:
    """Return grey levels of the sheet: paper with its light, print, show-through and the pen."""
    h, w = ink.shape
    # A linear gradient of light.
    light = (
        np.linspace(0, float(rng.uniform(-25, 25)), w)[None, :]
        + np.linspace(0, float(rng.uniform(-12, 12)), h)[:, None]
    )
    paper = rng.uniform(222, 252) + light
    # Pencil is paler and grainier than a pen.
    faint = condition == "pencil"
    dark = rng.uniform(45, 110) if faint else rng.uniform(110, 225)
    grain = cv2.GaussianBlur(
        rng.normal(1, 0.9 if faint else 0.25, ink.shape).astype(np.float32), (0, 0), 0.9
    )
    # Ink on print: the darker one wins.
    sheet = paper - np.maximum(lines, ink * dark * np.clip(grain, 0.25, 1.4))
    # Show-through: the mirrored row, blurred and pale.
    if condition == "bleed" or rng.random() < 0.2:
        behind = cv2.GaussianBlur(
            np.roll(ink[:, ::-1], rng.integers(-20, 20, 2), axis=(0, 1)),
            (0, 0),
            rng.uniform(0.8, 2.0),
        )
        sheet -= behind * (
            rng.uniform(0.12, 0.45) * dark if condition == "bleed" else rng.uniform(5, 24)
        )
    return np.asarray(sheet, np.float32)


def _scan_sheet(sheet: InkLayer, condition: str, rng: Generator) -> Image:
    """Scan the sheet, and return it at the resolution of the canvas."""
    h, w = sheet.shape
    # Scale of the scan relative to 8 px/mm.
    ratio = rng.uniform(0.49, 0.75) if condition == "low_dpi" else rng.uniform(0.74, 1.6)
    size = (max(8, round(w * ratio)), max(8, round(h * ratio)))
    # Optics first, then sampling, motion, sensor noise.
    scan = cv2.GaussianBlur(sheet, (0, 0), rng.uniform(0.3, 1.0))
    scan = cv2.resize(scan, size, interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR)
    if condition == "motion":
        scan = _shake(
            np.asarray(scan, np.float32),
            rng.uniform(0.3, 1.1) * PX_PER_MM * ratio,
            rng.uniform(0, np.pi),
        )
    grey = np.clip(scan + rng.normal(0, rng.uniform(1, 6), scan.shape), 0, 255).astype(np.uint8)
    # Binarize below the paper's level, as a scanner set to text does.
    if condition == "one_bit":
        grey = np.where(grey < np.percentile(grey, 90) - rng.uniform(45, 110), 0, 255).astype(
            np.uint8
        )
    if condition == "jpeg" or rng.random() < 0.2:
        _, code = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])
        grey = np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), np.uint8)
    # Back to the canvas, as registration resamples the page.
    return np.asarray(cv2.resize(grey, (w, h), interpolation=cv2.INTER_LINEAR), np.uint8)


def _shake(sheet: InkLayer, length_px: float, angle: float) -> InkLayer:
    """Blur as a moving camera does: each point becomes a stroke of this length."""
    reach = int(np.ceil(length_px / 2))
    # Point-spread function of a straight movement, in 1/16 px.
    kernel = np.zeros((2 * reach + 1,) * 2, np.float32)
    along = np.array([np.cos(angle), np.sin(angle)]) * length_px / 2
    start, end = ((reach + along * way) * 16 for way in (-1, 1))
    cv2.line(kernel, start.astype(int).tolist(), end.astype(int).tolist(), 1.0, 1, cv2.LINE_AA, 4)
    return np.asarray(
        cv2.filter2D(sheet, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE), np.float32
    )


def _bare_character(contents: RowContents, rng: Generator) -> DrawnRow:
    """Return one character that fills its image, as in collections of digits."""
    label, glyph = contents.cell(0.02, 0.08, rng)
    if glyph is None:
        return DrawnRow(np.full((32, 32), 250, np.uint8), None, 0.0, (label,))
    # Random white around the character.
    pad = tuple((int(rng.integers(0, 14)), int(rng.integers(0, 14))) for _ in range(2))
    ink = np.pad(_thicken(glyph, int(rng.integers(-1, 3))), pad)
    side = rng.uniform(26, 70)
    small = cv2.resize(
        ink,
        (max(6, round(side * ink.shape[1] / ink.shape[0])), round(side)),
        interpolation=cv2.INTER_AREA,
    )
    grey = (
        rng.uniform(225, 255)
        - small.astype(np.float32) * rng.uniform(0.4, 0.9)
        + rng.normal(0, 3, small.shape)
    )
    return DrawnRow(np.clip(grey, 0, 255).astype(np.uint8), None, 0.0, (label,))
