"""Writing on paper that is no form of ours: a whole page or a part of one, ruled or not, of unknown scale, with margins and holes."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.field_spec import FieldSpec, Kind
from pipeline.model import Image
from pipeline.recognize.crop import Crop
from pipeline.recognize.ink import FAINTEST, WIDEST_STROKE_MM, Ink, Mask, find_ink, paper_darkness
from pipeline.recognize.line_finding import slope_of
from pipeline.recognize.pieces import Pieces
from pipeline.recognize.written_rows import WrittenArea, written_area

LINE_SHARE = 0.35
"""Rows darker than this part of the darkest row are of writing."""
LONGEST_PIECE_MM = 12
"""A longer piece at the edge of the page is no writing, mm."""
ROUND_HOLE = 0.85
"""The shorter side of a punched hole is at least this part of the longer one."""
PAPER_ROW_QUANTILE = 0.05
"""Quantile of the darkness of rows that is paper."""
READ_PX_PER_MM = 8.0
"""Scale in which a page of no form is read, px/mm."""
PAGE_MM = 297.0
"""Longer side of A4, mm."""
PAGE_SHAPE = (1.30, 1.55)
"""A picture with sides in this proportion, and at least `PAGE_PX` long, is a whole page of A4."""
PAGE_PX = 900
"""Least longer side of an image of a whole page, px."""
ROW_MM = 9.0
"""The usual distance between rows of writing."""
OFF = 1.6
"""A guessed scale that makes the rows so many times closer or wider than usual is guessed again."""
LONGEST_MM = 1000.0
"""No paper is longer, whatever its rows of writing say of its scale: in noise they say anything."""
MARGIN_LINE_MM = (40.0, 3.0)
"""A piece at least so high and at most so wide is a margin's line or the sheet's edge."""
RULE_MM, RULED = 12.0, 0.5
"""Level strokes of this length over such a part of the width are rules."""
CUT_MM = 1.8
"""A rule that is taken away leaves a gap of at most this in a line that it crosses."""
HOLE_MM = (4.5, 7.5)
"""Least and greatest diameter of a punch hole, mm."""
HOLE_FROM_EDGE_MM = 18.0
"""Punch holes are nearer to the edge than this, mm."""
HOLES_APART_MM, HOLLOW = 2.0, 0.25
"""The ring that a punched hole leaves: its size, how far in it lies at most, how exactly below each other
holes lie, and how much may be inked about their middle."""
EDGE_MM = 0.5
"""What touches the picture's edge and lies mostly within a few millimetres of it is the sheet's edge."""


def plain_area(image: Image) -> WrittenArea:
    """The writing on a grey picture of plain paper, in reading order."""
    page = _page_scale(image)
    if page is not None:
        return _area(image, page)
    least = max(image.shape) / LONGEST_MM
    scale = max(least, image.shape[0] / (ROW_MM * counted_lines(image)))
    area = _area(image, scale)
    ratio = area.found.distance / area.found.ink.px_per_mm / ROW_MM
    return _area(image, max(least, scale * ratio)) if len(area.rows) > 1 and not 1 / OFF < ratio < OFF else area


def counted_lines(image: Image) -> int:
    """How many lines of writing a picture of unknown scale shows, from the swing of ink over its rows; at least 1."""
    dark = (255.0 - image.astype(np.float64)).mean(axis=1)
    rows = dark - np.quantile(dark, PAPER_ROW_QUANTILE)
    reach = max(1, len(rows) // 60)
    smooth = np.convolve(rows, np.ones(reach) / reach, mode="same")
    above = smooth > LINE_SHARE * smooth.max()
    return max(1, int((above[1:] & ~above[:-1]).sum() + above[0]))


def _page_scale(image: Image) -> float | None:
    """Pixels a millimetre of a whole page; None for a part of one."""
    long, short = max(image.shape), min(image.shape)
    return long / PAGE_MM if PAGE_SHAPE[0] <= long / short <= PAGE_SHAPE[1] and long >= PAGE_PX else None


def _area(image: Image, px_per_mm: float) -> WrittenArea:
    factor = max(1.0 / min(image.shape), min(1.0, READ_PX_PER_MM / px_per_mm))  # at least a pixel is left
    small = np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8) if factor < 1 else image
    scale = px_per_mm * factor
    box = (0.0, 0.0, small.shape[1] / scale, small.shape[0] / scale)
    spec = FieldSpec.model_construct(name="page", label="", kind=Kind.LINES, box=box, lines=None)
    return written_area(_without_paper(find_ink(Crop(_level(small, scale), spec, None, scale))), None)


def _level(image: Image, scale: float) -> Image:
    """The picture turned so that its rules, if it has any, are level."""
    runs = cv2.morphologyEx(
        (paper_darkness(image, scale, WIDEST_STROKE_MM) > FAINTEST).astype(np.uint8), cv2.MORPH_OPEN, np.ones((1, round(RULE_MM * scale)), np.uint8)
    )
    if runs.any(axis=0).mean() < RULED:
        return image
    height, width = image.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(np.rad2deg(np.arctan(slope_of(runs > 0, scale, fine=True)))), 1.0)
    return np.asarray(cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _without_paper(ink: Ink) -> Ink:
    """The ink without margin lines, edges of the sheet and punched holes."""
    scale = ink.px_per_mm
    mask = np.asarray(ink.mask & ~_margin_lines(ink.mask, scale), np.bool_)
    whole = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((round(CUT_MM * scale) | 1, 1), np.uint8))
    pieces = Pieces.of(whole > 0)
    height, width = mask.shape
    left, right = pieces.left <= EDGE_MM * scale, pieces.right >= width - EDGE_MM * scale
    edge = (left | right | (pieces.top <= EDGE_MM * scale) | (pieces.bottom >= height - EDGE_MM * scale)) & (
        np.maximum(pieces.width, pieces.height) > LONGEST_PIECE_MM * scale
    )
    paper = np.concatenate([[False], edge | _holes(pieces, scale, width)])
    return replace(ink, mask=np.asarray(mask & ~paper[pieces.labels], np.bool_))


def _margin_lines(mask: Mask, scale: float) -> Mask:
    """Lines from top to bottom, also where the paper's rules have cut them into pieces."""
    whole = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((round(CUT_MM * scale) | 1, 1), np.uint8))
    upright = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((round(RULE_MM * scale), 1), np.uint8))
    pieces = Pieces.of(upright > 0)
    long = (pieces.height >= MARGIN_LINE_MM[0] * scale) & (pieces.width <= MARGIN_LINE_MM[1] * scale)
    lines = np.concatenate([[False], long])[pieces.labels].astype(np.uint8)
    return np.asarray(cv2.dilate(lines, np.ones((1, 5), np.uint8)) > 0, np.bool_)


def _holes(pieces: Pieces, scale: float, width: int) -> NDArray[np.bool_]:
    """Which pieces are rings of punched holes: two or more below each other near a side."""
    size = np.maximum(pieces.width, pieces.height)
    fits = (size >= HOLE_MM[0] * scale) & (size <= HOLE_MM[1] * scale) & (np.minimum(pieces.width, pieces.height) > ROUND_HOLE * size)
    near = np.minimum(pieces.x, width - pieces.x) < HOLE_FROM_EDGE_MM * scale
    rings = fits & near & _hollow(pieces, fits & near)
    together = (np.abs(pieces.x[:, None] - pieces.x[None, :]) < HOLES_APART_MM * scale) & rings[None, :]
    return np.asarray(rings & (together.sum(axis=1) > 1), np.bool_)


def _hollow(pieces: Pieces, asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether next to nothing is inked about the middle of a piece's rectangle, for those asked."""
    ring = np.zeros(len(pieces), np.bool_)
    for i in np.flatnonzero(asked):
        y, x, reach = pieces.top[i] + pieces.height[i] / 2, pieces.left[i] + pieces.width[i] / 2, 0.25 * pieces.width[i]
        middle = pieces.labels[int(y - reach) : int(y + reach) + 1, int(x - reach) : int(x + reach) + 1]
        ring[i] = float((middle == i + 1).mean()) < HOLLOW
    return ring
