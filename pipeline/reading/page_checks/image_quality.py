"""Whether a page as a whole shows clearly what was written: what shines through or lies over its
paper, and a picture that is blurred.

Each reader judges what it sees in one field, and is sure of a stroke that came from the back of
the paper or of a digit that a moving hand has smeared into another. Only the page tells: by bare
paper away from all fields that is dark, and by printed edges that are soft.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.confidence import POOR_IMAGE_MAX_P
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import UNSEEN_P, Image, Reading, State
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import CompressedMask, PixelIndices, cached_per_object
from pipeline.reading.imaging.print_contrast import (
    CACHED_FORM_PAGES,
    CHECK_PX_PER_MM,
    PrintContrast,
    TemplateImage,
    TemplatePrint,
    box_window,
)
from pipeline.reading.imaging.quantiles import is_quantile_below
from pipeline.reading.page_context import PageContext

_UNREAD_INK_ISSUES = frozenset(
    {IssueCode.OUTSIDE_BOXES, IssueCode.ODD_STROKES, IssueCode.STRAY_WRITING}
)
"""Remarks of readers that saw something which they do not read."""
_SHADE_DARKNESS = 0.09, 0.3
"""How much darker than the paper near by what shines through and shadows are; pen is darker, clean
paper less dark (0.01).
"""
_MAX_SHADED_SHARE = 0.015
"""Share of bare paper: 0.002–0.005 where pen has left its field, and 0.03 and more with lines of
writing on the back.
"""
_FROM_PRINT_MM, _FROM_FIELD_MM, _FROM_EDGE_MM = 0.75, 1.5, 12.0
"""Paper is bare if it is farther than this from print, fields and the page's edge, mm."""
_MIN_RELATIVE_STEEPNESS = 0.35
"""Edges less steep than this part of those of the unfilled form are blurred: 0.75–0.85 on a scan,
0.5 where a hand moved by 0.25 mm, 0.40 at 75 dpi, 0.38 where it is 0.2 mm out of focus; 0.31
where it is 0.3 mm out of focus, 0.2–0.3 along the way of a hand that moved by 0.5 mm and more.
"""
_STEEPNESS_QUANTILE = 0.8
"""Of all edges: those along which a hand moved stay steep."""
_MIN_EDGE_SLOPE, _MIN_EDGE_CONTRAST = 12, 25
"""Grey levels per pixel that make an edge of the unfilled form, and between the lightest and the
darkest near it on the page.
"""
_CONTRAST_WINDOW_PX = 9
"""Side of the square in which an edge's contrast is measured, px."""
_SLOPE_UNITS = np.float32(8)
_AXES = (1, 0), (0, 1)
_MIN_EDGE_PX = 500
"""Least bare paper that is judged, px."""


def check(context: PageContext, _readings: Mapping[str, Reading]) -> list[Issue]:
    """The issues of a page that does not show clearly what was written."""
    codes = find_quality_issues(
        context.all_fields, context.upright, context.template, context.contrast
    )
    return [Issue(code) for code in codes]


def find_quality_issues(
    specs: Iterable[FieldSpec], upright: Image, unfilled: Image, seen: PrintContrast
) -> tuple[IssueCode, ...]:
    """What keeps a page from being read surely. Both pictures are grey, laid on the form, 8 px/mm;
    `seen` is of the same page.
    """
    found = {
        IssueCode.SHADED: _is_shaded(specs, seen),
        IssueCode.BLURRED: _is_blurred(upright, unfilled),
    }
    return tuple(what for what, is_so in found.items() if is_so)


def cap_confidence(fields: Mapping[str, Reading], why: Collection[IssueCode]) -> dict[str, Reading]:
    """The readings; on a page that is not clear none has a higher p than such a page allows."""
    return {
        name: replace(reading, p=min(reading.p, POOR_IMAGE_MAX_P)) if why else reading
        for name, reading in fields.items()
    }


def lower_confidence(fields: Mapping[str, Reading], unsure: Container[str]) -> dict[str, Reading]:
    """The readings, those of some fields, and of those with something else in or beside them than
    was read, with a p that makes a person look.
    """
    return {
        name: replace(reading, p=min(reading.p, UNSEEN_P))
        if name in unsure or _has_unread_ink(reading)
        else reading
        for name, reading in fields.items()
    }


def _has_unread_ink(reading: Reading) -> bool:
    """Whether a reader tells of something that it has not read; a line below a number, or a ring
    around it, may be all that strikes it out.
    """
    return not _UNREAD_INK_ISSUES.isdisjoint(reading.issues) or (
        reading.state is State.CANCELLED and IssueCode.STRUCK_OUT in reading.issues
    )


def _is_shaded(specs: Iterable[FieldSpec], seen: PrintContrast) -> bool:
    """Whether bare paper outside the fields is a little dark in many places."""
    bare = _find_bare_paper(seen.template).mask
    for spec in specs:
        bare[box_window(geometry.widen_box(spec.area, _FROM_FIELD_MM))] = False
    edge = round(_FROM_EDGE_MM * CHECK_PX_PER_MM)
    inner = bare[edge:-edge, edge:-edge]
    dark = seen.darkness[edge:-edge, edge:-edge][inner]
    return (
        len(dark) >= _MIN_EDGE_PX
        and float(((dark > _SHADE_DARKNESS[0]) & (dark < _SHADE_DARKNESS[1])).mean())
        > _MAX_SHADED_SHARE
    )


@cached_per_object
def _find_bare_paper(form: TemplatePrint) -> CompressedMask:
    """Where the paper of an unfilled form is bare, away from its print."""
    bare = form.bare_at.pixels.mask.view(np.uint8)
    return CompressedMask(
        np.asarray(
            cv2.erode(bare, _square_kernel(2 * _FROM_PRINT_MM * CHECK_PX_PER_MM)) > 0, np.bool_
        )
    )


def _is_blurred(upright: Image, unfilled: Image) -> bool:
    """Whether the steepest of the form's own edges, across or down, are soft on the page: a hand
    moves one way.
    """
    page = _middle_half(upright)
    contrast = _local_contrast(page).ravel()
    for axis, (edges, steep) in zip(_AXES, _template_edges(TemplateImage(unfilled)), strict=True):
        seen = edges.compress(
            contrast.take(edges) > _MIN_EDGE_CONTRAST
        )  # twice as quick as with brackets
        if seen.size >= _MIN_EDGE_PX and is_quantile_below(
            _steepness(_slope(page, axis), contrast, seen),
            _STEEPNESS_QUANTILE,
            _MIN_RELATIVE_STEEPNESS * steep,
        ):
            return True
    return False


def _middle_half(picture: Image) -> Image:
    """The middle half of a page's height: a picture is blurred all over, and this takes half of the
    time.
    """
    quarter = picture.shape[0] // 4
    return picture[quarter:-quarter]


@lru_cache(maxsize=CACHED_FORM_PAGES)
def _template_edges(unfilled: TemplateImage) -> tuple[tuple[PixelIndices, float], ...]:
    """Where an unfilled form has edges across and down, and how steep they are."""
    picture = _middle_half(unfilled.image)
    contrast, slopes = _local_contrast(picture).ravel(), [_slope(picture, axis) for axis in _AXES]
    places = [np.flatnonzero(np.abs(slope) > _SLOPE_UNITS * _MIN_EDGE_SLOPE) for slope in slopes]
    steep = (
        _steepness(slope, contrast, edges) for slope, edges in zip(slopes, places, strict=True)
    )
    steepest = (
        float(np.quantile(each, _STEEPNESS_QUANTILE)) if each.size else 0.0 for each in steep
    )
    return tuple(
        (edges.astype(np.int32), most) for edges, most in zip(places, steepest, strict=True)
    )


def _steepness(
    slope: NDArray[np.int16], contrast: NDArray[np.uint8], where: PixelIndices
) -> NDArray[np.float32]:
    """The slope of edges, per pixel, as a part of the contrast there."""
    steps, range_ = (
        np.abs(slope.take(where)).astype(np.float32),
        np.maximum(contrast.take(where), 1).astype(np.float32),
    )
    return np.asarray(steps / (_SLOPE_UNITS * range_), np.float32)


def _slope(picture: Image, axis: tuple[int, int]) -> NDArray[np.int16]:
    """By how much each pixel's neighbours differ, in `_EIGHTHS` of a grey level a pixel; the pixels
    put in a row.
    """
    return np.asarray(cv2.Sobel(picture, cv2.CV_16S, *axis, ksize=3), np.int16).ravel()


def _local_contrast(picture: Image) -> Image:
    around = _square_kernel(_CONTRAST_WINDOW_PX)
    return np.asarray(
        cv2.subtract(cv2.dilate(picture, around), cv2.erode(picture, around)), np.uint8
    )


def _square_kernel(side_px: float) -> NDArray[np.uint8]:
    return np.ones((round(side_px) | 1,) * 2, np.uint8)
