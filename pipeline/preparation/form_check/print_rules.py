"""The rules for the print of a form from style 2 on: large enough, and clear of what is beside it.

Lengths are mm.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.domain.form.form import Form
from pipeline.domain.form.page import PageSpec
from pipeline.domain.model import Box
from pipeline.forms.fiducials import CONTENT_BOX
from pipeline.forms.field_drawing import (
    MIN_HINT_SIZE,
    MIN_TEXT_SIZE,
    PRINT_STYLES,
    PrintStyle,
)
from pipeline.forms.layout.measures import find_label_boxes
from pipeline.forms.problems import FormProblem
from pipeline.reading.imaging.geometry import box_distance
from pipeline.texts import Text

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
