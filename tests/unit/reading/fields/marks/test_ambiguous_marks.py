"""Ambiguous marks never have high confidence: a mark through two options, a single dot, a dash, a
choice with only a filled box.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from pipeline.domain.form.confidence import PREFILL_FROM
from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Box, Image, PageReading
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, render_sheet_page
from pipeline.reading.read_page import PageReader

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")
PEN = (115, 60, 30)
Points = list[tuple[float, float]]


def clean(form_id: str) -> tuple[Form, Image]:
    (sheet,) = make_blank_sheets(1)
    return FORMS[form_id, 1], render_sheet_page(FORMS[form_id, 1], sheet)


def stroke(paper: Image, points: Points, pen_mm: float = 0.42) -> None:
    path = np.round(np.array(points) * PRINT_PX_PER_MM).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(paper, [path], False, PEN, round(pen_mm * PRINT_PX_PER_MM), cv2.LINE_AA)


def read(paper: Image) -> PageReading:
    return (
        PageReader.of_forms(FORMS)
        .read(cv2.imencode(".png", paper)[1].tobytes(), "image/png")
        .reading
    )


def through_both(upper: Box, lower: Box) -> Iterator[list[Points]]:
    """A cross over both boxes, a smaller one between them, and a tick in the lower one that extends
    through the upper one.
    """
    left, right = upper.x + 0.8, upper.x + upper.w - 0.8
    middle = (upper.y + lower.y + lower.h) / 2
    for half in (middle - upper.y - 1.0, 2.8):
        yield [
            [(left, middle - half), (right, middle + half)],
            [(left, middle + half), (right, middle - half)],
        ]
    yield [
        [
            (lower.x + 0.8, lower.y + 2.2),
            (lower.x + 2.0, lower.y + lower.h - 0.8),
            (lower.x + 4.0, upper.y + 1.0),
        ]
    ]


def test_mark_through_two_options_is_never_confidently_one_of_them() -> None:
    form, paper = clean("signeringslista")
    names = [f"dag{day:02}.avvikelse{column}" for day in (2, 5, 8) for column in (1, 3)]
    for i, name in enumerate(names):
        upper, lower = sorted(
            (Box(*option.box) for option in form.by_name[name].options), key=lambda box: box.y
        )
        for points in list(through_both(upper, lower))[i % 3]:
            stroke(paper, points)
    fields = read(paper).fields
    assert [name for name in names if fields[name].p >= PREFILL_FROM] == []


def test_single_dot_in_box_is_never_confidently_empty() -> None:
    form, paper = clean("besokslista")
    marks = [spec for spec in form.pages[0].all_fields if spec.kind is Kind.MARK][::5]
    for i, spec in enumerate(marks):
        at = (
            spec.area.x + (0.35, 0.5, 0.65)[i % 3] * spec.area.w,
            spec.area.y + (0.4, 0.6)[i % 2] * spec.area.h,
        )
        stroke(paper, [at, at], pen_mm=(0.6, 0.8, 1.0, 1.3)[i % 4])
    fields = read(paper).fields
    assert [
        spec.name
        for spec in marks
        if fields[spec.name].value is not True and fields[spec.name].p >= PREFILL_FROM
    ] == []


def test_dash_in_box_is_never_confidently_a_mark() -> None:
    form, paper = clean("besokslista")
    marks = [spec for spec in form.pages[0].all_fields if spec.kind is Kind.MARK][::5]
    for i, spec in enumerate(marks):
        box, slope = spec.area, (-0.4, 0.0, 0.4)[i % 3]
        middle = box.y + box.h * (0.4, 0.5, 0.6)[i % 3]
        stroke(
            paper,
            [(box.x + 0.5, middle - slope / 2), (box.x + box.w - 0.5, middle + slope / 2)],
            pen_mm=(0.35, 0.5)[i % 2],
        )
    fields = read(paper).fields
    assert [spec.name for spec in marks if fields[spec.name].p >= PREFILL_FROM] == []


def test_crosses_and_ticks_keep_high_confidence() -> None:
    form, paper = clean("besokslista")
    marks = [spec for spec in form.pages[0].all_fields if spec.kind is Kind.MARK][::5]
    for i, spec in enumerate(marks):
        left, top, right, bottom = (
            spec.area.x,
            spec.area.y,
            spec.area.x + spec.area.w,
            spec.area.y + spec.area.h,
        )
        if i % 2:
            stroke(
                paper,
                [(left + 0.5, top + 2.4), (left + 1.6, bottom - 0.5), (right + 0.4, top + 0.2)],
            )
        else:
            stroke(paper, [(left + 0.5, top + 0.6), (right - 0.5, bottom - 0.6)])
            stroke(paper, [(left + 0.6, bottom - 0.5), (right - 0.5, top + 0.5)])
    fields = read(paper).fields
    assert [
        spec.name
        for spec in marks
        if fields[spec.name].value is not True or fields[spec.name].p < PREFILL_FROM
    ] == []


def test_choice_with_only_a_filled_box_is_never_confidently_empty() -> None:
    form, paper = clean("signeringslista")
    names = [f"dag{day:02}.avvikelse{column}" for day in (2, 5, 8) for column in (1, 3)]
    for i, name in enumerate(names):
        box = Box(*form.by_name[name].options[i % 2].box)
        for down in np.arange(0.35, box.h - 0.2, 0.3):
            stroke(paper, [(box.x + 0.3, box.y + down), (box.x + box.w - 0.3, box.y + down)])
    fields = read(paper).fields
    assert [
        (name, fields[name].state)
        for name in names
        if fields[name].p >= PREFILL_FROM or fields[name].is_seen_empty
    ] == []


def test_scribbled_over_cross_is_never_confidently_a_mark() -> None:
    """Scribbling cancels a mark; a box that was not filled completely was read as a cross."""
    form, paper = clean("besokslista")
    marks = [spec for spec in form.pages[0].all_fields if spec.kind is Kind.MARK][::5]
    for i, spec in enumerate(marks):
        left, top, right, bottom = (
            spec.area.x,
            spec.area.y,
            spec.area.x + spec.area.w,
            spec.area.y + spec.area.h,
        )
        stroke(paper, [(left + 0.5, top + 0.6), (right - 0.5, bottom - 0.6)])
        stroke(paper, [(left + 0.6, bottom - 0.5), (right - 0.5, top + 0.5)])
        turns = np.linspace(top, bottom, 6 + i % 5)
        stroke(
            paper,
            [((left - 0.3, right + 0.3)[turn % 2], float(y)) for turn, y in enumerate(turns)],
            pen_mm=(0.35, 0.42, 0.5)[i % 3],
        )
    fields = read(paper).fields
    assert [
        spec.name
        for spec in marks
        if fields[spec.name].value is True and fields[spec.name].p >= PREFILL_FROM
    ] == []
