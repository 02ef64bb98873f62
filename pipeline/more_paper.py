"""Another sheet beside or below a page in the same picture: the page alone is read, so somebody has to be told of the other."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from pipeline import plane
from pipeline.ink_grey import ink_grey
from pipeline.issues import Issue, IssueCode
from pipeline.model import Box, Image, Reading
from pipeline.packed import Map, Mask
from pipeline.page_context import PageContext
from pipeline.pen_words import DARK, without_specks, words
from pipeline.plane import Matrix, Points
from pipeline.print_contrast import SCALE, darker, paper_of, window
from pipeline.stages import stage

_AROUND_MM = 8.0
"""So far around a page lies what may still be of it."""
_LEAST_ROOM = 0.3
"""Part of the page's area that a picture must show besides the page to be looked at."""
_FEWEST = 3
_TOGETHER_MM = 10.0
"""So many words so near to one of them are another sheet's; a pen and a stain have fewer, and those on the keys of a keyboard are farther apart."""
_NEAR_MM, _LONG_MM = 0.5, 4.0
"""Gap between the strokes of one word, and a word's least length, mm."""
_LONGEST_MM, _HIGH_MM, _LONG_OF_HIGH = 60.0, (2.0, 15.0), 10.0
"""How long and high a word may be; the stripes and the grain of a table are longer or thinner."""
_LIGHT = 0.55
"""Paper is at least so light, as part of the page's paper."""
_EVEN_SHARE, _LESS_EVEN = 30.0, 0.015
"""The palest so many percent of what lies around a word are hardly darker than those of the page: paper has no grain."""
_AROUND_WORD_MM = 3.0
"""Paper within this distance of a word is examined, mm."""
_FINEST = 2.0
"""No picture is made more than so many times larger."""


def check(context: PageContext, _readings: Mapping[str, Reading]) -> list[Issue]:
    """The issue of a page next to which the image shows writing on another sheet."""
    lies = np.linalg.inv(context.registration.to_mm)
    with stage("more paper"):
        found = more_paper(context.image, lies, plane.page_of(context.template))
    return [Issue(IssueCode.MORE_PAPER)] if found else []


def more_paper(image: Image, lies: Matrix, page: Box) -> bool:
    """Whether a picture shows writing on paper outside a page, which lies so in it (mm → px): words on a light and even ground."""
    around = plane.through(lies, plane.corners(plane.widened(page, _AROUND_MM)))
    if not _has_room(image, lies, page, around):
        return False
    fine = _at_scale(image, plane.scale_at_centre(lies, page))
    to_fine = np.linalg.inv(plane.between(fine, image))
    paper = paper_of(fine)
    dark = darker(fine, paper)
    inside = _filled(fine.shape, plane.through(to_fine @ lies, plane.corners(page)))
    outside = ~_filled(fine.shape, plane.through(to_fine, around))
    found = filter(_is_of_size, words(without_specks(np.asarray((dark > DARK) & outside, np.bool_)), _NEAR_MM, _LONG_MM))
    light, grain = _LIGHT * float(np.median(paper[inside])), _grain(dark[inside]) + _LESS_EVEN
    on_paper = [word for word in found if float(np.median(paper[_around(word)])) >= light and _grain(dark[_around(word)]) <= grain]
    return any(sum(plane.apart(word, other) <= _TOGETHER_MM for other in on_paper) >= _FEWEST for word in on_paper)


def _around(word: Box) -> tuple[slice, slice]:
    return window(plane.widened(word, _AROUND_WORD_MM))


def _grain(dark: Map) -> float:
    return float(np.percentile(dark, _EVEN_SHARE))


def _has_room(image: Image, lies: Matrix, page: Box, around: Points) -> bool:
    height, width = image.shape[:2]
    frame = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    covered, _ = cv2.intersectConvexConvex(frame, around.astype(np.float32))
    of_page = cv2.contourArea(plane.through(lies, plane.corners(page)).astype(np.float32))
    return bool(width * height - covered >= _LEAST_ROOM * of_page)


def _at_scale(image: Image, px_per_mm: float) -> Image:
    factor = min(SCALE / px_per_mm, _FINEST)
    size = max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor))
    return ink_grey(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR), np.uint8))


def _filled(shape: tuple[int, ...], outline: Points) -> Mask:
    """(h, w): what lies within an outline."""
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(outline).astype(np.int32), (1,))
    return mask.view(np.bool_)


def _is_of_size(word: Box) -> bool:
    long, high = max(word.w, word.h), min(word.w, word.h)
    return long <= _LONGEST_MM and _HIGH_MM[0] <= high <= _HIGH_MM[1] and long <= _LONG_OF_HIGH * high
