"""Another sheet beside or below a page in the same picture: the page alone is read, so somebody has
to be told of the other.
"""

from __future__ import annotations

from collections.abc import Mapping

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
from pipeline.reading.imaging.timing import stage
from pipeline.reading.page_checks.pen_strokes import PEN_DARKNESS, find_pen_words, remove_specks
from pipeline.reading.page_context import PageContext

_AROUND_MM = 8.0
"""So far around a page lies what may still be of it."""
_MIN_FREE_SHARE = 0.3
"""Part of the page's area that a picture must show besides the page to be looked at."""
_MIN_ADJACENT_WORDS = 3
_TOGETHER_MM = 10.0
"""So many words so near to one of them are another sheet's; a pen and a stain have fewer, and those
on the keys of a keyboard are farther apart.
"""
_STROKE_GAP_MM, _MIN_WORD_MM = 0.5, 4.0
"""Gap between the strokes of one word, and a word's least length, mm."""
_MAX_WORD_MM, _WORD_HEIGHT_MM, _MAX_WORD_ASPECT = 60.0, (2.0, 15.0), 10.0
"""How long and high a word may be; the stripes and the grain of a table are longer or thinner."""
_MIN_PAPER_LIGHT = 0.55
"""Paper is at least so light, as part of the page's paper."""
_EVEN_PERCENTILE, _MAX_EXTRA_GRAIN = 30.0, 0.015
"""The palest so many percent of what lies around a word are hardly darker than those of the page:
paper has no grain.
"""
_AROUND_WORD_MM = 3.0
"""Paper within this distance of a word is examined, mm."""
_MAX_ENLARGEMENT = 2.0
"""No picture is made more than so many times larger."""


def check(context: PageContext, _readings: Mapping[str, Reading]) -> list[Issue]:
    """The issue of a page next to which the image shows writing on another sheet."""
    lies = np.linalg.inv(context.registration.to_mm)
    with stage("more paper"):
        found = has_adjacent_sheet(context.image, lies, geometry.page_box(context.template))
    return [Issue(IssueCode.MORE_PAPER)] if found else []


def has_adjacent_sheet(image: Image, lies: Homography, page: Box) -> bool:
    """Whether a picture shows writing on paper outside a page, which lies so in it (mm → px): words
    on a light and even ground.
    """
    around = geometry.transform_points(
        lies, geometry.box_corners(geometry.widen_box(page, _AROUND_MM))
    )
    if not _has_room(image, lies, page, around):
        return False
    fine = _resample(image, geometry.scale_at_centre(lies, page))
    to_fine = np.linalg.inv(geometry.resize_homography(fine, image))
    paper = estimate_paper(fine)
    dark = darkness_on_paper(fine, paper)
    inside = _fill_outline(
        fine.shape, geometry.transform_points(to_fine @ lies, geometry.box_corners(page))
    )
    outside = ~_fill_outline(fine.shape, geometry.transform_points(to_fine, around))
    found = filter(
        _has_word_size,
        find_pen_words(
            remove_specks(np.asarray((dark > PEN_DARKNESS) & outside, np.bool_)),
            _STROKE_GAP_MM,
            _MIN_WORD_MM,
        ),
    )
    light, grain = (
        _MIN_PAPER_LIGHT * float(np.median(paper[inside])),
        _paper_grain(dark[inside]) + _MAX_EXTRA_GRAIN,
    )
    on_paper = [
        word
        for word in found
        if float(np.median(paper[_word_surroundings(word)])) >= light
        and _paper_grain(dark[_word_surroundings(word)]) <= grain
    ]
    return any(
        sum(geometry.box_distance(word, other) <= _TOGETHER_MM for other in on_paper)
        >= _MIN_ADJACENT_WORDS
        for word in on_paper
    )


def _word_surroundings(word: Box) -> tuple[slice, slice]:
    return box_window(geometry.widen_box(word, _AROUND_WORD_MM))


def _paper_grain(dark: Map) -> float:
    return float(np.percentile(dark, _EVEN_PERCENTILE))


def _has_room(image: Image, lies: Homography, page: Box, around: Points) -> bool:
    height, width = image.shape[:2]
    frame = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    covered, _ = cv2.intersectConvexConvex(frame, around.astype(np.float32))
    of_page = cv2.contourArea(
        geometry.transform_points(lies, geometry.box_corners(page)).astype(np.float32)
    )
    return bool(width * height - covered >= _MIN_FREE_SHARE * of_page)


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
    """(h, w): what lies within an outline."""
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(outline).astype(np.int32), (1,))
    return mask.view(np.bool_)


def _has_word_size(word: Box) -> bool:
    long, high = max(word.w, word.h), min(word.w, word.h)
    return (
        long <= _MAX_WORD_MM
        and _WORD_HEIGHT_MM[0] <= high <= _WORD_HEIGHT_MM[1]
        and long <= _MAX_WORD_ASPECT * high
    )
