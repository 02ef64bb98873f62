"""Draw Efterskrift's forms with every kind of mark in their check boxes, and degrade them.

The pens have many colours; paper and scanners degrade the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.domain.form.field import BoxMm, FieldSpec, Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Image, Reading, State
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, render_sheet_page
from pipeline.reading.read_page import PageReader
from research.evaluation.damage.damaged_page import Damage, DamagedPage
from research.evaluation.damage.imaging_damage import (
    add_blur,
    add_noise,
    add_uneven_light,
    binarize,
    compress_jpeg,
)
from research.evaluation.damage.page_placement import change_dpi, photograph_page, skew_page
from research.evaluation.damage.paper_damage import add_bleed_through, add_dust, spill_coffee
from research.training.marks.strokes import MARK_STYLES, MAX_FAINT_STRENGTH

MARKED_FORM = "besokslista"
"""The form that is used, with ninety boxes per page."""
MARKED_SERIAL, MARKED_UNIT = "23456789", "Hemtjänsten Norr"
SCAN_MODES: Mapping[str, tuple[Damage, ...]] = {
    "grey scan": (
        partial(skew_page, degrees=(-2, 2)),
        partial(add_noise, sigma=3),
        partial(compress_jpeg, quality=75),
    ),
    "150 dpi": (
        partial(skew_page, degrees=(-2, 2)),
        partial(change_dpi, dpi=150),
        partial(add_noise, sigma=3),
        partial(compress_jpeg, quality=70),
    ),
    "show-through": (
        partial(add_bleed_through, strength=0.25),
        partial(skew_page, degrees=(-2, 2)),
        partial(add_noise, sigma=3),
    ),
    "coffee": (spill_coffee, partial(add_noise, sigma=3)),
    "1 bit": (
        partial(add_dust, specks=200),
        partial(add_noise, sigma=6),
        partial(binarize, threshold=190),
    ),
    "blurred": (partial(add_blur, millimetres=0.12), partial(add_noise, sigma=4)),
    "photo": (
        partial(photograph_page, tilt=0.08),
        partial(add_uneven_light, darkest=0.6),
        partial(add_noise, sigma=4),
        partial(compress_jpeg, quality=80),
    ),
}
PEN_COLOURS = (
    (110, 50, 20),
    (40, 40, 40),
    (160, 60, 20),
    (95, 95, 95),
    (60, 60, 215),
    (175, 150, 250),
    (90, 150, 250),
)
"""Dark blue, black, bright blue, pencil, red, pink, orange; blue, green, red."""
FIRST_PALE_PEN = 4
"""From this pen on the ink is red or paler; in grey alone it would be faint."""
SHARE_EMPTY = 0.55
SUBPIXEL_PARTS = 8
"""Strokes are placed to this many parts of a pixel."""
MAX_LOST_STRENGTH = 0.45
"""Paler strokes may vanish completely from a scan in black and white.

No person could say what was there.
"""


@dataclass(frozen=True, slots=True)
class MarkedBox:
    """What was drawn in a box, whether that marks it, and what was read.

    None: people may disagree.
    """

    style: str
    way: str
    marked: bool | None
    reading: Reading


def read_marked_boxes(pages: int, seed: int) -> Iterator[MarkedBox]:
    """Fill pages, degrade them in each of `SCAN_MODES` in turn, and read them as any page.

    A page that cannot be registered yields nothing.
    """
    # Read the check boxes only.
    forms = Forms.load(ROOT / "forms")
    form, reader = (
        forms.latest(MARKED_FORM),
        replace(PageReader.of_forms(forms), kinds=frozenset({Kind.MARK})),
    )
    clean = render_sheet_page(form, Sheet(MARKED_SERIAL, MARKED_UNIT))
    # Each page has its own seed, so that a page does not depend on those before.
    for number in range(pages):
        random = np.random.default_rng((seed, number))
        # Scan modes in turn.
        way = list(SCAN_MODES)[number % len(SCAN_MODES)]
        image, styles = draw_marked_page(clean, form.pages[0].all_fields, way, random)
        fields = reader.read(cv2.imencode(".png", image)[1].tobytes(), "image/png").reading.fields
        for name, style in styles.items():
            if name in fields:
                truth = style_meaning(style)
                yield MarkedBox(
                    style, way, None if truth is None else truth is State.READ, fields[name]
                )


def style_meaning(style: str) -> State | None:
    """Return what a style of `draw_marked_page` means; None where people may disagree."""
    return MARK_STYLES[style.removeprefix("coloured ")][0]


def draw_marked_page(
    clean: Image, specs: Sequence[FieldSpec], way: str, random: Generator
) -> tuple[Image, dict[str, str]]:
    """Draw a page (BGR, 300 dpi) with something in about half of its check boxes.

    It is degraded in one of `SCAN_MODES`. Returns the style of each box by its name too.
    """
    # Pale strokes that binarization would erase have no known truth, so they are not drawn.
    image, styles = fill_boxes(
        clean, specs, random, least=MAX_LOST_STRENGTH if way == "1 bit" else 0.0
    )
    state = DamagedPage(image, lambda points: points)
    for step in SCAN_MODES[way]:
        state = step(state, random)
    return state.image, styles


def fill_boxes(
    clean: Image, specs: Sequence[FieldSpec], random: Generator, least: float
) -> tuple[Image, dict[str, str]]:
    """Draw something in about half of the check boxes of a page (BGR, 300 dpi).

    No stroke is paler than `least`, of full strength 1; with such a limit the pen is black. Returns
    the style of each box by its name too.
    """
    page, styles = clean.copy(), {}
    # Empty boxes have a share of their own; all other styles are equally frequent.
    kinds = [style for style in MARK_STYLES if style != "empty"]
    for spec in specs:
        if spec.traits.is_check_box:
            style = "empty" if random.random() < SHARE_EMPTY else str(random.choice(kinds))
            # Pages for binarization are written with a black pen.
            pen = int(random.integers(len(PEN_COLOURS))) if least == 0 else 1
            _draw_mark(page, spec.box, style, pen, random, least)
            # Coloured ink is a style of its own where it means something.
            coloured = pen >= FIRST_PALE_PEN and MARK_STYLES[style][0] in (
                State.READ,
                State.CANCELLED,
            )
            styles[spec.name] = f"coloured {style}" if coloured else style
    return page, styles


def _draw_mark(
    page: Image, box: BoxMm, style: str, pen: int, random: Generator, least: float
) -> None:
    colour = np.array(PEN_COLOURS[pen], np.float32)
    # Fixed-point coordinates: 3 fractional bits.
    for strength, path in MARK_STYLES[style][1](box[2], random):
        points = (
            ((path + np.array(box[:2])) * PRINT_PX_PER_MM * SUBPIXEL_PARTS).round().astype(np.int32)
        )
        # Pens of 0.25–0.6 mm.
        width = max(1, round(random.uniform(0.25, 0.6) * PRINT_PX_PER_MM))
        # Draw in the stroke's bounding box only.
        left, top = np.maximum(points.min(0) // SUBPIXEL_PARTS - 2 * width, 0)
        right, low = points.max(0) // SUBPIXEL_PARTS + 2 * width
        part = page[top:low, left:right]
        layer = np.zeros(part.shape[:2], np.uint8)
        cv2.polylines(
            layer,
            [(points - (left * SUBPIXEL_PARTS, top * SUBPIXEL_PARTS)).reshape(-1, 1, 2)],
            False,
            255,
            width,
            cv2.LINE_AA,
            3,
        )
        # Coverage of the ink: antialiasing times strength, with a lower limit for pale pens.
        cover = (
            layer[..., None].astype(np.float32)
            / 255
            * (max(strength, MAX_FAINT_STRENGTH if pen >= FIRST_PALE_PEN else least))
        )
        # Alpha blending; ink only darkens.
        part[:] = np.minimum(part, part * (1 - cover) + colour * cover).astype(np.uint8)
