"""Twenty named ways to damage a clean picture of a page, as printers, scanners and telephones do.

A clean page is an A4 picture at 300 dpi, grey or BGR. Every way gives a picture as a scanner or a telephone would hand it over, and (through
`distort`) where each point of the clean page went, so that a test can compare registration with the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from numpy.random import Generator

from pipeline.model import Image
from pipeline.quality.damage_light import blur, colour_cast, jpeg, noise, one_bit, shadow, uneven_light
from pipeline.quality.damage_paper import Damage, Damaged, bleed_through, coffee, destroyed_code, dust, punched_holes, torn_corner
from pipeline.quality.damage_place import change_dpi, photograph, scale_print, skew, turn, uneven_feed


def distort(name: str, page: Image, rng: Generator) -> Damaged:
    """The page damaged in one of the twenty ways, with the truth."""
    state = Damaged(page, lambda points: points)
    for step in _WAYS[name]:
        state = step(state, rng)
    return state


def _only_image(name: str, page: Image, rng: Generator) -> Image:
    return distort(name, page, rng).image


_WAYS: dict[str, tuple[Damage, ...]] = {
    "clean": (),
    "upside_down": (partial(turn, quarters=2), partial(noise, sigma=4), partial(jpeg, quality=75)),
    "quarter_turn": (partial(turn, quarters=1), partial(skew, degrees=(-2, 2))),
    "three_quarter_turn": (partial(skew, degrees=(-2, 2)), partial(turn, quarters=3)),
    "skew_right": (partial(skew, degrees=(8, 10)), partial(noise, sigma=3)),
    "skew_left_dark_bed": (partial(skew, degrees=(-10, -8), ground=30.0),),
    "printed_at_90_percent": (partial(scale_print, factor=0.90), partial(skew, degrees=(-1, 1))),
    "printed_at_105_percent": (partial(scale_print, factor=1.05), partial(skew, degrees=(-0.5, 0.5))),
    "grey_150_dpi": (partial(skew, degrees=(-3, 3)), partial(change_dpi, dpi=150), partial(noise, sigma=3)),
    "colour_600_dpi": (partial(skew, degrees=(-1, 1)), colour_cast, partial(change_dpi, dpi=600)),
    "one_bit": (partial(skew, degrees=(-2, 2)), partial(one_bit, threshold=190)),
    "one_bit_200_dpi_dust": (partial(dust, specks=400), partial(change_dpi, dpi=200), partial(noise, sigma=12), partial(one_bit, threshold=170)),
    "hard_jpeg": (partial(skew, degrees=(-2, 2)), partial(change_dpi, dpi=200), partial(noise, sigma=8), partial(jpeg, quality=25)),
    "photo": (partial(photograph, tilt=0.08), partial(uneven_light, darkest=0.55), partial(noise, sigma=4), partial(jpeg, quality=80)),
    "photo_turned_in_shadow": (
        partial(photograph, tilt=0.1),
        partial(uneven_light, darkest=0.6),
        partial(shadow, darkness=0.5),
        partial(blur, millimetres=0.12),
        partial(noise, sigma=5),
        partial(jpeg, quality=70),
        partial(turn, quarters=1),
    ),
    "destroyed_code": (destroyed_code, partial(skew, degrees=(-3, 3))),
    "torn_corner": (torn_corner, partial(skew, degrees=(-3, 3))),
    "coffee_and_holes": (coffee, punched_holes, partial(skew, degrees=(-2, 2)), partial(noise, sigma=3)),
    "bleed_through_blurred": (partial(bleed_through, strength=0.25), partial(blur, millimetres=0.15), partial(skew, degrees=(-2, 2))),
    "uneven_feed": (partial(uneven_feed, millimetres=1.2), partial(skew, degrees=(-1, 1)), partial(noise, sigma=3)),
}

DISTORTIONS: dict[str, Callable[[Image, Generator], Image]] = {name: partial(_only_image, name) for name in _WAYS}
"""The twenty ways by name: clean page and seeded generator in, damaged picture out."""
