"""Every kind of damage at rising strength, in units that can be measured on paper, on a scanner or on a telephone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from numpy.random import Generator

from pipeline.quality.damage_cover import felt_pen, stained_codes, staple_holes, tape
from pipeline.quality.damage_fold import crease, dog_ear
from pipeline.quality.damage_light import blur, contrast, jpeg, motion_blur, noise, one_bit, shadow, uneven_light
from pipeline.quality.damage_paper import Damage, Damaged, bleed_through, dust, torn_corner
from pipeline.quality.damage_place import change_dpi, photograph, scale_print, skew, tilted, uneven_feed

Steps = tuple[Damage, ...]
SCAN_DPI = 200


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of damage. `strengths` in `unit`, from what happens daily to what nobody should scan. `steps` gives what a strength does.

    The page comes as it was printed and written on, at 300 dpi, unless `scanned` says that it has been scanned at 200 dpi first.
    """

    name: str
    unit: str
    strengths: tuple[float, ...]
    steps: Callable[[float], Steps]
    scanned: bool = True


def photocopied(state: Damaged, rng: Generator, *, generations: int) -> Damaged:
    """Copied so many times: each copy a little softer, harder in contrast, larger or smaller, skew, and dustier."""
    for _ in range(generations):
        copier: Steps = (
            partial(blur, millimetres=0.07),
            partial(contrast, gain=1.3, lift=14),
            partial(scale_print, factor=rng.uniform(0.995, 1.005)),
            partial(dust, specks=60),
            partial(noise, sigma=4),
        )
        for step in copier:
            state = step(state, rng)
    return state


def torn(state: Damaged, rng: Generator, *, millimetres: float) -> Damaged:
    """A corner torn off, over a dark or a white lid."""
    return torn_corner(state, rng, millimetres=millimetres, ground=40 if rng.random() < 0.5 else 255)


_GRAIN = partial(noise, sigma=3)
_ASKEW = partial(skew, degrees=(-1.5, 1.5))
_HAND_HELD = partial(photograph, tilt=0.04, width=2448)
_AS_SENT = partial(jpeg, quality=80)


def _scan(*damage: Damage) -> Steps:
    """On paper, then scanned."""
    return (*damage, _ASKEW, _GRAIN)


def _photo(*damage: Damage) -> Steps:
    """Seen by a telephone."""
    return (_HAND_HELD, *damage, _GRAIN, _AS_SENT)


SERIES: tuple[Series, ...] = (
    Series("none", "", (0,), lambda _: _scan()),
    Series("skew", "degrees", (2, 5, 10, 15, 25, 35, 45), lambda v: (partial(skew, degrees=(v, v)), _GRAIN)),
    Series("perspective", "degrees from above", (10, 20, 30, 40, 50, 60, 70), lambda v: (partial(tilted, degrees=v, width=2448), _GRAIN, _AS_SENT)),
    Series("crease across", "mm", (0.3, 0.6, 1, 1.5, 2, 3, 4, 6), lambda v: _scan(partial(crease, millimetres=v))),
    Series("creased corner", "mm", (0.3, 0.6, 1, 1.5, 2, 3, 4, 6), lambda v: _scan(partial(dog_ear, millimetres=v))),
    Series("uneven feed", "mm", (0.5, 1, 1.5, 2, 3, 4, 6), lambda v: _scan(partial(uneven_feed, millimetres=v))),
    Series("torn corner", "mm", (15, 30, 45, 60, 80, 110, 150), lambda v: _scan(partial(torn, millimetres=v))),
    Series("coffee over both codes", "light lost", (0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1), lambda v: _scan(partial(stained_codes, darkness=v))),
    Series("staple holes", "mm", (1, 2, 3, 5, 8, 12), lambda v: _scan(partial(staple_holes, millimetres=v))),
    Series("felt pen over fields", "light lost", (0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1), lambda v: _scan(partial(felt_pen, darkness=v))),
    Series("correction tape", "mm", (1, 2, 3, 4, 6, 10), lambda v: _scan(partial(tape, millimetres=v))),
    Series("bleed-through", "share of darkness", (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9), lambda v: _scan(partial(bleed_through, strength=v))),
    Series("photocopy", "generations", (1, 2, 3, 4, 6, 8, 12), lambda v: _scan(partial(photocopied, generations=int(v)))),
    Series("printed smaller", "percent", (97, 93, 90, 80, 71, 60, 50), lambda v: _scan(partial(scale_print, factor=v / 100))),
    Series("printed larger", "percent", (101, 103, 105, 107, 110, 115), lambda v: _scan(partial(scale_print, factor=v / 100))),
    Series("resolution", "dpi", (300, 200, 150, 120, 100, 85, 75, 60), lambda v: (partial(change_dpi, dpi=v), _ASKEW, _GRAIN), scanned=False),
    Series("JPEG", "quality", (75, 50, 30, 20, 15, 10, 5, 2), lambda v: (*_scan(), partial(jpeg, quality=int(v)))),
    Series("1-bit, too dark", "threshold", (200, 215, 225, 235, 242, 248), lambda v: (*_scan(), partial(one_bit, threshold=int(v)))),
    Series("1-bit, too light", "threshold", (180, 160, 140, 120, 100, 80, 60), lambda v: (*_scan(), partial(one_bit, threshold=int(v)))),
    Series("out of focus", "mm", (0.1, 0.2, 0.3, 0.4, 0.5, 0.7), lambda v: _photo(partial(blur, millimetres=v))),
    Series("motion blur", "mm", (0.25, 0.5, 0.75, 1, 1.5, 2, 3), lambda v: _photo(partial(motion_blur, millimetres=v))),
    Series("shadow", "light lost", (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98), lambda v: _photo(partial(shadow, darkness=v))),
    Series("uneven light", "light left", (0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05), lambda v: _photo(partial(uneven_light, darkest=v))),
)
"""In the order of the report."""

BY_NAME = {one.name: one for one in SERIES}
