"""Check boxes and choices on drawn marks, with and without the blank form."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipeline.domain.errors import ReadingError
from pipeline.domain.form.field import FieldSpec, Kind, Option
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Image, State
from pipeline.domain.review.rules import prefill_from
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.field_readers import CALIBRATED_READERS
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.marks import choice, reader
from pipeline.reading.fields.marks.reader import to_mark_reading
from pipeline.reading.imaging.pixels import to_ink_grayscale
from pipeline.reading.read_page import DEFAULT_GATE_MM, PageReader
from pipeline.reading.resolve.resolve import ReadingContext
from research.training.calibration.curve_fits import DRAWN_MARKS_MAX_P
from research.training.calibration.readings import MIN_VISIBLE_DARKENING
from research.training.marks.draw import DrawnSheet, draw_mark
from research.training.marks.scan_effects import Scanner
from research.training.marks.strokes import MARK_STYLES

pytestmark = pytest.mark.slow

SURE, SUREST = 0.9, 0.99
WORSE = {("dot", True): (10, 4, 1), ("stain", False): (20, 6, 1), ("solid", False): (12, 5, 2)}
"""How many of 60 may be wrong, wrong with p ≥ 0.9, and with p ≥ 0.99, where the drawn paper (copies
of copies, black and white) leaves least: a dot may be a speck; without the unfilled box a stain
is as dark as a mark, and a bold mark fills its box.
"""
PX = 8
EVERY_DAY = {"cross", "tick", "empty", "stain"}
"""Styles that are not left to the night."""


@pytest.mark.parametrize("with_blank", [True, False])
@pytest.mark.parametrize(
    "style",
    [
        pytest.param(style, marks=() if style in EVERY_DAY else pytest.mark.nightly)
        for style, (truth, _) in MARK_STYLES.items()
        if truth is not None
    ],
)
def test_drawn_marks_are_read_with_rare_confident_errors(style: str, with_blank: bool) -> None:
    random = np.random.default_rng(77)
    drawn = [draw_mark(style, random, with_blank=with_blank) for _ in range(60)]
    readings = CALIBRATED_READERS[Kind.MARK]([d.crop for d in drawn])
    wrong = [r for r in readings if r.state is not MARK_STYLES[style][0]]
    most, sure, surest = WORSE.get((style, with_blank), (8 if with_blank else 12, 4, 1))
    assert len(wrong) <= most
    assert sum(r.p >= SURE for r in wrong) <= sure
    assert sum(r.p >= SUREST for r in wrong) <= surest


@pytest.mark.nightly
def test_error_rate_of_most_confident_answers_is_within_their_confidence() -> None:
    random = np.random.default_rng(78)
    drawn = [
        draw_mark(style, random)
        for style, (truth, _) in MARK_STYLES.items()
        if truth
        for _ in range(100)
    ]
    readings = CALIBRATED_READERS[Kind.MARK]([d.crop for d in drawn])
    surest = [(d, r) for d, r in zip(drawn, readings, strict=True) if r.p >= 0.99]
    assert len(surest) > 600
    assert sum(r.state is not d.truth for d, r in surest) <= 0.01 * len(surest)


def test_mark_lost_in_scan_is_recognized() -> None:
    random = np.random.default_rng(79)
    pencil = replace(DrawnSheet.any(random, bubble=False), pen_mm=0.3, pressure=0.4, faintest=0.0)
    light, fair = (
        replace(pencil, scanner=Scanner(230, 1.0, 0.05, 1.0, threshold=threshold))
        for threshold in (0.2, 0.8)
    )
    assert (
        light.box("cross", random).shows < MIN_VISIBLE_DARKENING < fair.box("cross", random).shows
    )
    assert fair.box("empty", random).shows < MIN_VISIBLE_DARKENING


@pytest.mark.nightly
def test_boxes_in_struck_out_row_are_not_confidently_marked() -> None:
    """One line through a whole row cancels it and marks none of its boxes.

    A row has two lines of boxes, and the stroke is through the upper one: of a row that nobody
    wrote in, the lower boxes are as empty as they look.
    """
    forms, rng = Forms.load(ROOT / "forms"), np.random.default_rng(3)
    form = forms.latest("besokslista")
    (writer,), (sheet,) = make_writers(1, seed=11), make_blank_sheets(1)
    boxes = [spec for spec in form.fields if spec.kind is Kind.MARK]
    page = fill_field(
        render_sheet_page(form, sheet),
        form.pages[0],
        {spec.name: spec.row != 2 for spec in boxes},
        writer,
        rng,
    )
    for row, slope_mm in ((1, 0.5), (2, -0.8)):
        middle = next(spec.area.y + spec.area.h / 2 for spec in boxes if spec.row == row)
        start, end = (
            (round(x * PRINT_PX_PER_MM), round(y * PRINT_PX_PER_MM))
            for x, y in ((16, middle), (198, middle + slope_mm))
        )
        cv2.line(page, start, end, (60, 40, 40), 5, cv2.LINE_AA)
    data = cv2.imencode(".png", page)[1].tobytes()
    fields = (
        PageReader(forms, ReadingContext(), DEFAULT_GATE_MM, frozenset({Kind.MARK}))
        .read(data, "image/png")
        .reading.fields
    )
    struck = [spec for spec in boxes if spec.row in (1, 2)]
    upper = min(spec.area.y for spec in struck if spec.row == 2)
    crossed = [spec for spec in struck if spec.row == 1 or spec.area.y == upper]
    assert len(crossed) == 16
    assert all(fields[spec.name].p <= 0.9 for spec in crossed)
    assert not any(fields[spec.name].value for spec in struck if spec not in crossed)
    assert all(
        fields[spec.name].value is True and fields[spec.name].p >= 0.99
        for spec in boxes
        if spec.row not in (1, 2)
    )


@pytest.mark.parametrize("style", ["around", "beside"])
def test_marks_around_or_beside_box_need_review(style: str) -> None:
    random = np.random.default_rng(5)
    readings = reader.read_marks([draw_mark(style, random).crop for _ in range(40)])
    assert sum(r.p < SURE for r in readings) >= 32


def test_filled_box_is_cancelled_mark() -> None:
    page = _page()
    page[_rows(5.2, 9.8), _rows(5.2, 9.8)] = 30
    (reading,) = reader.read_marks([_mark_crop(page)])
    assert (reading.value, reading.state) == (False, State.CANCELLED)
    assert reading.p > SURE


def test_print_displaced_by_half_a_millimetre_is_not_ink() -> None:
    page = np.roll(_page(), (4, -4), axis=(0, 1))
    (reading,) = reader.read_marks([_mark_crop(page)])
    assert (reading.value, reading.state) == (False, State.EMPTY)
    assert reading.p > SURE


@pytest.mark.parametrize("seed", range(6))
def test_show_through_is_never_confidently_a_mark(seed: int) -> None:
    random = np.random.default_rng(seed)
    back = np.zeros(_page().shape, np.float32)
    path = random.uniform(2, 13, (5, 2)) * PX
    cv2.polylines(back, [path.astype(np.int32).reshape(-1, 1, 2)], False, 0.25, 5, cv2.LINE_AA)
    page = (
        cv2.GaussianBlur(_page(), (0, 0), 1.2) * (1 - cv2.GaussianBlur(back, (0, 0), 0.35 * PX))
    ).astype(np.uint8)
    (reading,) = reader.read_marks([_mark_crop(page)])
    assert reading.value is False or reading.p < SURE


def test_box_in_deep_shadow_is_read() -> None:
    crossed = _page()
    _cross(crossed, 5, 5)
    light = np.linspace(0.30, 0.40, crossed.shape[1])
    noise = np.random.default_rng(3).normal(0, 3, crossed.shape)
    crops = [
        _mark_crop(np.clip(page * light + noise, 0, 255).astype(np.uint8))
        for page in (_page(), crossed)
    ]
    empty, mark = reader.read_marks(crops)
    assert (empty.state, mark.state) == (State.EMPTY, State.READ)


@pytest.mark.parametrize("middle_mm", [3.0, 5.0, 7.5, 10.0, 12.0])
def test_edge_of_stain_is_never_confidently_a_mark(middle_mm: float) -> None:
    light = np.ones(_page().shape, np.float32)
    light[:, _rows(middle_mm - 1.25, middle_mm + 1.25)] = 0.6
    page = (_page() * cv2.GaussianBlur(light, (0, 0), 0.5 * PX)).astype(np.uint8)
    (reading,) = reader.read_marks([_mark_crop(page)])
    assert reading.value is False or reading.p < SURE


def test_faint_pencil_cross_is_a_mark() -> None:
    page = _page()
    _cross(page, 5, 5)
    faint = (_page() * 0.7 + page * 0.3).astype(np.uint8)
    (reading,) = reader.read_marks([_mark_crop(faint)])
    assert (reading.value, reading.state) == (True, State.READ)


@pytest.mark.parametrize(
    "colour",
    [(175, 150, 250), (190, 180, 255), (60, 60, 215), (90, 150, 250)],
    ids=["pink", "pale pink", "red", "orange"],
)
def test_red_or_pale_cross_is_never_confidently_empty(
    colour: tuple[int, int, int],
) -> None:
    crossed = _page()
    _cross(crossed, 5, 5)
    ink = (crossed < _page())[..., None]
    page = np.where(ink, np.array(colour, np.uint8), np.dstack([_page()] * 3)).astype(np.uint8)
    (reading,) = reader.read_marks([_mark_crop(to_ink_grayscale(page))])
    assert reading.value is True or reading.p < SURE


def test_box_printed_too_dark_is_read() -> None:
    printed = _page()
    cv2.rectangle(printed, (5 * PX, 5 * PX), (10 * PX, 10 * PX), 0, 5)
    crossed = printed.copy()
    _cross(crossed, 5, 5)
    empty, mark = reader.read_marks([_mark_crop(printed), _mark_crop(crossed)])
    assert (empty.value, mark.value) == (False, True)


@pytest.mark.parametrize("inked", ["around", "beside"])
def test_clear_mark_outside_box_is_marked_or_has_low_confidence(inked: str) -> None:
    page = _page()
    if inked == "around":
        cv2.circle(page, (round(7.5 * PX), round(7.5 * PX)), round(3.9 * PX), 40, 4, cv2.LINE_AA)
    else:
        _cross(page, 10.6, 5, 4.4)
    (reading,) = reader.read_marks([_mark_crop(page)])
    assert reading.value is True or reading.p < SUREST


@pytest.mark.parametrize(("fill", "value"), [(False, False), (True, True)])
def test_filled_bubble_is_a_mark_around_its_printed_letter(fill: bool, value: bool) -> None:
    blank = _bubble(fill=False)
    spec = FieldSpec(
        name="bubble", label="bubble", kind=Kind.MARK, box=(50, 50, 3, 3), filled="marked"
    )
    (reading,) = reader.read_marks([FieldImage(_bubble(fill=fill), spec, blank, PX, 1.0)])
    assert (reading.value, reading.state) == (value, State.READ if value else State.EMPTY)
    assert reading.p > SURE


def test_clear_cross_and_empty_box_need_not_be_typed_and_are_not_certain() -> None:
    page = _page()
    _cross(page, 5, 5)
    readings = CALIBRATED_READERS[Kind.MARK]([_mark_crop(page), _mark_crop(_page())])
    assert [reading.value for reading in readings] == [True, False]
    assert all(prefill_from(_spec()) <= reading.p <= DRAWN_MARKS_MAX_P for reading in readings)


def test_reading_is_the_same_at_150_and_600_dpi() -> None:
    page = _page()
    _cross(page, 5, 5)
    found = []
    for dpi in (150, 300, 600):
        scale = dpi / 25.4
        image, blank = (_scaled(p, scale / PX) for p in (page, _page()))
        found += reader.read_marks([FieldImage(image, _spec(), blank, scale, 5.0)])
    assert all(reading.value is True and reading.p > SURE for reading in found)


def test_alternative_is_the_other_value() -> None:
    reading = to_mark_reading(np.array([0.3, 0.6, 0.1]))
    assert (reading.value, reading.p, reading.state) == (True, 0.6, State.READ)
    ((other, p),) = reading.alternatives
    assert other is False
    assert p == pytest.approx(0.4)


def test_empty_input_gives_no_readings() -> None:
    assert reader.read_marks([]) == []
    assert choice.read_choices([]) == []


@pytest.mark.parametrize(
    ("marked", "value", "state"),
    [([1], "hemma", State.READ), ([], None, State.EMPTY), ([0, 2], None, State.ILLEGIBLE)],
)
def test_choice_is_the_marked_option(marked: list[int], value: str | None, state: State) -> None:
    crop = _choice_crop(marked)
    (reading,) = choice.read_choices([crop])
    assert (reading.value, reading.state) == (value, state)
    if state is State.ILLEGIBLE:
        assert reading.p < 0.6
        assert {other for other, _ in reading.alternatives[:2]} == {"telefon", "annat"}


def test_a_filled_option_beside_a_marked_one_is_ignored() -> None:
    crop = _choice_crop([1])
    crop.image[_rows(5.2, 8.8), _rows(5.2, 8.8)] = 20
    (reading,) = choice.read_choices([crop])
    assert (reading.value, reading.state) == ("hemma", State.READ)


def test_an_option_outside_its_field_names_the_field() -> None:
    crop = _choice_crop([])
    small = FieldImage(np.ascontiguousarray(crop.image[:, :80]), crop.spec, None, PX, 5.0)
    with pytest.raises(ReadingError, match="contact"):
        choice.read_choices([small])


def _page(width: float = 15, boxes: tuple[float, ...] = (5,), side: float = 5) -> Image:
    page = np.full((round((10 + side) * PX), round(width * PX)), 250, np.uint8)
    for x in boxes:
        cv2.rectangle(
            page, (round(x * PX), 5 * PX), (round((x + side) * PX), round((5 + side) * PX)), 90, 2
        )
    return page


def _bubble(*, fill: bool) -> Image:
    """A ring of 3 mm with a letter in it."""
    page = np.full((5 * PX, 5 * PX), 250, np.uint8)
    middle = round(2.5 * PX), round(2.5 * PX)
    cv2.circle(page, middle, round(1.5 * PX), 90, 2, cv2.LINE_AA)
    cv2.putText(
        page, "B", (middle[0] - 5, middle[1] + 6), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 90, 1, cv2.LINE_AA
    )
    if fill:
        cv2.circle(page, middle, round(1.45 * PX), 60, -1, cv2.LINE_AA)
    return page


def _cross(page: Image, x: float, y: float, side: float = 5) -> None:
    a, b = np.array([x + 0.8, y + 0.8]) * PX, np.array([x + side - 0.8, y + side - 0.8]) * PX
    cv2.line(page, tuple(a.astype(int)), tuple(b.astype(int)), 40, 3)
    cv2.line(page, (int(b[0]), int(a[1])), (int(a[0]), int(b[1])), 40, 3)


def _rows(start: float, end: float) -> slice:
    return slice(round(start * PX), round(end * PX))


def _scaled(page: Image, factor: float) -> Image:
    return np.asarray(
        cv2.resize(page, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
    )


def _spec() -> FieldSpec:
    return FieldSpec(name="mark", label="mark", kind=Kind.MARK, box=(50, 50, 5, 5))


def _mark_crop(page: Image) -> FieldImage:
    return FieldImage(page, _spec(), _page(), PX, 5.0)


def _choice_crop(marked: list[int]) -> FieldImage:
    boxes = (5.0, 25.0, 45.0)
    page = _page(65, boxes, 4)
    for i in marked:
        _cross(page, boxes[i], 5, 4)
    options = tuple(
        Option(value=v, label=v, box=(45 + x, 50, 4, 4))
        for v, x in zip(("telefon", "hemma", "annat"), boxes, strict=True)
    )
    spec = FieldSpec(
        name="contact", label="contact", kind=Kind.CHOICE, box=(50, 50, 55, 4), options=options
    )
    return FieldImage(page, spec, _page(65, boxes, 4), PX, 5.0)


@pytest.mark.parametrize(
    ("start", "end"), [((0, 20), (120, 90)), ((0, 60), (120, 62)), ((30, 0), (90, 120))]
)
def test_fold_or_line_through_box_needs_review(
    start: tuple[int, int], end: tuple[int, int]
) -> None:
    page = _page()
    cv2.line(page, start, end, 120, 3, cv2.LINE_AA)
    (reading,) = reader.read_marks([_mark_crop(page)])
    assert reading.p < SURE


def test_large_tick_that_leaves_its_image_is_no_line_through_the_box() -> None:
    """It was taken for a fold or a struck-out row: its bend and its end are at two sides."""
    page, near = _page(), slice(27, 93)
    for a, b in (((42, 58), (52, 92)), ((52, 92), (92, 27))):
        cv2.line(page, a, b, 40, 4, cv2.LINE_AA)
    blank = np.ascontiguousarray(_page()[near, near])
    crop = FieldImage(np.ascontiguousarray(page[near, near]), _spec(), blank, PX, 13 / PX)
    (reading,) = reader.read_marks([crop])
    assert reading.value is True
    assert reading.p > SURE
