"""How a person's writing lies in the fields of a page: whose ink it is, and how far it reaches beyond its box. Lengths are mm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.field_spec import FieldSpec, Kind
from pipeline.model import Box, Image
from pipeline.plane import PX_PER_MM, grey
from pipeline.recognize.crop import Crop
from pipeline.recognize.ink import find_ink, paper_darkness

LEAST_INK_MM2 = 0.35
"""Less is a speck."""
_SPACE_MM = 3.5
"""Between two words of handwriting, at most."""
_STAIN_MM2 = 900.0
_FRAME_MM = 0.8
"""So much inside its edge a box may show its own frame."""
_PRINT_DARK = 0.45
"""The frames and rules of our own forms are paler."""
_RULE_MM = 5.0


@dataclass(slots=True)
class Written:
    """The writing of one box: its area, and its reach beyond each side of the box."""

    box: Box
    area_mm2: float = 0.0
    left: float = 0.0
    right: float = 0.0
    up: float = 0.0
    down: float = 0.0
    strokes: list[Box] = field(default_factory=list)

    @property
    def there(self) -> bool:
        """Whether something is written."""
        return self.area_mm2 >= LEAST_INK_MM2

    @property
    def above_or_below(self) -> float:
        """The farther of the reaches up and down."""
        return max(self.up, self.down)

    @property
    def aside(self) -> float:
        """The farther of the reaches left and right."""
        return max(self.left, self.right)


def written_in(upright: Image, unfilled: Image, boxes: Sequence[Box]) -> list[Written]:
    """The writing of each box. Connected ink belongs to the box that most of it lies in; ink in no box is nobody's.

    Args:
        upright: the page laid on its form, 8 px/mm.
        unfilled: the same page as it is printed.
        boxes: of fields, options or cells, on the page.
    """
    spec = FieldSpec(name="sida", label="", kind=Kind.TEXT, box=(0, 0, upright.shape[1] / PX_PER_MM, upright.shape[0] / PX_PER_MM))
    ink = find_ink(Crop(grey(upright), spec, grey(unfilled), PX_PER_MM, 0.0)).mask
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    found = [Written(box) for box in boxes]
    owners = _owners(np.asarray(labels, np.int32), boxes, len(stats))
    for label in range(1, len(stats)):
        x, y, w, h, area = (float(value) for value in stats[label])
        if owners[label] >= 0 and area / PX_PER_MM**2 <= _STAIN_MM2:
            _add(found[owners[label]], Box(x / PX_PER_MM, y / PX_PER_MM, w / PX_PER_MM, h / PX_PER_MM), area / PX_PER_MM**2)
    for label in sorted(range(1, len(stats)), key=lambda each: float(stats[each][0])):
        stroke = Box(*(float(value) / PX_PER_MM for value in stats[label][:4]))
        if owners[label] < 0 and (before := _runs_on(found, stroke)) is not None:
            _add(before, stroke, float(stats[label][4]) / PX_PER_MM**2)
    return found


def _runs_on(found: Sequence[Written], stroke: Box) -> Written | None:
    """The box whose writing a letter in no box goes on with: at its height, and no more than a space after its last stroke."""
    middle = stroke.y + stroke.h / 2
    for written in found:
        if written.there and written.box.y <= middle <= written.box.y + written.box.h:
            end = max(one.x + one.w for one in written.strokes)
            if abs(stroke.x - end) <= _SPACE_MM:
                return written
    return None


def printed_inside(unfilled: Image, box: Box) -> float:
    """Area of print (mm²) inside a box of the unfilled page, apart from frames and rules."""
    left, top = (int((side + _FRAME_MM) * PX_PER_MM) for side in (box.x, box.y))
    right, bottom = int((box.x + box.w - _FRAME_MM) * PX_PER_MM), int((box.y + box.h - _FRAME_MM) * PX_PER_MM)
    inside = grey(unfilled)[top:bottom, left:right]
    if inside.size == 0:
        return 0.0
    dark = (paper_darkness(np.ascontiguousarray(inside), PX_PER_MM, 2.5) > _PRINT_DARK).astype(np.uint8)
    length = max(3, round(_RULE_MM * PX_PER_MM))
    level, upright = np.ones((1, length), np.uint8), np.ones((length, 1), np.uint8)
    rules = cv2.bitwise_or(cv2.morphologyEx(dark, cv2.MORPH_OPEN, level), cv2.morphologyEx(dark, cv2.MORPH_OPEN, upright))
    left_over = cv2.subtract(dark, cv2.dilate(rules, np.ones((3, 3), np.uint8)))
    return float(left_over.sum()) / PX_PER_MM**2


def _owners(labels: NDArray[np.int32], boxes: Sequence[Box], count: int) -> list[int]:
    """For each connected piece of ink the box that most of it lies in, -1 for none."""
    most = np.zeros(count, np.int64)
    owner = np.full(count, -1, np.int64)
    for number, box in enumerate(boxes):
        rows = slice(max(0, round(box.y * PX_PER_MM)), round((box.y + box.h) * PX_PER_MM))
        columns = slice(max(0, round(box.x * PX_PER_MM)), round((box.x + box.w) * PX_PER_MM))
        inside = np.bincount(labels[rows, columns].ravel(), minlength=count)
        better = inside > most
        owner[better], most[better] = number, inside[better]
    return [int(one) for one in owner]


def _add(written: Written, stroke: Box, area_mm2: float) -> None:
    box = written.box
    written.area_mm2 += area_mm2
    written.strokes.append(stroke)
    written.left = max(written.left, box.x - stroke.x)
    written.right = max(written.right, stroke.x + stroke.w - box.x - box.w)
    written.up = max(written.up, box.y - stroke.y)
    written.down = max(written.down, stroke.y + stroke.h - box.y - box.h)
