"""Twenty named ways to damage a clean picture of a page, as printers, scanners and telephones do.

A clean page is an A4 picture at 300 dpi, grey or BGR. Every way gives a picture as a scanner or
a telephone would hand it over, and (through `distort`) where each point of the clean page went,
so that a test can compare registration with the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from numpy.random import Generator

from pipeline.domain.model import Image
from research.evaluation.damage.damaged_page import Damage, DamagedPage
from research.evaluation.damage.imaging_damage import (
    add_blur,
    add_colour_cast,
    add_noise,
    add_shadow,
    add_uneven_light,
    binarize,
    compress_jpeg,
)
from research.evaluation.damage.page_placement import (
    change_dpi,
    photograph_page,
    scale_print,
    skew_page,
    stretch_unevenly,
    turn_page,
)
from research.evaluation.damage.paper_damage import (
    add_bleed_through,
    add_dust,
    destroy_code,
    punch_holes,
    spill_coffee,
    tear_corner,
)


def distort(name: str, page: Image, rng: Generator) -> DamagedPage:
    """The page damaged in one of the twenty ways, with the truth."""
    state = DamagedPage(page, lambda points: points)
    for step in _WAYS[name]:
        state = step(state, rng)
    return state


def _only_image(name: str, page: Image, rng: Generator) -> Image:
    return distort(name, page, rng).image


_WAYS: dict[str, tuple[Damage, ...]] = {
    "clean": (),
    "upside_down": (
        partial(turn_page, quarters=2),
        partial(add_noise, sigma=4),
        partial(compress_jpeg, quality=75),
    ),
    "quarter_turn": (partial(turn_page, quarters=1), partial(skew_page, degrees=(-2, 2))),
    "three_quarter_turn": (partial(skew_page, degrees=(-2, 2)), partial(turn_page, quarters=3)),
    "skew_right": (partial(skew_page, degrees=(8, 10)), partial(add_noise, sigma=3)),
    "skew_left_dark_bed": (partial(skew_page, degrees=(-10, -8), ground=30.0),),
    "printed_at_90_percent": (
        partial(scale_print, factor=0.90),
        partial(skew_page, degrees=(-1, 1)),
    ),
    "printed_at_105_percent": (
        partial(scale_print, factor=1.05),
        partial(skew_page, degrees=(-0.5, 0.5)),
    ),
    "grey_150_dpi": (
        partial(skew_page, degrees=(-3, 3)),
        partial(change_dpi, dpi=150),
        partial(add_noise, sigma=3),
    ),
    "colour_600_dpi": (
        partial(skew_page, degrees=(-1, 1)),
        add_colour_cast,
        partial(change_dpi, dpi=600),
    ),
    "one_bit": (partial(skew_page, degrees=(-2, 2)), partial(binarize, threshold=190)),
    "one_bit_200_dpi_dust": (
        partial(add_dust, specks=400),
        partial(change_dpi, dpi=200),
        partial(add_noise, sigma=12),
        partial(binarize, threshold=170),
    ),
    "hard_jpeg": (
        partial(skew_page, degrees=(-2, 2)),
        partial(change_dpi, dpi=200),
        partial(add_noise, sigma=8),
        partial(compress_jpeg, quality=25),
    ),
    "photo": (
        partial(photograph_page, tilt=0.08),
        partial(add_uneven_light, darkest=0.55),
        partial(add_noise, sigma=4),
        partial(compress_jpeg, quality=80),
    ),
    "photo_turned_in_shadow": (
        partial(photograph_page, tilt=0.1),
        partial(add_uneven_light, darkest=0.6),
        partial(add_shadow, darkness=0.5),
        partial(add_blur, millimetres=0.12),
        partial(add_noise, sigma=5),
        partial(compress_jpeg, quality=70),
        partial(turn_page, quarters=1),
    ),
    "destroyed_code": (destroy_code, partial(skew_page, degrees=(-3, 3))),
    "torn_corner": (tear_corner, partial(skew_page, degrees=(-3, 3))),
    "coffee_and_holes": (
        spill_coffee,
        punch_holes,
        partial(skew_page, degrees=(-2, 2)),
        partial(add_noise, sigma=3),
    ),
    "bleed_through_blurred": (
        partial(add_bleed_through, strength=0.25),
        partial(add_blur, millimetres=0.15),
        partial(skew_page, degrees=(-2, 2)),
    ),
    "uneven_feed": (
        partial(stretch_unevenly, millimetres=1.2),
        partial(skew_page, degrees=(-1, 1)),
        partial(add_noise, sigma=3),
    ),
}

DISTORTIONS: dict[str, Callable[[Image, Generator], Image]] = {
    name: partial(_only_image, name) for name in _WAYS
}
"""The twenty ways by name: clean page and seeded generator in, damaged picture out."""
