"""Check whether a page as a whole shows clearly what was written.

Show-through, shadows and blur mislead readers of single fields: they read strokes from the back of
the paper, or digits smeared into others, with high confidence. Only the page reveals them: bare
paper away from all fields is dark, or printed edges are soft.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.confidence import POOR_IMAGE_MAX_P
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import UNSEEN_P, Image, Reading, State
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import cached_per_object
from pipeline.reading.imaging.geometry import PX_PER_MM, to_grayscale
from pipeline.reading.imaging.pixels import (
    CompressedMask,
    Mask,
    PixelIndices,
    is_quantile_below,
    median,
    odd_kernel,
    paper_colour,
)
from pipeline.reading.imaging.print_contrast import (
    CACHED_FORM_PAGES,
    CHECK_PX_PER_MM,
    PrintContrast,
    TemplateImage,
    TemplatePrint,
    box_window,
    template_darkness,
)
from pipeline.reading.page_checks.page_context import PageContext
from pipeline.reading.register.register import Registration, shrink_for_page

_UNREAD_INK_ISSUES = frozenset(
    {IssueCode.OUTSIDE_BOXES, IssueCode.ODD_STROKES, IssueCode.STRAY_WRITING}
)
"""Issues of readers that saw something which they do not read."""
_SHADE_DARKNESS = 0.09, 0.3
"""Darkness, relative to the paper near it, of show-through and shadows.

A pen is darker, clean paper less dark (0.01).
"""
_MAX_SHADED_SHARE = 0.015
"""Largest share of bare paper that may be so dark.

It is 0.002–0.005 where a pen has left its field, and 0.03 and more with lines of writing on the
back.
"""
_FROM_PRINT_MM, _FROM_FIELD_MM, _FROM_EDGE_MM = 0.75, 1.5, 12.0
"""Paper is bare if farther than this from print, fields and the page's edge, mm."""
_MIN_RELATIVE_STEEPNESS = 0.35
"""Edges less steep than this share of the template's are blurred.

Scans reach 0.75–0.85; a camera that moved by 0.25 mm 0.5, 75 dpi 0.40, 0.2 mm out of focus 0.38.
Flagged are 0.3 mm out of focus with 0.31 and movements of 0.5 mm and more with 0.2–0.3.
"""
_STEEPNESS_QUANTILE = 0.8
"""Quantile of all edges that is judged: edges along a movement stay steep."""
_MIN_EDGE_SLOPE, _MIN_EDGE_CONTRAST = 12, 25
"""Grey levels per pixel that make an edge of the template, and contrast near it on the page."""
_CONTRAST_WINDOW_PX = 9
"""Side of the square in which an edge's contrast is measured, px."""
_SLOPE_UNITS = np.float32(8)
"""Sobel slopes are in eighths of a grey level per pixel."""
_AXES = (1, 0), (0, 1)
"""Directions of the slopes, x and y."""
_WORN_COPY_MAX_P = 0.99
"""Largest p of a mark on a worn page without shades of grey: below the limit of pre-filling."""
_MIN_DARK_PRINT, _MIN_PRINT_LEFT = 0.3, 0.15
"""Print so dark is kept in black and white; what is at least so dark is still there."""
_MAX_LOST_PRINT = 0.03
"""Largest share of dark print that may be missing on a page without shades of grey.

Scans of an original lose 0.001–0.004 at usual thresholds; copies of copies, and scans that are far
too light, 0.05 and more (`python -m research.evaluation.black_and_white`).
"""
_BESIDE_PRINT_MM, _MIN_TONER, _MAX_STRAY_TONER = 0.5, 0.2, 0.004
"""Paper this near to print, not touching it, is judged; what is so dark there is toner; its share.

Scans of an original have 0.0004–0.001, copies of copies with thick, broken or speckled print 0.005
and more.
"""
_MIN_EDGE_PX = 500
"""Least bare paper, and least length of edges, that is judged, px."""


def check(context: PageContext, _readings: Mapping[str, Reading]) -> list[Issue]:
    """Return the issues of a page that does not show clearly what was written."""
    codes = find_quality_issues(
        context.all_fields, context.upright, context.template, context.contrast
    )
    return [
        Issue(code) for code in codes if code is not IssueCode.BLURRED or not _is_dotted(context)
    ]


def _is_dotted(context: PageContext) -> bool:
    """Check whether pale lines came out as dots, which seem to have no edges; dark print is whole.

    A page without shades of grey has steep edges only.
    """
    return context.is_black_and_white and not is_worn_copy(context.all_fields, context.contrast)


def find_quality_issues(
    specs: Iterable[FieldSpec], upright: Image, template: Image, contrast: PrintContrast
) -> tuple[IssueCode, ...]:
    """Return what keeps a page from being read with high confidence.

    Both images are grey, registered, 8 px/mm; `contrast` is that of the same page.
    """
    conditions = {
        IssueCode.SHADED: _is_shaded(specs, contrast),
        IssueCode.BLURRED: _is_blurred(upright, template),
    }
    return tuple(code for code, applies in conditions.items() if applies)


def cap_confidence(
    readings: Mapping[str, Reading], issues: Collection[IssueCode]
) -> dict[str, Reading]:
    """Limit p of all readings of a page whose image is poor."""
    return {
        name: replace(reading, p=min(reading.p, POOR_IMAGE_MAX_P)) if issues else reading
        for name, reading in readings.items()
    }


def cap_marks(context: PageContext, readings: Mapping[str, Reading]) -> dict[str, Reading]:
    """Limit p of marked and filled boxes on a worn page without shades of grey.

    On a copy of a copy what happened to a box is lost: on one sheet of drawn ones all empty boxes
    seemed to be marked (docs/reading-methods.md). How the form's own print came through tells.
    """
    if not (context.is_black_and_white and is_worn_copy(context.all_fields, context.contrast)):
        return dict(readings)
    boxes = {spec.name for spec in context.fields if spec.traits.is_check_box}
    return {
        name: replace(reading, p=min(reading.p, _WORN_COPY_MAX_P))
        if name in boxes and reading.state is not State.EMPTY
        else reading
        for name, reading in readings.items()
    }


def is_worn_copy(specs: Iterable[FieldSpec], contrast: PrintContrast) -> bool:
    """Check whether print outside the fields is lost, thickened, broken or speckled.

    A page without dark print is taken as worn.
    """
    template, darkness = contrast.template, contrast.darkness
    # Print may be a pixel off.
    near_darkness = np.asarray(cv2.dilate(darkness, odd_kernel(3)), np.float32)
    printed = near_darkness[_outside_fields(_find_dark_print(template).mask, specs)]
    beside = darkness[_outside_fields(_find_paper_beside_print(template).mask, specs)]
    return (
        printed.size < _MIN_EDGE_PX
        or float((printed < _MIN_PRINT_LEFT).mean()) > _MAX_LOST_PRINT
        or float((beside > _MIN_TONER).mean()) > _MAX_STRAY_TONER
    )


def _outside_fields(mask: Mask, specs: Iterable[FieldSpec]) -> Mask:
    """Return a mask without the fields and what is near them, and without the page's edges."""
    outside = np.zeros_like(mask)
    edge = round(_FROM_EDGE_MM * CHECK_PX_PER_MM)
    outside[edge:-edge, edge:-edge] = mask[edge:-edge, edge:-edge]
    for spec in specs:
        outside[box_window(geometry.widen_box(spec.area, _FROM_FIELD_MM))] = False
    return outside


@cached_per_object
def _find_dark_print(template: TemplatePrint) -> CompressedMask:
    """Return where the print of a template is dark."""
    return CompressedMask(
        np.asarray(template_darkness(template.template_image) > _MIN_DARK_PRINT, np.bool_)
    )


@cached_per_object
def _find_paper_beside_print(template: TemplatePrint) -> CompressedMask:
    """Return the paper near the print of a template that does not touch it."""
    printed = template.print_at.pixels.mask.view(np.uint8)
    touching, near = (
        cv2.dilate(printed, odd_kernel(2 * reach * CHECK_PX_PER_MM)) > 0
        for reach in (_BESIDE_PRINT_MM / 2, _BESIDE_PRINT_MM)
    )
    return CompressedMask(np.asarray(near & ~touching, np.bool_))


def lower_confidence(readings: Mapping[str, Reading], names: Container[str]) -> dict[str, Reading]:
    """Lower p of readings so that a reviewer looks at them.

    These are the named fields, and those with something in or beside them that was not read.
    """
    return {
        name: replace(reading, p=min(reading.p, UNSEEN_P))
        if name in names or _has_unread_ink(reading)
        else reading
        for name, reading in readings.items()
    }


def _has_unread_ink(reading: Reading) -> bool:
    """Check whether a reader reports something that it has not read.

    A line below a number, or a ring around it, may be all that strikes it out.
    """
    return not _UNREAD_INK_ISSUES.isdisjoint(reading.issues) or (
        reading.state is State.CANCELLED and IssueCode.STRUCK_OUT in reading.issues
    )


def _is_shaded(specs: Iterable[FieldSpec], contrast: PrintContrast) -> bool:
    """Check whether bare paper outside the fields is slightly dark in many places."""
    # Only the inner part of the page: edges are often dark.
    bare = _outside_fields(_find_bare_paper(contrast.template).mask, specs)
    dark = contrast.darkness[bare]
    return (
        len(dark) >= _MIN_EDGE_PX
        and float(((dark > _SHADE_DARKNESS[0]) & (dark < _SHADE_DARKNESS[1])).mean())
        > _MAX_SHADED_SHARE
    )


@cached_per_object
def _find_bare_paper(template: TemplatePrint) -> CompressedMask:
    """Return where the paper of a template is bare, away from its print."""
    bare = template.bare_at.pixels.mask.view(np.uint8)
    return CompressedMask(
        np.asarray(cv2.erode(bare, odd_kernel(2 * _FROM_PRINT_MM * CHECK_PX_PER_MM)) > 0, np.bool_)
    )


def _is_blurred(upright: Image, template: Image) -> bool:
    """Check whether the steepest edges of print, across or down, are soft on the page.

    Each axis is judged by itself, since a camera moves in one direction.
    """
    # Blur is the same everywhere, so a part of the page is enough.
    page = _middle_half(upright)
    contrast = _local_contrast(page).ravel()
    for axis, (edges, template_steepness) in zip(
        _AXES, _template_edges(TemplateImage(template)), strict=True
    ):
        # Edges with enough contrast on this page (`compress` is twice as quick as indexing).
        visible_edges = edges.compress(contrast.take(edges) > _MIN_EDGE_CONTRAST)
        if visible_edges.size >= _MIN_EDGE_PX and is_quantile_below(
            _steepness(_slope(page, axis), contrast, visible_edges),
            _STEEPNESS_QUANTILE,
            _MIN_RELATIVE_STEEPNESS * template_steepness,
        ):
            return True
    return False


def _middle_half(image: Image) -> Image:
    """Return the middle half of a page's height.

    Blur is the same all over a page, and half of it takes half of the time.
    """
    quarter = image.shape[0] // 4
    return image[quarter:-quarter]


@lru_cache(maxsize=CACHED_FORM_PAGES)
def _template_edges(template: TemplateImage) -> tuple[tuple[PixelIndices, float], ...]:
    """Return the edges of a template across and down, and how steep they are."""
    # Edges are where the slope is steep; their steepness is relative to the contrast there.
    image = _middle_half(template.image)
    contrast, slopes = _local_contrast(image).ravel(), [_slope(image, axis) for axis in _AXES]
    places = [np.flatnonzero(np.abs(slope) > _SLOPE_UNITS * _MIN_EDGE_SLOPE) for slope in slopes]
    edge_steepness = (
        _steepness(slope, contrast, edges) for slope, edges in zip(slopes, places, strict=True)
    )
    quantiles = (
        float(np.quantile(values, _STEEPNESS_QUANTILE)) if values.size else 0.0
        for values in edge_steepness
    )
    return tuple(
        (edges.astype(np.int32), quantile)
        for edges, quantile in zip(places, quantiles, strict=True)
    )


def _steepness(
    slope: NDArray[np.int16], contrast: NDArray[np.uint8], indices: PixelIndices
) -> NDArray[np.float32]:
    """Return the slope of edges per pixel, as a share of the contrast there."""
    slopes, contrasts = (
        np.abs(slope.take(indices)).astype(np.float32),
        np.maximum(contrast.take(indices), 1).astype(np.float32),
    )
    return np.asarray(slopes / (_SLOPE_UNITS * contrasts), np.float32)


def _slope(image: Image, axis: tuple[int, int]) -> NDArray[np.int16]:
    """Return the differences of each pixel's neighbours, in a flattened image.

    The unit is an eighth of a grey level per pixel.
    """
    return np.asarray(cv2.Sobel(image, cv2.CV_16S, *axis, ksize=3), np.int16).ravel()


def _local_contrast(image: Image) -> Image:
    # Range of grey levels within the window (morphological gradient).
    kernel = odd_kernel(_CONTRAST_WINDOW_PX)
    return np.asarray(cv2.subtract(cv2.dilate(image, kernel), cv2.erode(image, kernel)), np.uint8)


# The registered page as people see it: in its colours, on white paper.
#
# Readers see the page in grey, with red ink as dark as black (`Registration.upright`). People tell
# a correction in red from what was written first, and read best on white. Where something is
# written so palely that it was not read, it is shown darker, and the grain of the paper with it.

_WHITE_LEVEL = 255
_PAPER_SHARE = 0.96
"""As part of the paper's level: what is at least so bright is white, noise and grain with it."""
_PALE_GAMMA = 3.0
"""Exponent of brightness on pages with pale writing: 5 % darker than paper becomes 14 %."""
_PAPER_PX_PER_MM = 0.5
"""Scale in which the paper's level is measured."""
_PAPER_FROM, _FIT_ROUNDS = 0.8, 4
"""Pixels at least so bright, as part of the paper's level there, are paper; fits are repeated."""
_COLOUR_PX_PER_MM = 2.0
"""Scale in which colour is looked for: there the coloured fringes of black strokes cancel."""
_MIN_CHROMA = 28
"""Levels (of 255) between the channels of a coloured place, at least; blue pens have 35–80."""
_MIN_COLOUR_MM2 = 1.0
"""A page with less that is coloured is grey."""


def shown_page(image: Image, registration: Registration, *, is_pale: bool = False) -> Image:
    """Return a scanned page registered to its form (8 px/mm) with white paper.

    It is BGR (h, w, 3) where something on the page has a colour, otherwise grey (h, w). A scan in
    grey is as it was read. If something on it is too pale to be read (`is_pale`), it is darker.
    """
    if image.ndim == 2:
        upright = registration.upright
        return _strengthen(upright, median(upright)) if is_pale else upright
    page = registration.flatten(shrink_for_page(image, registration), image, PX_PER_MM)
    white = _whiten_paper(page, 1.0 if is_pale else _PAPER_SHARE)
    coloured = white if _has_colour(white) else to_grayscale(white)
    return _strengthen(coloured, _WHITE_LEVEL) if is_pale else coloured


def _strengthen(page: Image, paper: float) -> Image:
    """Return a page on which pale strokes are darker; `paper` is the paper's level."""
    brightness = np.clip(np.arange(256) / max(paper, 1.0), 0, 1)
    return np.asarray(
        cv2.LUT(page, np.round(_WHITE_LEVEL * brightness**_PALE_GAMMA).astype(np.uint8)), np.uint8
    )


def _whiten_paper(page: Image, share: float) -> Image:
    """Return the page with the paper white in each channel, also where less light fell on it.

    What has that `share` of the paper's level is white with it.
    """
    scale = _PAPER_PX_PER_MM / PX_PER_MM
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    paper = cv2.resize(
        _fit_paper(small.astype(np.float32)),
        page.shape[1::-1],
        interpolation=cv2.INTER_LINEAR,
    )
    white = cv2.divide(page, paper, scale=_WHITE_LEVEL / share, dtype=cv2.CV_8U)
    return np.asarray(white, np.uint8)


def _fit_paper(small: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the level of the paper everywhere: a curved surface through the paper's pixels.

    Light and shadow change slowly across a page, so that a surface of the second degree follows
    them and no print or ink.
    """
    height, width = small.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    levels = small.reshape(-1, 3).astype(np.float64)
    surface = np.broadcast_to(np.asarray(paper_colour(small.astype(np.uint8))), levels.shape)
    for _ in range(_FIT_ROUNDS):
        # Paper is what is not clearly darker than the surface so far
        is_paper = np.all(levels >= _PAPER_FROM * surface, axis=1)
        factors, *_ = np.linalg.lstsq(terms[is_paper], levels[is_paper], rcond=None)
        surface = np.maximum(terms @ factors, 1.0)
    return surface.reshape(small.shape).astype(np.float32)


def _has_colour(page: Image) -> bool:
    """Return whether so much of the page is coloured that it is seen."""
    scale = _COLOUR_PX_PER_MM / PX_PER_MM
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    blue, green, red = cv2.split(small)
    chroma = cv2.subtract(cv2.max(cv2.max(blue, green), red), cv2.min(cv2.min(blue, green), red))
    return bool(np.count_nonzero(chroma >= _MIN_CHROMA) >= _MIN_COLOUR_MM2 * _COLOUR_PX_PER_MM**2)
