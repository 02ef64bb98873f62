"""What the answers in a grid of days mean in words: which dose a box is about, what a code means.

"Rad 2: Dag 24: 4" says nothing without the paper: it is "Alvedon (500 mg, 1 tablett) 14.00, dag 24"
and "borta eller på sjukhus".
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from pipeline.domain.form.field import BoxCode, FieldSpec, Format
from pipeline.domain.form.form import Form
from pipeline.domain.form.page import Grid
from pipeline.domain.model import Value
from pipeline.domain.review.depth import find_ordered_fields, is_grid_box


def name_boxes(
    form: Form, values: Mapping[str, Value], month: date | None = None
) -> dict[str, str]:
    """Return for each box of a grid among `values` what it is about: "Alvedon 14.00, dag 22".

    What is on its line is taken from `values` too, by field name, and what was ordered where the
    line names its prescription; where nothing is known, the line has its number.

    Args:
        month: a day of the list's month. A box then has its date, which is known without the paper.
    """
    names = {}
    for line in _lines(form):
        words = _line_words(form, line, values)
        for spec in line:
            if spec.day is not None and spec.name in values:
                names[spec.name] = f"{words or spec.group}, {_day_words(spec, spec.day, month)}"
    return names


def _day_words(spec: FieldSpec, day: int, month: date | None) -> str:
    if month is None or day > monthrange(month.year, month.month)[1]:
        return f"{spec.day_label.lower()} {spec.label}"
    return f"{month.replace(day=day):%Y-%m-%d}"


def explain_values(form: Form, values: Mapping[str, Value]) -> dict[str, str]:
    """Return the meaning of each value that is a code of a grid, or the number of one of its lines.

    A box has its own codes. A number on the same form is a code if it goes from the first code to
    the last, and a line's number if it has the label of the lines: by it people tell, in words,
    about a box.
    """
    meanings: dict[str, str] = {}
    for spec in form.fields:
        value = values.get(spec.name)
        if not isinstance(value, str):
            continue
        codes = {code.value: code.label for code in list_codes(form, spec)}
        if words := codes.get(value) or _words_of_line_number(form, spec, value, values):
            meanings[spec.name] = words
    return meanings


def list_codes(form: Form, spec: FieldSpec) -> tuple[BoxCode, ...]:
    """Return the codes that may be written in a field, as the form prints them; none elsewhere."""
    if spec.codes or spec.format is not Format.NUMBER or spec.cell_count > 1:
        return spec.codes
    for grid in _grids(form):
        numbers = [int(code.value) for code in grid.days.codes]
        if numbers and (spec.minimum, spec.maximum) == (min(numbers), max(numbers)):
            return grid.days.codes
    return ()


def is_box_planned(form: Form, spec: FieldSpec, answered: Mapping[str, Value]) -> bool:
    """Whether an answered box was to be filled in: nobody has said that nothing was planned."""
    plan = spec.planned_by or ""
    return is_grid_box(form, spec) and (plan not in answered or answered[plan] is not None)


def _grids(form: Form) -> Iterator[Grid]:
    return (grid for page in form.pages for grid in page.grids)


def _lines(form: Form) -> Iterator[list[FieldSpec]]:
    """Yield the fields of each line of a grid, on each side of the paper."""
    for page in form.pages:
        lines: dict[str, list[FieldSpec]] = {}
        for spec in (spec for grid in page.grids for spec in grid.unfold()):
            lines.setdefault(spec.group, []).append(spec)
        yield from lines.values()


def _line_words(form: Form, line: Sequence[FieldSpec], values: Mapping[str, Value]) -> str:
    """Join the texts of a line; its group stands for a first text that is not known."""
    specs = [spec for spec in line if spec.day is None]
    words = [_text(spec, values.get(spec.name)) for spec in specs]
    if not any(words):
        return ""
    name = words[0] or specs[0].group
    if ordered := find_ordered_fields(form, specs[0], values):
        # The whole name of the drug, and its strength and dose
        name, *rest = [_text(spec, values.get(spec.name)) for spec in ordered]
        name += f" ({', '.join(filter(None, rest))})" if any(rest) else ""
    return " ".join([name, *filter(None, words[1:])])


def _words_of_line_number(
    form: Form, spec: FieldSpec, value: str, values: Mapping[str, Value]
) -> str:
    """Return what is on the line whose number is a field's value; empty if not known."""
    if spec.format is not Format.NUMBER or spec.label not in {one.label for one in _grids(form)}:
        return ""
    words = (
        _line_words(form, line, values)
        for line in _lines(form)
        if line[0].group == f"{spec.label} {value}"
    )
    return next(filter(None, words), "")


def _text(spec: FieldSpec, value: Value) -> str:
    text = value if isinstance(value, str) else ""
    return text.replace(":", ".") if spec.format is Format.TIME else text
