"""Writing that lies in no field: nothing reads it, so somebody has to be told that it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.domain.form.field import FieldSpec, LabelSide
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Reading
from pipeline.forms.fiducials import CODE_BOXES, ORGANISATION_BOX, SERIAL_BOXES
from pipeline.forms.layout.measures import measure_side_label_width
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import box_distance
from pipeline.reading.imaging.print_contrast import (
    CHECK_PX_PER_MM,
    PrintContrast,
    box_window,
    unprinted_mask,
)
from pipeline.reading.page_checks.pen_strokes import PEN_DARKNESS, find_pen_words, remove_specks
from pipeline.reading.page_context import PageContext

_FROM_PRINT_MM, _FROM_EDGE_MM = 0.5, 5.0
"""Ink nearer to print or to the edge of the page than this is ignored, mm."""
_READ_AROUND_MM = 2.0
"""A field's reader sees so much around it."""
_FLOURISH_MM = 3.0
"""Signatures and initials swing out so far."""
_FROM_WORD_MM = 1.5
"""Ink this near to a word that was read belongs to it, mm."""
_MIN_WRITING_MM2 = 3.0
"""Least ink outside all fields on a page that is examined, mm²."""
_WORD_GAP_MM = 2.5
"""Strokes so near to each other are of one word."""
_MIN_WRITING_MM = 7.0
"""Least length of a word, mm."""


def check(context: PageContext, readings: Mapping[str, Reading]) -> list[Issue]:
    """The issues of fields that have writing next to them which is in no field."""
    marks = () if context.page.blank else (*CODE_BOXES, *SERIAL_BOXES, ORGANISATION_BOX)
    found = find_stray_writing(context.all_fields, readings, context.contrast, marks)
    return [
        Issue(IssueCode.STRAY_WRITING, spec.name)
        for spec in context.all_fields
        if spec.name in found
    ]


def find_stray_writing(
    specs: Sequence[FieldSpec],
    fields: Mapping[str, Reading],
    seen: PrintContrast,
    marks: Sequence[Box] = (),
) -> frozenset[str]:
    """The names of the fields that lie nearest to writing outside all fields.

    `specs` are all fields of the page, `fields` their readings as far as they are read, `seen`
    the page laid on its form, `marks` what else is printed on each sheet that its blank does not
    show, mm.
    """
    ink = np.asarray(
        (seen.darkness > PEN_DARKNESS) & unprinted_mask(seen.template, _FROM_PRINT_MM).mask,
        np.bool_,
    )
    for box in _read_areas(specs, fields, marks):
        ink[box_window(box)] = False
    edge = round(_FROM_EDGE_MM * CHECK_PX_PER_MM)
    ink[:edge], ink[-edge:], ink[:, :edge], ink[:, -edge:] = False, False, False, False
    asked = [spec for spec in specs if spec.traits.filled_by_hand]
    if (
        not asked or np.count_nonzero(ink) < _MIN_WRITING_MM2 * CHECK_PX_PER_MM**2
    ):  # as on most pages
        return frozenset()
    return frozenset(
        min(asked, key=lambda spec: box_distance(spec.area, box)).name
        for box in find_pen_words(remove_specks(ink), _WORD_GAP_MM, _MIN_WRITING_MM)
    )


def _read_areas(
    specs: Sequence[FieldSpec], fields: Mapping[str, Reading], marks: Sequence[Box]
) -> list[Box]:
    """What some reader has seen, or what nobody wrote, mm."""
    around = [
        geometry.widen_box(
            _printed_area(spec), _FLOURISH_MM if spec.traits.is_signature else _READ_AROUND_MM
        )
        for spec in specs
    ]
    written = [
        geometry.widen_box(Box(*word.box), _FROM_WORD_MM)
        for reading in fields.values()
        for word in reading.words
    ]
    return [*around, *written, *(geometry.widen_box(mark, _READ_AROUND_MM) for mark in marks)]


def _printed_area(spec: FieldSpec) -> Box:
    """A field; with its label where an unfilled sheet has none."""
    area = spec.area
    if spec.traits.filled_by_hand or spec.label_side is not LabelSide.LEFT:
        return area
    label = measure_side_label_width(spec, in_table=spec.row is not None)
    return Box(area.x - label, area.y, area.w + label, area.h)
