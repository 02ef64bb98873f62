"""Cut check boxes of Efterskrift's forms: printed, marked, degraded, scanned and registered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
from numpy.random import Generator

from pipeline.domain.errors import RegistrationError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Image, State
from pipeline.domain.settings import ROOT
from pipeline.files.images import decode_image
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.fill_sheet import render_sheet_page
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.identify.identify import identify_page
from pipeline.reading.register.register import register_page
from pipeline.reading.register.template_images import cut_field_images, template_image
from research.evaluation.fields.marked_forms import (
    MARKED_FORM,
    MARKED_SERIAL,
    MARKED_UNIT,
    SCAN_MODES,
    draw_marked_page,
    style_meaning,
)

MIN_BOXES = 6
"""Pages with fewer boxes teach little of how the boxes of a sheet are alike."""


@dataclass(frozen=True, slots=True)
class PrintedMark:
    """A crop with what was drawn in it: the truth, or None where people would disagree."""

    crop: FieldImage
    style: str
    truth: State | None


@dataclass(frozen=True, slots=True)
class FormPage:
    """A page of a form."""

    form: Form
    number: int

    @property
    def specs(self) -> tuple[FieldSpec, ...]:
        """All fields of the page."""
        return self.form.pages[self.number - 1].all_fields

    @property
    def boxes(self) -> list[FieldSpec]:
        """The check boxes of the page."""
        return [spec for spec in self.specs if spec.traits.is_check_box]


def print_marked_sheets(pages: int, random: Generator) -> Iterator[list[PrintedMark]]:
    """Return the boxes of so many sheets, forms and ways in turn.

    The form that `bench --quality` judges by is not among them.
    """
    # Render every page with enough boxes once.
    places = find_box_pages()
    clean = [
        render_sheet_page(place.form, Sheet(MARKED_SERIAL, MARKED_UNIT), place.number)
        for place in places
    ]
    for number in range(pages):
        # Pages in turn, scan mode at random.
        at, way = number % len(places), list(SCAN_MODES)[int(random.integers(len(SCAN_MODES)))]
        image, styles = draw_marked_page(clean[at], places[at].specs, way, random)
        yield _cut_registered_boxes(image, places[at], styles, number + 1)


def find_box_pages() -> list[FormPage]:
    """Return the pages with enough boxes, of all forms but the one of the benchmark."""
    every = [
        FormPage(form, n)
        for form in Forms.load(ROOT / "forms").values()
        if form.id != MARKED_FORM
        for n in range(1, len(form.pages) + 1)
    ]
    return [place for place in every if len(place.boxes) >= MIN_BOXES]


def _cut_registered_boxes(
    image: Image, place: FormPage, styles: dict[str, str], sheet: int
) -> list[PrintedMark]:
    """Return the boxes of a page; none if it cannot be registered."""
    scan = decode_image(cv2.imencode(".png", image)[1].tobytes(), "image/png")
    # Identify and register as the product does.
    try:
        upright = register_page(
            scan, identify_page(scan), template_image(place.form, place.number)
        ).upright
    except RegistrationError:
        return []
    crops = [
        replace(crop, sheet_number=sheet)
        for crop in cut_field_images(upright, place.form, place.number, place.boxes)
    ]
    return [
        PrintedMark(crop, styles[crop.spec.name], style_meaning(styles[crop.spec.name]))
        for crop in crops
    ]
