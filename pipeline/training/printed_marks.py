"""Check boxes of our own forms as the reader gets them: printed, marked in every way, spoilt, scanned and laid on their form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
from numpy.random import Generator

from pipeline.blanks import blank
from pipeline.errors import RegistrationError
from pipeline.field_crops import field_crops
from pipeline.field_spec import FieldSpec
from pipeline.identify import identify
from pipeline.model import Image, State
from pipeline.picture import decode
from pipeline.printing import Sheet
from pipeline.quality.filling import printed_page
from pipeline.quality.marked_forms import FORM, SERIAL, UNIT, WAYS, marked_page, meaning
from pipeline.recognize.crop import Crop
from pipeline.register import register
from pipeline.settings import ROOT
from pipeline.template import Form, Forms

FEWEST = 6
"""Pages with fewer boxes than this teach little of how the boxes of a sheet are alike."""


@dataclass(frozen=True, slots=True)
class PrintedMark:
    """A crop with what was drawn in it: the truth, or None where people themselves would disagree."""

    crop: Crop
    style: str
    truth: State | None


@dataclass(frozen=True, slots=True)
class _FormPage:
    form: Form
    number: int

    @property
    def specs(self) -> tuple[FieldSpec, ...]:
        return self.form.pages[self.number - 1].all_fields

    @property
    def boxes(self) -> list[FieldSpec]:
        return [spec for spec in self.specs if spec.traits.is_check_box]


def printed_sheets(pages: int, random: Generator) -> Iterator[list[PrintedMark]]:
    """The boxes of so many sheets, forms and ways in turn. The form that `bench --quality` judges by is not among them."""
    places = _pages_with_boxes()
    clean = [printed_page(place.form, Sheet(SERIAL, UNIT), place.number) for place in places]
    for number in range(pages):
        at, way = number % len(places), list(WAYS)[int(random.integers(len(WAYS)))]
        image, styles = marked_page(clean[at], places[at].specs, way, random)
        yield _laid(image, places[at], styles, number + 1)


def _pages_with_boxes() -> list[_FormPage]:
    every = [_FormPage(form, n) for form in Forms.load(ROOT / "forms").values() if form.id != FORM for n in range(1, len(form.pages) + 1)]
    return [place for place in every if len(place.boxes) >= FEWEST]


def _laid(image: Image, place: _FormPage, styles: dict[str, str], sheet: int) -> list[PrintedMark]:
    """No boxes if the page cannot be laid on its form."""
    scan = decode(cv2.imencode(".png", image)[1].tobytes(), "image/png")
    try:
        upright = register(scan, identify(scan), blank(place.form, place.number)).upright
    except RegistrationError:
        return []
    crops = [replace(crop, sheet=sheet) for crop in field_crops(upright, place.form, place.number, place.boxes)]
    return [PrintedMark(crop, styles[crop.spec.name], meaning(styles[crop.spec.name])) for crop in crops]
