"""Ambiguous strokes in digit boxes raise an issue."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import Format
from pipeline.domain.form.form import Forms
from pipeline.domain.model import UNSEEN_P, Box, State
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, render_sheet_page
from pipeline.reading.fields.digits import reader
from pipeline.reading.fields.digits.strokes import Stroke, has_two_digits, is_not_one
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.read_page import PageReader
from tests.unit.reading.fields.digits.digit_rows import (
    matvarden,
    read,
    row,
    spec,
    write,
    write_number,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("is_ring", [True, False], ids=["ring", "line below"])
def test_circled_or_underlined_number_is_not_confidently_struck_out(is_ring: bool) -> None:
    form, paper = matvarden()
    names = [
        spec.name
        for spec in form.fields
        if spec.row and spec.name.endswith((".puls", ".bt_sys", ".saturation"))
    ]
    for place, name in enumerate(names):
        write_number(paper, form.by_name[name], "97")
        box = form.by_name[name].area
        x, y, w, h = (round(side * PRINT_PX_PER_MM) for side in (box.x, box.y, box.w, box.h))
        if is_ring:
            cv2.ellipse(
                paper,
                (x + w // 2, y + h // 2),
                (round(w * 0.52), round(h * 0.5)),
                0,
                0,
                360,
                (90, 40, 30),
                4,
                cv2.LINE_AA,
            )
        else:
            below = y + round(h * (0.82, 0.88, 0.94)[place % 3])
            cv2.line(paper, (x + 5, below), (x + w - 5, below), (90, 40, 30), 4, cv2.LINE_AA)
    reading = read(paper)
    assert [
        name
        for name in names
        if reading.fields[name].state is State.CANCELLED and reading.fields[name].p > UNSEEN_P
    ] == []


Stretch = tuple[tuple[float, float], tuple[float, float]]


DITTO: tuple[Stretch, ...] = (((0.35, 0.3), (0.33, 0.55)), ((0.65, 0.3), (0.63, 0.55)))


UPRIGHT: tuple[Stretch, ...] = (((0.5, 0.05), (0.48, 0.95)),)


PASSING: tuple[Stretch, ...] = (((0.5, -0.6), (0.5, 1.6)),)


@pytest.mark.parametrize(
    "strokes",
    [DITTO, UPRIGHT, PASSING],
    ids=["ditto mark", "a single upright stroke", "an arrow through the rows"],
)
def test_ambiguous_strokes_in_boxes_raise_issue(
    strokes: tuple[Stretch, ...],
) -> None:
    """A ditto mark was read as a 1 with high confidence; a perfectly straight 1 and an arrow
    through the rows as empty boxes.
    """
    forms = Forms.load(ROOT / "forms")
    form, (sheet,) = forms["matvarden", 1], make_blank_sheets(1)
    paper, names = render_sheet_page(form, sheet), [f"rad{row:02d}.smarta" for row in range(1, 5)]
    for name in names:
        cell = form.by_name[name].cell_boxes[0]
        for stretch in strokes:
            start, end = (
                (
                    round((cell.x + x * cell.w) * PRINT_PX_PER_MM),
                    round((cell.y + y * cell.h) * PRINT_PX_PER_MM),
                )
                for x, y in stretch
            )
            cv2.line(paper, start, end, (90, 40, 30), 4, cv2.LINE_AA)
    reading = (
        PageReader.of_forms(forms)
        .read(cv2.imencode(".png", paper)[1].tobytes(), "image/png")
        .reading
    )
    with_issue = [name for name in names if f"odd_strokes:{name}" in reading.issues]
    assert len(with_issue) >= 2
    assert max(reading.fields[name].p for name in with_issue) <= UNSEEN_P
    assert max(reading.fields[name].p for name in names) < 0.98


@pytest.mark.parametrize("value", ["10", "12", "13", "14", "16", "18"])
def test_two_digits_in_one_box_are_not_read_confidently_as_one(value: str) -> None:
    """Where writing began close to the edge, a pain of 10 was read as 0 and a blood sugar of 14 as
    4, both with high confidence.
    """
    forms = Forms.load(ROOT / "forms")
    form, (sheet,) = forms["matvarden", 1], make_blank_sheets(1)
    paper, names = render_sheet_page(form, sheet), [f"rad{row:02d}.b_glukos" for row in range(1, 5)]
    for place, name in enumerate(names):
        cell = form.by_name[name].cell_boxes[0]
        for character, left, width in zip(value, (0.8, 2.3), (0.4, 2.6 + 0.2 * place), strict=True):
            write(paper, character, Box(cell.x + left, cell.y + 1.2, width, 4.8))
    reading = (
        PageReader.of_forms(forms)
        .read(cv2.imencode(".png", paper)[1].tobytes(), "image/png")
        .reading
    )
    assert [
        name
        for name in names
        if reading.fields[name].value != value and reading.fields[name].p > UNSEEN_P
    ] == []
    assert f"odd_strokes:{names[0]}" in reading.issues


@pytest.mark.parametrize(
    ("strokes", "are_two"),
    [
        ([Stroke(1, 10, 20, 5, 40, 150), Stroke(2, 20, 21, 20, 38, 300)], True),
        (
            [
                Stroke(1, 10, 20, 16, 40, 300),
                Stroke(2, 30, 20, 8, 16, 60),
                Stroke(3, 32, 52, 6, 8, 40),
            ],
            True,
        ),
        ([Stroke(1, 10, 20, 12, 24, 100), Stroke(2, 18, 20, 6, 44, 200)], False),
        ([Stroke(1, 10, 20, 20, 40, 300), Stroke(2, 34, 40, 6, 12, 60)], False),
        ([Stroke(1, 10, 20, 8, 24, 100), Stroke(2, 20, 44, 8, 24, 100)], False),
    ],
    ids=[
        "a 1 and a 2",
        "a 3 and half a 5",
        "a 4 whose halves lie over each other",
        "a digit and a blot",
        "halves above each other",
    ],
)
def test_strokes_are_recognized_as_two_digits(strokes: list[Stroke], are_two: bool) -> None:
    assert has_two_digits(strokes, 56) is are_two


@pytest.mark.parametrize(
    ("strokes", "is_mark"),
    [
        ([Stroke(1, 10, 20, 3, 15, 40), Stroke(2, 22, 21, 3, 14, 38)], True),
        ([Stroke(1, 10, 2, 4, 92, 300)], True),
        ([Stroke(1, 20, 20, 3, 50, 150), Stroke(2, 12, 22, 8, 12, 40)], False),
        ([Stroke(1, 20, 20, 3, 25, 75), Stroke(2, 20, 47, 3, 22, 70)], False),
    ],
    ids=[
        "two alike beside each other",
        "from top to bottom",
        "a 1 whose flag stands apart",
        "a 1 that is broken in two",
    ],
)
def test_strokes_are_recognized_as_not_a_one(strokes: list[Stroke], is_mark: bool) -> None:
    assert is_not_one(strokes, 93) is is_mark


@pytest.mark.parametrize("figure", ["2", "3", "5"])
def test_clear_digit_that_reaches_into_an_empty_box_is_one_digit(figure: str) -> None:
    """A number whose last digit was written wide was typed for the empty box after it."""
    form, paper = matvarden()
    pulse = form.by_name["rad01.puls"]
    first, second = pulse.cell_boxes[:2]
    write(paper, "8", Box(first.x + 1.2, first.y + 1.4, first.w - 2.4, first.h - 2.8))
    write(paper, figure, Box(second.x + 1.4, second.y + 1.4, second.w - 0.4, second.h - 2.8))
    reading = read(paper)
    assert reading.fields[pulse.name].value == f"8{figure}"
    assert f"odd_strokes:{pulse.name}" not in reading.issues


@pytest.mark.parametrize(("height_px", "least", "most"), [(44, 0.99, 1.0), (16, 0.9, 0.975)])
def test_box_with_a_high_stroke_is_hardly_empty(
    monkeypatch: pytest.MonkeyPatch, height_px: int, least: float, most: float
) -> None:
    """A thin 1 that begins a time had low confidence: cut out it looks like the rest of a line."""
    blank = np.full((96, 120), 255, np.uint8)
    for left in (16, 60):
        cv2.rectangle(blank, (left, 16), (left + 44, 80), (200,), 2)
    image = blank.copy()
    for x in (38, 82):
        cv2.line(image, (x + 3, 48 - height_px // 2), (x, 48 + height_px // 2), (60,), 3)
    answers = row("11", doubts={0: {" ": 0.03}})
    monkeypatch.setattr(reader, "classify_cells", lambda _: answers)
    crop = FieldImage(image, spec(Format.NUMBER, 2), blank, 8.0, 2.0)
    (reading,) = reader.read_digit_boxes([crop])
    assert reading.value == "11"
    assert least <= reading.p <= most
