"""Our own forms with every kind of mark in their boxes, drawn in pens of many colours, and spoilt as paper and scanners spoil."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.digitize import Reader
from pipeline.field_spec import BoxMm, FieldSpec, Kind
from pipeline.model import Image, Reading, State
from pipeline.printing import Sheet
from pipeline.quality.damage_light import blur, jpeg, noise, one_bit, uneven_light
from pipeline.quality.damage_paper import Damage, Damaged, bleed_through, coffee, dust
from pipeline.quality.damage_place import change_dpi, photograph, skew
from pipeline.quality.filling import PX_PER_MM, printed_page
from pipeline.settings import ROOT
from pipeline.template import Forms
from pipeline.training.drawn_strokes import FAINT, STYLES

FORM = "besokslista"
"""Ninety boxes a page."""
SERIAL, UNIT = "23456789", "Hemtjänsten Norr"
WAYS: Mapping[str, tuple[Damage, ...]] = {
    "grey scan": (partial(skew, degrees=(-2, 2)), partial(noise, sigma=3), partial(jpeg, quality=75)),
    "150 dpi": (partial(skew, degrees=(-2, 2)), partial(change_dpi, dpi=150), partial(noise, sigma=3), partial(jpeg, quality=70)),
    "show-through": (partial(bleed_through, strength=0.25), partial(skew, degrees=(-2, 2)), partial(noise, sigma=3)),
    "coffee": (coffee, partial(noise, sigma=3)),
    "1 bit": (partial(dust, specks=200), partial(noise, sigma=6), partial(one_bit, threshold=190)),
    "blurred": (partial(blur, millimetres=0.12), partial(noise, sigma=4)),
    "photo": (partial(photograph, tilt=0.08), partial(uneven_light, darkest=0.6), partial(noise, sigma=4), partial(jpeg, quality=80)),
}
PENS = ((110, 50, 20), (40, 40, 40), (160, 60, 20), (95, 95, 95), (60, 60, 215), (175, 150, 250), (90, 150, 250))
"""Dark blue, black, bright blue, pencil, red, pink, orange; blue, green, red."""
COLOURED = 4
"""From this one on, pens whose ink is red or paler; in grey alone it would be faint."""
SHARE_EMPTY = 0.55
PARTS = 8
"""Strokes are placed to so many parts of a pixel."""
LOST = 0.45
"""Paler strokes may vanish altogether from a scan in black and white: nobody could say what was there."""


@dataclass(frozen=True, slots=True)
class MarkedBox:
    """What was drawn in a box, whether that marks it (None: people may disagree), and what was read."""

    style: str
    way: str
    marked: bool | None
    reading: Reading


def marked_boxes(pages: int, seed: int) -> Iterator[MarkedBox]:
    """Pages filled, spoilt in turn in each of `WAYS`, and read as any page is. A page that is not laid on its form yields nothing."""
    forms = Forms.load(ROOT / "forms")
    form, reader = forms.latest(FORM), replace(Reader.of_forms(forms), kinds=frozenset({Kind.MARK}))
    clean = printed_page(form, Sheet(SERIAL, UNIT))
    for number in range(pages):
        random = np.random.default_rng((seed, number))
        way = list(WAYS)[number % len(WAYS)]
        image, styles = marked_page(clean, form.pages[0].all_fields, way, random)
        fields = reader.read(cv2.imencode(".png", image)[1].tobytes(), "image/png").reading.fields
        for name, style in styles.items():
            if name in fields:
                truth = meaning(style)
                yield MarkedBox(style, way, None if truth is None else truth is State.READ, fields[name])


def meaning(style: str) -> State | None:
    """What a style of `marked_page` means; None where people may disagree."""
    return STYLES[style.removeprefix("coloured ")][0]


def marked_page(clean: Image, specs: Sequence[FieldSpec], way: str, random: Generator) -> tuple[Image, dict[str, str]]:
    """A page (BGR, 300 dpi) with something in about half of its check boxes, spoilt in one of `WAYS`; and the style of each box by its name."""
    image, styles = _filled(clean, specs, random, least=LOST if way == "1 bit" else 0.0)
    state = Damaged(image, lambda points: points)
    for step in WAYS[way]:
        state = step(state, random)
    return state.image, styles


def _filled(clean: Image, specs: Sequence[FieldSpec], random: Generator, least: float) -> tuple[Image, dict[str, str]]:
    page, styles = clean.copy(), {}
    kinds = [style for style in STYLES if style != "empty"]
    for spec in specs:
        if spec.traits.is_check_box:
            style = "empty" if random.random() < SHARE_EMPTY else str(random.choice(kinds))
            pen = int(random.integers(len(PENS))) if least == 0 else 1
            _draw(page, spec.box, style, pen, random, least)
            coloured = pen >= COLOURED and STYLES[style][0] in (State.READ, State.CANCELLED)
            styles[spec.name] = f"coloured {style}" if coloured else style
    return page, styles


def _draw(page: Image, box: BoxMm, style: str, pen: int, random: Generator, least: float) -> None:
    colour = np.array(PENS[pen], np.float32)
    for strength, path in STYLES[style][1](box[2], random):
        points = ((path + np.array(box[:2])) * PX_PER_MM * PARTS).round().astype(np.int32)
        width = max(1, round(random.uniform(0.25, 0.6) * PX_PER_MM))
        left, top = np.maximum(points.min(0) // PARTS - 2 * width, 0)
        right, low = points.max(0) // PARTS + 2 * width
        part = page[top:low, left:right]
        layer = np.zeros(part.shape[:2], np.uint8)
        cv2.polylines(layer, [(points - (left * PARTS, top * PARTS)).reshape(-1, 1, 2)], False, 255, width, cv2.LINE_AA, 3)
        cover = layer[..., None].astype(np.float32) / 255 * (max(strength, FAINT if pen >= COLOURED else least))
        part[:] = np.minimum(part, part * (1 - cover) + colour * cover).astype(np.uint8)
