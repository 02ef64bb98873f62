"""Follow print over a page that is not flat, from the printed marks inwards.

On wavy paper print is centimetres from where the marks at the corners say, and a row of boxes looks
like the next one. So each patch is sought only next to what was found already, near where that
predicts it: no row can be skipped.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.imaging.geometry import Points
from pipeline.reading.register import patch_matching
from pipeline.reading.register.page_fit import Bend
from pipeline.reading.register.patch_matching import PatchOffsets, PatchSearch
from pipeline.reading.register.plate import fit_plate

Flatten = Callable[[Bend], Image]
"""Gives the page flattened with a bend, at the scale of the search."""

_REACHES_MM = 20.0, 32.0, 50.0
"""How far from print that was found the next is sought, mm; farther only if there is none nearer.
"""
_MAX_ROUNDS = 24


def follow_waves(
    flatten: Flatten,
    template: Image,
    centres: Points,
    anchors: tuple[Points, Points],
    search: PatchSearch,
) -> PatchOffsets:
    """Search for patches from `anchors` on, places with known shifts (n, 2) mm.

    Returns all patches that can be on the page, with those found.
    """
    places, shifts = anchors
    centres = patch_matching.searchable_centres(template, centres, search)
    offsets, found = np.zeros((len(centres), 2)), np.zeros(len(centres), bool)
    reach = 0
    for _ in range(_MAX_ROUNDS):
        known = np.concatenate([places, centres[found]])
        bend = Bend.of_plate(fit_plate(known, np.concatenate([shifts, offsets[found]])))
        near = _nearest(centres, known) <= _REACHES_MM[reach]
        # What was found is measured again together with what is new
        seen = patch_matching.seek_below_ink(flatten(bend), template, centres[near], search)
        gained = seen.found.sum() > found.sum()
        found[near], offsets[near] = (
            seen.found,
            seen.offsets + bend.shift(seen.centres + seen.offsets),
        )
        reach = 0 if gained else reach + 1
        if reach == len(_REACHES_MM):
            break
    return PatchOffsets(centres, offsets, found)


def _nearest(mm: Points, places: Points) -> NDArray[np.float64]:
    """Return the distance of each place to the nearest of the others, mm."""
    return np.asarray(np.linalg.norm(mm[:, None] - places[None], axis=2).min(axis=1), np.float64)
