"""Paint over writing in the fields around a check box that its reader would take for a mark.

A line of writing just above an empty box is in the image of the box, too: the box was no longer
certainly empty. What lies in another field is the other's, unless it reaches out of it, as a cross
beside the box or a ring around it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.model import Box, Image
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.components import Components, Mask
from pipeline.reading.imaging.geometry import PX_PER_MM
from pipeline.reading.imaging.quantiles import median

_MIN_INK_LEVELS = 30
"""Ink is at least this many grey levels darker than the paper of its image."""
_MIN_PAPER_LEVEL = 225
"""The template is paper where it is lighter; darker is print, which stays."""
_MIN_SHARE_IN_OTHERS = 0.9
"""Connected ink with this share in other fields, of what the image shows of it, is theirs."""
_HALO = np.ones((3, 3), np.uint8)
"""The soft edge of a stroke, px."""


def paint_over_neighbours(
    crops: Sequence[FieldImage], specs: Sequence[FieldSpec]
) -> list[FieldImage]:
    """Return the images of check boxes without what is written in other fields of the page.

    `specs` are its fields. What is in another check box stays: a mark may be meant for either.
    """
    areas = [spec.area for spec in specs if not spec.traits.has_check_boxes]
    if not areas:
        return list(crops)
    left, top, width, height = np.array([(a.x, a.y, a.w, a.h) for a in areas], np.float64).T
    painted = []
    for crop in crops:
        box = geometry.widen_box(crop.spec.area, crop.margin_mm)
        is_near = (left < box.x + box.w) & (left + width > box.x)
        is_near &= (top < box.y + box.h) & (top + height > box.y)
        others = [areas[i] for i in np.flatnonzero(is_near).tolist()]
        painted.append(_paint_over(crop, others) if others else crop)
    return painted


def _paint_over(crop: FieldImage, others: Sequence[Box]) -> FieldImage:
    """Return the image of a check box without what is written in other fields (page mm)."""
    image, template = crop.image, crop.template_image
    if template is None:
        return crop
    within = _find_within(crop, others)
    paper = median(image)
    ink = np.asarray((image < paper - _MIN_INK_LEVELS) & (template >= _MIN_PAPER_LEVEL), np.bool_)
    if not (ink & within).any():
        return crop

    # Connected ink that is nearly all in other fields.
    strokes = Components.of(ink)
    inside = np.bincount(strokes.labels[within], minlength=len(strokes))
    theirs = inside >= _MIN_SHARE_IN_OTHERS * strokes.column(cv2.CC_STAT_AREA)
    theirs[0] = False
    hidden = cv2.dilate(strokes.pixels(theirs).view(np.uint8), _HALO) > 0
    painted: Image = np.where(hidden & (template >= _MIN_PAPER_LEVEL), paper, image).astype(
        np.uint8
    )
    return replace(crop, image=painted)


def _find_within(crop: FieldImage, others: Sequence[Box]) -> Mask:
    """Return where the image shows other fields, (h, w)."""
    within = np.zeros(crop.image.shape, np.bool_)
    left, top = crop.spec.area.x - crop.margin_mm, crop.spec.area.y - crop.margin_mm
    for box in others:
        x, y = round((box.x - left) * PX_PER_MM), round((box.y - top) * PX_PER_MM)
        right, bottom = x + round(box.w * PX_PER_MM), y + round(box.h * PX_PER_MM)
        within[max(0, y) : max(0, bottom), max(0, x) : max(0, right)] = True
    return within
