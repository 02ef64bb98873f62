"""What a filled and scanned trial sheet says of the form: field by field what is wrong with it, and
how bad that is. Pure. Lengths are mm.

A remark is serious if people's writing will be lost or misread; the others are advice. The least
measures are those of `form_rules`.

How a person's writing lies in the fields of a page: whose ink it is, and how far it reaches
beyond its box. Lengths are mm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.confidence import TRIAL_LOW_CONFIDENCE_BELOW
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
from pipeline.preparation.form_editor.trial_sheet import list_written_fields, number_fields
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.ink import find_ink, measure_darkness
from pipeline.reading.imaging.geometry import PX_PER_MM, to_grayscale
from pipeline.reading.template_images import template_image

MIN_INK_MM2 = 0.35
"""Less is a speck."""
_MAX_LETTER_GAP_MM = 3.5
"""Between two words of handwriting, at most."""
_MIN_STAIN_MM2 = 900.0
_FRAME_MARGIN_MM = 0.8
"""So much inside its edge a box may show its own frame."""
_MIN_PRINT_DARKNESS = 0.45
"""The frames and rules of our own forms are paler."""
_MIN_RULE_MM = 5.0
MAX_VERTICAL_OVERSHOOT_MM = 0.8
"""Writing that reaches farther beyond its box has no room in it."""
MAX_HORIZONTAL_OVERSHOOT_MM = 1.0
MIN_BOX_GAP_MM = 3.0
"""Between check boxes, as forms/README.md asks of them."""
_MAX_PRINT_MM2 = 1.5
_MIN_STRAY_OVERLAP_MM2 = 0.3
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
    """The writing of one box: its area, and its reach beyond each side of the box."""

    box: Box
    area_mm2: float = 0.0
    left: float = 0.0
    right: float = 0.0
    up: float = 0.0
    down: float = 0.0
    strokes: list[Box] = field(default_factory=list)

    @property
    def has_ink(self) -> bool:
        """Whether something is written."""
        return self.area_mm2 >= MIN_INK_MM2

    @property
    def vertical_overshoot(self) -> float:
        """The farther of the reaches up and down."""
        return max(self.up, self.down)

    @property
    def horizontal_overshoot(self) -> float:
        """The farther of the reaches left and right."""
        return max(self.left, self.right)


def measure_box_ink(upright: Image, unfilled: Image, boxes: Sequence[Box]) -> list[BoxInk]:
    """The writing of each box. Connected ink belongs to the box that most of it lies in; ink in no
    box is nobody's.

    Args:
        upright: the page laid on its form, 8 px/mm.
        unfilled: the same page as it is printed.
        boxes: of fields, options or cells, on the page.
    """
    spec = FieldSpec(
        name="sida",
        label="",
        kind=Kind.TEXT,
        box=(0, 0, upright.shape[1] / PX_PER_MM, upright.shape[0] / PX_PER_MM),
    )
    ink = find_ink(
        FieldImage(to_grayscale(upright), spec, to_grayscale(unfilled), PX_PER_MM, 0.0)
    ).mask
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    found = [BoxInk(box) for box in boxes]
    owners = _assign_components(np.asarray(labels, np.int32), boxes, len(stats))
    for label in range(1, len(stats)):
        x, y, w, h, area = (float(value) for value in stats[label])
        if owners[label] >= 0 and area / PX_PER_MM**2 <= _MIN_STAIN_MM2:
            _add_stroke(
                found[owners[label]],
                Box(x / PX_PER_MM, y / PX_PER_MM, w / PX_PER_MM, h / PX_PER_MM),
                area / PX_PER_MM**2,
            )
    for label in sorted(range(1, len(stats)), key=lambda each: float(stats[each][0])):
        stroke = Box(*(float(value) / PX_PER_MM for value in stats[label][:4]))
        if owners[label] < 0 and (before := _find_continued_writing(found, stroke)) is not None:
            _add_stroke(before, stroke, float(stats[label][4]) / PX_PER_MM**2)
    return found


def _find_continued_writing(found: Sequence[BoxInk], stroke: Box) -> BoxInk | None:
    """The box whose writing a letter in no box goes on with: at its height, and no more than a
    space after its last stroke.
    """
    middle = stroke.y + stroke.h / 2
    for written in found:
        if written.has_ink and written.box.y <= middle <= written.box.y + written.box.h:
            end = max(one.x + one.w for one in written.strokes)
            if abs(stroke.x - end) <= _MAX_LETTER_GAP_MM:
                return written
    return None


def measure_printed_area(unfilled: Image, box: Box) -> float:
    """Area of print (mm²) inside a box of the unfilled page, apart from frames and rules."""
    left, top = (int((side + _FRAME_MARGIN_MM) * PX_PER_MM) for side in (box.x, box.y))
    right, bottom = (
        int((box.x + box.w - _FRAME_MARGIN_MM) * PX_PER_MM),
        int((box.y + box.h - _FRAME_MARGIN_MM) * PX_PER_MM),
    )
    inside = to_grayscale(unfilled)[top:bottom, left:right]
    if inside.size == 0:
        return 0.0
    dark = (
        measure_darkness(np.ascontiguousarray(inside), PX_PER_MM, 2.5) > _MIN_PRINT_DARKNESS
    ).astype(np.uint8)
    length = max(3, round(_MIN_RULE_MM * PX_PER_MM))
    level, upright = np.ones((1, length), np.uint8), np.ones((length, 1), np.uint8)
    rules = cv2.bitwise_or(
        cv2.morphologyEx(dark, cv2.MORPH_OPEN, level),
        cv2.morphologyEx(dark, cv2.MORPH_OPEN, upright),
    )
    left_over = cv2.subtract(dark, cv2.dilate(rules, np.ones((3, 3), np.uint8)))
    return float(left_over.sum()) / PX_PER_MM**2


def _assign_components(labels: NDArray[np.int32], boxes: Sequence[Box], count: int) -> list[int]:
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


def _add_stroke(written: BoxInk, stroke: Box, area_mm2: float) -> None:
    box = written.box
    written.area_mm2 += area_mm2
    written.strokes.append(stroke)
    written.left = max(written.left, box.x - stroke.x)
    written.right = max(written.right, stroke.x + stroke.w - box.x - box.w)
    written.up = max(written.up, box.y - stroke.y)
    written.down = max(written.down, stroke.y + stroke.h - box.y - box.h)


@dataclass(frozen=True, slots=True)
class TrialFieldResult:
    """A field of a trial sheet: its number and label, what was read, and the remarks; `written`
    says whether there was ink.
    """

    number: int
    spec: FieldSpec
    reading: Reading | None
    is_written: bool
    remarks: tuple[FormProblem, ...]


def is_serious(problem: FormProblem) -> bool:
    """Whether a form should not be published with this remark."""
    return problem.code in SERIOUS_CODES


def most_likely_value(reading: Reading) -> Value:
    """What was read, or, where that was not sure enough to be a value, what is likeliest."""
    return (
        reading.value
        if reading.value is not None
        else next((value for value, _ in reading.alternatives), None)
    )


def judge_page(
    form: Form,
    page_no: int,
    upright: Image,
    fields: Mapping[str, Reading],
    problems: Sequence[str] = (),
) -> list[TrialFieldResult]:
    """Judge the fields of one page, each column of a table by all its rows.

    Args:
        form: the form as it stands on the sheet (`trial_sheet.trial_form`).
        page_no: which page, from 1.
        upright: its picture laid on the form, 8 px/mm.
        fields: what was read, by field name.
        problems: of the reading; those that say that a field cannot be seen count.
    """
    specs, numbers, unfilled = (
        list_written_fields(form, page_no),
        number_fields(form),
        template_image(form, page_no),
    )
    hidden = frozenset(
        issue.field
        for issue in parse_issues(problems)
        if issue.code in (IssueCode.COVERED, IssueCode.PLACE_UNSURE)
    )
    page = _TrialPageChecks(specs, to_grayscale(upright), unfilled, hidden)
    columns: dict[str, list[TrialFieldResult]] = {}
    for spec in specs:
        remarks = tuple(
            _add_field_number(fault, spec, numbers[spec.column])
            for fault in page.find_remarks(spec, fields.get(spec.name))
        )
        columns.setdefault(spec.column, []).append(
            TrialFieldResult(
                numbers[spec.column], spec, fields.get(spec.name), page.is_written(spec), remarks
            )
        )
    return [_merge_rows(rows) for rows in columns.values()]


def _add_field_number(problem: FormProblem, spec: FieldSpec, number: int) -> FormProblem:
    return FormProblem(problem.code, {"number": number} | dict(problem.values), field=spec.name)


def _merge_rows(rows: Sequence[TrialFieldResult]) -> TrialFieldResult:
    """One column: shown by its first written row, with the remarks of all; that rows are empty
    counts only if all are.
    """
    shown = next((row for row in rows if row.is_written), rows[0])
    some = any(row.is_written for row in rows)
    remarks: dict[str, FormProblem] = {}
    for row in rows:
        for fault in row.remarks:
            if not (some and fault.code in ("trial_empty", "trial_left_empty")):
                remarks.setdefault(fault.code, fault)
    return TrialFieldResult(shown.number, shown.spec, shown.reading, some, tuple(remarks.values()))


class _TrialPageChecks:
    """The writing on one page, found once."""

    def __init__(
        self, specs: Sequence[FieldSpec], upright: Image, unfilled: Image, hidden: frozenset[str]
    ) -> None:
        self._specs, self._unfilled, self._hidden = specs, unfilled, hidden
        self._parts = [(spec.name, box) for spec in specs for box in spec.parts]
        found = measure_box_ink(upright, unfilled, [box for _, box in self._parts])
        self._written: dict[str, list[BoxInk]] = {}
        for (name, _), written in zip(self._parts, found, strict=True):
            self._written.setdefault(name, []).append(written)

    def is_written(self, spec: FieldSpec) -> bool:
        """Whether something is written in a field."""
        return any(written.has_ink for written in self._written[spec.name])

    def find_remarks(self, spec: FieldSpec, reading: Reading | None) -> Iterator[FormProblem]:
        """All that is to be said of a field."""
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
        if any(measure_printed_area(self._unfilled, box) > _MAX_PRINT_MM2 for box in spec.parts):
            yield FormProblem("trial_print_inside")

    def _check_line(self, spec: FieldSpec) -> Iterator[FormProblem]:
        (written,) = self._written[spec.name]
        yield from _check_height(written, spec.area.h, MIN_TEXT_HEIGHT)
        yield from _check_width(written)

    def _check_lines(self, spec: FieldSpec) -> Iterator[FormProblem]:
        (written,) = self._written[spec.name]
        pitch = spec.area.h / (spec.lines or 1)
        if (
            pitch < MIN_TEXT_HEIGHT - 1e-6
            and written.has_ink
            and (
                written.vertical_overshoot > MAX_VERTICAL_OVERSHOOT_MM
                or _crosses_rule(written, spec, pitch)
            )
        ):
            yield FormProblem("trial_rows_too_tight", {"height": pitch, "least": MIN_TEXT_HEIGHT})
        else:
            yield from _check_height(written, pitch, MIN_TEXT_HEIGHT)
        yield from _check_width(written)

    def _check_cells(self, spec: FieldSpec) -> Iterator[FormProblem]:
        cells = self._written[spec.name]
        highest = max(cells, key=lambda one: one.vertical_overshoot)
        yield from _check_height(
            highest, spec.area.h, MIN_CELL_HEIGHT, any(one.has_ink for one in cells)
        )
        width = spec.area.w / spec.cell_count
        over = [one for one in cells if one.horizontal_overshoot > MAX_HORIZONTAL_OVERSHOOT_MM]
        if over and (
            width < MIN_CELL_WIDTH - 1e-6 or len(over) > sum(one.has_ink for one in cells) / 2
        ):
            yield FormProblem("trial_cells_too_narrow", {"width": width, "least": MIN_CELL_WIDTH})

    def _check_marks(self, spec: FieldSpec) -> Iterator[FormProblem]:
        for written in self._written[spec.name]:
            near = min(
                self._other_boxes(written.box),
                key=lambda other: _box_gap(written.box, other[1]),
                default=None,
            )
            if near and (gap := _box_gap(written.box, near[1])) < MIN_BOX_GAP_MM:
                values: dict[str, str | float] = {
                    "other": near[0],
                    "gap": gap,
                    "least": MIN_BOX_GAP_MM,
                }
                reaches = any(
                    _box_overlap_mm2(stroke, near[1]) > _MIN_STRAY_OVERLAP_MM2
                    for stroke in written.strokes
                )
                yield FormProblem("trial_too_near" if reaches else "trial_near", values)
        sides = [side for box in spec.parts for side in (box.w, box.h)]
        if min(sides) < MIN_MARK_SIDE - 1e-6 or max(sides) > MAX_MARK_SIDE + 1e-6:
            box = spec.parts[0]
            yield FormProblem(
                "trial_mark_small",
                {"width": box.w, "height": box.h, "least": MIN_MARK_SIDE, "most": MAX_MARK_SIDE},
            )

    def _other_boxes(self, box: Box) -> Iterator[tuple[str, Box]]:
        labels = {spec.name: spec.label for spec in self._specs}
        ticked = {spec.name for spec in self._specs if spec.traits.has_check_boxes}
        for name, other in self._parts:
            if other != box and name in ticked:
                yield f"”{labels[name]}”", other

    def _check_reading(self, spec: FieldSpec, reading: Reading | None) -> Iterator[FormProblem]:
        ticks = spec.traits.has_check_boxes
        if not self.is_written(spec):
            if spec.required:
                yield FormProblem("trial_empty")
            elif not ticks:
                yield FormProblem("trial_left_empty")
        elif reading is None or most_likely_value(reading) in (None, "", False):
            yield FormProblem("trial_not_read")
        elif (
            reading.value is None or reading.p < TRIAL_LOW_CONFIDENCE_BELOW
        ) and spec.name not in self._hidden:
            yield FormProblem("trial_unsure")


def _check_height(
    written: BoxInk, height: float, least: float, has_ink: bool | None = None
) -> Iterator[FormProblem]:
    values: dict[str, str | float] = {
        "height": height,
        "least": least,
        "over": written.vertical_overshoot,
    }
    low = height < least - 1e-6
    if written.vertical_overshoot > MAX_VERTICAL_OVERSHOOT_MM:
        yield FormProblem("trial_too_low" if low else "trial_over", values)
    elif low and (written.has_ink if has_ink is None else has_ink):
        yield FormProblem("trial_low", values)


def _check_width(written: BoxInk) -> Iterator[FormProblem]:
    if written.horizontal_overshoot > MAX_HORIZONTAL_OVERSHOOT_MM:
        yield FormProblem("trial_too_narrow", {"over": written.horizontal_overshoot})


def _crosses_rule(written: BoxInk, spec: FieldSpec, pitch: float) -> bool:
    """Whether a stroke lies well on both sides of a rule: writing of one line that stands in the
    other.
    """
    rules = [spec.area.y + pitch * line for line in range(1, spec.lines or 1)]
    return any(
        rule - stroke.y > pitch / 4 and stroke.y + stroke.h - rule > pitch / 4
        for stroke in written.strokes
        for rule in rules
    )


def _box_gap(one: Box, other: Box) -> float:
    """The distance between two boxes, 0 where they overlap."""
    across = max(other.x - one.x - one.w, one.x - other.x - other.w, 0.0)
    down = max(other.y - one.y - one.h, one.y - other.y - other.h, 0.0)
    return float((across**2 + down**2) ** 0.5)


def _box_overlap_mm2(one: Box, other: Box) -> float:
    across = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    down = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    return max(across, 0.0) * max(down, 0.0)
