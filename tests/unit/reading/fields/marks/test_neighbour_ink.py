"""Writing in the field above an empty check box is not taken for a mark beside it."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.marks.rules import paint_over_neighbours

MARGIN_MM = 2.0
PAPER, PEN = 240, 60


def _spec(name: str, kind: Kind, box: tuple[float, float, float, float]) -> FieldSpec:
    return FieldSpec(name=name, label=name, kind=kind, box=box)


BOX = _spec("ruta", Kind.MARK, (20.0, 30.0, 4.5, 4.5))
LINE = _spec("rad", Kind.TEXT, (10.0, 20.0, 60.0, 9.0))
NEXT_BOX = _spec("annan", Kind.MARK, (26.0, 30.0, 4.5, 4.5))


def _crop(start: tuple[int, int], end: tuple[int, int]) -> FieldImage:
    """The box, 68 × 68 px with its margin, and a stroke between two of its pixels (x, y)."""
    template = np.full((68, 68), 255, np.uint8)
    cv2.rectangle(template, (16, 16), (51, 51), 120, 2)
    image = np.where(template < 255, 150, PAPER).astype(np.uint8)
    cv2.line(image, start, end, PEN, 4)
    return FieldImage(image, BOX, template, 8.0, MARGIN_MM)


def _has_ink(crop: FieldImage, other: FieldSpec) -> bool:
    (painted,) = paint_over_neighbours([crop], [BOX, other])
    return bool((painted.image < 120).any())


def test_writing_in_the_field_above_is_painted_over() -> None:
    assert not _has_ink(_crop((5, 2), (60, 4)), LINE)


def test_stroke_that_leaves_the_field_above_stays() -> None:
    """As the leg of a large cross, or a ring around the box, does."""
    assert _has_ink(_crop((5, 2), (60, 40)), LINE)


def test_mark_in_the_next_check_box_stays() -> None:
    assert _has_ink(_crop((66, 20), (66, 48)), NEXT_BOX)
