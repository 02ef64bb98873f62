"""Fill in a printed page as a person would: draw ink on an image of the page, field by field."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.form.form import Form
from pipeline.domain.form.page import PageSpec
from pipeline.domain.model import Box, Image, Value
from pipeline.files.pdf_render import render_own_pdf
from pipeline.forms.printing import Sheet, print_sheets
from pipeline.preparation.practice.synthetic_handwriting import Mask, SyntheticWriter

PRINT_DPI = 300
PRINT_PX_PER_MM = PRINT_DPI / 25.4
SOLID_MARK = "solid"
"""Value of a check box that is filled in, and so cancelled."""
_X_SHARE = 0.6
"""Share of the ticks that are crosses; the others are check marks."""


def render_sheet_page(form: Form, sheet: Sheet, page_no: int = 1) -> Image:
    """Render a page as the printer makes it, BGR at 300 dpi."""
    return render_own_pdf(print_sheets(form, [sheet]), page_no, dpi=PRINT_DPI)


def fill_field(
    page: Image,
    spec: PageSpec,
    values: Mapping[str, Value],
    writer: SyntheticWriter,
    rng: Generator,
) -> Image:
    """Return the page with `values` written on it; a field without a value stays empty."""
    paper = page.copy()
    for field in spec.all_fields:
        value = values.get(field.name)
        if value is not None and value is not False:
            _write_field(paper, field, value, writer, rng)
    return paper


def _write_field(
    paper: Image, field: FieldSpec, value: Value, writer: SyntheticWriter, rng: Generator
) -> None:
    match field.kind:
        case Kind.DIGITS:
            _write_digits(paper, field, str(value), writer, rng)
        case Kind.LETTERS:
            _write_letters(paper, field, str(value), writer, rng)
        case Kind.MARK:
            _write_mark(paper, field.area, writer, rng, solid=value == SOLID_MARK)
        case Kind.CHOICE:
            option = next(o for o in field.options if o.value == value)
            _write_mark(paper, Box(*option.box), writer, rng, solid=False)
        case Kind.TEXT | Kind.INITIALS:
            _write_line(paper, field.area, str(value), writer, rng)
        case Kind.LINES:
            _write_lines(paper, field, str(value), writer, rng)
        case Kind.SIGNATURE:
            _write_signature(paper, field.area, writer, rng)
        case Kind.PRINTED:
            raise ValueError("printed fields are printed, not written")


def cell_characters(field: FieldSpec, value: str) -> str:
    """Return the characters of a value, one a cell; numbers align right, codes left."""
    if field.format is Format.NUMBER:
        # Decimals are padded to the field's number of them, the whole is right-aligned.
        whole, _, part = value.partition(".")
        return (whole + (part.ljust(field.decimals, "0") if field.decimals else "")).rjust(
            field.cell_count
        )
    digits = "".join(c for c in value if c.isdigit())
    return digits.ljust(field.cell_count) if field.format is Format.CODE else digits


def _write_digits(
    paper: Image, field: FieldSpec, value: str, writer: SyntheticWriter, rng: Generator
) -> None:
    """Write a digit in each cell, off its middle by a little."""
    for cell, character in zip(field.cell_boxes, cell_characters(field, value), strict=True):
        if character == " ":
            continue
        # Height as a share of the cell's, varying from digit to digit.
        height = round(cell.h * rng.uniform(0.6, 0.82) * PRINT_PX_PER_MM)
        mask = writer.digit(int(character), height, rng)
        # Normally distributed offset from the cell's centre, mm.
        x = (cell.x + cell.w / 2 + rng.normal(0, 0.25)) * PRINT_PX_PER_MM - mask.shape[1] / 2
        y = (cell.y + cell.h / 2 + rng.normal(0, 0.3)) * PRINT_PX_PER_MM - height / 2
        _apply_ink(paper, mask, x, y, writer)


def _write_letters(
    paper: Image, field: FieldSpec, value: str, writer: SyntheticWriter, rng: Generator
) -> None:
    """Write a letter in each cell, from the left."""
    # The line height is a little less than the cell's, wide letters are narrowed to fit.
    for cell, letter in zip(field.cell_boxes, value, strict=False):
        mask = _fit_mask(writer.words(letter, round(cell.h * 0.95 * PRINT_PX_PER_MM), rng), cell)
        x = (cell.x + cell.w / 2) * PRINT_PX_PER_MM - mask.shape[1] / 2
        y = (cell.y + cell.h / 2 + rng.normal(0, 0.2)) * PRINT_PX_PER_MM - mask.shape[0] / 2
        _apply_ink(paper, mask, x, y, writer)


def _write_mark(
    paper: Image, box: Box, writer: SyntheticWriter, rng: Generator, *, solid: bool
) -> None:
    """Tick a box with a cross or a check mark, or fill it in."""
    w, h = box.w, box.h

    def jitter() -> float:
        return float(rng.normal(0, 0.35))

    # Hatching at 0.8 of the pen's width leaves no gaps.
    if solid:
        lines = [
            [(0.2, float(y)), (w - 0.2, float(y + rng.normal(0, 0.1)))]
            for y in np.arange(0.2, h, writer.pen_mm * 0.8)
        ]
    elif rng.random() < _X_SHARE:
        lines = [
            [(jitter(), jitter()), (w + jitter(), h + jitter())],
            [(w + jitter(), jitter()), (jitter(), h + jitter())],
        ]
    else:
        lines = [
            [(0.2 + jitter(), h * 0.5), (w * 0.4, h - 0.3), (w + 0.8 + jitter(), -0.8 + jitter())]
        ]
    # The mask is larger than the box, since strokes reach beyond it.
    margin = 2.0
    shifted = [[(x + margin, y + margin) for x, y in line] for line in lines]
    mask = writer.strokes(shifted, PRINT_PX_PER_MM, (w + 2 * margin, h + 2 * margin))
    _apply_ink(
        paper, mask, (box.x - margin) * PRINT_PX_PER_MM, (box.y - margin) * PRINT_PX_PER_MM, writer
    )


def _write_line(paper: Image, box: Box, text: str, writer: SyntheticWriter, rng: Generator) -> None:
    mask = _fit_mask(writer.words(text, round(box.h * 0.85 * PRINT_PX_PER_MM), rng), box)
    # The mask ends at 94 % of the box's height.
    y = (box.y + box.h * 0.94) * PRINT_PX_PER_MM - mask.shape[0]
    _apply_ink(paper, mask, (box.x + min(1.5, box.w * 0.1)) * PRINT_PX_PER_MM, y, writer)


def _write_lines(
    paper: Image, field: FieldSpec, text: str, writer: SyntheticWriter, rng: Generator
) -> None:
    pitch = field.area.h / (field.lines or 1)
    for i, line in enumerate(text.split("\n")):
        _write_line(
            paper,
            Box(field.area.x, field.area.y + i * pitch, field.area.w, pitch),
            line,
            writer,
            rng,
        )


def _write_signature(paper: Image, box: Box, writer: SyntheticWriter, rng: Generator) -> None:
    # An irregular line over about half of the box's width.
    xs = np.linspace(0.08, 0.6, 14) * box.w
    points = [(float(x), float(box.h * (0.55 + 0.3 * rng.normal()))) for x in xs]
    mask = writer.strokes([points], PRINT_PX_PER_MM, (box.w, box.h))
    _apply_ink(paper, mask, box.x * PRINT_PX_PER_MM, box.y * PRINT_PX_PER_MM, writer)


def _fit_mask(mask: Mask, box: Box) -> Mask:
    """Return the mask, narrowed if it is wider than the box has room for."""
    most = round(box.w * 0.9 * PRINT_PX_PER_MM)
    if mask.shape[1] <= most:
        return mask
    narrowed = cv2.resize(mask, (most, mask.shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(narrowed, np.float32)


def _apply_ink(paper: Image, mask: Mask, x: float, y: float, writer: SyntheticWriter) -> None:
    """Blend ink into the paper, which it can only darken; outside the page it is cut off."""
    left, top = round(x), round(y)
    # The part of the mask that is on the page.
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(paper.shape[1], left + mask.shape[1]), min(paper.shape[0], top + mask.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    # Coverage of each pixel by ink, 0–1.
    cover = mask[y0 - top : y1 - top, x0 - left : x1 - left, None]
    region = paper[y0:y1, x0:x1].astype(np.float32)
    colour = np.array(writer.colour, np.float32)
    paper[y0:y1, x0:x1] = np.minimum(region, region * (1 - cover) + colour * cover).astype(np.uint8)
