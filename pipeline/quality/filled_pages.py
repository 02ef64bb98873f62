"""Pages filled in by drawing, spoilt as scanners spoil, and laid on their form: crops of every field with what was written there.

Nothing here has been trained on: digits are real ones that were set aside, texts are in fonts of families that were set aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.blanks import blank
from pipeline.clients import load_register
from pipeline.field_spec import FieldSpec, Kind, Meaning
from pipeline.margins import margin_mm
from pipeline.model import Client, Image, State, Value
from pipeline.plane import grey
from pipeline.printing import Sheet
from pipeline.quality.filled_values import values_for
from pipeline.quality.filling import DPI, SOLID, fill, printed_page
from pipeline.quality.hands import Hand, Mask
from pipeline.recognize.crop import Crop
from pipeline.register import PX_PER_MM, crop
from pipeline.settings import ROOT
from pipeline.template import Form, Forms
from pipeline.training.digit_glyphs import with_local_habit

WAYS = ("grey", "150 dpi", "1 bit", "blurred", "stained", "uneven light")
"""How paper reaches the program on a working day, once it is laid on its form."""
ASTRAY_MM = 0.25
"""How far registration may leave a page from its place."""
SERIAL = "23456789"
BLACK = 180
"""Darker than this is black in a scan with one bit."""
UNIT = "Hemsjukvården Centrum"
CLIENTS = 3
"""So many clients have sheets printed for them."""
STRUCK = 0.04
"""Share of marks that are filled in to cancel them."""
LEFT_EMPTY = 0.12
"""Share of fields that are not filled in."""
PRINTED_FOR = 0.35
"""Share of sheets that are printed for one client."""
LOCAL = 0.2
"""Share of 0, 1 and 7 written with stroke, flag or bar."""

LINES = frozenset({Kind.TEXT, Kind.LINES})
"""Lines are measured on real people's; those drawn here only make the page look like one."""

Digits = Mapping[int, Sequence[Image]]
"""Shapes of each digit, 255 = ink, cut to their ink."""


@dataclass(frozen=True, slots=True)
class Written:
    """A field's crop with what it says, which page it is on, and how that page was spoilt."""

    crop: Crop
    value: Value
    state: State
    page: str
    way: str


@dataclass(frozen=True, slots=True)
class Writer(Hand):
    """A hand that writes digits of given people."""

    digits: Digits

    def digit(self, value: int, height_px: int, rng: Generator) -> Mask:
        """A digit of one of them, as high as asked."""
        shapes = self.digits[value]
        shape = shapes[int(rng.integers(len(shapes)))]
        if rng.random() < LOCAL:
            shape = with_local_habit(shape, value, rng)
        width = int(np.clip(round(height_px * shape.shape[1] / shape.shape[0]), 3, height_px))
        return np.asarray(cv2.resize(shape, (width, height_px), interpolation=cv2.INTER_AREA) / 255.0, np.float32)


def writers(fonts: Sequence[Path], digits: Digits, count: int, rng: Generator) -> list[Writer]:
    """People who fill in forms: a font, a pen, an ink, and others' digits."""
    inks = ((115, 60, 30), (40, 40, 40), (150, 40, 20), (105, 105, 105))  # blue, black, bright blue, pencil (BGR)
    return [Writer(fonts[i % len(fonts)], float(rng.uniform(0.25, 0.6)), inks[i % len(inks)], digits) for i in range(count)]


def filled_fields(people: Sequence[Writer], pages: int, rng: Generator) -> Iterator[list[Written]]:
    """The fields of so many pages, forms, people and ways in turn."""
    forms = [form for form in Forms.load(ROOT / "forms").values() if len(form.pages) == 1]
    clients = [c for c in load_register(ROOT / "data" / "samples" / "klienter.csv").clients if not c.protected][:CLIENTS]
    for number in range(pages):
        form, hand, way = forms[number % len(forms)], people[number % len(people)], WAYS[int(rng.integers(len(WAYS)))]
        client = clients[int(rng.integers(len(clients)))] if rng.random() < PRINTED_FOR else None
        sheet = Sheet(SERIAL, client.unit if client else UNIT, client)
        values = _values(form, client, rng)
        page = cv2.GaussianBlur(grey(fill(_printed(form, sheet), form.pages[0], values, hand, rng)), (0, 0), 0.6).astype(np.uint8)
        x, y = rng.uniform(-ASTRAY_MM, ASTRAY_MM, 2) * DPI / 25.4
        crops = [_crop(page, spec, form, way, (x, y), rng) for spec in form.fields if spec.kind not in LINES]
        yield [Written(c, *_truth(c.spec, values, sheet), f"{number:04d}", way) for c in crops]


@cache
def _printed_once(definition: str, sheet: Sheet) -> Image:
    return printed_page(Form.model_validate_json(definition), sheet)


def _printed(form: Form, sheet: Sheet) -> Image:
    return _printed_once(form.model_dump_json(), sheet)


def _values(form: Form, client: Client | None, rng: Generator) -> dict[str, Value]:
    values = {name: value for name, value in values_for(form, rng).items() if rng.random() >= LEFT_EMPTY}
    for name, value in values.items():
        if form.by_name[name].traits.is_check_box and value is True and rng.random() < STRUCK:
            values[name] = SOLID
    given = {spec.name for spec in form.fields if client and spec.row in (None, 1) and spec.means in (Meaning.CLIENT_PID, Meaning.CLIENT_NAME)}
    return {name: value for name, value in values.items() if name not in given}


def _truth(spec: FieldSpec, values: Mapping[str, Value], sheet: Sheet) -> tuple[Value, State]:
    value = values.get(spec.name)
    if value == SOLID:
        return False, State.CANCELLED
    if spec.means is Meaning.UNIT and not spec.traits.filled_by_hand:
        value = sheet.unit
    elif sheet.client and spec.row in (None, 1) and spec.means is Meaning.CLIENT_PID:
        value = sheet.client.pid
    elif sheet.client and spec.row in (None, 1) and spec.means is Meaning.CLIENT_PRINTED:
        value = sheet.client.name
    if spec.traits.is_signature:
        value = bool(value)
    if spec.traits.is_check_box:
        value = value is True
    return value, State.EMPTY if value is None or value is False else State.READ


def _crop(page: Image, spec: FieldSpec, form: Form, way: str, astray: tuple[float, float], rng: Generator) -> Crop:
    """A field as its reader gets it: grey, 8 px/mm, as far astray as registration leaves it, spoilt in one of `WAYS`. `page` is grey at 300 dpi."""
    margin = margin_mm(spec, form.fields)
    unfilled = crop(blank(form, 1), spec.area, margin)
    scale = DPI / 25.4 / PX_PER_MM
    left, top = ((v - margin) * DPI / 25.4 + shift for v, shift in zip((spec.area.x, spec.area.y), astray, strict=True))
    place = np.array([[scale, 0, left], [0, scale, top]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(page, place, unfilled.shape[::-1], flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(255,))
    return Crop(scanned(np.asarray(seen, np.uint8), way, rng), spec, unfilled, PX_PER_MM, margin)


def scanned(picture: Image, way: str, rng: Generator) -> Image:
    """A grey picture at 8 px/mm through a scanner, in one of `WAYS`."""
    grey_levels = picture.astype(np.float32)
    height, width = picture.shape
    match way:
        case "150 dpi":
            small = cv2.resize(grey_levels, None, fx=0.74, fy=0.74, interpolation=cv2.INTER_AREA)
            grey_levels = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
        case "blurred":
            grey_levels = cv2.GaussianBlur(grey_levels, (0, 0), 0.12 * PX_PER_MM).astype(np.float32)
        case "stained":
            across = np.linspace(0, np.pi * rng.uniform(0.5, 2), width) + rng.uniform(0, np.pi)
            grey_levels *= (1 - 0.2 * np.abs(np.sin(across)))[None, :].astype(np.float32)
        case "uneven light":
            grey_levels *= np.linspace(1, rng.uniform(0.6, 0.9), width)[None, :].astype(np.float32)
    seen = np.clip(grey_levels + rng.normal(0, 8 if way == "1 bit" else 4, picture.shape), 0, 255).astype(np.uint8)
    if way == "1 bit":
        return np.where(seen < BLACK, 0, 255).astype(np.uint8)
    code = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), np.uint8)
