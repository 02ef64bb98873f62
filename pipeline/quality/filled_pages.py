"""Pages filled in by drawing, spoilt as scanners spoil, and laid on their form: crops of every field with what was written there.

Nothing here has been trained on: digits are real ones that were set aside, texts are in fonts of families that were set aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.clients import load_register
from pipeline.field_crops import field_crops
from pipeline.field_spec import FieldSpec, Kind, Meaning
from pipeline.model import Client, Image, State, Value
from pipeline.plane import grey
from pipeline.printing import Sheet
from pipeline.quality.damage_light import blur, jpeg, noise, one_bit, uneven_light
from pipeline.quality.damage_paper import Damage, Damaged, coffee, dust
from pipeline.quality.damage_place import change_dpi
from pipeline.quality.filled_values import values_for
from pipeline.quality.filling import DPI, SOLID, fill, printed_page
from pipeline.quality.hands import Hand, Mask
from pipeline.recognize.crop import Crop
from pipeline.register import PX_PER_MM
from pipeline.settings import ROOT
from pipeline.template import PAGE_HEIGHT_MM, PAGE_WIDTH_MM, Form, Forms
from pipeline.training.digit_glyphs import with_local_habit

WAYS: Mapping[str, tuple[Damage, ...]] = {
    "grey": (partial(noise, sigma=3), partial(jpeg, quality=75)),
    "150 dpi": (partial(change_dpi, dpi=150), partial(noise, sigma=3), partial(jpeg, quality=70)),
    "1 bit": (partial(dust, specks=150), partial(noise, sigma=8), partial(one_bit, threshold=180)),
    "blurred": (partial(blur, millimetres=0.12), partial(noise, sigma=4)),
    "stained": (coffee, partial(noise, sigma=3)),
    "uneven light": (partial(uneven_light, darkest=0.6), partial(noise, sigma=4), partial(jpeg, quality=80)),
}
"""How paper reaches the program on a working day, once it is laid on its form."""
ASTRAY_MM = 0.25
"""How far registration may leave a page from its place."""
SERIAL = "23456789"
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
    ways = list(WAYS)
    for number in range(pages):
        form, hand, way = forms[number % len(forms)], people[number % len(people)], ways[int(rng.integers(len(ways)))]
        client = clients[int(rng.integers(len(clients)))] if rng.random() < PRINTED_FOR else None
        sheet = Sheet(SERIAL, client.unit if client else UNIT, client)
        values = _values(form, client, rng)
        page = fill(_printed(form, sheet), form.pages[0], values, hand, rng)
        crops = field_crops(_laid(page, way, rng), form, 1, [s for s in form.fields if s.kind not in LINES])
        yield [Written(c, *_truth(c.spec, values, sheet), f"{number:04d}", way) for c in crops]


@cache
def _printed_once(definition: str, sheet: Sheet) -> Image:
    return printed_page(Form.model_validate_json(definition), sheet)


def _printed(form: Form, sheet: Sheet) -> Image:
    return _printed_once(form.model_dump_json(), sheet)


def _values(form: Form, client: Client | None, rng: Generator) -> dict[str, Value]:
    values = {name: value for name, value in values_for(form, rng).items() if rng.random() >= LEFT_EMPTY}
    for name, value in values.items():
        if form.by_name[name].kind is Kind.MARK and value is True and rng.random() < STRUCK:
            values[name] = SOLID
    given = {spec.name for spec in form.fields if client and spec.row in (None, 1) and spec.means in (Meaning.CLIENT_PID, Meaning.CLIENT_NAME)}
    return {name: value for name, value in values.items() if name not in given}


def _truth(spec: FieldSpec, values: Mapping[str, Value], sheet: Sheet) -> tuple[Value, State]:
    value = values.get(spec.name)
    if value == SOLID:
        return False, State.CANCELLED
    if spec.means is Meaning.UNIT and spec.kind is Kind.PRINTED:
        value = sheet.unit
    elif sheet.client and spec.row in (None, 1) and spec.means is Meaning.CLIENT_PID:
        value = sheet.client.pid
    elif sheet.client and spec.row in (None, 1) and spec.means is Meaning.CLIENT_PRINTED:
        value = sheet.client.name
    if spec.kind in (Kind.SIGNATURE, Kind.INITIALS):
        value = bool(value)
    if spec.kind is Kind.MARK:
        value = value is True
    return value, State.EMPTY if value is None or value is False else State.READ


def _laid(page: Image, way: str, rng: Generator) -> Image:
    """The page as registration hands it on: grey, 8 px/mm, a little astray, spoilt in one of `WAYS`."""
    factor = PX_PER_MM * 25.4 / DPI
    turned = np.deg2rad(rng.uniform(-0.05, 0.05))
    astray = rng.uniform(-ASTRAY_MM, ASTRAY_MM, 2) * PX_PER_MM
    matrix = np.array([[factor, -turned, astray[0]], [turned, factor, astray[1]]], np.float32)
    size = (round(PAGE_WIDTH_MM * PX_PER_MM), round(PAGE_HEIGHT_MM * PX_PER_MM))
    flat = cv2.warpAffine(cv2.GaussianBlur(grey(page), (0, 0), 0.6), matrix, size, flags=cv2.INTER_AREA, borderValue=(255,))
    state = Damaged(np.asarray(flat, np.uint8), lambda points: points)
    for step in WAYS[way]:
        state = step(state, rng)
    return np.asarray(cv2.resize(state.image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
