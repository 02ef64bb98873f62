"""Fill in pages by drawing, degrade them as scanners do, and cut registered crops of every field.

Each crop comes with what was written there. Nothing has been trained on: digits are real held-out
ones, texts are in fonts of held-out families.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.domain.form.field import FieldSpec, Kind, Meaning
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Client, Image, State, Value
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.fill_sheet import (
    PRINT_DPI,
    SOLID_MARK,
    fill_field,
    render_sheet_page,
)
from pipeline.preparation.practice.synthetic_handwriting import Mask, SyntheticWriter
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.imaging.geometry import PX_PER_MM, to_grayscale
from pipeline.reading.register.register import cut_box
from pipeline.reading.register.template_images import field_margin_mm, template_image
from pipeline.registers.clients import load_client_register
from research.evaluation.fields.field_values import EMPTY_SHARE, STRUCK_SHARE, make_values
from research.training.digits.glyphs import add_local_habit

SCAN_MODES = ("grey", "150 dpi", "1 bit", "blurred", "stained", "uneven light")
"""How paper reaches the program on a working day, once it is registered."""
MAX_REGISTRATION_MM = 0.25
"""How far registration may leave a page from its place."""
FILLED_SERIAL = "23456789"
BLACK_LEVEL = 180
"""Darker than this is black in a scan with one bit."""
FILLED_UNIT = "Hemsjukvården Centrum"
CLIENT_COUNT = 3
"""How many clients have sheets printed for them."""
CLIENT_SHEET_SHARE = 0.35
"""Share of sheets that are printed for one client."""
LOCAL_HABIT_SHARE = 0.2
"""Share of 0, 1 and 7 written with stroke, flag or bar."""
LINE_KINDS = frozenset({Kind.TEXT, Kind.LINES})
"""The kinds of lines.

Lines are measured on real people's; those drawn here only make the page look real.
"""
DigitShapes = Mapping[int, Sequence[Image]]
"""Shapes of each digit, 255 = ink, cut to their ink."""


@dataclass(frozen=True, slots=True)
class FilledField:
    """A field's crop with what it says, its page, and how that page was degraded."""

    crop: FieldImage
    value: Value
    state: State
    page: str
    way: str


@dataclass(frozen=True, slots=True)
class DigitWriter(SyntheticWriter):
    """A writer whose digits are those of given people."""

    digits: DigitShapes

    def digit(self, value: int, height_px: int, rng: Generator) -> Mask:
        """Return a digit of one of them, as high as asked."""
        # A random shape of the digit, with a local habit now and then.
        shapes = self.digits[value]
        shape = shapes[int(rng.integers(len(shapes)))]
        if rng.random() < LOCAL_HABIT_SHARE:
            shape = add_local_habit(shape, value, rng)
        # Keep the aspect ratio, but no wider than high.
        width = int(np.clip(round(height_px * shape.shape[1] / shape.shape[0]), 3, height_px))
        return np.asarray(
            cv2.resize(shape, (width, height_px), interpolation=cv2.INTER_AREA) / 255.0, np.float32
        )


def make_digit_writers(
    fonts: Sequence[Path], digits: DigitShapes, count: int, rng: Generator
) -> list[DigitWriter]:
    """Return people who fill in forms: a font, a pen, an ink, and others' digits."""
    # Inks, BGR.
    inks = (
        (115, 60, 30),
        (40, 40, 40),
        (150, 40, 20),
        (105, 105, 105),
    )  # blue, black, bright blue, pencil (BGR)
    return [
        DigitWriter(
            fonts[i % len(fonts)], float(rng.uniform(0.25, 0.6)), inks[i % len(inks)], digits
        )
        for i in range(count)
    ]


def draw_filled_fields(
    people: Sequence[DigitWriter],
    pages: range,
    rng: Generator,
    kinds: Collection[Kind] = frozenset(Kind) - LINE_KINDS,
) -> Iterator[list[FilledField]]:
    """Return the fields of these kinds on so many pages, forms, people and scan modes in turn."""
    # Forms of one page, in turn; clients without protected identity.
    forms = [form for form in Forms.load(ROOT / "forms").values() if len(form.pages) == 1]
    clients = [
        c
        for c in load_client_register(ROOT / "data" / "samples" / "klienter.csv").clients
        if not c.protected
    ][:CLIENT_COUNT]
    for number in pages:
        # Form and writer in turn, scan mode at random.
        form, hand, way = (
            forms[number % len(forms)],
            people[number % len(people)],
            SCAN_MODES[int(rng.integers(len(SCAN_MODES)))],
        )
        client = (
            clients[int(rng.integers(len(clients)))] if rng.random() < CLIENT_SHEET_SHARE else None
        )
        sheet = Sheet(FILLED_SERIAL, client.unit if client else FILLED_UNIT, client)
        values = _sheet_values(form, client, rng)
        # Fill the page and blur slightly, as ink spreads.
        page = cv2.GaussianBlur(
            to_grayscale(fill_field(_print_sheet(form, sheet), form.pages[0], values, hand, rng)),
            (0, 0),
            0.6,
        ).astype(np.uint8)
        # Registration error, in px of the printed page.
        x, y = rng.uniform(-MAX_REGISTRATION_MM, MAX_REGISTRATION_MM, 2) * PRINT_DPI / 25.4
        # Text is measured on real handwriting instead.
        crops = [
            _cut_field_image(page, spec, form, way, (x, y), rng)
            for spec in form.fields
            if spec.kind in kinds
        ]
        yield [
            FilledField(c, *_field_truth(c.spec, values, sheet), f"{number:04d}", way)
            for c in crops
        ]


@cache
def _print_cached(definition: str, sheet: Sheet) -> Image:
    return render_sheet_page(Form.model_validate_json(definition), sheet)


def _print_sheet(form: Form, sheet: Sheet) -> Image:
    return _print_cached(form.model_dump_json(), sheet)


def _sheet_values(form: Form, client: Client | None, rng: Generator) -> dict[str, Value]:
    # Leave some fields empty, and fill in some marks completely to cancel them.
    values = {
        name: value for name, value in make_values(form, rng).items() if rng.random() >= EMPTY_SHARE
    }
    for name, value in values.items():
        if form.by_name[name].traits.is_check_box and value is True and rng.random() < STRUCK_SHARE:
            values[name] = SOLID_MARK
    # The printer has filled in the client's number and name already.
    given = {
        spec.name
        for spec in form.fields
        if client
        and spec.row in (None, 1)
        and spec.means in (Meaning.CLIENT_PID, Meaning.CLIENT_NAME)
    }
    return {name: value for name, value in values.items() if name not in given}


def _field_truth(spec: FieldSpec, values: Mapping[str, Value], sheet: Sheet) -> tuple[Value, State]:
    value = values.get(spec.name)
    # A box filled in completely cancels its mark.
    if value == SOLID_MARK:
        return False, State.CANCELLED
    # What the printer prints is read from the sheet, not from the values.
    if spec.means is Meaning.UNIT and not spec.traits.filled_by_hand:
        value = sheet.unit
    elif sheet.client and spec.row in (None, 1) and spec.means is Meaning.CLIENT_PID:
        value = sheet.client.pid
    elif sheet.client and spec.row in (None, 1) and spec.means is Meaning.CLIENT_PRINTED:
        value = sheet.client.name
    # Of signatures and marks only whether they are there is known.
    if spec.traits.is_signature:
        value = bool(value)
    if spec.traits.is_check_box:
        value = value is True
    return value, State.EMPTY if value is None or value is False else State.READ


def _cut_field_image(
    page: Image,
    spec: FieldSpec,
    form: Form,
    way: str,
    offset_px: tuple[float, float],
    rng: Generator,
) -> FieldImage:
    """Return a field as its reader gets it: grey, 8 px/mm, as far off as registration leaves it.

    It is degraded in one of `SCAN_MODES`. `page` is grey at 300 dpi.
    """
    # The same margin and template as in the product.
    margin = field_margin_mm(spec, form.fields)
    unfilled = cut_box(template_image(form, 1), spec.area, margin)
    # Affine map from field image to page: scale from 8 px/mm to 300 dpi, and offset.
    scale = PRINT_DPI / 25.4 / PX_PER_MM
    left, top = (
        (v - margin) * PRINT_DPI / 25.4 + shift
        for v, shift in zip((spec.area.x, spec.area.y), offset_px, strict=True)
    )
    place = np.array([[scale, 0, left], [0, scale, top]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    field_pixels = cv2.warpAffine(
        page,
        place,
        unfilled.shape[::-1],
        flags=flags,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255,),
    )
    return FieldImage(
        scan_picture(np.asarray(field_pixels, np.uint8), way, rng),
        spec,
        unfilled,
        PX_PER_MM,
        margin,
    )


def scan_picture(picture: Image, way: str, rng: Generator) -> Image:
    """Scan a grey image at 8 px/mm, in one of `SCAN_MODES`."""
    grey_levels = picture.astype(np.float32)
    height, width = picture.shape
    match way:
        case "150 dpi":
            # Down and up again: details below 150 dpi are lost.
            small = cv2.resize(grey_levels, None, fx=0.74, fy=0.74, interpolation=cv2.INTER_AREA)
            grey_levels = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(
                np.float32
            )
        case "blurred":
            grey_levels = cv2.GaussianBlur(grey_levels, (0, 0), 0.12 * PX_PER_MM).astype(np.float32)
        case "stained":
            # A stain darkens in soft vertical waves.
            across = np.linspace(0, np.pi * rng.uniform(0.5, 2), width) + rng.uniform(0, np.pi)
            grey_levels *= (1 - 0.2 * np.abs(np.sin(across)))[None, :].astype(np.float32)
        case "uneven light":
            # Light falls off from left to right.
            grey_levels *= np.linspace(1, rng.uniform(0.6, 0.9), width)[None, :].astype(np.float32)
    # Sensor noise; thresholding makes it more visible.
    scan = np.clip(
        grey_levels + rng.normal(0, 8 if way == "1 bit" else 4, picture.shape), 0, 255
    ).astype(np.uint8)
    if way == "1 bit":
        return np.where(scan < BLACK_LEVEL, 0, 255).astype(np.uint8)
    # Other scans are JPEG files.
    code = cv2.imencode(".jpg", scan, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), np.uint8)


ONE_BIT_SHARE, LOW_RESOLUTION_SHARE = 0.2, 0.2
