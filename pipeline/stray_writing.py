"""Writing that lies in no field: nothing reads it, so somebody has to be told that it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import plane
from pipeline.components import Components
from pipeline.field_spec import FieldSpec, Kind, Side
from pipeline.form_measures import beside
from pipeline.model import Box, Reading
from pipeline.once import while_it_lives
from pipeline.packed import Mask, PackedMask
from pipeline.plane import apart
from pipeline.print_contrast import SCALE, Print, Seen, window

_FROM_PRINT_MM, _FROM_EDGE_MM = 0.5, 5.0
_READ_AROUND_MM = 2.0
"""A field's reader sees so much around it."""
_FLOURISH_MM = 3.0
"""Signatures and initials swing out so far."""
_FROM_WORD_MM = 1.5
DARK = 0.15
"""Darkness of a pen; what shines through from the back and dirt are paler, or many and then told by `clearness`."""
_SPECK_MM2 = 0.4
_LEAST_MM2 = 3.0
_WORD_MM = 2.5
"""Strokes so near to each other are of one word."""
_LONG_MM, _HIGH_MM = 7.0, 40.0
_STROKES, _STROKES_PER_MM = 5, 0.3
"""How often a line through the middle of a word crosses ink, and how often per mm of its length; the edge of a stain and a crease do not."""


def stray_writing(specs: Sequence[FieldSpec], fields: Mapping[str, Reading], seen: Seen, marks: Sequence[Box] = ()) -> frozenset[str]:
    """The names of the fields that lie nearest to writing outside all fields.

    `specs` are all fields of the page, `fields` their readings as far as they are read, `seen` the page laid on its form, `marks` what else is
    printed on each sheet that its blank does not show, mm.
    """
    ink = np.asarray((seen.dark > DARK) & _unprinted(seen.form).mask, np.bool_)
    for box in _read(specs, fields, marks):
        ink[window(box)] = False
    edge = round(_FROM_EDGE_MM * SCALE)
    ink[:edge], ink[-edge:], ink[:, :edge], ink[:, -edge:] = False, False, False, False
    asked = [spec for spec in specs if spec.kind is not Kind.PRINTED]
    if not asked or np.count_nonzero(ink) < _LEAST_MM2 * SCALE**2:  # as on most pages
        return frozenset()
    return frozenset(min(asked, key=lambda spec: apart(spec.area, box)).name for box in _words(_without_specks(ink)))


@while_it_lives
def _unprinted(form: Print) -> PackedMask:
    """Where an unfilled form has no print but the pale edges of its grounds."""
    side = round(2 * _FROM_PRINT_MM * SCALE) | 1
    near = cv2.dilate(form.print_at.pixels.mask.view(np.uint8), np.ones((side, side), np.uint8))
    return PackedMask(np.asarray(near == 0, np.bool_))


def _read(specs: Sequence[FieldSpec], fields: Mapping[str, Reading], marks: Sequence[Box]) -> list[Box]:
    """What some reader has seen, or what nobody wrote, mm."""
    swings = {Kind.SIGNATURE, Kind.INITIALS}
    around = [plane.widened(_printed(spec), _FLOURISH_MM if spec.kind in swings else _READ_AROUND_MM) for spec in specs]
    words = [plane.widened(Box(*word.box), _FROM_WORD_MM) for reading in fields.values() for word in reading.words]
    return [*around, *words, *(plane.widened(mark, _READ_AROUND_MM) for mark in marks)]


def _printed(spec: FieldSpec) -> Box:
    """A field; with its label where an unfilled sheet has none."""
    area = spec.area
    if spec.kind is not Kind.PRINTED or spec.label_side is not Side.LEFT:
        return area
    label = beside(spec, in_table=spec.row is not None)
    return Box(area.x - label, area.y, area.w + label, area.h)


def _without_specks(ink: Mask) -> Mask:
    parts = Components.of(ink)
    large = parts.column(cv2.CC_STAT_AREA) >= _SPECK_MM2 * SCALE**2
    large[0] = False
    return parts.pixels(large)


def _words(ink: Mask) -> list[Box]:
    """Where strokes stand together as those of words do, mm."""
    side = round(2 * _WORD_MM * SCALE) // 2 | 1
    groups = Components.of(np.asarray(cv2.dilate(ink.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) > 0, np.bool_))
    found: list[Box] = []
    for number, (left, top, width, height, _) in enumerate(groups.stats[1:], 1):
        place = slice(top, top + height), slice(left, left + width)
        if _is_writing(np.asarray(ink[place] & (groups.labels[place] == number), np.bool_)):
            found.append(Box(left / SCALE, top / SCALE, width / SCALE, height / SCALE))
    return found


def _is_writing(shape: Mask) -> bool:
    """Whether strokes (h, w) follow each other along a line, across or down."""
    return _follow(shape) or _follow(shape.T)


def _follow(shape: Mask) -> bool:
    long = int(np.count_nonzero(shape.any(axis=0))) / SCALE
    if long < _LONG_MM:
        return False
    strokes = int(_crossings(shape).max(initial=0))
    return strokes >= max(_STROKES, _STROKES_PER_MM * long)


def _crossings(shape: Mask) -> NDArray[np.int64]:
    """How many strokes each row crosses, (h,)."""
    begins = shape.copy()
    begins[:, 1:] &= ~shape[:, :-1]
    return np.asarray(np.count_nonzero(begins, axis=1), np.int64)
