"""Judge the fields of a form by how people have written in them on a scanned trial sheet.

Ink is assigned to the boxes of the page, and its reach beyond each box is measured. A remark is
serious if writing will be lost or misread; other remarks are advice. The least measures are those
of `form_check.rules`. No I/O, deterministic. Lengths are mm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.confidence import TRIAL_LOW_CONFIDENCE_BELOW
from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Form
from pipeline.domain.issues import IssueCode, parse_issues
from pipeline.domain.model import Box, Image, Reading, Value
from pipeline.forms.problems import FormProblem
from pipeline.preparation.form_check.rules import (
    MAX_MARK_SIDE,
    MIN_CELL_HEIGHT,
    MIN_CELL_WIDTH,
    MIN_MARK_SIDE,
    MIN_TEXT_HEIGHT,
)
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.ink import find_ink, measure_darkness
from pipeline.reading.imaging.geometry import PX_PER_MM, to_grayscale
from pipeline.reading.register.template_images import template_image

# Ink of a box.
MIN_INK_MM2 = 0.35
"""Smallest area of ink that is writing; less is a speck."""
_MAX_LETTER_GAP_MM = 3.5
"""Largest gap between two words of handwriting."""
_MAX_STROKE_MM2 = 900.0
"""Largest connected area of ink that is writing; more is a stain or a shadow."""

# Print inside a box.
_FRAME_MARGIN_MM = 0.8
"""Width along the edge of a box in which its own frame may be."""
_RULE_BLUR_MM = 2.5
"""Size of the neighbourhood that darkness is measured against."""
_MIN_PRINT_DARKNESS = 0.45
"""Darkness of print; the frames and rules of Efterskrift's forms are paler."""
_MIN_RULE_MM = 5.0
"""Length from which a straight piece of print is a rule."""
_MAX_PRINT_MM2 = 1.5

# Room for writing.
MAX_VERTICAL_OVERSHOOT_MM = 0.8
"""Writing that reaches farther beyond its box has no room in it."""
MAX_HORIZONTAL_OVERSHOOT_MM = 1.0
MIN_BOX_GAP_MM = 3.0
"""Between check boxes, as forms/README.md asks for."""
_MIN_STRAY_OVERLAP_MM2 = 0.3
"""Overlap of a tick with another box from which it may count for that box."""
_SLACK = 1e-6
"""Tolerance for sums of lengths in floating point."""

SERIOUS_CODES = frozenset(
    {
        "trial_too_low",
        "trial_too_narrow",
        "trial_cells_too_narrow",
        "trial_rows_too_tight",
        "trial_too_near",
        "trial_print_inside",
        "trial_not_read",
        "trial_empty",
    }
)


@dataclass(slots=True)
class BoxInk:
    """The ink of one box: its area, its reach beyond each side of the box, and its strokes."""

    box: Box
    area_mm2: float = 0.0
    left: float = 0.0
    right: float = 0.0
    up: float = 0.0
    down: float = 0.0
    strokes: list[Box] = field(default_factory=list)

    @property
    def has_ink(self) -> bool:
        """Whether something is written in the box."""
        return self.area_mm2 >= MIN_INK_MM2

    @property
    def vertical_overshoot(self) -> float:
        """The greater reach, above or below the box."""
        return max(self.up, self.down)

    @property
    def horizontal_overshoot(self) -> float:
        """The greater reach, to the left or to the right of the box."""
        return max(self.left, self.right)


def measure_box_ink(upright: Image, template: Image, boxes: Sequence[Box]) -> list[BoxInk]:
    """Measure the ink of each box.

    Connected ink belongs to the box that most of it is in. Ink in no box belongs to none, unless
    it continues the writing of a box.

    Args:
        upright: the page registered to its form, 8 px/mm.
        template: the same page as it is printed.
        boxes: boxes of fields, options or cells on the page.
    """
    # Find the ink of the whole page, as in one large field.
    spec = FieldSpec(
        name="sida",
        label="",
        kind=Kind.TEXT,
        box=(0, 0, upright.shape[1] / PX_PER_MM, upright.shape[0] / PX_PER_MM),
    )
    ink = find_ink(
        FieldImage(to_grayscale(upright), spec, to_grayscale(template), PX_PER_MM, 0.0)
    ).mask
    # Connected components of ink, also through diagonal neighbours.
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    inks = [BoxInk(box) for box in boxes]
    owners = _assign_components(np.asarray(labels, np.int32), boxes, len(stats))
    # Give each component of ink to its box.
    for label in range(1, len(stats)):
        area_mm2 = float(stats[label][4]) / PX_PER_MM**2
        if owners[label] >= 0 and area_mm2 <= _MAX_STROKE_MM2:
            _add_stroke(inks[owners[label]], _component_box(stats[label]), area_mm2)
    # Give ink in no box, from the left, to the writing that it continues.
    for label in sorted(range(1, len(stats)), key=lambda label: float(stats[label][0])):
        stroke = _component_box(stats[label])
        if owners[label] < 0 and (before := _find_continued_writing(inks, stroke)) is not None:
            _add_stroke(before, stroke, float(stats[label][4]) / PX_PER_MM**2)
    return inks


def _component_box(stats: NDArray[np.int32]) -> Box:
    """Return the bounding box (mm) of a component from its OpenCV statistics (px)."""
    return Box(*(float(value) / PX_PER_MM for value in stats[:4]))


def _find_continued_writing(inks: Sequence[BoxInk], stroke: Box) -> BoxInk | None:
    """Find the box whose writing a stroke outside all boxes continues.

    The stroke is at the box's height, and no more than a space after its last stroke.
    """
    middle = stroke.y + stroke.h / 2
    for ink in inks:
        # At the same height: the middle of the stroke is within the box's.
        if ink.has_ink and ink.box.y <= middle <= ink.box.y + ink.box.h:
            # Horizontal distance from the end of the writing so far.
            end = max(earlier.x + earlier.w for earlier in ink.strokes)
            if abs(stroke.x - end) <= _MAX_LETTER_GAP_MM:
                return ink
    return None


def measure_printed_area(template: Image, box: Box) -> float:
    """Return the area of print (mm²) inside a box of the printed page, without frames and rules."""
    # The inside of the box, without its own frame.
    left, top = (int((side + _FRAME_MARGIN_MM) * PX_PER_MM) for side in (box.x, box.y))
    right, bottom = (
        int((box.x + box.w - _FRAME_MARGIN_MM) * PX_PER_MM),
        int((box.y + box.h - _FRAME_MARGIN_MM) * PX_PER_MM),
    )
    inside = to_grayscale(template)[top:bottom, left:right]
    if inside.size == 0:
        return 0.0
    # Darkness relative to the local background; frames and rules are paler than the threshold.
    darkness = measure_darkness(np.ascontiguousarray(inside), PX_PER_MM, _RULE_BLUR_MM)
    dark = (darkness > _MIN_PRINT_DARKNESS).astype(np.uint8)
    # What is straight over a long way is a rule: take it away, with its blurred edges.
    length = max(3, round(_MIN_RULE_MM * PX_PER_MM))
    level, upright = np.ones((1, length), np.uint8), np.ones((length, 1), np.uint8)
    rules = cv2.bitwise_or(
        cv2.morphologyEx(dark, cv2.MORPH_OPEN, level),
        cv2.morphologyEx(dark, cv2.MORPH_OPEN, upright),
    )
    rest = cv2.subtract(dark, cv2.dilate(rules, np.ones((3, 3), np.uint8)))
    return float(rest.sum()) / PX_PER_MM**2


def _assign_components(labels: NDArray[np.int32], boxes: Sequence[Box], count: int) -> list[int]:
    """Return for each connected component of ink the box that most of it is in, -1 for none."""
    # The largest number of pixels of each component in any box so far, and that box.
    most = np.zeros(count, np.int64)
    owner = np.full(count, -1, np.int64)
    for number, box in enumerate(boxes):
        rows = slice(max(0, round(box.y * PX_PER_MM)), round((box.y + box.h) * PX_PER_MM))
        columns = slice(max(0, round(box.x * PX_PER_MM)), round((box.x + box.w) * PX_PER_MM))
        # Pixels of each component within the box.
        inside = np.bincount(labels[rows, columns].ravel(), minlength=count)
        better = inside > most
        owner[better], most[better] = number, inside[better]
    return [int(index) for index in owner]


def _add_stroke(ink: BoxInk, stroke: Box, area_mm2: float) -> None:
    box = ink.box
    ink.area_mm2 += area_mm2
    ink.strokes.append(stroke)
    # Reach beyond each side; 0 for ink inside.
    ink.left = max(ink.left, box.x - stroke.x)
    ink.right = max(ink.right, stroke.x + stroke.w - box.x - box.w)
    ink.up = max(ink.up, box.y - stroke.y)
    ink.down = max(ink.down, stroke.y + stroke.h - box.y - box.h)


@dataclass(frozen=True, slots=True)
class TrialFieldResult:
    """A field of a trial sheet: its number, what was read, whether it has ink, and the remarks."""

    number: int
    spec: FieldSpec
    reading: Reading | None
    is_written: bool
    remarks: tuple[FormProblem, ...]


def is_serious(problem: FormProblem) -> bool:
    """Return whether a form should not be published with this remark."""
    return problem.code in SERIOUS_CODES


def most_likely_value(reading: Reading) -> Value:
    """Return the value that was read; at low confidence, the most likely alternative."""
    return (
        reading.value
        if reading.value is not None
        else next((value for value, _ in reading.alternatives), None)
    )


def number_fields(form: Form) -> Mapping[str, int]:
    """Number the fields that are filled in by hand, in reading order; a column counts once."""
    # The first occurrence of each column fixes the order.
    columns = dict.fromkeys(spec.column for spec in form.fields if spec.traits.filled_by_hand)
    return {column: number for number, column in enumerate(columns, start=1)}


def list_written_fields(form: Form, page_no: int) -> Sequence[FieldSpec]:
    """Return the fields of a page that are filled in by hand."""
    return [spec for spec in form.pages[page_no - 1].all_fields if spec.traits.filled_by_hand]


def judge_page(
    form: Form,
    page_no: int,
    upright: Image,
    fields: Mapping[str, Reading],
    problems: Sequence[str] = (),
) -> list[TrialFieldResult]:
    """Judge the fields of one page, each column of a table by all its rows.

    Args:
        form: the form as the sheet has it (`trial.make_trial_form`).
        page_no: number of the page, from 1.
        upright: the page registered to the form, 8 px/mm.
        fields: the readings by field name.
        problems: issues of the page; only those of fields that cannot be seen count.
    """
    specs, numbers = list_written_fields(form, page_no), number_fields(form)
    # Fields that are covered or displaced on the scan are not judged by what was read.
    hidden = frozenset(
        issue.field
        for issue in parse_issues(problems)
        if issue.code in (IssueCode.COVERED, IssueCode.PLACE_UNSURE)
    )
    page = _TrialPageChecks(specs, to_grayscale(upright), template_image(form, page_no), hidden)
    columns: dict[str, list[TrialFieldResult]] = {}
    for spec in specs:
        number, reading = numbers[spec.column], fields.get(spec.name)
        remarks = tuple(
            FormProblem(problem.code, {"number": number} | dict(problem.values), field=spec.name)
            for problem in page.find_remarks(spec, reading)
        )
        result = TrialFieldResult(number, spec, reading, page.is_written(spec), remarks)
        columns.setdefault(spec.column, []).append(result)
    return [_merge_rows(rows) for rows in columns.values()]


def _merge_rows(rows: Sequence[TrialFieldResult]) -> TrialFieldResult:
    """Merge the rows of a column: the first written row, with the remarks of all rows.

    That rows are empty counts only if all are.
    """
    # An example for the screen: the first row that is written in.
    shown = next((row for row in rows if row.is_written), rows[0])
    is_written = any(row.is_written for row in rows)
    remarks: dict[str, FormProblem] = {}
    # One remark of each kind; empty rows do not matter if another is written in.
    for row in rows:
        for problem in row.remarks:
            if not (is_written and problem.code in ("trial_empty", "trial_left_empty")):
                remarks.setdefault(problem.code, problem)
    return TrialFieldResult(
        shown.number, shown.spec, shown.reading, is_written, tuple(remarks.values())
    )


class _TrialPageChecks:
    """The checks of the fields of one page, whose ink is measured once."""

    def __init__(
        self, specs: Sequence[FieldSpec], upright: Image, template: Image, hidden: frozenset[str]
    ) -> None:
        self._specs, self._template, self._hidden = specs, template, hidden
        self._parts = [(spec.name, box) for spec in specs for box in spec.parts]
        inks = measure_box_ink(upright, template, [box for _, box in self._parts])
        self._inks: dict[str, list[BoxInk]] = {}
        # The parts of a field, options or cells, in order.
        for (name, _), ink in zip(self._parts, inks, strict=True):
            self._inks.setdefault(name, []).append(ink)

    def is_written(self, spec: FieldSpec) -> bool:
        """Return whether something is written in a field."""
        return any(ink.has_ink for ink in self._inks[spec.name])

    def find_remarks(self, spec: FieldSpec, reading: Reading | None) -> Iterator[FormProblem]:
        """Yield all remarks on a field."""
        if spec.name in self._hidden:
            yield FormProblem("trial_hidden")
        yield from self._check_print(spec)
        if spec.traits.has_check_boxes:
            yield from self._check_marks(spec)
        elif spec.traits.has_cells:
            yield from self._check_cells(spec)
        elif spec.traits.is_multiline:
            yield from self._check_lines(spec)
        else:
            yield from self._check_line(spec)
        yield from self._check_reading(spec, reading)

    def _check_print(self, spec: FieldSpec) -> Iterator[FormProblem]:
        if any(measure_printed_area(self._template, box) > _MAX_PRINT_MM2 for box in spec.parts):
            yield FormProblem("trial_print_inside")

    def _check_line(self, spec: FieldSpec) -> Iterator[FormProblem]:
        (ink,) = self._inks[spec.name]
        yield from _check_height(ink, spec.area.h, MIN_TEXT_HEIGHT, is_written=ink.has_ink)
        yield from _check_width(ink)

    def _check_lines(self, spec: FieldSpec) -> Iterator[FormProblem]:
        (ink,) = self._inks[spec.name]
        # Distance of two writing lines.
        pitch = spec.area.h / (spec.lines or 1)
        # Low lines are a serious problem only where the writing shows it.
        if (
            pitch < MIN_TEXT_HEIGHT - _SLACK
            and ink.has_ink
            and (
                ink.vertical_overshoot > MAX_VERTICAL_OVERSHOOT_MM
                or _crosses_rule(ink, spec, pitch)
            )
        ):
            yield FormProblem("trial_rows_too_tight", {"height": pitch, "least": MIN_TEXT_HEIGHT})
        else:
            yield from _check_height(ink, pitch, MIN_TEXT_HEIGHT, is_written=ink.has_ink)
        yield from _check_width(ink)

    def _check_cells(self, spec: FieldSpec) -> Iterator[FormProblem]:
        cells = self._inks[spec.name]
        is_written = any(cell.has_ink for cell in cells)
        highest = max(cells, key=lambda cell: cell.vertical_overshoot)
        # The cell with the greatest overshoot decides.
        yield from _check_height(highest, spec.area.h, MIN_CELL_HEIGHT, is_written=is_written)
        # One digit outside its cell is the writer's; many, or narrow cells, are the form's.
        width = spec.area.w / spec.cell_count
        over = [cell for cell in cells if cell.horizontal_overshoot > MAX_HORIZONTAL_OVERSHOOT_MM]
        if over and (
            width < MIN_CELL_WIDTH - _SLACK or len(over) > sum(cell.has_ink for cell in cells) / 2
        ):
            yield FormProblem("trial_cells_too_narrow", {"width": width, "least": MIN_CELL_WIDTH})

    def _check_marks(self, spec: FieldSpec) -> Iterator[FormProblem]:
        # Each box must be far enough from the nearest other box; worse if a tick reaches that one.
        for ink in self._inks[spec.name]:
            nearest = min(
                self._other_boxes(ink.box),
                key=lambda other: _box_gap(ink.box, other[1]),
                default=None,
            )
            if nearest and (gap := _box_gap(ink.box, nearest[1])) < MIN_BOX_GAP_MM:
                reaches_it = any(
                    _box_overlap_mm2(stroke, nearest[1]) > _MIN_STRAY_OVERLAP_MM2
                    for stroke in ink.strokes
                )
                yield FormProblem(
                    "trial_too_near" if reaches_it else "trial_near",
                    {"other": nearest[0], "gap": gap, "least": MIN_BOX_GAP_MM},
                )
        # Width and height of every check box of the field.
        sides = [side for box in spec.parts for side in (box.w, box.h)]
        if min(sides) < MIN_MARK_SIDE - _SLACK or max(sides) > MAX_MARK_SIDE + _SLACK:
            box = spec.parts[0]
            yield FormProblem(
                "trial_mark_small",
                {"width": box.w, "height": box.h, "least": MIN_MARK_SIDE, "most": MAX_MARK_SIDE},
            )

    def _other_boxes(self, box: Box) -> Iterator[tuple[str, Box]]:
        """Yield the other check boxes of the page, with the label of their field."""
        labels = {spec.name: spec.label for spec in self._specs if spec.traits.has_check_boxes}
        for name, other in self._parts:
            if other != box and name in labels:
                yield f"”{labels[name]}”", other

    def _check_reading(self, spec: FieldSpec, reading: Reading | None) -> Iterator[FormProblem]:
        if not self.is_written(spec):
            if spec.required:
                yield FormProblem("trial_empty")
            elif not spec.traits.has_check_boxes:  # a box that is left empty is an answer
                yield FormProblem("trial_left_empty")
        elif reading is None or most_likely_value(reading) in (None, "", False):
            yield FormProblem("trial_not_read")
        elif (
            reading.value is None or reading.p < TRIAL_LOW_CONFIDENCE_BELOW
        ) and spec.name not in self._hidden:
            yield FormProblem("trial_unsure")


def _check_height(
    ink: BoxInk, height: float, least: float, *, is_written: bool
) -> Iterator[FormProblem]:
    """Judge the height of a box by its least height and by how far the writing overshoots it."""
    overshoot = ink.vertical_overshoot
    values = {"height": height, "least": least, "over": overshoot}
    # Lower than handwriting needs, with tolerance.
    is_low = height < least - _SLACK
    if overshoot > MAX_VERTICAL_OVERSHOOT_MM:
        yield FormProblem("trial_too_low" if is_low else "trial_over", values)
    elif is_low and is_written:
        yield FormProblem("trial_low", values)


def _check_width(ink: BoxInk) -> Iterator[FormProblem]:
    if ink.horizontal_overshoot > MAX_HORIZONTAL_OVERSHOOT_MM:
        yield FormProblem("trial_too_narrow", {"over": ink.horizontal_overshoot})


def _crosses_rule(ink: BoxInk, spec: FieldSpec, pitch: float) -> bool:
    """Return whether a stroke is well on both sides of a rule: one line's writing in another."""
    # The inner rules, without the box's edges.
    rules = [spec.area.y + pitch * line for line in range(1, spec.lines or 1)]
    return any(
        # A quarter of the pitch on either side: more than a descender just touching the rule.
        rule - stroke.y > pitch / 4 and stroke.y + stroke.h - rule > pitch / 4
        for stroke in ink.strokes
        for rule in rules
    )


def _box_gap(box: Box, other: Box) -> float:
    """Return the distance between two boxes, 0 if they overlap."""
    # Horizontal and vertical gap; 0 where the intervals overlap.
    dx = max(other.x - box.x - box.w, box.x - other.x - other.w, 0.0)
    dy = max(other.y - box.y - box.h, box.y - other.y - other.h, 0.0)
    return float((dx**2 + dy**2) ** 0.5)


def _box_overlap_mm2(box: Box, other: Box) -> float:
    width = min(box.x + box.w, other.x + other.w) - max(box.x, other.x)
    height = min(box.y + box.h, other.y + other.h) - max(box.y, other.y)
    return max(width, 0.0) * max(height, 0.0)
