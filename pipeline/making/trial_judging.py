"""What a filled and scanned trial sheet says of the form: field by field what is wrong with it, and how bad that is. Pure. Lengths are mm.

A remark is serious if people's writing will be lost or misread; the others are advice. The least measures are those of `form_rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.blanks import blank
from pipeline.confidence import TRIAL_LOW_CONFIDENCE_BELOW
from pipeline.field_spec import FieldSpec
from pipeline.form_faults import Fault
from pipeline.form_rules import CELL_HEIGHT, CELL_WIDTH, MARK_LEAST, MARK_MOST, TEXT_HEIGHT
from pipeline.issues import IssueCode, parse_issues
from pipeline.making.trial_ink import Written, printed_inside, written_in
from pipeline.making.trial_sheet import fields_of, numbered
from pipeline.model import Box, Image, Reading, Value
from pipeline.plane import grey
from pipeline.template import Form

OVER_MM = 0.8
"""Writing that reaches farther beyond its box has no room in it."""
SIDEWAYS_MM = 1.0
LEAST_APART_MM = 3.0
"""Between check boxes, as forms/README.md asks of them."""
_PRINT_MM2 = 1.5
_STRAY_MM2 = 0.3
SERIOUS = frozenset(
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


@dataclass(frozen=True, slots=True)
class Judged:
    """A field of a trial sheet: its number and label, what was read, and the remarks; `written` says whether there was ink."""

    number: int
    spec: FieldSpec
    reading: Reading | None
    written: bool
    remarks: tuple[Fault, ...]


def is_serious(fault: Fault) -> bool:
    """Whether a form should not be published with this remark."""
    return fault.code in SERIOUS


def best_guess(reading: Reading) -> Value:
    """What was read, or, where that was not sure enough to be a value, what is likeliest."""
    return reading.value if reading.value is not None else next((value for value, _ in reading.alternatives), None)


def judge(form: Form, page_no: int, upright: Image, fields: Mapping[str, Reading], problems: Sequence[str] = ()) -> list[Judged]:
    """Judge the fields of one page, each column of a table by all its rows.

    Args:
        form: the form as it stands on the sheet (`trial_sheet.trial_form`).
        page_no: which page, from 1.
        upright: its picture laid on the form, 8 px/mm.
        fields: what was read, by field name.
        problems: of the reading; those that say that a field cannot be seen count.
    """
    specs, numbers, unfilled = fields_of(form, page_no), numbered(form), blank(form, page_no)
    hidden = frozenset(issue.field for issue in parse_issues(problems) if issue.code in (IssueCode.COVERED, IssueCode.PLACE_UNSURE))
    page = _Page(specs, grey(upright), unfilled, hidden)
    columns: dict[str, list[Judged]] = {}
    for spec in specs:
        remarks = tuple(_with_number(fault, spec, numbers[spec.column]) for fault in page.remarks(spec, fields.get(spec.name)))
        columns.setdefault(spec.column, []).append(Judged(numbers[spec.column], spec, fields.get(spec.name), page.is_written(spec), remarks))
    return [_together(rows) for rows in columns.values()]


def _with_number(fault: Fault, spec: FieldSpec, number: int) -> Fault:
    return Fault(fault.code, {"number": number} | dict(fault.values), field=spec.name)


def _together(rows: Sequence[Judged]) -> Judged:
    """One column: shown by its first written row, with the remarks of all; that rows are empty counts only if all are."""
    shown = next((row for row in rows if row.written), rows[0])
    some = any(row.written for row in rows)
    remarks: dict[str, Fault] = {}
    for row in rows:
        for fault in row.remarks:
            if not (some and fault.code in ("trial_empty", "trial_left_empty")):
                remarks.setdefault(fault.code, fault)
    return Judged(shown.number, shown.spec, shown.reading, some, tuple(remarks.values()))


class _Page:
    """The writing on one page, found once."""

    def __init__(self, specs: Sequence[FieldSpec], upright: Image, unfilled: Image, hidden: frozenset[str]) -> None:
        self._specs, self._unfilled, self._hidden = specs, unfilled, hidden
        self._parts = [(spec.name, box) for spec in specs for box in spec.parts]
        found = written_in(upright, unfilled, [box for _, box in self._parts])
        self._written: dict[str, list[Written]] = {}
        for (name, _), written in zip(self._parts, found, strict=True):
            self._written.setdefault(name, []).append(written)

    def is_written(self, spec: FieldSpec) -> bool:
        """Whether something is written in a field."""
        return any(written.there for written in self._written[spec.name])

    def remarks(self, spec: FieldSpec, reading: Reading | None) -> Iterator[Fault]:
        """All that is to be said of a field."""
        if spec.name in self._hidden:
            yield Fault("trial_hidden")
        yield from self._print(spec)
        if spec.traits.has_check_boxes:
            yield from self._marks(spec)
        elif spec.traits.has_cells:
            yield from self._cells(spec)
        elif spec.traits.is_multiline:
            yield from self._lines(spec)
        else:
            yield from self._line(spec)
        yield from self._reading(spec, reading)

    def _print(self, spec: FieldSpec) -> Iterator[Fault]:
        if any(printed_inside(self._unfilled, box) > _PRINT_MM2 for box in spec.parts):
            yield Fault("trial_print_inside")

    def _line(self, spec: FieldSpec) -> Iterator[Fault]:
        (written,) = self._written[spec.name]
        yield from _height(written, spec.area.h, TEXT_HEIGHT)
        yield from _width(written)

    def _lines(self, spec: FieldSpec) -> Iterator[Fault]:
        (written,) = self._written[spec.name]
        pitch = spec.area.h / (spec.lines or 1)
        if pitch < TEXT_HEIGHT - 1e-6 and written.there and (written.above_or_below > OVER_MM or _crosses(written, spec, pitch)):
            yield Fault("trial_rows_too_tight", {"height": pitch, "least": TEXT_HEIGHT})
        else:
            yield from _height(written, pitch, TEXT_HEIGHT)
        yield from _width(written)

    def _cells(self, spec: FieldSpec) -> Iterator[Fault]:
        cells = self._written[spec.name]
        highest = max(cells, key=lambda one: one.above_or_below)
        yield from _height(highest, spec.area.h, CELL_HEIGHT, any(one.there for one in cells))
        width = spec.area.w / spec.cell_count
        over = [one for one in cells if one.aside > SIDEWAYS_MM]
        if over and (width < CELL_WIDTH - 1e-6 or len(over) > sum(one.there for one in cells) / 2):
            yield Fault("trial_cells_too_narrow", {"width": width, "least": CELL_WIDTH})

    def _marks(self, spec: FieldSpec) -> Iterator[Fault]:
        for written in self._written[spec.name]:
            near = min(self._others(written.box), key=lambda other: _gap(written.box, other[1]), default=None)
            if near and (gap := _gap(written.box, near[1])) < LEAST_APART_MM:
                values: dict[str, str | float] = {"other": near[0], "gap": gap, "least": LEAST_APART_MM}
                reaches = any(_overlap_mm2(stroke, near[1]) > _STRAY_MM2 for stroke in written.strokes)
                yield Fault("trial_too_near" if reaches else "trial_near", values)
        sides = [side for box in spec.parts for side in (box.w, box.h)]
        if min(sides) < MARK_LEAST - 1e-6 or max(sides) > MARK_MOST + 1e-6:
            box = spec.parts[0]
            yield Fault("trial_mark_small", {"width": box.w, "height": box.h, "least": MARK_LEAST, "most": MARK_MOST})

    def _others(self, box: Box) -> Iterator[tuple[str, Box]]:
        labels = {spec.name: spec.label for spec in self._specs}
        ticked = {spec.name for spec in self._specs if spec.traits.has_check_boxes}
        for name, other in self._parts:
            if other != box and name in ticked:
                yield f"”{labels[name]}”", other

    def _reading(self, spec: FieldSpec, reading: Reading | None) -> Iterator[Fault]:
        ticks = spec.traits.has_check_boxes
        if not self.is_written(spec):
            if spec.required:
                yield Fault("trial_empty")
            elif not ticks:
                yield Fault("trial_left_empty")
        elif reading is None or best_guess(reading) in (None, "", False):
            yield Fault("trial_not_read")
        elif (reading.value is None or reading.p < TRIAL_LOW_CONFIDENCE_BELOW) and spec.name not in self._hidden:
            yield Fault("trial_unsure")


def _height(written: Written, height: float, least: float, there: bool | None = None) -> Iterator[Fault]:
    values: dict[str, str | float] = {"height": height, "least": least, "over": written.above_or_below}
    low = height < least - 1e-6
    if written.above_or_below > OVER_MM:
        yield Fault("trial_too_low" if low else "trial_over", values)
    elif low and (written.there if there is None else there):
        yield Fault("trial_low", values)


def _width(written: Written) -> Iterator[Fault]:
    if written.aside > SIDEWAYS_MM:
        yield Fault("trial_too_narrow", {"over": written.aside})


def _crosses(written: Written, spec: FieldSpec, pitch: float) -> bool:
    """Whether a stroke lies well on both sides of a rule: writing of one line that stands in the other."""
    rules = [spec.area.y + pitch * line for line in range(1, spec.lines or 1)]
    return any(rule - stroke.y > pitch / 4 and stroke.y + stroke.h - rule > pitch / 4 for stroke in written.strokes for rule in rules)


def _gap(one: Box, other: Box) -> float:
    """The distance between two boxes, 0 where they overlap."""
    across = max(other.x - one.x - one.w, one.x - other.x - other.w, 0.0)
    down = max(other.y - one.y - one.h, one.y - other.y - other.h, 0.0)
    return float((across**2 + down**2) ** 0.5)


def _overlap_mm2(one: Box, other: Box) -> float:
    across = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    down = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    return max(across, 0.0) * max(down, 0.0)
