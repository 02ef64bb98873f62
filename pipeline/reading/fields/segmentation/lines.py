"""Read areas of several handwritten lines, in a form's field or on plain paper.

Lines are segmented by their ink and read in one batch; struck-out words are shown as such. Plain
paper is a whole page or a part of one, ruled or not, of unknown scale, with margins and holes.
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
from pipeline.reading.fields.handwriting.frames import find_line_ink
from pipeline.reading.fields.handwriting.line_image import (
    CLEAN_EMPTY_P,
    SPECKED_EMPTY_P,
    ConnectedStrokes,
    LineImage,
    runs_off_side,
)
from pipeline.reading.fields.handwriting.reader import read_line_images
from pipeline.reading.fields.handwriting.strikethrough import (
    join_line_parts,
    join_readings,
    prepend_reading,
)
from pipeline.reading.fields.ink import MAX_STROKE_MM, MIN_DARKNESS, Ink, find_ink, measure_darkness
from pipeline.reading.fields.segmentation.find_lines import estimate_slope
from pipeline.reading.fields.segmentation.overleaf import refers_overleaf
from pipeline.reading.fields.segmentation.rows import WrittenArea, WrittenRow, segment_area
from pipeline.reading.imaging.pixels import Mask
from pipeline.reading.language.language_model import NO_NAMES, Lexicon

STRUCK_PLACEHOLDER = "[struket]"
"""Replaces struck-out words in the text."""
MAX_LINE_PARTS = 100
"""No page has more parts of lines; noise has, and would take half a minute to read as nothing."""
ROW_MIDDLE_SHARE = 0.65
"""Where the middle of the small letters is between two rules, from above."""
LINE_SHARE = 0.35
"""Rows of pixels darker than this part of the darkest row are of writing."""
LONGEST_PIECE_MM = 12
"""A longer stroke at the edge of the page is no writing, mm."""
ROUND_HOLE = 0.85
"""The shorter side of a punched hole is at least this part of the longer one."""
PAPER_ROW_QUANTILE = 0.05
"""Quantile of the darkness of pixel rows that is paper."""
READ_PX_PER_MM = 8.0
"""Scale in which plain paper is read, px/mm."""
PAGE_MM = 297.0
"""Longer side of A4, mm."""
PAGE_ASPECT = (1.30, 1.55)
"""An image with sides in this proportion, and at least `MIN_PAGE_PX` long, is a whole page of A4.
"""
MIN_PAGE_PX = 900
"""Minimum longer side of an image of a whole page, px."""
ROW_MM = 9.0
"""The usual distance between rows of writing."""
MAX_SCALE_ERROR = 1.6
"""The scale is estimated again if it makes the rows this many times closer or wider than usual."""
MAX_PAPER_MM = 1000.0
"""No paper is longer. Rows of writing give a scale; those in noise may give any."""
RULE_MM, MIN_RULED_SHARE = 12.0, 0.5
"""Level strokes of this length over this share of the width are rules."""
MARGIN_LINE_MM = (40.0, 3.0)
"""A stroke at least this high and at most this wide is a margin line or the sheet's edge."""
MAX_RULE_GAP_MM = 1.8
"""A rule that is removed leaves a gap of at most this in a line that it crosses."""
HOLE_DIAMETER_MM = (4.5, 7.5)
"""Minimum and maximum diameter of a punch hole, mm."""
HOLE_FROM_EDGE_MM = 18.0
"""Punch holes are nearer to the edge than this, mm."""
SHEET_EDGE_MM = 0.5
"""A long stroke this close to the image's edge is the sheet's edge, mm."""
HOLE_ALIGNMENT_MM, MAX_HOLLOW_INK = 2.0, 0.25
"""Punch holes are below each other to within this, mm, and at most this share of their middle has
ink.
"""


def read_text_areas(crops: Sequence[FieldImage]) -> list[Reading]:
    """Return the texts of areas, with lines joined by line feeds.

    Empty lines at the end are dropped, empty ones between are kept. A field without a number of
    `lines` is plain paper of unknown scale. A struck-out place reads `[struket]`. `issues` may hold
    `struck_out`, `see_back`, and `stray_writing` where a line goes on beyond the image.
    """
    areas = [_find_written_area(crop) for crop in crops]
    readings = read_written_areas(areas, crops[0].expected_names if crops else NO_NAMES)
    return [
        replace(reading, issues=(*reading.issues, IssueCode.STRAY_WRITING))
        if _runs_off_field(crop, area)
        else reading
        for reading, crop, area in zip(readings, crops, areas, strict=True)
    ]


def _find_written_area(crop: FieldImage) -> WrittenArea:
    """Find the rows of a field: as many as it has rules, or those of plain paper."""
    if crop.spec.lines is None:
        return segment_plain_paper(crop.image)
    return segment_area(find_line_ink(crop), crop.spec.lines)


def _runs_off_field(crop: FieldImage, area: WrittenArea) -> bool:
    """Return whether a line of a form's field goes on to the left or right."""
    # Only rows of the field itself, not those of its margin.
    row_ink = area.row_ink
    rows = [i for i in range(len(row_ink.rows)) if row_ink.in_field(i)]
    return crop.spec.lines is not None and runs_off_side(
        crop, row_ink.ink, np.isin(row_ink.owner, rows)
    )


def read_written_areas(areas: Sequence[WrittenArea], names: Lexicon = NO_NAMES) -> list[Reading]:
    """Return the text of each area; `names` are expected in them.

    All their lines go through the network together.
    """
    # Read the lines of all areas in one batch.
    lines = [
        part
        for area in areas
        if not _is_noise(area)
        for row in area.rows
        for part in row.parts
        if isinstance(part, LineImage)
    ]
    answers = iter(read_line_images(lines, names, with_word_boxes=True))

    # Put each area together from its lines, in the same order.
    unread = Reading(None, 0.5, State.ILLEGIBLE)
    return [
        unread
        if _is_noise(area)
        else _join_rows(area, [_read_row(area, row, answers) for row in area.rows])
        for area in areas
    ]


def _is_noise(area: WrittenArea) -> bool:
    """Return whether an area has more to read than writing has."""
    # More parts than any page of writing has.
    return sum(len(row.parts) for row in area.rows) > MAX_LINE_PARTS


def _read_row(area: WrittenArea, row: WrittenRow, answers: Iterator[Reading]) -> Reading:
    """Join the parts of one row with spaces."""
    # A struck-out place reads as a placeholder.
    readings = [
        _place_words(area, row, part, next(answers))
        if isinstance(part, LineImage)
        else Reading(
            STRUCK_PLACEHOLDER, part.p, State.READ, (), (part.p,) * len(STRUCK_PLACEHOLDER)
        )
        for part in row.parts
    ]
    return join_line_parts(readings)


def _place_words(area: WrittenArea, row: WrittenRow, part: LineImage, reading: Reading) -> Reading:
    """Give the reading's words boxes in mm from the field's top left.

    They are as high as rows are apart.
    """
    ink, height = area.row_ink.ink, area.row_ink.distance
    left, top, _, _ = ink.field
    words = []
    for word in reading.words:
        start, end = (part.left + at for at in (word.box[0], word.box[0] + word.box[2]))
        # The row's middle at the middle of the word.
        middle = float(row.y[int(np.clip((start + end) / 2, 0, len(row.y) - 1))])
        box_px = (start - left, middle - height / 2 - top, end - start, height)
        x, y, w, h = (round(value / ink.px_per_mm, 2) for value in box_px)
        words.append(replace(word, box=(x, y, w, h)))
    return replace(reading, words=tuple(words))


def _join_rows(area: WrittenArea, rows: list[Reading]) -> Reading:
    """Join rows with as many line feeds as the distance between them suggests."""
    written = [
        (row, reading)
        for row, reading in zip(area.rows, rows, strict=True)
        if reading.state is not State.EMPTY
    ]

    # Nothing written, or nothing that can be read.
    if not written:
        without_rows = SPECKED_EMPTY_P if area.row_ink.ink.mask.any() else CLEAN_EMPTY_P
        return Reading.empty(min((reading.p for reading in rows), default=without_rows))
    if not any(reading.value for _, reading in written):
        return Reading(None, 0.5, State.ILLEGIBLE)

    # One line feed for each row's distance.
    tops = [row.place for row, _ in written]
    feeds = [
        max(1, round((lower - upper) / area.row_ink.distance))
        for upper, lower in itertools.pairwise(tops)
    ]
    text = join_readings([reading for _, reading in written], ["\n" * feed for feed in feeds])

    # On a ruled field, empty rules above the first line count too.
    first = 0
    if area.row_ink.ruled:
        rows_above = (tops[0] - area.row_ink.ink.field[1]) / area.row_ink.distance
        first = max(0, round(rows_above - ROW_MIDDLE_SHARE))
    parts = (part for row, _ in written for part in row.parts if isinstance(part, LineImage))
    return replace(
        prepend_reading(text, "\n" * first),
        issues=_find_issues(area, str(text.value)),
        lines=tuple(part.picture for part in parts if part.picture is not None),
    )


def _find_issues(area: WrittenArea, text: str) -> tuple[IssueCode, ...]:
    """Return whether words are struck out, and whether the text refers overleaf."""
    struck = any(not isinstance(part, LineImage) for row in area.rows for part in row.parts)
    return (
        *((IssueCode.STRUCK_OUT,) if struck else ()),
        *((IssueCode.SEE_BACK,) if area.has_arrow or refers_overleaf(text) else ()),
    )


def segment_plain_paper(image: Image) -> WrittenArea:
    """Segment the writing on a grey image of plain paper, in reading order."""
    # The scale of a whole page is known from its sides.
    page_scale = _guess_page_scale(image)
    if page_scale is not None:
        return _segment_at_scale(image, page_scale)

    # Else it is estimated from the number of lines.
    min_scale = max(image.shape) / MAX_PAPER_MM
    scale = max(min_scale, image.shape[0] / (ROW_MM * count_lines(image)))
    area = _segment_at_scale(image, scale)

    # Estimate it again if the rows that were found are too close or too wide.
    ratio = area.row_ink.distance / area.row_ink.ink.px_per_mm / ROW_MM
    return (
        _segment_at_scale(image, max(min_scale, scale * ratio))
        if len(area.rows) > 1 and not 1 / MAX_SCALE_ERROR < ratio < MAX_SCALE_ERROR
        else area
    )


def count_lines(image: Image) -> int:
    """Return how many lines of writing an image of unknown scale shows; at least 1."""
    # Mean ink of each row of pixels, smoothed.
    dark = (255.0 - image.astype(np.float64)).mean(axis=1)
    ink_of_row = dark - np.quantile(dark, PAPER_ROW_QUANTILE)
    window = max(1, len(ink_of_row) // 60)
    smooth = np.convolve(ink_of_row, np.ones(window) / window, mode="same")
    # A line begins where the ink rises above a share of the darkest row.
    is_line = smooth > LINE_SHARE * smooth.max()
    return max(1, int((is_line[1:] & ~is_line[:-1]).sum() + is_line[0]))


def _guess_page_scale(image: Image) -> float | None:
    """Return the px/mm of a whole page, or None for a part of one."""
    # A4 is 297 mm long, so its scale follows from the longer side.
    long, short = max(image.shape), min(image.shape)
    is_page = PAGE_ASPECT[0] <= long / short <= PAGE_ASPECT[1] and long >= MIN_PAGE_PX
    return long / PAGE_MM if is_page else None


def _segment_at_scale(image: Image, px_per_mm: float) -> WrittenArea:
    """Segment the writing of an image whose scale is known."""
    # Scale down to what reading needs, but leave at least a pixel.
    factor = max(1.0 / min(image.shape), min(1.0, READ_PX_PER_MM / px_per_mm))
    small = (
        np.asarray(
            cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
        )
        if factor < 1
        else image
    )
    scale = px_per_mm * factor

    # Treat the level page as one field of lines.
    box = (0.0, 0.0, small.shape[1] / scale, small.shape[0] / scale)
    spec = FieldSpec.model_construct(name="page", label="", kind=Kind.LINES, box=box, lines=None)
    ink = find_ink(FieldImage(_deskew(small, scale), spec, None, scale))
    return segment_area(_remove_paper_marks(ink), None)


def _deskew(image: Image, scale: float) -> Image:
    """Rotate the image so that its rules, if it has any, are level."""
    # Find long level strokes; they are rules if they reach over half of the width.
    runs = cv2.morphologyEx(
        (measure_darkness(image, scale, MAX_STROKE_MM) > MIN_DARKNESS).astype(np.uint8),
        cv2.MORPH_OPEN,
        np.ones((1, round(RULE_MM * scale)), np.uint8),
    )
    if runs.any(axis=0).mean() < MIN_RULED_SHARE:
        return image
    height, width = image.shape

    # Rotate about the centre by their slope.
    angle_deg = float(np.rad2deg(np.arctan(estimate_slope(runs > 0, scale, fine=True))))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle_deg, 1.0)
    level = cv2.warpAffine(
        image, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(level, np.uint8)


def _remove_paper_marks(ink: Ink) -> Ink:
    """Return the ink without margin lines, edges of the sheet and punch holes."""
    scale = ink.px_per_mm
    mask = np.asarray(ink.mask & ~_find_margin_lines(ink.mask, scale), np.bool_)

    # Close the gaps where rules were removed.
    whole = cv2.morphologyEx(
        mask.astype(np.uint8),
        cv2.MORPH_CLOSE,
        np.ones((round(MAX_RULE_GAP_MM * scale) | 1, 1), np.uint8),
    )
    strokes = ConnectedStrokes.of(whole > 0)
    height, width = mask.shape

    # Long strokes at the image's edge are the sheet's edge.
    left, right = (
        strokes.left <= SHEET_EDGE_MM * scale,
        strokes.right >= width - SHEET_EDGE_MM * scale,
    )
    edge = (
        left
        | right
        | (strokes.top <= SHEET_EDGE_MM * scale)
        | (strokes.bottom >= height - SHEET_EDGE_MM * scale)
    ) & (np.maximum(strokes.width, strokes.height) > LONGEST_PIECE_MM * scale)
    is_paper_mark = np.concatenate([[False], edge | _find_punch_holes(strokes, scale, width)])
    return replace(ink, mask=np.asarray(mask & ~is_paper_mark[strokes.labels], np.bool_))


def _find_margin_lines(mask: Mask, scale: float) -> Mask:
    """Find lines from top to bottom, also where the paper's rules cut them into pieces."""
    # Close the gaps where rules were removed.
    whole = cv2.morphologyEx(
        mask.astype(np.uint8),
        cv2.MORPH_CLOSE,
        np.ones((round(MAX_RULE_GAP_MM * scale) | 1, 1), np.uint8),
    )

    # Keep long upright strokes that are thin.
    upright = cv2.morphologyEx(
        whole, cv2.MORPH_OPEN, np.ones((round(RULE_MM * scale), 1), np.uint8)
    )
    strokes = ConnectedStrokes.of(upright > 0)
    is_line = (strokes.height >= MARGIN_LINE_MM[0] * scale) & (
        strokes.width <= MARGIN_LINE_MM[1] * scale
    )
    lines = np.concatenate([[False], is_line])[strokes.labels].astype(np.uint8)
    return np.asarray(cv2.dilate(lines, np.ones((1, 5), np.uint8)) > 0, np.bool_)


def _find_punch_holes(strokes: ConnectedStrokes, scale: float, width: int) -> NDArray[np.bool_]:
    """Return which strokes are rings of punch holes.

    Two or more rings of the right size are below each other near a side.
    """
    size = np.maximum(strokes.width, strokes.height)

    # Round, of the right size, near a side, and empty in the middle.
    fits = (
        (size >= HOLE_DIAMETER_MM[0] * scale)
        & (size <= HOLE_DIAMETER_MM[1] * scale)
        & (np.minimum(strokes.width, strokes.height) > ROUND_HOLE * size)
    )
    near_side = np.minimum(strokes.x, width - strokes.x) < HOLE_FROM_EDGE_MM * scale
    rings = fits & near_side & _are_hollow(strokes, fits & near_side)

    # At least one other ring is above or below.
    together = (
        np.abs(strokes.x[:, None] - strokes.x[None, :]) < HOLE_ALIGNMENT_MM * scale
    ) & rings[None, :]
    return np.asarray(rings & (together.sum(axis=1) > 1), np.bool_)


def _are_hollow(strokes: ConnectedStrokes, asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether next to nothing is inked in the middle of each stroke that is `asked`."""
    is_hollow = np.zeros(len(strokes), np.bool_)
    for i in np.flatnonzero(asked):
        # A window around the centre of the stroke.
        y, x, reach = (
            strokes.top[i] + strokes.height[i] / 2,
            strokes.left[i] + strokes.width[i] / 2,
            0.25 * strokes.width[i],
        )
        middle = strokes.labels[
            int(y - reach) : int(y + reach) + 1, int(x - reach) : int(x + reach) + 1
        ]
        is_hollow[i] = float((middle == i + 1).mean()) < MAX_HOLLOW_INK
    return is_hollow
