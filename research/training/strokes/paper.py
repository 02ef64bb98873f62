"""Put a line of ink on a scanned form, and cut it out again as the product does.

Ruled and framed fields, captions, writing of the lines above and below, grey and 1-bit scans: what
the product removes is gone, and what it leaves of all that stays beside the letters.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import Image
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.line_image import cut_line, split_into_bands
from pipeline.reading.fields.ink import find_ink

PX_PER_MM = 8.0
MARGIN_MM = 2.0
WRITING_MM = (3.6, 8.5)
"""Height of a line of writing, from its highest to its lowest ink."""
FIELD_MM = (6.0, 12.0)
BOUND_SHARE = 0.85
"""At most this share of a field's height is written in, so that its line is whole."""
PRINTS = ("none", "rule", "frame", "dots", "two rules")
PRINT_SHARES = (0.25, 0.25, 0.3, 0.1, 0.1)
TEMPLATE_SHARE = 0.6
"""How often the unfilled form is known, as of the own forms."""
MAX_STRETCH = 1.35
"""Where the ink that was cut has another shape than what was drawn, something else was cut."""
MIN_INK_LEFT = 0.5
"""A line that has lost more of its ink cannot be read."""
Layer = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Field:
    """A field: its size with the margin, and the margin (px)."""

    height: int
    width: int
    margin: int


def scan_line(ink: Image, rng: Generator) -> Image | None:
    """Return a line (black on white, cut to its ink) as cut out of a scanned form.

    None where too little of it was found.
    """
    writing, field = _place_writing(ink, rng)
    printed = _draw_print(field, rng)
    template = np.clip(255 - printed, 0, 255).astype(np.uint8) if _knows_template(rng) else None
    sheet = _compose_sheet(writing, _misregister(printed, rng), rng)
    image = _scan_sheet(sheet, rng)
    # The field without its margin, as the product knows it.
    spec = FieldSpec(
        name="line",
        label="line",
        kind=Kind.TEXT,
        box=(
            0,
            0,
            (field.width - 2 * field.margin) / PX_PER_MM,
            (field.height - 2 * field.margin) / PX_PER_MM,
        ),
    )
    found = find_ink(FieldImage(image, spec, template, PX_PER_MM, field.margin / PX_PER_MM))
    edges = (float(field.margin), float(field.height - field.margin))
    cut = cut_line(found, split_into_bands(found.mask, edges)[0])
    return cut.picture if cut is not None and _has_shape_of(cut.picture, ink) else None


def _has_shape_of(cut: Image, ink: Image) -> bool:
    # Compare shapes of the ink alone: the product leaves white around it.
    rows, columns = (np.flatnonzero((cut < 128).any(axis=axis)) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return False
    shape = (columns[-1] - columns[0] + 1) / (rows[-1] - rows[0] + 1)
    change = shape / (ink.shape[1] / ink.shape[0])
    if not 1 / MAX_STRETCH < change < MAX_STRETCH:
        return False
    # Pale ink may be lost in a 1-bit scan.
    area = (ink.shape[0] / (rows[-1] - rows[0] + 1)) ** 2
    return bool((cut < 160).sum() * area > MIN_INK_LEFT * (ink < 160).sum())


def _knows_template(rng: Generator) -> bool:
    return bool(rng.random() < TEMPLATE_SHARE)


def _place_writing(ink: Image, rng: Generator) -> tuple[Layer, _Field]:
    """Return ink (0…1) in a field, with ink of its neighbours, and the field."""
    high_mm = rng.uniform(*WRITING_MM)
    scale = high_mm * PX_PER_MM / ink.shape[0]
    size = (max(4, round(ink.shape[1] * scale)), max(4, round(ink.shape[0] * scale)))
    shown = cv2.resize(ink, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    small: Layer = np.float32(1) - shown / np.float32(255)
    field_mm = max(rng.uniform(*FIELD_MM), high_mm / BOUND_SHARE)
    margin = round(MARGIN_MM * PX_PER_MM)
    field = _Field(
        round(field_mm * PX_PER_MM) + 2 * margin,
        size[0] + 2 * margin + round(rng.uniform(1, 12) * PX_PER_MM),
        margin,
    )
    out = np.zeros((field.height, field.width), np.float32)
    # Anywhere in the field, more often low than high.
    space = field.height - 2 * margin - size[1]
    top = margin + round(space * float(rng.beta(2.2, 1.8)))
    left = margin + int(rng.integers(2, field.width - 2 * margin - size[0]))
    out[top : top + size[1], left : left + size[0]] = small
    # Feet of the line above and heads of the line below reach into the margin.
    reach = margin - 4
    if rng.random() < 0.25:
        _add_neighbour(out[:reach], small[-reach:], rng)
    if rng.random() < 0.25:
        _add_neighbour(out[-reach:], small[:reach], rng)
    return out, field


def _add_neighbour(place: Layer, part: Layer, rng: Generator) -> None:
    width = min(place.shape[1], part.shape[1])
    height = min(place.shape[0], part.shape[0])
    shown = np.roll(part, int(rng.integers(part.shape[1])), axis=1)[:height, :width]
    np.maximum(place[:height, :width], shown, out=place[:height, :width])


def _draw_print(field: _Field, rng: Generator) -> Layer:
    """Return print, in grey levels darker than paper."""
    out = np.zeros((field.height, field.width), np.uint8)
    level, thick = (int(rng.integers(40, 190)),), int(rng.integers(1, 4))
    left, right = field.margin, field.width - field.margin
    top, bottom = field.margin, field.height - field.margin
    kind = str(rng.choice(PRINTS, p=PRINT_SHARES))
    if kind == "frame":
        cv2.rectangle(out, (left, top), (right, bottom), level, thick)
    elif kind == "dots":
        for x in range(left, right, int(rng.integers(4, 9))):
            cv2.circle(out, (x, bottom), 1, level, -1, cv2.LINE_AA)
    elif kind != "none":
        cv2.line(out, (0, bottom), (field.width, bottom), level, thick)
        if kind == "two rules":
            cv2.line(out, (0, top), (field.width, top), level, thick)
    # A caption in small print at the top.
    if rng.random() < 0.35:
        cv2.putText(
            out,
            str(rng.choice(["Namn", "Ordination", "Kommentar", "Datum och tid", "Utfört av"])),
            (left + 4, top - 3 if rng.random() < 0.6 else top + 9),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.32,
            level,
            1,
            cv2.LINE_AA,
        )
    return out.astype(np.float32)


def _misregister(printed: Layer, rng: Generator) -> Layer:
    shift = np.array([[1, 0, rng.uniform(-2, 2)], [0, 1, rng.uniform(-2, 2)]], np.float32)
    moved = cv2.warpAffine(
        printed, shift, (printed.shape[1], printed.shape[0]), borderMode=cv2.BORDER_REPLICATE
    )
    soft = cv2.GaussianBlur(moved, (0, 0), float(rng.uniform(0.3, 0.8)))
    return np.asarray(soft * np.float32(rng.uniform(0.7, 1.4)), np.float32)


def _compose_sheet(writing: Layer, printed: Layer, rng: Generator) -> Layer:
    height, width = writing.shape
    light = np.linspace(0, rng.uniform(-22, 22), width, dtype=np.float32)[None, :]
    paper = np.float32(rng.uniform(222, 252)) + light
    # Pencil is paler and grainier than a pen.
    pencil = rng.random() < 0.2
    dark = float(rng.uniform(60, 120) if pencil else rng.uniform(110, 220))
    grain = rng.normal(1, 0.5 if pencil else 0.15, (height, width)).astype(np.float32)
    grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), 0.8), np.float32)
    return np.asarray(
        paper - np.maximum(printed, writing * dark * np.clip(grain, 0.4, 1.3)), np.float32
    )


def _scan_sheet(sheet: Layer, rng: Generator) -> Image:
    """Return the sheet as scanned, at 8 px/mm again."""
    height, width = sheet.shape
    # 150 to 300 dots per inch.
    ratio = float(rng.choice([0.74, 0.98, 1.18, 1.48], p=[0.1, 0.4, 0.1, 0.4]))
    size = (max(8, round(width * ratio)), max(8, round(height * ratio)))
    scan = cv2.resize(
        cv2.GaussianBlur(sheet, (0, 0), float(rng.uniform(0.3, 0.8))),
        size,
        interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR,
    )
    noise = rng.standard_normal(scan.shape, np.float32) * np.float32(rng.uniform(1, 6))
    grey = np.clip(scan + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        limit = np.percentile(grey[::4, ::4], 90) - rng.uniform(45, 110)
        grey = np.where(grey < limit, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        quality = int(rng.integers(30, 90))
        _, code = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
        grey = np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), np.uint8)
    return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
