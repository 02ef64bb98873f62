"""The picture of one handwritten line as the network likes it: its ink alone, cut to its extent, with white around."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.model import Image
from pipeline.recognize.ink import Ink, Mask, written

PAD_ABOVE = 0.15
PAD_BESIDE = 0.3
"""White around the ink as parts of its height; found best on DHSD words (0.05–0.3 tried)."""
LEAST_INK_MM2 = 0.35
"""Less ink than this in a whole line is taken for dirt."""
SHORTEST_STROKE_MM = 1.2
LOWEST_STROKE_MM = 0.5
"""Writing has a stroke at least so long (diagonal) and so high somewhere; specks are shorter, what is left of a printed rule is lower."""
CLEAN_P, SPECKED_P = 0.99, 0.9
"""How surely a line without writing is empty: no ink at all, specks."""
MAX_RISE = 1.6
"""Ink higher than this many lines has grown together over a rule and is cut there."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its picture as the network likes it, or None when nothing is written, which then is sure by `empty_p`."""

    picture: Image | None
    empty_p: float = CLEAN_P


def line_of(ink: Ink, mask: Mask) -> Line:
    """The line whose ink is `mask`; specks and remains of rules are not writing."""
    if not mask.any():
        return Line(None)
    picture = line_picture(ink, mask) if _has_stroke(mask, ink.px_per_mm) else None
    return Line(picture, CLEAN_P if picture is not None else SPECKED_P)


def line_picture(ink: Ink, mask: Mask) -> Image | None:
    """The ink in `mask` cut out with white around it, as the network likes it; None when there is next to none."""
    if float(mask.sum()) < LEAST_INK_MM2 * ink.px_per_mm**2:
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cut = written(ink, mask)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    above, beside = round(PAD_ABOVE * cut.shape[0]), round(PAD_BESIDE * cut.shape[0])
    return np.pad(cut, ((above, above), (beside, beside)), constant_values=255)


def _has_stroke(mask: Mask, px_per_mm: float) -> bool:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    width, height = stats[1:, cv2.CC_STAT_WIDTH] / px_per_mm, stats[1:, cv2.CC_STAT_HEIGHT] / px_per_mm
    return bool(((np.hypot(width, height) >= SHORTEST_STROKE_MM) & (height >= LOWEST_STROKE_MM)).any())


def banded(mask: Mask, edges: Sequence[float]) -> list[Mask]:
    """The ink of each band between neighbouring `edges` (y in px): a stroke belongs whole to the band that its centre is in.

    Descenders and ascenders so stay with their line; only ink that is far higher than a band is cut at the edges.
    """
    _, labels, stats, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    limit = MAX_RISE * (edges[1] - edges[0])
    tall = stats[:, cv2.CC_STAT_HEIGHT] > limit
    y = np.arange(mask.shape[0])[:, None]
    bands = []
    for top, bottom in itertools.pairwise(edges):
        whole = (centres[:, 1] >= top) & (centres[:, 1] < bottom) & ~tall
        whole[0] = False
        cut = mask & tall[labels] & (y >= top) & (y < bottom) if tall[1:].any() else np.zeros_like(mask)
        bands.append(np.asarray(whole[labels] | cut, np.bool_))
    return bands
