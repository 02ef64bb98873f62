"""Several handwritten lines in one area: rows found by their ink, read in one batch, struck-out
words shown as such.

Writing on paper that is no form of ours: a whole page or a part of one, ruled or not, of unknown
scale, with margins and holes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Image, Reading, State
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.line_image import CLEAN_EMPTY_P, SPECKED_EMPTY_P, LineImage
from pipeline.reading.fields.handwriting.reader import read_line_images
from pipeline.reading.fields.handwriting.strikethrough import (
    join_line_parts,
    join_readings,
    prepend_reading,
)
from pipeline.reading.fields.ink import (
    MAX_STROKE_MM,
    MIN_DARKNESS,
    Ink,
    Mask,
    find_ink,
    measure_darkness,
)
from pipeline.reading.fields.segmentation.find_lines import estimate_slope
from pipeline.reading.fields.segmentation.overleaf import refers_overleaf
from pipeline.reading.fields.segmentation.rows import WrittenArea, WrittenRow, segment_area
from pipeline.reading.fields.strokes import ConnectedStrokes, runs_off_side
from pipeline.reading.language.language_model import NO_NAMES, Lexicon

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
PAGE_ASPECT = (1.30, 1.55)
"""A picture with sides in this proportion, and at least `PAGE_PX` long, is a whole page of A4."""
MIN_PAGE_PX = 900
"""Least longer side of an image of a whole page, px."""
ROW_MM = 9.0
"""The usual distance between rows of writing."""
MAX_SCALE_ERROR = 1.6
"""A guessed scale that makes the rows so many times closer or wider than usual is guessed again."""
MAX_PAPER_MM = 1000.0
"""No paper is longer, whatever its rows of writing say of its scale: in noise they say anything."""
MARGIN_LINE_MM = (40.0, 3.0)
"""A piece at least so high and at most so wide is a margin's line or the sheet's edge."""
MAX_RULE_GAP_MM = 1.8
"""A rule that is taken away leaves a gap of at most this in a line that it crosses."""
HOLE_DIAMETER_MM = (4.5, 7.5)
"""Least and greatest diameter of a punch hole, mm."""
HOLE_FROM_EDGE_MM = 18.0
"""Punch holes are nearer to the edge than this, mm."""
SHEET_EDGE_MM = 0.5
"""What touches the picture's edge and lies mostly within a few millimetres of it is the sheet's
edge.
"""
STRUCK_PLACEHOLDER = "[struket]"
"""Stands in the text where the paper has struck-out words."""
MAX_LINE_PARTS = 100
"""No page has more rows, and stretches between struck-out places; noise has, and would take half a
minute to be read as nothing.
"""
ROW_MIDDLE_SHARE = 0.65
"""Where the middle of the small letters lies between two rules, from above."""


RULE_MM, MIN_RULED_SHARE = 12.0, 0.5
"""Level strokes of this length over such a part of the width are rules."""


HOLE_ALIGNMENT_MM, MAX_HOLLOW_INK = 2.0, 0.25
"""The ring that a punched hole leaves: its size, how far in it lies at most, how exactly below each
other holes lie, and how much may be inked about their middle.
"""


def segment_plain_paper(image: Image) -> WrittenArea:
    """The writing on a grey picture of plain paper, in reading order."""
    page = _guess_page_scale(image)
    if page is not None:
        return _segment_at_scale(image, page)
    least = max(image.shape) / MAX_PAPER_MM
    scale = max(least, image.shape[0] / (ROW_MM * count_lines(image)))
    area = _segment_at_scale(image, scale)
    ratio = area.row_ink.distance / area.row_ink.ink.px_per_mm / ROW_MM
    return (
        _segment_at_scale(image, max(least, scale * ratio))
        if len(area.rows) > 1 and not 1 / MAX_SCALE_ERROR < ratio < MAX_SCALE_ERROR
        else area
    )


def count_lines(image: Image) -> int:
    """How many lines of writing a picture of unknown scale shows, from the swing of ink over its
    rows; at least 1.
    """
    dark = (255.0 - image.astype(np.float64)).mean(axis=1)
    rows = dark - np.quantile(dark, PAPER_ROW_QUANTILE)
    reach = max(1, len(rows) // 60)
    smooth = np.convolve(rows, np.ones(reach) / reach, mode="same")
    above = smooth > LINE_SHARE * smooth.max()
    return max(1, int((above[1:] & ~above[:-1]).sum() + above[0]))


def _guess_page_scale(image: Image) -> float | None:
    """Pixels a millimetre of a whole page; None for a part of one."""
    long, short = max(image.shape), min(image.shape)
    return (
        long / PAGE_MM
        if PAGE_ASPECT[0] <= long / short <= PAGE_ASPECT[1] and long >= MIN_PAGE_PX
        else None
    )


def _segment_at_scale(image: Image, px_per_mm: float) -> WrittenArea:
    factor = max(
        1.0 / min(image.shape), min(1.0, READ_PX_PER_MM / px_per_mm)
    )  # at least a pixel is left
    small = (
        np.asarray(
            cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
        )
        if factor < 1
        else image
    )
    scale = px_per_mm * factor
    box = (0.0, 0.0, small.shape[1] / scale, small.shape[0] / scale)
    spec = FieldSpec.model_construct(name="page", label="", kind=Kind.LINES, box=box, lines=None)
    return segment_area(
        _remove_paper_marks(find_ink(FieldImage(_deskew(small, scale), spec, None, scale))), None
    )


def _deskew(image: Image, scale: float) -> Image:
    """The picture turned so that its rules, if it has any, are level."""
    runs = cv2.morphologyEx(
        (measure_darkness(image, scale, MAX_STROKE_MM) > MIN_DARKNESS).astype(np.uint8),
        cv2.MORPH_OPEN,
        np.ones((1, round(RULE_MM * scale)), np.uint8),
    )
    if runs.any(axis=0).mean() < MIN_RULED_SHARE:
        return image
    height, width = image.shape
    turn = cv2.getRotationMatrix2D(
        (width / 2, height / 2),
        float(np.rad2deg(np.arctan(estimate_slope(runs > 0, scale, fine=True)))),
        1.0,
    )
    return np.asarray(
        cv2.warpAffine(
            image, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )


def _remove_paper_marks(ink: Ink) -> Ink:
    """The ink without margin lines, edges of the sheet and punched holes."""
    scale = ink.px_per_mm
    mask = np.asarray(ink.mask & ~_find_margin_lines(ink.mask, scale), np.bool_)
    whole = cv2.morphologyEx(
        mask.astype(np.uint8),
        cv2.MORPH_CLOSE,
        np.ones((round(MAX_RULE_GAP_MM * scale) | 1, 1), np.uint8),
    )
    pieces = ConnectedStrokes.of(whole > 0)
    height, width = mask.shape
    left, right = (
        pieces.left <= SHEET_EDGE_MM * scale,
        pieces.right >= width - SHEET_EDGE_MM * scale,
    )
    edge = (
        left
        | right
        | (pieces.top <= SHEET_EDGE_MM * scale)
        | (pieces.bottom >= height - SHEET_EDGE_MM * scale)
    ) & (np.maximum(pieces.width, pieces.height) > LONGEST_PIECE_MM * scale)
    paper = np.concatenate([[False], edge | _find_punch_holes(pieces, scale, width)])
    return replace(ink, mask=np.asarray(mask & ~paper[pieces.labels], np.bool_))


def _find_margin_lines(mask: Mask, scale: float) -> Mask:
    """Lines from top to bottom, also where the paper's rules have cut them into pieces."""
    whole = cv2.morphologyEx(
        mask.astype(np.uint8),
        cv2.MORPH_CLOSE,
        np.ones((round(MAX_RULE_GAP_MM * scale) | 1, 1), np.uint8),
    )
    upright = cv2.morphologyEx(
        whole, cv2.MORPH_OPEN, np.ones((round(RULE_MM * scale), 1), np.uint8)
    )
    pieces = ConnectedStrokes.of(upright > 0)
    long = (pieces.height >= MARGIN_LINE_MM[0] * scale) & (
        pieces.width <= MARGIN_LINE_MM[1] * scale
    )
    lines = np.concatenate([[False], long])[pieces.labels].astype(np.uint8)
    return np.asarray(cv2.dilate(lines, np.ones((1, 5), np.uint8)) > 0, np.bool_)


def _find_punch_holes(pieces: ConnectedStrokes, scale: float, width: int) -> NDArray[np.bool_]:
    """Which pieces are rings of punched holes: two or more below each other near a side."""
    size = np.maximum(pieces.width, pieces.height)
    fits = (
        (size >= HOLE_DIAMETER_MM[0] * scale)
        & (size <= HOLE_DIAMETER_MM[1] * scale)
        & (np.minimum(pieces.width, pieces.height) > ROUND_HOLE * size)
    )
    near = np.minimum(pieces.x, width - pieces.x) < HOLE_FROM_EDGE_MM * scale
    rings = fits & near & _are_hollow(pieces, fits & near)
    together = (np.abs(pieces.x[:, None] - pieces.x[None, :]) < HOLE_ALIGNMENT_MM * scale) & rings[
        None, :
    ]
    return np.asarray(rings & (together.sum(axis=1) > 1), np.bool_)


def _are_hollow(pieces: ConnectedStrokes, asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether next to nothing is inked about the middle of a piece's rectangle, for those asked."""
    ring = np.zeros(len(pieces), np.bool_)
    for i in np.flatnonzero(asked):
        y, x, reach = (
            pieces.top[i] + pieces.height[i] / 2,
            pieces.left[i] + pieces.width[i] / 2,
            0.25 * pieces.width[i],
        )
        middle = pieces.labels[
            int(y - reach) : int(y + reach) + 1, int(x - reach) : int(x + reach) + 1
        ]
        ring[i] = float((middle == i + 1).mean()) < MAX_HOLLOW_INK
    return ring


def read_text_areas(crops: Sequence[FieldImage]) -> list[Reading]:
    """Texts of areas, lines joined with a line feed, empty lines at the end dropped, empty ones
    between kept.

    A field without a number of `lines` is plain paper of unknown scale (see `page_lines`). A
    struck-out place reads `[struket]`. `remarks` may hold `struck_out`, `see_back`, and
    `stray_writing` where a line goes on beyond the picture.
    """
    areas = [_find_written_area(crop) for crop in crops]
    read = read_written_areas(areas, crops[0].expected_names if crops else NO_NAMES)
    return [
        replace(one, issues=(*one.issues, IssueCode.STRAY_WRITING))
        if _runs_off_field(crop, area)
        else one
        for one, crop, area in zip(read, crops, areas, strict=True)
    ]


def _runs_off_field(crop: FieldImage, area: WrittenArea) -> bool:
    """Whether a line of a form's field goes on to the left or right of what is read; nothing is
    left of plain paper.
    """
    found = area.row_ink
    rows = [i for i in range(len(found.rows)) if found.in_field(i)]
    return crop.spec.lines is not None and runs_off_side(
        crop, found.ink, np.isin(found.owner, rows)
    )


def _find_written_area(crop: FieldImage) -> WrittenArea:
    if crop.spec.lines is None:
        return segment_plain_paper(crop.image)
    return segment_area(find_ink(crop), crop.spec.lines)


def read_written_areas(areas: Sequence[WrittenArea], names: Lexicon = NO_NAMES) -> list[Reading]:
    """The text of each area; all their lines go through the network together. `names` are expected
    in them.
    """
    lines = [
        part
        for area in areas
        if not _is_noise(area)
        for row in area.rows
        for part in row.parts
        if isinstance(part, LineImage)
    ]
    answers = iter(read_line_images(lines, names, places=True))
    unread = Reading(None, 0.5, State.ILLEGIBLE)
    return [
        unread
        if _is_noise(area)
        else _join_rows(area, [_read_row(area, row, answers) for row in area.rows])
        for area in areas
    ]


def _is_noise(area: WrittenArea) -> bool:
    """Whether an area has more to read than writing has."""
    return sum(len(row.parts) for row in area.rows) > MAX_LINE_PARTS


def _read_row(area: WrittenArea, row: WrittenRow, answers: Iterator[Reading]) -> Reading:
    """The stretches of one row joined with spaces."""
    read = [
        _place_words(area, row, part, next(answers))
        if isinstance(part, LineImage)
        else Reading(
            STRUCK_PLACEHOLDER, part.p, State.READ, (), (part.p,) * len(STRUCK_PLACEHOLDER)
        )
        for part in row.parts
    ]
    return join_line_parts(read)


def _place_words(area: WrittenArea, row: WrittenRow, part: LineImage, reading: Reading) -> Reading:
    """The reading with its words' boxes in mm from the field's top left, as high as rows are apart."""
    ink, high = area.row_ink.ink, area.row_ink.distance
    left, top, _, _ = ink.field
    words = []
    for word in reading.words:
        start, end = (part.left + at for at in (word.box[0], word.box[0] + word.box[2]))
        middle = float(row.y[int(np.clip((start + end) / 2, 0, len(row.y) - 1))])
        x, y, w, h = (
            value / ink.px_per_mm
            for value in (start - left, middle - high / 2 - top, end - start, high)
        )
        words.append(replace(word, box=(round(x, 2), round(y, 2), round(w, 2), round(h, 2))))
    return replace(reading, words=tuple(words))


def _join_rows(area: WrittenArea, rows: list[Reading]) -> Reading:
    """Rows joined with as many line feeds as the distance between them tells."""
    kept = [
        (row, reading)
        for row, reading in zip(area.rows, rows, strict=True)
        if reading.state is not State.EMPTY
    ]
    if not kept:
        return Reading.empty(
            min(
                [reading.p for reading in rows]
                or [SPECKED_EMPTY_P if area.row_ink.ink.mask.any() else CLEAN_EMPTY_P]
            )
        )
    if not any(reading.value for _, reading in kept):
        return Reading(None, 0.5, State.ILLEGIBLE)
    places = [row.place for row, _ in kept]
    feeds = [
        max(1, round((lower - upper) / area.row_ink.distance))
        for upper, lower in itertools.pairwise(places)
    ]
    text = join_readings([reading for _, reading in kept], ["\n" * feed for feed in feeds])
    first = (
        max(
            0,
            round(
                (places[0] - area.row_ink.ink.field[1]) / area.row_ink.distance - ROW_MIDDLE_SHARE
            ),
        )
        if area.row_ink.ruled
        else 0
    )
    return replace(prepend_reading(text, "\n" * first), issues=_find_issues(area, str(text.value)))


def _find_issues(area: WrittenArea, text: str) -> tuple[IssueCode, ...]:
    struck = any(not isinstance(part, LineImage) for row in area.rows for part in row.parts)
    return (
        *((IssueCode.STRUCK_OUT,) if struck else ()),
        *((IssueCode.SEE_BACK,) if area.has_arrow or refers_overleaf(text) else ()),
    )
