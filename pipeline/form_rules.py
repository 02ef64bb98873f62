"""What a form must keep to so that people can write on it and a machine can read it. Lengths are mm."""

from __future__ import annotations

from itertools import combinations

from pipeline.blanks import blank_file
from pipeline.errors import FormError
from pipeline.fiducials import CONTENT
from pipeline.field_spec import FieldSpec, Kind, Meaning, addends, sibling_name
from pipeline.model import Box
from pipeline.structure import patches
from pipeline.template import Form, PageSpec, Subject

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
    problems = [problem for page in form.pages for problem in _page_problems(page)]
    for row in form.rows():
        missing = [means for means in _NEEDED[form.subject] if form.meaning(means, row) is None]
        problems += [f"no field means {means}" for means in missing]
    problems += _relations(form)
    return list(dict.fromkeys(problems))


def _relations(form: Form) -> list[str]:
    """A form may only compare and add up fields that it has."""
    problems = []
    for spec in form.fields:
        for name in (*addends(spec, form.fields), *([sibling_name(spec, spec.less_than)] if spec.less_than else [])):
            other = form.by_name.get(name)
            if other is None or other.format is not spec.format:
                problems.append(f"{spec.name}: there is no {spec.format} {name.rpartition('.')[2]} to compare with")
    return problems


def _page_problems(page: PageSpec) -> list[str]:
    problems = _unlike_any(page) if page.blank else [problem for spec in page.all_fields for problem in (*_place(spec), *_size(spec))]
    problems += [f"{spec.name}: the option {option} lies outside the field" for spec in page.all_fields for option in _outside(spec)]
    for one, other in combinations(page.all_fields, 2):
        if _overlap(one.area, other.area):
            problems.append(f"{one.name} and {other.name} overlap")
    return problems


def _unlike_any(page: PageSpec) -> list[str]:
    """A form printed elsewhere takes its measures from its maker, but it must have print to be known by."""
    assert page.blank
    try:
        known_by = len(patches(blank_file(page.blank, page.size), changing=()))
    except FormError as error:
        return [str(error)]
    return [] if known_by >= LEAST_PRINT else [f"the blank has too little print to be known by ({known_by} places, {LEAST_PRINT} are needed)"]


def _place(spec: FieldSpec) -> list[str]:
    return [] if _inside(spec.area, CONTENT) else [f"{spec.name} lies where markers and codes need room"]


def _outside(spec: FieldSpec) -> list[str]:
    return [option.value for option in spec.options if not _inside(Box(*option.box), spec.area)]


def _size(spec: FieldSpec) -> list[str]:
    box = spec.area
    match spec.kind:
        case Kind.DIGITS | Kind.LETTERS if box.w / spec.cell_count < CELL_WIDTH - _SLACK or box.h < CELL_HEIGHT - _SLACK:
            return [f"{spec.name}: boxes for digits or letters must be at least {CELL_WIDTH} × {CELL_HEIGHT} mm"]
        case Kind.TEXT if box.h < TEXT_HEIGHT - _SLACK:
            return [f"{spec.name}: a line must be at least {TEXT_HEIGHT} mm high"]
        case Kind.LINES if box.h / (spec.lines or 1) < TEXT_HEIGHT - _SLACK:
            return [f"{spec.name}: lines must be at least {TEXT_HEIGHT} mm apart"]
        case Kind.MARK if not _is_mark(box):
            return [_mark_problem(spec.name)]
        case Kind.CHOICE:
            return [_mark_problem(f"{spec.name}.{option.value}") for option in spec.options if not _is_mark(Box(*option.box))]
    return []


def _is_mark(box: Box) -> bool:
    return MARK_LEAST <= box.w <= MARK_MOST and MARK_LEAST <= box.h <= MARK_MOST


def _mark_problem(name: str) -> str:
    return f"{name}: a check box must be {MARK_LEAST}–{MARK_MOST} mm wide and high"


def _inside(inner: Box, outer: Box) -> bool:
    return (
        inner.x >= outer.x - _SLACK
        and inner.y >= outer.y - _SLACK
        and inner.x + inner.w <= outer.x + outer.w + _SLACK
        and inner.y + inner.h <= outer.y + outer.h + _SLACK
    )


def _overlap(a: Box, b: Box) -> bool:
    return a.x < b.x + b.w - _SLACK and b.x < a.x + a.w - _SLACK and a.y < b.y + b.h - _SLACK and b.y < a.y + a.h - _SLACK
