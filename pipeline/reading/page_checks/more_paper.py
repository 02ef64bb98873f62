"""Find another sheet next to a page in the same image.

Only the page itself is read, so the reviewer is warned of the other sheet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Image, Reading
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.cache import Map, Mask
from pipeline.reading.imaging.geometry import Homography, Points
from pipeline.reading.imaging.grayscale import to_ink_grayscale
from pipeline.reading.imaging.print_contrast import (
    CHECK_PX_PER_MM,
    box_window,
    darkness_on_paper,
    estimate_paper,
)
from pipeline.reading.page_checks.pen_strokes import PEN_DARKNESS, find_pen_words, remove_specks
from pipeline.reading.page_context import PageContext

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


def check(context: PageContext, _readings: Mapping[str, Reading]) -> list[Issue]:
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
    scaled = _resample(image, geometry.scale_at_centre(homography, page))
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
    return _has_group(on_paper)


def _has_group(words: Sequence[Box]) -> bool:
    """Check whether several words are close together, as on another sheet."""
    # Count the words near each word, itself included.
    return any(
        sum(geometry.box_distance(word, other) <= _TOGETHER_MM for other in words)
        >= _MIN_ADJACENT_WORDS
        for word in words
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


def _resample(image: Image, px_per_mm: float) -> Image:
    factor = min(CHECK_PX_PER_MM / px_per_mm, _MAX_ENLARGEMENT)
    size = max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor))
    return to_ink_grayscale(
        np.asarray(
            cv2.resize(
                image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
            ),
            np.uint8,
        )
    )


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
