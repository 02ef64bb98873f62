"""Find what covers a page: correction tape and fluid, and things over printed words.

What is below is hidden, and an empty field may not be empty. Tape is whiter than the paper around
it: the page is compared with its template, so that tints and white boxes cancel, pen strokes are
closed, and light areas no wider than tape remain. A page that is all white, as in black and white,
shows none. There, the pale outlines of fields are lost too, and only printed words that are missing
reveal a note, a label or a strip of paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Image, Reading
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import cached_per_object
from pipeline.reading.imaging.geometry import Homography, Points
from pipeline.reading.imaging.pixels import (
    Components,
    Map,
    Mask,
    PixelIndices,
    odd_kernel,
    to_ink_grayscale,
)
from pipeline.reading.imaging.print_contrast import (
    CACHED_FORM_PAGES,
    CHECK_PX_PER_MM,
    PrintContrast,
    TemplateImage,
    TemplatePrint,
    box_window,
    darkness_on_paper,
    downscale,
    estimate_paper,
)
from pipeline.reading.page_checks.page_context import (
    PEN_DARKNESS,
    PageContext,
    find_pen_words,
    remove_specks,
)

PATCH_SCALE = 2.0
"""Scale of the mask of patches, px/mm."""
_MAX_LINE_MM = 2.5
"""Wider than any printed line or stroke of a letter, mm."""
_MAX_SLIVER_MM = 1.5
"""Narrower light stripes come from edges of print that are slightly off, mm."""
_MAX_INK_MM = 7.0
"""Wider than any stroke and than a filled check box, mm."""
_MAX_TAPE_MM = 14.0
"""Light areas wider than this are lighting, not a patch, mm."""
_MIN_PATCH_MM2 = 8.0
"""Least area of a patch, mm²."""
_MIN_LIGHTNESS = 0.018
"""Share by which a patch is lighter than the paper …"""
_UNEVENNESS_FACTOR = 3.0
"""… and this multiple of the unevenness of this page's paper."""
_UNEVENNESS_QUANTILE = 0.8
"""Quantile of the differences in brightness that measures how uneven the paper is."""
_MIN_EXCESS = 0.009
"""Share by which a patch is lighter than paper nearby without ink: tape is by 0.023 or more, paper
between dense digits by 0.004 at most.
"""
_MAX_INK_BRIGHTNESS = 0.85
"""A place darker than this share of its paper has ink."""
_FROM_INK_MM = 3.0
"""Width around ink within which paper looks darker, mm."""
_SURROUNDINGS_MM = 30.0
"""Width within which paper without ink is searched for, mm."""
_MIN_UNWRITTEN_SHARE = 0.02
"""With less paper without ink than this share, nothing is known of the paper."""
_PAPER_BLUR_PX = 0.8
"""Standard deviation of the blur against noise, px."""
MIN_TAPED_SHARE = 0.2
"""A field with more than this share below a patch may not be empty."""
_MAX_REMAINING_DARKNESS = 0.2
"""Where a word is hidden, less than this share of its darkness remains."""
_MIN_WORD_MM2 = 1.0
"""Least area of strokes of a hidden word, as much as some letters have, mm²."""
_MAX_GROUP_GAP_MM = 20
"""Words no farther apart than this are hidden by the same thing, mm …"""
_REACH_MM = 6.0
"""… which reaches this much farther, as near as a field is to its label, mm."""
_WHITE_LEVEL, _MAX_WHITE_SHARE = 254, 0.2
"""If more than this share of a page is as white as possible, nothing can be whiter."""
_MAX_PRINT_LEVEL, _STROKE_PX = 90, 5
"""Print this dark within this distance, px, is not lost in black and white.

Small grey words may be.
"""


def find_correction_tape(page: Image, template: Image) -> Mask:
    """Find areas that are whiter than the paper; all images are registered.

    `page` and the result are at `PATCH_SCALE`, `template` at 8 px/mm. The template never
    changes: what it holds is cached.
    """
    paper = _paper_without_lines(page)
    # On a page that is white everywhere nothing can be whiter.
    if (paper >= _WHITE_LEVEL).mean() >= _MAX_WHITE_SHARE:
        return np.zeros(paper.shape, np.bool_)
    # Lighter than around on the page and relative to the template: a lost tint is no patch.
    relative_paper = np.asarray(paper / _template_paper(TemplateImage(template)), np.float32)
    lightness = np.minimum(
        _relative_lightness(relative_paper),
        _relative_lightness(np.asarray(paper / 255, np.float32)),
    )
    # The limit depends on how uneven the paper of this page is.
    limit = max(
        _MIN_LIGHTNESS, _UNEVENNESS_FACTOR * float(np.quantile(lightness, _UNEVENNESS_QUANTILE))
    )
    is_patch = lightness >= limit
    if np.count_nonzero(is_patch) < _MIN_PATCH_MM2 * PATCH_SCALE**2:
        return np.zeros(paper.shape, np.bool_)
    # Drop small patches, and those that are only lighter than dense writing around them.
    components = Components.of(np.asarray(is_patch, np.bool_))
    area = components.column(cv2.CC_STAT_AREA)
    excess = relative_paper - _unwritten_paper(page, relative_paper, template)
    mean_excess = np.bincount(components.labels.ravel(), excess.ravel()) / area
    return components.pixels(
        (area >= _MIN_PATCH_MM2 * PATCH_SCALE**2) & (mean_excess >= _MIN_EXCESS)
    )


def _unwritten_paper(
    page: Image, relative_paper: NDArray[np.float32], template: Image
) -> NDArray[np.float32]:
    """Return the brightness of the paper around each place that has no ink near it.

    Where all of it is written on, the result is 0: what is light there may be a patch.
    """
    relative = page / np.maximum(downscale(template, PATCH_SCALE).astype(np.float32), np.float32(1))
    ink = (relative < _MAX_INK_BRIGHTNESS * relative_paper).view(np.uint8)
    unwritten = np.float32(1) - cv2.dilate(ink, patch_kernel(_FROM_INK_MM))
    size = round(_SURROUNDINGS_MM * PATCH_SCALE)
    total = cv2.blur(relative_paper * unwritten, (size, size))
    share = cv2.blur(unwritten, (size, size))
    return np.where(
        share >= _MIN_UNWRITTEN_SHARE, total / np.maximum(share, np.float32(1e-6)), np.float32(0)
    ).astype(np.float32)


def _relative_lightness(paper: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return by how much paper is lighter than around it; 0 if that area is wider than tape."""
    # Remove slivers and ink, then subtract what is wider than tape.
    brightness = cv2.morphologyEx(
        cv2.morphologyEx(paper, cv2.MORPH_OPEN, patch_kernel(_MAX_SLIVER_MM)),
        cv2.MORPH_CLOSE,
        patch_kernel(_MAX_INK_MM),
    )
    return np.asarray(
        brightness - cv2.morphologyEx(brightness, cv2.MORPH_OPEN, patch_kernel(_MAX_TAPE_MM)),
        np.float32,
    )


def covered_share(mask: Mask, box: Box) -> float:
    """Return the share of a box (mm) that a mask at `PATCH_SCALE` covers.

    Of a box that reaches outside the page only the part on the page counts.
    """
    window = mask[box_window(box, PATCH_SCALE)]
    return np.count_nonzero(window) / window.size if window.size else 0.0


@lru_cache(maxsize=CACHED_FORM_PAGES)
def _template_paper(template: TemplateImage) -> NDArray[np.float32]:
    """Return the paper of a template at `PATCH_SCALE`, at least 1."""
    return np.maximum(_paper_without_lines(downscale(template.image, PATCH_SCALE)), np.float32(1))


def _paper_without_lines(image: Image) -> NDArray[np.float32]:
    """Return the brightness of the paper, without thin lines."""
    soft = cv2.GaussianBlur(image.astype(np.float32), (0, 0), _PAPER_BLUR_PX)
    return np.asarray(
        cv2.morphologyEx(soft, cv2.MORPH_CLOSE, patch_kernel(_MAX_LINE_MM)), np.float32
    )


def patch_kernel(side_mm: float) -> NDArray[np.uint8]:
    """Return a square kernel for images at `PATCH_SCALE`."""
    return odd_kernel(side_mm * PATCH_SCALE)


def find_missing_print(contrast: PrintContrast) -> list[Box]:
    """Find the places, mm, where something hides printed words."""
    # Only dark print is judged: pale words may be lost in black and white.
    dark = _dark_print_places(contrast.template)
    # Pixels of dark print where the page is nearly white.
    missing = contrast.template.places[dark[contrast.shade[dark] < _MAX_REMAINING_DARKNESS]]
    if len(missing) < _MIN_WORD_MM2 * CHECK_PX_PER_MM**2:
        return []
    height, width = contrast.darkness.shape
    y, x = np.divmod(missing, width)
    # Count them in squares of a millimetre.
    stroke_px = np.zeros(
        (int(height / CHECK_PX_PER_MM) + 1, int(width / CHECK_PX_PER_MM) + 1), np.int32
    )
    np.add.at(stroke_px, ((y / CHECK_PX_PER_MM).astype(int), (x / CHECK_PX_PER_MM).astype(int)), 1)
    # Near squares are hidden by the same thing.
    components = Components.of(
        cv2.dilate(
            (stroke_px > 0).view(np.uint8),
            np.ones((_MAX_GROUP_GAP_MM + 1, _MAX_GROUP_GAP_MM + 1), np.uint8),
        )
        > 0
    )
    groups = [
        np.argwhere((components.labels == number) & (stroke_px > 0))
        for number in range(1, len(components.stats))
    ]
    return [
        _occluded_box(cells)
        for cells in groups
        if stroke_px[tuple(cells.T)].sum() >= _MIN_WORD_MM2 * CHECK_PX_PER_MM**2
    ]


@cached_per_object
def _dark_print_places(template: TemplatePrint) -> PixelIndices:
    """Return which of a template's places of print are dark print."""
    # The darkest grey near each place.
    darkest = np.asarray(
        cv2.erode(template.template_image.image, np.ones((_STROKE_PX, _STROKE_PX), np.uint8)),
        np.uint8,
    )
    return np.flatnonzero(
        downscale(darkest, CHECK_PX_PER_MM).take(template.places) < _MAX_PRINT_LEVEL
    ).astype(np.int32)


def _occluded_box(cells: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> Box:
    """Return the extent of what hides words in these squares of a millimetre (rows, columns)."""
    (top, left), (bottom, right) = cells.min(axis=0).tolist(), cells.max(axis=0).tolist()
    return geometry.widen_box(Box(left, top, right + 1 - left, bottom + 1 - top), _REACH_MM)


# Find another sheet next to a page in the same image.
#
# Only the page itself is read, so the reviewer is warned of the other sheet.

_AROUND_MM = 8.0
"""Margin around a page that may still belong to it, mm."""
_MIN_FREE_SHARE = 0.3
"""Area that an image must show next to the page to be examined, as a share of the page's."""
_MIN_ADJACENT_WORDS = 3
"""Number of words near to one of them that are another sheet …"""
_TOGETHER_MM = 10.0
"""… and the distance that counts as near, mm.

A pen and a stain have fewer words, and those on the keys of a keyboard are farther apart.
"""
_STROKE_GAP_MM, _MIN_WORD_MM = 0.5, 4.0
"""Gap between the strokes of one word, and least length of a word, mm."""
_MAX_WORD_MM, _WORD_HEIGHT_MM, _MAX_WORD_ASPECT = 60.0, (2.0, 15.0), 10.0
"""Limits of a word's length, height and aspect ratio.

Stripes and the grain of a table are longer or thinner.
"""
_MIN_PAPER_LIGHT = 0.55
"""Least brightness of paper, as a share of the page's paper."""
_EVEN_PERCENTILE, _MAX_EXTRA_GRAIN = 30.0, 0.015
"""Percentile of the darkness around a word, and how much it may exceed that of the page.

Paper has no grain.
"""
_AROUND_WORD_MM = 3.0
"""Paper within this distance of a word is examined, mm."""
_MAX_ENLARGEMENT = 2.0
"""No image is enlarged more than this."""


def check_adjacent_sheet(context: PageContext, _readings: Mapping[str, Reading]) -> list[Issue]:
    """Return the issue of a page with writing on another sheet next to it."""
    homography = np.linalg.inv(context.registration.to_mm)
    page = geometry.page_box(context.template)
    return (
        [Issue(IssueCode.MORE_PAPER)] if has_adjacent_sheet(context.image, homography, page) else []
    )


def has_adjacent_sheet(image: Image, homography: Homography, page: Box) -> bool:
    """Check whether an image shows writing on paper outside the page.

    `homography` is the page's mm → px. Writing is words on a light and even ground.
    """
    # The page with a margin that still belongs to it.
    surroundings = geometry.transform_points(
        homography, geometry.box_corners(geometry.widen_box(page, _AROUND_MM))
    )
    if not _has_room(image, homography, page, surroundings):
        return False
    # Compute the darkness of the whole image at the usual scale.
    factor = min(CHECK_PX_PER_MM / geometry.scale_at_centre(homography, page), _MAX_ENLARGEMENT)
    scaled = to_ink_grayscale(geometry.resize_image(image, factor))
    to_scaled = np.linalg.inv(geometry.resize_homography(scaled, image))
    paper = estimate_paper(scaled)
    darkness = darkness_on_paper(scaled, paper)
    # Separate the page from what is outside its surroundings.
    inside = _fill_outline(
        scaled.shape, geometry.transform_points(to_scaled @ homography, geometry.box_corners(page))
    )
    outside = ~_fill_outline(scaled.shape, geometry.transform_points(to_scaled, surroundings))
    # Words outside, on ground as light and even as the page's paper.
    ink = remove_specks(np.asarray((darkness > PEN_DARKNESS) & outside, np.bool_))
    words = filter(_has_word_size, find_pen_words(ink, _STROKE_GAP_MM, _MIN_WORD_MM))
    min_light = _MIN_PAPER_LIGHT * float(np.median(paper[inside]))
    max_grain = _paper_grain(darkness[inside]) + _MAX_EXTRA_GRAIN
    on_paper = [
        word
        for word in words
        if float(np.median(paper[_word_surroundings(word)])) >= min_light
        and _paper_grain(darkness[_word_surroundings(word)]) <= max_grain
    ]
    return any(
        sum(geometry.box_distance(word, other) <= _TOGETHER_MM for other in on_paper)
        >= _MIN_ADJACENT_WORDS
        for word in on_paper
    )


def _word_surroundings(word: Box) -> tuple[slice, slice]:
    return box_window(geometry.widen_box(word, _AROUND_WORD_MM))


def _paper_grain(darkness: Map) -> float:
    # A low percentile: ink near the word does not count.
    return float(np.percentile(darkness, _EVEN_PERCENTILE))


def _has_room(image: Image, homography: Homography, page: Box, surroundings: Points) -> bool:
    """Check whether the image shows enough area next to the page."""
    height, width = image.shape[:2]
    # Area of the image minus that of the page and its margin.
    image_outline = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    covered, _ = cv2.intersectConvexConvex(image_outline, surroundings.astype(np.float32))
    page_area = cv2.contourArea(
        geometry.transform_points(homography, geometry.box_corners(page)).astype(np.float32)
    )
    return bool(width * height - covered >= _MIN_FREE_SHARE * page_area)


def _fill_outline(shape: tuple[int, ...], outline: Points) -> Mask:
    """Return (h, w): what is inside an outline."""
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(outline).astype(np.int32), (1,))
    return mask.view(np.bool_)


def _has_word_size(word: Box) -> bool:
    length, height = max(word.w, word.h), min(word.w, word.h)
    return (
        length <= _MAX_WORD_MM
        and _WORD_HEIGHT_MM[0] <= height <= _WORD_HEIGHT_MM[1]
        and length <= _MAX_WORD_ASPECT * height
    )
