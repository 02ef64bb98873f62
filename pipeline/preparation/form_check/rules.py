"""The rules that a form must keep so that people can write on it and a machine can read it.

Lengths are mm.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import FieldSpec, Meaning, addend_names, sibling_name
from pipeline.domain.form.form import Form, Subject
from pipeline.domain.form.page import PageSpec
from pipeline.domain.law.duties import (
    DEADLINES_FILE,
    PARAGRAPHS_FILE,
    load_deadline_rules,
    load_law_duties,
)
from pipeline.domain.model import Box
from pipeline.forms.fiducials import CONTENT_BOX
from pipeline.forms.field_drawing import MIN_HINT_SIZE, MIN_TEXT_SIZE, PRINT_STYLES, PrintStyle
from pipeline.forms.layout.measures import find_label_boxes
from pipeline.forms.problems import FormProblem, text_with_remedy
from pipeline.reading.imaging.geometry import box_distance
from pipeline.reading.register.patch_matching import find_patches
from pipeline.reading.register.template_images import load_template_file
from pipeline.texts import Text

# The rules for the print of a form from style 2 on: large enough, and clear of what is beside it.
#
# Lengths are mm.

_FIRST_CHECKED_STYLE = 2
"""Forms of the first style were published before these rules."""


def find_print_problems(form: Form) -> list[FormProblem]:
    """Find printed texts that are too small, and labels that reach another box or the margin."""
    if form.print_style < _FIRST_CHECKED_STYLE or form.printed_elsewhere:
        return []
    style = PRINT_STYLES[form.print_style]
    assert style.hint.size >= MIN_HINT_SIZE
    assert all(text.size >= MIN_TEXT_SIZE for text in style.texts)
    return [
        problem
        for page in form.pages
        for problem in (*_find_small_texts(page), *_find_crowded_labels(page, style))
    ]


def _find_small_texts(page: PageSpec) -> Iterator[FormProblem]:
    for text in page.texts:
        if text.size < MIN_TEXT_SIZE:
            values: dict[str, str | float | Text] = {
                "text": text.text,
                "size": text.size,
                "least": MIN_TEXT_SIZE,
            }
            yield FormProblem("text_too_small", values)


def _find_crowded_labels(page: PageSpec, style: PrintStyle) -> Iterator[FormProblem]:
    titles = {section.title for section in page.sections}
    # The rows of a table are alike: the first one is enough.
    specs = [spec for spec in page.all_fields if spec.row in (None, 1)]
    # A label that repeats its section's title is not printed.
    labels = [
        (spec, label)
        for spec in specs
        if spec.label not in titles
        for label in find_label_boxes(spec, style)
    ]
    # Places that a label must leave free: the boxes of fields and options, and other labels.
    places = [
        *(
            (spec, box)
            for spec in specs
            for box in ([Box(*option.box) for option in spec.options] or [spec.area])
        ),
        *labels,
    ]
    for spec, label in labels:
        if label.x + label.w > CONTENT_BOX.x + CONTENT_BOX.w or label.x < CONTENT_BOX.x:
            yield FormProblem("label_outside", field=spec.name)
        for other, place in places:
            if place is not label and box_distance(label, place) <= 0:
                yield FormProblem("label_crowded", {"other": other.name}, field=spec.name)


# Sizes that handwriting needs.
MIN_CELL_WIDTH, MIN_CELL_HEIGHT = 4.5, 6.0
MIN_TEXT_HEIGHT = 8.0
MIN_MARK_SIDE, MAX_MARK_SIDE = 4.5, 6.0
MIN_PRINT_PATCHES = 24
"""Places by which a page printed elsewhere is recognized and registered.

Each has print that differs in both directions; there is at most one in each 13.5 mm square.
"""
_REQUIRED_MEANINGS = {
    Subject.CLIENT: (Meaning.CLIENT_PID, Meaning.EVENT_DATE, Meaning.AUTHOR_NAME),
    Subject.NONE: (Meaning.EVENT_DATE, Meaning.AUTHOR_NAME),
}
"""What each entry of a form must have a field for, by whom the form is about."""
_SLACK = 1e-6
"""Tolerance for sums of lengths in floating point."""


def find_form_problems(form: Form) -> list[FormProblem]:
    """Find every rule that the form breaks; in a table, in the first row that breaks it."""
    problems = [problem for page in form.pages for problem in _check_page(page)]
    # Each row of a table is an entry and needs the required meanings.
    for row in form.rows():
        missing = [
            means for means in _REQUIRED_MEANINGS[form.subject] if form.meaning(means, row) is None
        ]
        problems += [FormProblem("no_meaning", {"means": means.value}) for means in missing]
    problems += [*_check_relations(form), *_check_law(form), *find_print_problems(form)]
    # Rows repeat the problems of their table: keep the first of each column.
    first = {
        (
            problem.code,
            _column_name(problem.field),
            _column_name(str(problem.values.get("other", ""))),
            str(problem.values.get("means") or problem.values.get("rule")),
        ): problem
        for problem in reversed(problems)
    }
    return sorted(first.values(), key=problems.index)


def _column_name(name: str) -> str:
    """Return a field's name without its row."""
    return name.rpartition(".")[2]


def _check_relations(form: Form) -> list[FormProblem]:
    """Check that the fields that others are compared with, or add up, exist and are alike."""
    problems = []
    for spec in form.fields:
        # Addends of a sum and the greater of two compared fields.
        for name in (
            *addend_names(spec, form.fields),
            *([sibling_name(spec, spec.less_than)] if spec.less_than else []),
        ):
            other = form.by_name.get(name)
            if other is None or other.format is not spec.format:
                problems.append(
                    FormProblem(
                        "no_other",
                        {"format": str(spec.format), "other": _column_name(name)},
                        field=spec.name,
                    )
                )
        columns = {other.column for other in form.entry_fields(spec.row)}
        if spec.planned_by and spec.planned_by not in columns:
            problems.append(FormProblem("no_plan", {"other": spec.planned_by}, field=spec.name))
    return problems


def _check_law(form: Form) -> list[FormProblem]:
    """Check that the duties and deadlines that a form names have rules."""
    known_deadlines = {rule.rule for rule in load_deadline_rules()}
    problems = [
        FormProblem("no_duty", {"rule": law.rule, "file": PARAGRAPHS_FILE.name})
        for law in form.law
        if law.rule and law.rule not in load_law_duties()
    ]
    problems += [
        FormProblem("no_duty", {"rule": rule, "file": DEADLINES_FILE.name})
        for deadline in form.all_deadlines
        for rule in (deadline.rule, deadline.after)
        if rule is not None and rule not in known_deadlines
    ]
    return problems


def _check_page(page: PageSpec) -> list[FormProblem]:
    """Check a page's fields; the sizes of a form printed elsewhere are its maker's affair."""
    # Fields of a form printed elsewhere are fixed: only the print is checked.
    problems = (
        _check_recognizable(page)
        if page.blank
        else [
            problem
            for spec in page.all_fields
            for problem in (*_check_place(spec), *find_size_problems(spec))
        ]
    )
    problems += [
        FormProblem("option_outside", {"option": option.value}, field=spec.name)
        for spec in page.all_fields
        for option in spec.options
        if not _inside(Box(*option.box), spec.area)
    ]
    # Every pair of fields of the page, O(n²) for at most some hundred fields.
    for spec, other in combinations(page.all_fields, 2):
        if _overlap(spec.area, other.area):
            problems.append(FormProblem("overlap", {"other": other.name}, field=spec.name))
    return problems


def _check_recognizable(page: PageSpec) -> list[FormProblem]:
    """Check that a page printed elsewhere has enough print to be recognized by."""
    assert page.blank
    try:
        patches = len(find_patches(load_template_file(page.blank, page.size), changing=()))
    except FormError as error:
        return [FormProblem("blank_unreadable", {"why": text_with_remedy(error.key, error.values)})]
    return (
        []
        if patches >= MIN_PRINT_PATCHES
        else [FormProblem("too_little_print", {"places": patches, "least": MIN_PRINT_PATCHES})]
    )


def _check_place(spec: FieldSpec) -> list[FormProblem]:
    if _inside(spec.area, CONTENT_BOX):
        return []
    right, bottom = CONTENT_BOX.x + CONTENT_BOX.w, CONTENT_BOX.y + CONTENT_BOX.h
    return [
        FormProblem(
            "in_the_margin",
            {"left": CONTENT_BOX.x, "right": right, "top": CONTENT_BOX.y, "bottom": bottom},
            field=spec.name,
        )
    ]


def find_size_problems(spec: FieldSpec) -> list[FormProblem]:
    """Find what is too small, or too large, in a field to be written in by hand."""
    box, width, pitch = spec.area, spec.area.w / spec.cell_count, spec.area.h / (spec.lines or 1)
    # Cells, lines of handwriting, check boxes and options: each has its own least measure.
    if spec.traits.has_cells and (
        width < MIN_CELL_WIDTH - _SLACK or box.h < MIN_CELL_HEIGHT - _SLACK
    ):
        values = {
            "least_width": MIN_CELL_WIDTH,
            "least_height": MIN_CELL_HEIGHT,
            "width": width,
            "height": box.h,
        }
        return [FormProblem("cells_too_small", values, field=spec.name)]
    if spec.traits.is_handwriting and pitch < MIN_TEXT_HEIGHT - _SLACK:
        code = "lines_too_close" if spec.traits.is_multiline else "line_too_low"
        return [FormProblem(code, {"least": MIN_TEXT_HEIGHT, "height": pitch}, field=spec.name)]
    if spec.traits.is_check_box and not _is_mark(box):
        return [_mark_problem(spec, "", box)]
    options = [(f".{option.value}", Box(*option.box)) for option in spec.options]
    return [_mark_problem(spec, name, option) for name, option in options if not _is_mark(option)]


def _is_mark(box: Box) -> bool:
    return MIN_MARK_SIDE <= box.w <= MAX_MARK_SIDE and MIN_MARK_SIDE <= box.h <= MAX_MARK_SIDE


def _mark_problem(spec: FieldSpec, option: str, box: Box) -> FormProblem:
    values: dict[str, str | float] = {
        "option": option,
        "least": MIN_MARK_SIDE,
        "most": MAX_MARK_SIDE,
        "width": box.w,
        "height": box.h,
    }
    return FormProblem("mark_size", values, field=spec.name)


def _inside(inner: Box, outer: Box) -> bool:
    return (
        inner.x >= outer.x - _SLACK
        and inner.y >= outer.y - _SLACK
        and inner.x + inner.w <= outer.x + outer.w + _SLACK
        and inner.y + inner.h <= outer.y + outer.h + _SLACK
    )


def _overlap(a: Box, b: Box) -> bool:
    # Axis-aligned rectangles overlap if they do on both axes.
    return (
        a.x < b.x + b.w - _SLACK
        and b.x < a.x + a.w - _SLACK
        and a.y < b.y + b.h - _SLACK
        and b.y < a.y + a.h - _SLACK
    )
