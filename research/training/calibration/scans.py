"""Judge the fields of whole scanned pages, most of which nobody wrote in, and rows of empty boxes.

To say that nothing is written is the commonest answer, so it has to be earned by many print runs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from numpy.random import Generator

from pipeline.domain.errors import RegistrationError
from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.settings import ROOT
from pipeline.preparation.practice.fill_sheet import SOLID_MARK
from pipeline.preparation.practice.synthetic_handwriting import SyntheticWriter
from pipeline.reading.calibration.fit import JudgedReading
from pipeline.reading.field_readers import FIELD_READERS
from pipeline.reading.identify.identify import identify_page
from pipeline.reading.page_checks.page_context import PageContext
from pipeline.reading.read_page import score_fields
from pipeline.reading.register.register import register_page
from pipeline.reading.register.template_images import template_image
from research.evaluation.fields.digit_rows import draw_empty_row
from research.evaluation.fields.field_values import STRUCK_SHARE, make_values
from research.evaluation.fields.scanned_pages import (
    SCANNER_MODES,
    fill_printed_page,
    scan_printed_page,
)
from research.training.calibration.readings import Truth, judge_reading

UNTOUCHED_SHARE = 0.4
"""Share of the pages that nobody wrote on."""
LEFT_EMPTY_SHARE = 0.4
"""Share of the fields of other pages that are left empty among written ones."""
ROW_FORMATS = (
    Format.DATE,
    Format.TIME,
    Format.PERSONAL_NUMBER,
    Format.NUMBER,
    Format.CODE,
    None,
)
"""The formats of empty rows; rows without one are of letter boxes."""
LINE_NETWORK_KINDS = frozenset({Kind.TEXT, Kind.LINES, Kind.LETTERS})
"""The kinds that the network of lines reads; it is fitted on real writers."""


def judge_scanned_pages(
    people: Sequence[SyntheticWriter], numbers: range, kinds: Collection[Kind], rng: Generator
) -> list[JudgedReading]:
    """Judge pages of all forms, people and ways of scanning in turn, of these numbers.

    Of lines and letters, which are drawn in fonts, only what is read as empty counts.
    """
    forms = Forms.load(ROOT / "forms")
    latest = [forms.latest(form_id) for form_id in sorted({form_id for form_id, _ in forms})]
    pages = [(form, number) for form in latest for number in range(1, len(form.pages) + 1)]
    found: list[JudgedReading] = []
    for number in numbers:
        form, page_no = pages[number % len(pages)]
        values = _make_page_values(form, rng)
        # Every page of the forms is scanned in another way in the next round.
        mode = SCANNER_MODES[(number + number // len(pages)) % len(SCANNER_MODES)]
        paper = fill_printed_page(form, page_no, values, people[number % len(people)], rng)
        image = scan_printed_page(paper, mode, rng)
        try:
            registration = register_page(image, identify_page(image), template_image(form, page_no))
        except RegistrationError:
            continue
        context = PageContext.of(image, form, page_no, registration, frozenset(kinds))
        scored = score_fields(context)
        found += [
            judge_reading(
                spec,
                scored[spec.name],
                _field_truth(spec, values),
                f"scan {numbers.start} {number}",
                f"scans, {mode}",
            )
            for spec in context.fields
            if _counts(spec, scored[spec.name])
        ]
    return found


def _make_page_values(form: Form, rng: Generator) -> dict[str, Value]:
    if rng.random() < UNTOUCHED_SHARE:
        return {}
    values = {
        name: value
        for name, value in make_values(form, rng).items()
        if rng.random() >= LEFT_EMPTY_SHARE
    }
    for name, value in values.items():
        if form.by_name[name].traits.is_check_box and value and rng.random() < STRUCK_SHARE:
            values[name] = SOLID_MARK
    return values


def _field_truth(spec: FieldSpec, values: dict[str, Value]) -> Truth:
    value = values.get(spec.name)
    if value == SOLID_MARK:
        return False, State.CANCELLED
    if spec.traits.is_signature or spec.traits.is_check_box:
        value = bool(value)
    return value, State.EMPTY if value in (None, False) else State.READ


def _counts(spec: FieldSpec, reading: Reading) -> bool:
    return spec.kind not in LINE_NETWORK_KINDS or reading.state is State.EMPTY


def judge_empty_rows(count: int, rng: Generator) -> list[JudgedReading]:
    """Judge so many empty rows of digit boxes of each format, and as many of letter boxes.

    Only those that are read as empty are returned: written rows are as many as people write them,
    and how often an empty one passes for written is judged on whole pages.
    """
    found: list[JudgedReading] = []
    truth: Truth = (None, State.EMPTY)
    for name in ROW_FORMATS:
        crops = [draw_empty_row(name, rng) for _ in range(count)]
        readings = FIELD_READERS[crops[0].spec.kind](crops)
        found += [
            judge_reading(crop.spec, r, truth, f"empty {name} {i}", f"empty rows, {name}")
            for i, (crop, r) in enumerate(zip(crops, readings, strict=True))
            if r.state is State.EMPTY
        ]
    return found
