"""What a form must keep to so that people can write on it and a machine can read it. Lengths are mm."""

from __future__ import annotations

from itertools import combinations

from pipeline.blanks import blank_file
from pipeline.errors import FormError
from pipeline.fiducials import CONTENT
from pipeline.field_spec import FieldSpec, Meaning, addends, sibling_name
from pipeline.form_faults import Fault
from pipeline.model import Box
from pipeline.page_spec import PageSpec
from pipeline.structure import patches
from pipeline.template import Form, Subject

CELL_WIDTH, CELL_HEIGHT = 4.5, 6.0
TEXT_HEIGHT = 8.0
MARK_LEAST, MARK_MOST = 4.5, 6.0
LEAST_PRINT = 24
"""Places with print that differs in both directions, at most one in each 13.5 mm square."""
_NEEDED = {
    Subject.CLIENT: (Meaning.CLIENT_PID, Meaning.EVENT_DATE, Meaning.AUTHOR_NAME),
    Subject.NONE: (Meaning.EVENT_DATE, Meaning.AUTHOR_NAME),
}
"""What an entry has to say, by whom the form is about."""
_SLACK = 1e-6


def form_problems(form: Form) -> list[str]:
    """Every rule that the form breaks, in words; empty if none."""
    return [fault.what("en") for fault in form_faults(form)]


def form_faults(form: Form) -> list[Fault]:
    """Every rule that the form breaks. In a table a fault is told of the first row that has it."""
    faults = [fault for page in form.pages for fault in _page_faults(page)]
    for row in form.rows():
        missing = [means for means in _NEEDED[form.subject] if form.meaning(means, row) is None]
        faults += [Fault("no_meaning", {"means": means.value}) for means in missing]
    faults += _relations(form)
    told = {
        (fault.code, _column(fault.field), _column(str(fault.values.get("other", ""))), str(fault.values.get("means"))): fault
        for fault in reversed(faults)
    }
    return sorted(told.values(), key=faults.index)


def _column(name: str) -> str:
    """A field's name without its row."""
    return name.rpartition(".")[2]


def _relations(form: Form) -> list[Fault]:
    """A form may only compare and add up fields that it has."""
    faults = []
    for spec in form.fields:
        for name in (*addends(spec, form.fields), *([sibling_name(spec, spec.less_than)] if spec.less_than else [])):
            other = form.by_name.get(name)
            if other is None or other.format is not spec.format:
                faults.append(Fault("no_other", {"format": str(spec.format), "other": _column(name)}, field=spec.name))
    return faults


def _page_faults(page: PageSpec) -> list[Fault]:
    faults = _unlike_any(page) if page.blank else [fault for spec in page.all_fields for fault in (*_place(spec), *size_faults(spec))]
    faults += [Fault("option_outside", {"option": option}, field=spec.name) for spec in page.all_fields for option in _outside(spec)]
    for one, other in combinations(page.all_fields, 2):
        if _overlap(one.area, other.area):
            faults.append(Fault("overlap", {"other": other.name}, field=one.name))
    return faults


def _unlike_any(page: PageSpec) -> list[Fault]:
    """A form printed elsewhere takes its measures from its maker, but it must have print to be known by."""
    assert page.blank
    try:
        known_by = len(patches(blank_file(page.blank, page.size), changing=()))
    except FormError as error:
        return [Fault("blank_unreadable", {"why": str(error)})]
    return [] if known_by >= LEAST_PRINT else [Fault("too_little_print", {"places": known_by, "least": LEAST_PRINT})]


def _place(spec: FieldSpec) -> list[Fault]:
    if _inside(spec.area, CONTENT):
        return []
    right, bottom = CONTENT.x + CONTENT.w, CONTENT.y + CONTENT.h
    return [Fault("in_the_margin", {"left": CONTENT.x, "right": right, "top": CONTENT.y, "bottom": bottom}, field=spec.name)]


def _outside(spec: FieldSpec) -> list[str]:
    return [option.value for option in spec.options if not _inside(Box(*option.box), spec.area)]


def size_faults(spec: FieldSpec) -> list[Fault]:
    """What is too small, or too large, of a field to be written in by hand."""
    box, width, pitch = spec.area, spec.area.w / spec.cell_count, spec.area.h / (spec.lines or 1)
    if spec.traits.has_cells and (width < CELL_WIDTH - _SLACK or box.h < CELL_HEIGHT - _SLACK):
        values = {"least_width": CELL_WIDTH, "least_height": CELL_HEIGHT, "width": width, "height": box.h}
        return [Fault("cells_too_small", values, field=spec.name)]
    if spec.traits.is_handwriting and pitch < TEXT_HEIGHT - _SLACK:
        code = "lines_too_close" if spec.traits.is_multiline else "line_too_low"
        return [Fault(code, {"least": TEXT_HEIGHT, "height": pitch}, field=spec.name)]
    if spec.traits.is_check_box and not _is_mark(box):
        return [_mark_fault(spec, "", box)]
    options = [(f".{option.value}", Box(*option.box)) for option in spec.options]
    return [_mark_fault(spec, name, option) for name, option in options if not _is_mark(option)]


def _is_mark(box: Box) -> bool:
    return MARK_LEAST <= box.w <= MARK_MOST and MARK_LEAST <= box.h <= MARK_MOST


def _mark_fault(spec: FieldSpec, option: str, box: Box) -> Fault:
    values: dict[str, str | float] = {"option": option, "least": MARK_LEAST, "most": MARK_MOST, "width": box.w, "height": box.h}
    return Fault("mark_size", values, field=spec.name)


def _inside(inner: Box, outer: Box) -> bool:
    return (
        inner.x >= outer.x - _SLACK
        and inner.y >= outer.y - _SLACK
        and inner.x + inner.w <= outer.x + outer.w + _SLACK
        and inner.y + inner.h <= outer.y + outer.h + _SLACK
    )


def _overlap(a: Box, b: Box) -> bool:
    return a.x < b.x + b.w - _SLACK and b.x < a.x + a.w - _SLACK and a.y < b.y + b.h - _SLACK and b.y < a.y + a.h - _SLACK
